"""A run of rule tests as JUnit XML: a suite for each file, a test case for each test.

A failed test has in its text what the terminal shows of it. Too little coverage, changes that no test
noticed, and why no test was run are cases of a suite of their own: whatever fails the run is to be seen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rules_engine.cli.junit import Case, NotPassed, Suite, render_suites
from rules_engine.cli.report_junit import problem_cases
from rules_engine.cli.report_tests import render_coverage, render_mutation, render_result
from rules_engine.loader import WHOLE_RULE_SET

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rules_engine.cli.rule_test_run import RuleTestRun
    from rules_engine.rule_tests import TestResult

NAME = "rules-engine test"


def render_junit(run: RuleTestRun) -> str:
    """The document, each line ended."""
    of_path: dict[str, list[TestResult]] = {}
    for result in run.results:
        of_path.setdefault(result.test.location.path, []).append(result)
    suites = [
        Suite(path, [_case(result, run) for result in results], path) for path, results in of_path.items()
    ]
    beside = list(_beside_tests(run))
    return render_suites(NAME, [*suites, Suite(NAME, beside)] if beside else suites)


def _case(result: TestResult, run: RuleTestRun) -> Case:
    test = result.test
    text = render_result(result, run.rules).replace("\n\n", "\n")
    not_passed, output = None, ""
    if result.verdict == "failed":
        not_passed = NotPassed("failure", result.message, text)
    elif result.verdict == "skipped":
        not_passed = NotPassed("skipped", result.message)
    elif run.strict and result.warnings:
        not_passed = NotPassed("failure", result.warnings[0], text, "warning")
    else:
        output = text
    return Case(test.name, test.rule_id or WHOLE_RULE_SET, result.seconds, not_passed, output)


def _beside_tests(run: RuleTestRun) -> Iterator[Case]:
    if run.problems:
        yield from problem_cases(NAME, (), run.problems, lambda problem: problem.severity == "error")
    elif run.error is not None:
        yield Case("tests", NAME, None, NotPassed("error", run.error))
    if run.coverage is not None:
        text = render_coverage(run.coverage, run.rules)
        too_little = None if run.coverage.suffices else NotPassed("failure", run.coverage.summary, text)
        yield Case("coverage", NAME, None, too_little, "" if too_little else text)
    if run.mutation is not None:
        text = render_mutation(run.mutation)
        survived = NotPassed("failure", run.mutation.summary, text) if run.mutation.survivors else None
        yield Case("mutation", NAME, None, survived, "" if survived else text)
