"""Where a name is defined: `is.x`, `vars.x`, `lists.x` in the same file, a rule's id anywhere.

In: a file's text, the cursor, and where the rules of the set stand. Out: a `Location`, or None.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rules_engine.errors import Location
from rules_engine.lsp.outline import LINE_END, read_outline
from rules_engine.lsp.shape import shape_at
from rules_engine.lsp.words import SECTIONS, defined, in_expression, names_a_rule, rule_id_at, word_at

if TYPE_CHECKING:
    from collections.abc import Mapping


def define(path: str, text: str, line: int, column: int, rules: Mapping[str, Location]) -> Location | None:
    """The definition of the name at a place, which is counted from 0 in characters."""
    outline = read_outline(text, line, column)
    place = outline.place
    if place is None:
        return None
    written = LINE_END.split(text)[line]
    if in_expression(place, shape_at(path, outline, place)):
        found = word_at(written, column)
        root, *names = found[0].split(".") if found is not None else [""]
        entry = defined(outline, root).get(names[0]) if root in SECTIONS and names else None
        return Location(path, entry.line + 1, entry.start + 1, len(entry.key)) if entry is not None else None
    if names_a_rule(place):
        return rules.get(rule_id_at(written, column))
    return None
