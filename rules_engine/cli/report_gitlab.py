"""What `validate` found as a GitLab Code Quality report, which merge requests show beside the changed lines.

An error is of severity `major`, a warning `minor`: the other three words would promise a ranking that
problems of rules do not have. GitLab takes a problem for the same as before by its fingerprint alone.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from rules_engine.cli.fingerprints import fingerprints

if TYPE_CHECKING:
    from collections.abc import Callable

    from rules_engine.cli.validation import Validation
    from rules_engine.errors import Problem

_SEVERITIES = {"error": "major", "warning": "minor"}


def render_gitlab(found: Validation, in_repository: Callable[[str], str]) -> str:
    """The document, each line ended. `in_repository` gives the path that GitLab knows a file by."""
    paths = [in_repository(problem.location.path) for problem in found.problems]
    named = fingerprints(found.problems, paths)
    entries = [
        {
            "description": _description(problem),
            "check_name": problem.code,
            "fingerprint": fingerprint,
            "severity": _SEVERITIES[problem.severity],
            "location": {
                "path": path,
                "lines": {"begin": problem.location.line, "end": problem.location.line},
            },
        }
        for problem, path, fingerprint in zip(found.problems, paths, named, strict=True)
    ]
    return json.dumps(entries, indent=2) + "\n"


def _description(problem: Problem) -> str:
    return f"{problem.message} (hint: {problem.hint})" if problem.hint else problem.message
