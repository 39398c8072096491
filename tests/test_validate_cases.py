"""Mistakes of rule authors, one a folder, each with the whole text that `validate` shows for it.

A case is `tests/cases/validate/<slug>/`: rule files as an author might write them, and `expected.txt`. Paths
in it are relative to the folder. A new mistake is a new folder; nothing here knows of any single one.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from rules_engine.cli.report import render_text
from rules_engine.loader import load_rules

CASES = sorted((Path(__file__).parent / "cases/validate").iterdir())

TODAY = date(2026, 1, 1)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_problems_of_a_case_are_shown_as_expected(case: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(case)
    _, problems = load_rules(".", today=TODAY)
    assert render_text(problems) == (case / "expected.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_problem_says_what_to_do(case: Path) -> None:
    lines = (case / "expected.txt").read_text(encoding="utf-8").splitlines()
    problems = [line for line in lines if " error RE" in line or " warning RE" in line]
    assert problems
    assert len([line for line in lines if line.startswith("     = hint: ")]) == len(problems)


def test_there_are_cases_of_each_kind() -> None:
    kinds = {case.name.split("-")[0] for case in CASES}
    assert {"file", "yaml", "key", "condition", "action", "test", "unless", "event"} <= kinds
