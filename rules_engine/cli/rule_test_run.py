"""One run of rule tests, as a value that every format shows.

In: the results, and what was asked for beside them: coverage with its minimum, mutation. Out: exit code and
summary. A skipped test is not a passed one: a run of nothing else has found nothing to do.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from rules_engine.cli.exit_codes import OK, PROBLEMS, USAGE
from rules_engine.cli.rule_files import count
from rules_engine.light_dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rules_engine.errors import Location
    from rules_engine.model import Rule
    from rules_engine.rule_tests import TestResult, Verdict
    from rules_engine.rule_tests.coverage import RuleCoverage
    from rules_engine.rule_tests.mutation import Survivor

_ROLES: tuple[tuple[Verdict, str], ...] = (("passed", "good"), ("failed", "error"), ("skipped", "warning"))


@dataclass(frozen=True, slots=True)
class CoverageRun:
    """The coverage of every enabled rule, and how much of it there must be."""

    rules: Sequence[RuleCoverage]
    minimum: float | None = None

    @property
    def outcomes(self) -> tuple[int, int]:
        """(seen, all)."""
        seen = [each for rule in self.rules for each in rule.seen.values()]
        return sum(seen), len(seen)

    @property
    def percent(self) -> float:
        seen, outcomes = self.outcomes
        return 100 * seen / outcomes if outcomes else 100.0

    @property
    def suffices(self) -> bool:
        return self.minimum is None or self.percent >= self.minimum

    @property
    def summary(self) -> str:
        """`coverage 92.5 %: 37 of 40 outcomes seen`. Rounded down: 100 means all."""
        seen, outcomes = self.outcomes
        of_minimum = "" if self.suffices else f", less than {self.minimum:g} %"
        return f"coverage {int(self.percent * 10) / 10:g} %: {seen} of {outcomes} outcomes seen{of_minimum}"


@dataclass(frozen=True, slots=True)
class MutationRun:
    """Changes of conditions that were tried, and those that no test noticed, with their places. `left_out`
    are enabled rules without tests."""

    tried: int
    survivors: Sequence[tuple[Survivor, Location]]
    left_out: Sequence[str]

    @property
    def summary(self) -> str:
        """`mutation 95 %: 38 of 40 changes noticed; 1 rule without tests left out`."""
        noticed = self.tried - len(self.survivors)
        percent = int(100 * noticed / self.tried) if self.tried else 100
        left_out = f"; {count(len(self.left_out), 'rule')} without tests left out" if self.left_out else ""
        return f"mutation {percent} %: {noticed} of {count(self.tried, 'change')} noticed{left_out}"


@dataclass(frozen=True, slots=True)
class RuleTestRun:
    """`rules` are those of the set, by id. `mutation` is None too where tests failed."""

    results: Sequence[TestResult]
    rules: Mapping[str, Rule]
    coverage: CoverageRun | None = None
    mutation: MutationRun | None = None
    strict: bool = False

    def number(self, verdict: Verdict) -> int:
        return Counter(result.verdict for result in self.results)[verdict]

    @property
    def warnings(self) -> int:
        return sum(len(result.warnings) for result in self.results)

    @property
    def exit_code(self) -> int:
        if all(result.verdict == "skipped" for result in self.results):
            return USAGE
        failed = (
            self.number("failed") > 0
            or (self.strict and self.warnings > 0)
            or (self.coverage is not None and not self.coverage.suffices)
            or (self.mutation is not None and len(self.mutation.survivors) > 0)
        )
        return PROBLEMS if failed else OK

    @property
    def counted(self) -> list[tuple[str, str]]:
        """(role, `11 passed`) for each verdict that there is."""
        roles: tuple[tuple[Verdict, str], ...] = (
            ("passed", "good"),
            ("failed", "error"),
            ("skipped", "warning"),
        )
        counted = [
            (role, f"{number} {verdict}") for verdict, role in roles if (number := self.number(verdict))
        ]
        return counted + ([("warning", count(self.warnings, "warning"))] if self.warnings else [])

    @property
    def subject(self) -> str:
        """`12 tests of 4 rules`."""
        rules = len({result.test.rule_id for result in self.results} - {None})
        return f"{count(len(self.results), 'test')} of {count(rules, 'rule')}"

    @property
    def summary(self) -> str:
        """`11 passed, 1 failed: 12 tests of 4 rules`."""
        return f"{', '.join(text for _, text in self.counted)}: {self.subject}"
