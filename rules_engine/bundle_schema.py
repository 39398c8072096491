"""The JSON Schema of a bundle, for tools that read or check one without this package.

It describes format 1 as `bundle.dump` writes it. JSON Schema cannot say the sum: `sha256` is that of the
compact JSON text of `{"scopes": ..., "rules": ...}`.
"""

from __future__ import annotations

from typing import Any

from rules_engine.bundle import FORMAT
from rules_engine.model import EVENT_NAMES, VIEWS


def bundle_schema() -> dict[str, Any]:
    """A closed JSON Schema (Draft 2020-12)."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Bundle of a rules engine function",
        **_object(
            {
                "format": {"const": FORMAT},
                "sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
                "scopes": {"type": "array", "items": _SCOPE},
                "rules": {"type": "array", "items": _RULE},
            },
            required=("format", "sha256", "scopes", "rules"),
        ),
    }


def _object(properties: dict[str, Any], required: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(required),
        "properties": properties,
    }


def _list_of(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


_TEXT = {"type": "string"}
_SCOPE = _object(
    {
        "vars": {"type": "object"},
        "lists": {"type": "object"},
        "conditions": {"type": "object", "additionalProperties": _TEXT},
    }
)
_UNLESS = _object(
    {"name": _TEXT, "when": _list_of(_TEXT), "reason": _TEXT, "expires": _TEXT}, required=("name", "when")
)
_ACTION = _object(
    {
        "id": _TEXT,
        "type": _TEXT,
        "config": {"type": "object"},
        "mode": _TEXT,
        "on_error": _TEXT,
        "timeout_seconds": {"type": "number"},
    },
    required=("id", "type"),
)
_RULE = _object(
    {
        "id": _TEXT,
        "tables": _list_of(_TEXT),
        "actions": _list_of(_ACTION),
        "events": _list_of({"enum": list(EVENT_NAMES)}),
        "when": _list_of(_TEXT),
        "when_is_list": {"type": "boolean"},
        "unless": _list_of(_UNLESS),
        "description": _TEXT,
        "severity": _TEXT,
        "tags": _list_of(_TEXT),
        "runbook": _TEXT,
        "owner": _TEXT,
        "view": {"enum": list(VIEWS)},
        "enabled": {"type": "boolean"},
        "scope": {"type": "integer", "minimum": 0},
    },
    required=("id", "tables", "actions", "scope"),
)
