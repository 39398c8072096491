"""The images that rules count on: what a stream's view type has to carry.

`images_wanted(rules)` gives for each table whether its rules count on the new and on the old image. A rule
that names no `view` counts on both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rules_engine.model import Images, Rule


def images_wanted(rules: Iterable[Rule]) -> dict[str, Images]:
    """By table, for enabled rules."""
    wanted: dict[str, Images] = {}
    for rule in rules:
        if not rule.enabled:
            continue
        view = rule.view or "NEW_AND_OLD_IMAGES"
        for table in rule.tables:
            new, old = wanted.get(table, (False, False))
            wanted[table] = (new or view.startswith("NEW"), old or view.endswith(("OLD_IMAGE", "OLD_IMAGES")))
    return wanted
