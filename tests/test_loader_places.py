"""A condition found again in its file by the label that explanations give it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rules_engine.loader.places import condition_at, read_tree

if TYPE_CHECKING:
    from pathlib import Path

RULES = """
conditions: {vip: new.vip}
rules:
  - {id: one, event: INSERT, when: new.a, unless: [{name: "a[0]", when: new.b}]}
  - id: two
    when: [new.c, new.d]
    unless:
      - {name: x, when: [new.e, new.f]}
      - {name: y, when: new.g}
"""


@pytest.mark.parametrize(
    ("rule_id", "label", "text"),
    [
        ("one", "when", "new.a"),
        ("one", "unless[a[0]]", "new.b"),
        ("one", "event", "INSERT"),
        ("two", "when[0]", "new.c"),
        ("two", "when[1]", "new.d"),
        ("two", "unless[x][0]", "new.e"),
        ("two", "unless[x][1]", "new.f"),
        ("two", "unless[y]", "new.g"),
        ("two", "is.vip", "new.vip"),
        ("two", "event", None),
        ("two", "when[2]", None),
        ("two", "unless[z]", None),
        ("two", "is.other", None),
        ("two", "table", None),
        ("three", "when", None),
    ],
)
def test_a_label_leads_to_its_condition(rule_id: str, label: str, text: str | None, tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(RULES)
    root = read_tree(str(tmp_path / "rules.yaml"))
    assert root is not None
    found = condition_at(root, rule_id, label)
    assert (None if found is None else found.value) == text


def test_a_file_that_is_gone_has_no_tree(tmp_path: Path) -> None:
    assert read_tree(str(tmp_path / "rules.yaml")) is None
