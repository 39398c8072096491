"""The JSON Schema of what `validate --format json` writes, for programs that read it."""

from __future__ import annotations

from typing import Any

from rules_engine.cli.open_schema import document_schema, list_of, object_of
from rules_engine.cli.report_json import VERSION

_COUNT = {"type": "integer", "minimum": 0}
_POSITION = {"type": "integer", "minimum": 1}

_PLACE: dict[str, Any] = {
    "path": {"type": "string", "description": "The file, as it was given or found below a directory."},
    "line": {**_POSITION, "description": "Counts from 1."},
    "column": {**_POSITION, "description": "Counts from 1, in characters (Unicode code points)."},
    "end_column": {**_POSITION, "description": "The column behind the last character that is meant."},
    "length": {**_COUNT, "description": "How many characters of the line are meant."},
}


def problems_schema() -> dict[str, Any]:
    """A JSON Schema (draft 2020-12)."""
    return document_schema(
        "Problems that rules-engine validate found",
        VERSION,
        {
            "files": {**_COUNT, "description": "Files that were found, rule files and test files."},
            "rules": {**_COUNT, "description": "Rules without an error."},
            "errors": _COUNT,
            "warnings": _COUNT,
            "exit_code": {
                "enum": [0, 1, 2],
                "description": "0 fine, 1 problems (with --strict warnings count), 2 no file was found.",
            },
            "problems": list_of("problem", "Sorted by path, line and column; after --fix, what is left."),
            "fixed": list_of("problem", "With --fix: the problems that were mended, where they stood."),
        },
        problem_definitions(),
        optional=("fixed",),
    )


def problem_definitions() -> dict[str, Any]:
    """What a schema defines whose documents hold problems: `#/$defs/problem` and what that refers to."""
    return {"problem": object_of(_PROBLEM), "related": object_of(_RELATED), "fix": object_of(_FIX)}


_PROBLEM: dict[str, Any] = {
    "code": {
        "type": "string",
        "pattern": r"^RE\d{3}$",
        "description": "Stable; rules-engine validate --explain CODE says more.",
    },
    "severity": {"enum": ["error", "warning"]},
    "message": {"type": "string", "description": "What is wrong, in one line."},
    **_PLACE,
    "source_line": {
        "type": "string",
        "description": "The whole line, secrets masked; empty where there is none to show.",
    },
    "hint": {"type": ["string", "null"], "description": "What to do."},
    "fix": {
        "anyOf": [{"type": "null"}, {"$ref": "#/$defs/fix"}],
        "description": "The one safe mend, where there is one: what validate --fix would write.",
    },
    "related": list_of("related", "Other places it is about."),
}

_RELATED: dict[str, Any] = {**_PLACE, "message": {"type": "string"}}

_FIX: dict[str, Any] = {
    **_PLACE,
    "text": {"type": "string", "description": "What to write in place of what stands there."},
}
