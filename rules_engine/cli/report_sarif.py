"""What `validate` found as SARIF 2.1.0, for code scanning and for editors.

Every code that occurs is a rule with its manual page as help. Places are percent-encoded paths from the
root of the repository, columns count characters. `partialFingerprints` has our own name only: what
GitHub's upload makes of the source it calls `primaryLocationLineHash`, and it warns of every result where
that is there and not the same.
"""

from __future__ import annotations

import json
import os
from importlib.metadata import version
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from rules_engine.cli.code_pages import codes, load_page
from rules_engine.cli.exit_codes import USAGE
from rules_engine.cli.fingerprints import fingerprints

if TYPE_CHECKING:
    from collections.abc import Callable

    from rules_engine.cli.validation import Validation
    from rules_engine.errors import Fix, Location, Problem

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"

FINGERPRINT = "rulesEngine/v1"

_ROOT = "%SRCROOT%"
"""What SARIF calls the root of the repository, by convention."""


def render_sarif(found: Validation, in_repository: Callable[[str], str]) -> str:
    """The document, each line ended. `in_repository` gives a file's path from the root of the repository."""
    used = sorted({problem.code for problem in found.problems})
    paths = [in_repository(problem.location.path) for problem in found.problems]
    named = fingerprints(found.problems, paths)
    run = {
        "tool": {"driver": _driver(used)},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {_ROOT: {"description": {"text": "The root of the repository."}}},
        "invocations": [
            {"executionSuccessful": found.exit_code != USAGE, "exitCode": found.exit_code},
        ],
        "results": [
            {
                **_result(problem, in_repository),
                "ruleIndex": used.index(problem.code),
                "partialFingerprints": {FINGERPRINT: fingerprint},
            }
            for problem, fingerprint in zip(found.problems, named, strict=True)
        ],
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _driver(used: list[str]) -> dict[str, Any]:
    known = set(codes())
    return {
        "name": "rules-engine",
        "version": version("dynamodb-rules-engine"),
        "rules": [_rule(code) if code in known else {"id": code} for code in used],
    }


def _rule(code: str) -> dict[str, Any]:
    page = load_page(code)
    return {
        "id": code,
        "shortDescription": {"text": page.title},
        "fullDescription": {"text": page.description},
        "help": {"text": page.text, "markdown": page.text},
    }


def _result(problem: Problem, in_repository: Callable[[str], str]) -> dict[str, Any]:
    text = f"{problem.message}\nhint: {problem.hint}" if problem.hint else problem.message
    result: dict[str, Any] = {
        "ruleId": problem.code,
        "level": problem.severity,
        "message": {"text": text},
        "locations": [_place(problem.location, in_repository)],
    }
    if problem.related:
        result["relatedLocations"] = [
            {"id": number, **_place(location, in_repository), "message": {"text": message}}
            for number, (location, message) in enumerate(problem.related, 1)
        ]
    if problem.fix:
        result["fixes"] = [_fix(problem.fix, in_repository)]
    return result


def _fix(fix: Fix, in_repository: Callable[[str], str]) -> dict[str, Any]:
    replacement = {"deletedRegion": _region(fix.location), "insertedContent": {"text": fix.text}}
    artifact = _artifact(in_repository(fix.location.path))
    return {"artifactChanges": [{"artifactLocation": artifact, "replacements": [replacement]}]}


def _place(location: Location, in_repository: Callable[[str], str]) -> dict[str, Any]:
    artifact = _artifact(in_repository(location.path))
    return {"physicalLocation": {"artifactLocation": artifact, "region": _region(location)}}


def _region(location: Location) -> dict[str, int]:
    return {
        "startLine": location.line,
        "startColumn": location.column,
        "endLine": location.line,
        "endColumn": location.column + location.length,
    }


def _artifact(path: str) -> dict[str, str]:
    encoded = quote(os.fsencode(path))
    if PurePosixPath(path).is_absolute():
        return {"uri": f"file://{encoded}"}
    return {"uri": encoded, "uriBaseId": _ROOT}
