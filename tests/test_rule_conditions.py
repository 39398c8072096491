"""Warnings that need a rule's tests: an ordering of what they show as text, and of nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rules_engine.loader import load_rules

if TYPE_CHECKING:
    from pathlib import Path


def orderings(tmp_path: Path, when: str, *images: str) -> list[tuple[str, str]]:
    """What RE253 marks and says of a rule whose tests have records with these new images."""
    tests = "".join(
        f"      - name: record {number}\n"
        f"        record: {{event: MODIFY, keys: {{id: a}}, old: {{total: 1}}, new: {image}}}\n"
        "        expect: {match: false}\n"
        for number, image in enumerate(images)
    )
    file = tmp_path / "rules.yaml"
    file.write_text(
        "conditions: {big: new.total > `100`}\n"
        f'rules:\n  - id: a\n    table: orders\n    when: "{when}"\n'
        f"    actions: [{{type: log}}]\n    tests:\n{tests}"
    )
    _, problems = load_rules(str(file))
    assert {problem.code for problem in problems} <= {"RE253"}
    return [
        (p.source_line[p.location.column - 1 :][: p.location.length], p.hint or "")
        for p in problems
        if p.code == "RE253"
    ]


ADVICE = "if the table holds numbers, remove the quotes in the tests; if it holds text, "


def test_a_path_is_reported_once_with_what_to_write(tmp_path: Path) -> None:
    found = orderings(tmp_path, "new.total > `5` && new.total < `9`", "{total: '7'}")
    assert found == [("new.total > `5`", f"{ADVICE}write: to_number(new.total) > `5`")]


def test_a_named_condition_is_reported_where_it_is_used(tmp_path: Path) -> None:
    assert orderings(tmp_path, "is.big", "{total: '7'}") == [
        ("is.big", f"{ADVICE}read to_number(new.total) in 'is.big'")
    ]


@pytest.mark.parametrize(
    ("when", "images"),
    [
        ("new.total > `5`", ["{total: 7}"]),
        ("new.total > `5`", ["{total: 7}", "{total: unknown}"]),
        ("new.total > `5`", ["{other: '7'}"]),
        ("new.total > `5`", ["{total: {eur: '7'}}"]),
        ("to_number(new.total) > `5`", ["{total: '7'}"]),
        ("old.total > `5`", ["{total: '7'}"]),
        ("new.total == '7'", ["{total: '7'}"]),
        ("new.items[?total > `5`] == `null`", ["{total: '7', items: [{total: '7'}]}"]),
    ],
)
def test_nothing_is_said_unless_the_tests_show_only_text(
    tmp_path: Path, when: str, images: list[str]
) -> None:
    assert orderings(tmp_path, when, *images) == []
