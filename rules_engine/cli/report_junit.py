"""What `validate` found as JUnit XML: one test case for each file, so that a passing file is seen to pass.

A file fails for its errors, and for its warnings only where they fail the run (`--strict`); otherwise
they stand in the case's output. A path that led to no file, or could not be read, is a case with an
error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rules_engine.cli.junit import Case, NotPassed, Suite, Verdict, render_suites
from rules_engine.cli.report import render_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rules_engine.cli.validation import Validation
    from rules_engine.errors import Problem

NAME = "rules-engine validate"

_UNREADABLE = "RE101"


def render_junit(found: Validation) -> str:
    """The document, each line ended."""
    of_path: dict[str, list[Problem]] = {path: [] for path in found.files}
    for problem in found.problems:
        of_path.setdefault(problem.location.path, []).append(problem)
    cases = [_case(path, problems, found) for path, problems in of_path.items()]
    return render_suites(NAME, [Suite(NAME, cases)])


def _case(path: str, problems: Sequence[Problem], found: Validation) -> Case:
    failing = [problem for problem in problems if found.fails(problem)]
    if not failing:
        return Case(path, NAME, output=render_text(problems))
    first = failing[0]
    more = f" (and {len(failing) - 1} more)" if len(failing) > 1 else ""
    verdict: Verdict = "error" if first.code == _UNREADABLE else "failure"
    message = f"{first.code} {first.message}{more}"
    return Case(path, NAME, not_passed=NotPassed(verdict, message, render_text(problems), first.code))
