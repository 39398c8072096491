"""Fingerprints: unique in a report, and the same while lines move."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from rules_engine.cli.fingerprints import fingerprints
from rules_engine.errors import Location, Problem
from rules_engine.loader import load_rules

if TYPE_CHECKING:
    from pathlib import Path

RULE = "  - id: {}\n    table: orders\n    when: start_with(new.sku, 'A') && start_with(new.sku, 'B')\n"
RULES = "version: 1\nrules:\n" + "".join(
    f"{RULE.format(name)}    actions: [{{type: log}}]\n" for name in "ab"
)


def fingerprints_of(text: str, directory: Path) -> dict[str, tuple[str, str]]:
    """(code, marked text) by fingerprint."""
    path = directory / "rules.yaml"
    path.write_text(text)
    _, problems = load_rules(path)
    named = fingerprints(problems, ["rules.yaml" for _ in problems])
    marked = [
        (each.code, each.source_line[each.location.column - 1 :][: each.location.length]) for each in problems
    ]
    assert len(set(named)) == len(problems)
    return dict(zip(named, marked, strict=True))


def test_lines_before_and_other_indentation_change_no_fingerprint(tmp_path: Path) -> None:
    before = fingerprints_of(RULES, tmp_path)
    assert sorted(before.values()) == [
        *[("RE204", "start_with")] * 4,
        ("RE450", "a"),
        ("RE450", "b"),
    ]
    assert fingerprints_of("# moved\n\n" + RULES, tmp_path) == before
    assert fingerprints_of(RULES.replace("\n  ", "\n     "), tmp_path) == before


def test_a_mended_problem_leaves_and_the_others_stay(tmp_path: Path) -> None:
    before = fingerprints_of(RULES, tmp_path)
    after = fingerprints_of(RULES.replace("id: a", "id: c"), tmp_path)
    assert {before[name] for name in before.keys() - after.keys()} == {("RE450", "a")}
    assert {after[name] for name in after.keys() - before.keys()} == {("RE450", "c")}


PROBLEMS = st.builds(
    Problem,
    code=st.sampled_from(["RE101", "RE204"]),
    message=st.just("wrong"),
    location=st.builds(
        Location, st.sampled_from("ab"), st.integers(1, 9), st.integers(1, 3), st.integers(0, 2)
    ),
    source_line=st.text("x \udcff", max_size=3),
)


@given(st.lists(PROBLEMS, max_size=20))
def test_no_two_problems_of_a_report_share_a_fingerprint(problems: list[Problem]) -> None:
    named = fingerprints(problems, [problem.location.path for problem in problems])
    assert len(set(named)) == len(problems)


def test_the_path_belongs_to_a_fingerprint() -> None:
    problem = Problem("RE101", "cannot be read", Location("a", 1, 1))
    assert fingerprints([problem], ["a"]) != fingerprints([problem], ["b"])
