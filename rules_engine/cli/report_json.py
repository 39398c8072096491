"""What `validate` found as one JSON document for programs. `problems_schema` describes it.

Lines and columns count from 1, in characters; `end_column` is the one behind the last that is marked. Paths
are as the author gave them. `hint` and `fix`, the text to write in place of a stretch of one line, are null
where there is none. With `--fix` there is also `fixed`: the problems that were mended, where they stood. Keys
may be added; one is removed or changes its meaning only with another `version`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rules_engine.cli.validation import Validation
    from rules_engine.errors import Location, Problem

VERSION = 1


def render_json(found: Validation) -> str:
    """The document, indented, each line ended."""
    document: dict[str, Any] = {
        "version": VERSION,
        "files": len(found.files),
        "rules": found.rules,
        "errors": found.number("error"),
        "warnings": found.number("warning"),
        "exit_code": found.exit_code,
        "problems": [problem_document(problem) for problem in found.problems],
    }
    if found.fixed is not None:
        document["fixed"] = [problem_document(problem) for problem in found.fixed]
    return json.dumps(document, indent=2) + "\n"


def problem_document(problem: Problem) -> dict[str, Any]:
    """One problem, as `problems_schema` describes it."""
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
        "end_column": location.column + location.length,
        "length": location.length,
    }
