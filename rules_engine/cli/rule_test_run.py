"""One run of rule tests, as a value that every format shows.

In: the results, and what was asked for beside them: coverage with its minimum, mutation; or why there are
none. Out: exit code, error and summary. They come from here for all formats, so that no format can say
something else than the exit code does. A skipped test is not a passed one: a run of nothing else has found
nothing to do.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from rules_engine.cli.exit_codes import OK, PROBLEMS, USAGE
from rules_engine.cli.rule_files import count
from rules_engine.light_dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rules_engine.errors import Location, Problem
    from rules_engine.model import Rule
    from rules_engine.rule_tests import TestResult, Verdict
    from rules_engine.rule_tests.coverage import RuleCoverage
    from rules_engine.rule_tests.mutation import Survivor

_ROLES: tuple[tuple[Verdict, str], ...] = (("passed", "good"), ("failed", "error"), ("skipped", "warning"))

_ALL_SKIPPED = "no test was run: all were skipped"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why no test was run: an error in one line, and the problems of the rules if it is for them."""

    error: str
    exit_code: int
    problems: Sequence[Problem] = ()


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
    """`rules` are those of the set, by id. `mutation` is None too where tests failed. With a `refusal` there
    are no results."""

    results: Sequence[TestResult]
    rules: Mapping[str, Rule]
    coverage: CoverageRun | None = None
    mutation: MutationRun | None = None
    strict: bool = False
    refusal: Refusal | None = None

    def number(self, verdict: Verdict) -> int:
        return Counter(result.verdict for result in self.results)[verdict]

    @property
    def warnings(self) -> int:
        return sum(len(result.warnings) for result in self.results)

    @property
    def error(self) -> str | None:
        """Why no test was run; None if one was."""
        if self.refusal is not None:
            return self.refusal.error
        return _ALL_SKIPPED if self.number("skipped") == len(self.results) else None

    @property
    def problems(self) -> Sequence[Problem]:
        """Of the rules, where they are why no test was run."""
        return () if self.refusal is None else self.refusal.problems

    @property
    def exit_code(self) -> int:
        if self.error is not None:
            return USAGE if self.refusal is None else self.refusal.exit_code
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
        counted = [
            (role, f"{number} {verdict}") for verdict, role in _ROLES if (number := self.number(verdict))
        ]
        return counted + ([("warning", count(self.warnings, "warning"))] if self.warnings else [])

    @property
    def subject(self) -> str:
        """`12 tests of 4 rules`, and what fails the run although no test failed."""
        rules = len({result.test.rule_id for result in self.results} - {None})
        fail = "; with --strict, warnings fail" if self.strict and self.warnings else ""
        return f"{count(len(self.results), 'test')} of {count(rules, 'rule')}{fail}"

    @property
    def summary(self) -> str:
        """`11 passed, 1 failed: 12 tests of 4 rules`; the error where there are no results."""
        if self.refusal is not None:
            return self.refusal.error
        return f"{', '.join(text for _, text in self.counted)}: {self.subject}"
