"""The JSON Schema of what `validate --format json` writes, for programs that read it.

It is open: a later version of the same number may add keys, and a reader that refuses unknown keys would
break with it. What is required here stays.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from rules_engine.cli.report_json import VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping

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
    """A JSON Schema (Draft 2020-12)."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Problems that rules-engine validate found",
        **_object(
            {
                "version": {
                    "const": VERSION,
                    "description": "Another one only where a key changes its meaning.",
                },
                "files": {**_COUNT, "description": "Files that were found, rule files and test files."},
                "rules": {**_COUNT, "description": "Rules without an error."},
                "errors": _COUNT,
                "warnings": _COUNT,
                "exit_code": {
                    "enum": [0, 1, 2],
                    "description": "0 fine, 1 problems (with --strict warnings count), 2 no file was found.",
                },
                "problems": {
                    "type": "array",
                    "items": {"$ref": "#/$defs/problem"},
                    "description": "Sorted by path, line and column; after --fix, what is left.",
                },
            },
            {
                "fixed": {
                    "type": "array",
                    "items": {"$ref": "#/$defs/problem"},
                    "description": "With --fix: the problems that were mended, where they stood.",
                },
            },
        ),
        "$defs": problem_definitions(),
    }


def problem_definitions() -> dict[str, Any]:
    """What a schema defines whose documents hold problems: `#/$defs/problem` and what that refers to."""
    return {"problem": _object(_PROBLEM), "related": _object(_RELATED), "fix": _object(_FIX)}


def _object(required: dict[str, Any], optional: Mapping[str, Any] = MappingProxyType({})) -> dict[str, Any]:
    return {"type": "object", "required": list(required), "properties": {**required, **optional}}


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
    "related": {
        "type": "array",
        "items": {"$ref": "#/$defs/related"},
        "description": "Other places it is about.",
    },
}

_RELATED: dict[str, Any] = {**_PLACE, "message": {"type": "string"}}

_FIX: dict[str, Any] = {
    **_PLACE,
    "text": {"type": "string", "description": "What to write in place of what stands there."},
}
