"""Rule files with tests, written and loaded as an author's are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rules_engine.loader import RuleTest, load_rules_and_tests
from rules_engine.rule_tests import Runner, TestResult

if TYPE_CHECKING:
    from pathlib import Path

    from rules_engine.model import RuleSet


def load(directory: Path, **files: str) -> tuple[RuleSet, list[RuleTest]]:
    """The rules and tests of files without errors, given by their names without `.yaml`."""
    for name, text in files.items():
        (directory / f"{name.replace('_test', '.test')}.yaml").write_text(text)
    rule_set, tests, problems = load_rules_and_tests(directory)
    assert [problem.message for problem in problems if problem.severity == "error"] == []
    return rule_set, tests


def results(directory: Path, **files: str) -> list[TestResult]:
    rule_set, tests = load(directory, **files)
    return list(Runner(rule_set, clock=lambda: 0.0).run(tests))
