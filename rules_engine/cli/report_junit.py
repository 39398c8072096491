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
    from collections.abc import Callable, Sequence

    from rules_engine.cli.validation import Validation
    from rules_engine.errors import Problem

NAME = "rules-engine validate"

_UNREADABLE = "RE101"


def render_junit(found: Validation) -> str:
    """The document, each line ended."""
    cases = problem_cases(NAME, found.files, found.problems, found.fails)
    return render_suites(NAME, [Suite(NAME, cases)])


def problem_cases(
    name: str, files: Sequence[str], problems: Sequence[Problem], fails: Callable[[Problem], bool]
) -> list[Case]:
    """A case for each of `files` and each other path with a problem. `name` is that of their suite."""
    of_path: dict[str, list[Problem]] = {path: [] for path in files}
    for problem in problems:
        of_path.setdefault(problem.location.path, []).append(problem)
    return [_case(name, path, those, fails) for path, those in of_path.items()]


def _case(name: str, path: str, problems: Sequence[Problem], fails: Callable[[Problem], bool]) -> Case:
    failing = [problem for problem in problems if fails(problem)]
    if not failing:
        return Case(path, name, output=render_text(problems))
    first = failing[0]
    more = f" (and {len(failing) - 1} more)" if len(failing) > 1 else ""
    verdict: Verdict = "error" if first.code == _UNREADABLE else "failure"
    message = f"{first.code} {first.message}{more}"
    return Case(path, name, not_passed=NotPassed(verdict, message, render_text(problems), first.code))
