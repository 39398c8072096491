"""The JSON Schema of what `test --format json` writes, for programs that read it."""

from __future__ import annotations

from typing import Any

from rules_engine.cli.open_schema import document_schema, list_of, object_of
from rules_engine.cli.problems_schema import problem_definitions
from rules_engine.cli.report_tests_json import VERSION

_COUNT = {"type": "integer", "minimum": 0}
_POSITION = {"type": "integer", "minimum": 1}
_TEXT = {"type": "string"}
_TEXT_OR_NULL = {"type": ["string", "null"]}

_PLACE: dict[str, Any] = {
    "path": {**_TEXT, "description": "The file, as it was given or found below a directory."},
    "line": _POSITION,
    "column": {**_POSITION, "description": "In characters (Unicode code points)."},
}


def results_schema() -> dict[str, Any]:
    """A JSON Schema (draft 2020-12)."""
    return document_schema(
        "What came of the tests that rules-engine test ran",
        VERSION,
        {
            "tests": _COUNT,
            "passed": _COUNT,
            "failed": _COUNT,
            "skipped": {**_COUNT, "description": "Tests of rules that are switched off."},
            "warnings": _COUNT,
            "exit_code": {
                "enum": [0, 1, 2],
                "description": "0 fine, 1 something failed or the rules have errors, 2 no test was run.",
            },
            "error": {**_TEXT_OR_NULL, "description": "Why no test was run; null where one was."},
            "problems": list_of("problem", "Errors of the rules, for which no test was run."),
            "results": list_of("result", "In the order of the files, those of *.test.yaml last."),
            "coverage": {**_one_of("coverage"), "description": "Null where it was not asked for."},
            "mutation": {
                **_one_of("mutation"),
                "description": "Null where it was not asked for, and where tests failed.",
            },
        },
        {
            **problem_definitions(),
            "result": object_of(_RESULT),
            "difference": object_of(_DIFFERENCE, optional=("expected", "got")),
            "coverage": object_of(_COVERAGE),
            "mutation": object_of(_MUTATION),
        },
    )


def _one_of(name: str) -> dict[str, Any]:
    return {"anyOf": [{"$ref": f"#/$defs/{name}"}, {"type": "null"}]}


_RESULT: dict[str, Any] = {
    "name": _TEXT,
    "rule": {**_TEXT_OR_NULL, "description": "Null: the test is about the whole rule set."},
    **_PLACE,
    "verdict": {"enum": ["passed", "failed", "skipped"]},
    "message": {**_TEXT_OR_NULL, "description": "What was expected and what came instead, in one line."},
    "seconds": {"type": "number", "minimum": 0},
    "warnings": {"type": "array", "items": _TEXT},
    "explanation": {
        "type": ["object", "null"],
        "description": "What explain --format json gives for the record, where that is why it failed.",
    },
    "differences": list_of("difference", "Where a request is not as expected."),
}

_DIFFERENCE: dict[str, Any] = {
    "path": {**_TEXT, "description": "Id of the action, then keys and positions in its request."},
    "expected": {"description": "Missing where nothing was expected."},
    "got": {"description": "Missing where the request has nothing."},
    "hint": _TEXT_OR_NULL,
}

_COVERAGE: dict[str, Any] = {
    "percent": {"type": "number", "minimum": 0, "maximum": 100},
    "minimum": {"type": ["number", "null"], "description": "What --min-coverage said."},
    "outcomes": _COUNT,
    "seen": _COUNT,
    "rules": {
        "type": "array",
        "description": "Every rule that is switched on.",
        "items": object_of(
            {
                "rule": _TEXT,
                "tests": _COUNT,
                "outcomes": {
                    "type": "array",
                    "items": object_of(
                        {
                            "clause": _TEXT,
                            "condition": {**_TEXT_OR_NULL, "description": "Null for match and event."},
                            "value": {"type": "boolean"},
                            "seen": {"type": "boolean"},
                        }
                    ),
                },
            }
        ),
    },
}

_MUTATION: dict[str, Any] = {
    "tried": _COUNT,
    "survivors": {
        "type": "array",
        "description": "Changes that no test noticed.",
        "items": object_of(
            {"rule": _TEXT, "clause": _TEXT, **_PLACE, "condition": _TEXT, "changed_to": _TEXT}
        ),
    },
    "left_out": {"type": "array", "items": _TEXT, "description": "Rules without tests."},
}
