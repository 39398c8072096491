"""The rules that come with the project have tests that pass, see everything, and notice every change."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rules_engine.cli.main import rules_engine, run

if TYPE_CHECKING:
    import pytest

RULES = str(Path(__file__).parent.parent / "rules")


def test_the_tests_of_the_example_rules_pass_and_notice_every_change(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(rules_engine, ["test", RULES, "--strict", "--min-coverage", "100", "--mutate"]) == 0
    assert " failed" not in capsys.readouterr().out
