"""A run of rule tests as one JSON document for programs. `results_schema` describes it.

Lines and columns count from 1, in characters. `expected` or `got` of a difference is missing where that side
has nothing. Keys may be added; one is removed or changes its meaning only with another `version`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rules_engine.cli.explanation_json import explanation_document
from rules_engine.cli.json_document import render_document
from rules_engine.cli.report_json import problem_document
from rules_engine.expression import ABSENT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rules_engine.cli.rule_test_run import CoverageRun, MutationRun, RuleTestRun
    from rules_engine.errors import Location
    from rules_engine.model import Rule
    from rules_engine.rule_tests import Difference, TestResult

VERSION = 1


def render_json(run: RuleTestRun) -> str:
    """The document in one line, ended."""
    document = {
        "version": VERSION,
        "tests": len(run.results),
        "passed": run.number("passed"),
        "failed": run.number("failed"),
        "skipped": run.number("skipped"),
        "warnings": run.warnings,
        "exit_code": run.exit_code,
        "error": run.error,
        "problems": [problem_document(problem) for problem in run.problems],
        "results": [_result(result, run.rules) for result in run.results],
        "coverage": None if run.coverage is None else _coverage(run.coverage),
        "mutation": None if run.mutation is None else _mutation(run.mutation),
    }
    return render_document(document)


def _result(result: TestResult, rules: Mapping[str, Rule]) -> dict[str, Any]:
    test = result.test
    explanation = None
    if result.record is not None and result.explanations:
        explanation = explanation_document(result.record, result.explanations, rules)
    return {
        "name": test.name,
        "rule": test.rule_id,
        **_place(test.location),
        "verdict": result.verdict,
        "message": result.message or None,
        "seconds": round(result.seconds, 6),
        "warnings": list(result.warnings),
        "explanation": explanation,
        "differences": [_difference(difference) for difference in result.differences],
    }


def _place(location: Location) -> dict[str, Any]:
    return {"path": location.path, "line": location.line, "column": location.column}


def _difference(difference: Difference) -> dict[str, Any]:
    sides = {"expected": difference.expected, "got": difference.got}
    there = {name: value for name, value in sides.items() if value is not ABSENT}
    return {"path": difference.path, **there, "hint": difference.hint}


def _coverage(coverage: CoverageRun) -> dict[str, Any]:
    seen, outcomes = coverage.outcomes
    return {
        "percent": int(coverage.percent * 10) / 10,
        "minimum": coverage.minimum,
        "outcomes": outcomes,
        "seen": seen,
        "rules": [
            {
                "rule": each.rule_id,
                "tests": each.cases,
                "outcomes": [
                    {"clause": clause, "condition": text or None, "value": value, "seen": seen}
                    for (clause, text, value), seen in each.seen.items()
                ],
            }
            for each in coverage.rules
        ],
    }


def _mutation(mutation: MutationRun) -> dict[str, Any]:
    return {
        "tried": mutation.tried,
        "survivors": [
            {
                "rule": survivor.rule_id,
                "clause": survivor.clause,
                **_place(location),
                "condition": survivor.text,
                "changed_to": survivor.mutant.apply(survivor.text),
            }
            for survivor, location in mutation.survivors
        ],
        "left_out": list(mutation.left_out),
    }
