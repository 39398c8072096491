"""Problems as one JSON document for programs.

    {"version": 1, "files": 3, "rules": 7, "errors": 1, "warnings": 0, "problems": [
      {"code": "RE204", "severity": "error", "message": "unknown function 'start_with'",
       "path": "rules/orders.yaml", "line": 9, "column": 11, "length": 10, "source_line": "    when: ...",
       "hint": "did you mean 'starts_with'?",
       "fix": {"path": ..., "line": 9, "column": 11, "length": 10, "text": "starts_with"},
       "related": [{"path": ..., "line": ..., "column": ..., "length": ..., "message": ...}]}]}

Lines and columns count from 1, in characters. `hint` is null where there is none, and so is `fix`, the text
to write in place of a stretch of one line. Keys may be added; one is removed or changes its meaning only with
another `version`. With `--fix` there is also `fixed`: the problems that were mended, where they stood.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rules_engine.errors import Location, Problem

VERSION = 1


def render_json(
    problems: Sequence[Problem], *, files: int, rules: int, fixed: Sequence[Problem] | None = None
) -> str:
    """The document, indented, without a line end after it. `fixed` is what `--fix` has mended."""
    document: dict[str, Any] = {
        "version": VERSION,
        "files": files,
        "rules": rules,
        "errors": sum(problem.severity == "error" for problem in problems),
        "warnings": sum(problem.severity == "warning" for problem in problems),
        "problems": [_problem(problem) for problem in problems],
    }
    if fixed is not None:
        document["fixed"] = [_problem(problem) for problem in fixed]
    return json.dumps(document, indent=2)


def _problem(problem: Problem) -> dict[str, Any]:
    return {
        "code": problem.code,
        "severity": problem.severity,
        "message": problem.message,
        **_place(problem.location),
        "source_line": problem.source_line,
        "hint": problem.hint,
        "fix": {**_place(problem.fix.location), "text": problem.fix.text} if problem.fix else None,
        "related": [{**_place(location), "message": message} for location, message in problem.related],
    }


def _place(location: Location) -> dict[str, Any]:
    return {
        "path": location.path,
        "line": location.line,
        "column": location.column,
        "length": location.length,
    }
