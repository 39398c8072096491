"""The JSON Schema of a bundle, for tools that read or check one without this package.

It describes format 2 as `bundle.dump` writes it. JSON Schema cannot say the lines (see `bundle`), nor the
sum: `sha256` is that of all bytes before the comma in front of it. What stands in `needs`, `sources` and
`trees` belongs to the version that wrote them: see `expression.need_codec` and `expression.trees`.
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
                "connections": _list_of(_ACTION),
                "images": _list_of(_IMAGES),
                "kinds": _list_of(_KIND),
                "needs": _list_of(_FORM),
                "outlines": _list_of(_OUTLINE),
                "references": _list_of(_TEXT),
                "sources": _list_of(_FORM),
                "trees": {"type": "object", "additionalProperties": {"$ref": "#/$defs/tree"}},
                "rules": _list_of(_RULE),
                "scopes": _list_of(_SCOPE),
                "sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
            },
        ),
        "$defs": {"tree": _TREE},
    }


def _object(properties: dict[str, Any], required: tuple[str, ...] | None = None) -> dict[str, Any]:
    """By default all properties are required."""
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(properties if required is None else required),
        "properties": properties,
    }


def _tuple(description: str, *first: dict[str, Any], rest: dict[str, Any] | bool = False) -> dict[str, Any]:
    """An array that starts with these."""
    return {
        "type": "array",
        "description": description,
        "minItems": len(first),
        "prefixItems": list(first),
        "items": rest,
    }


def _list_of(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


_TEXT = {"type": "string"}
_BOOLEAN = {"type": "boolean"}
_NUMBER = {"type": "integer", "minimum": 0}
_ANY: dict[str, Any] = {}
_TREE = _tuple(
    "number of the node's type, value, start and end in the text, children",
    *(_NUMBER, _ANY, _NUMBER, _NUMBER),
    rest={"$ref": "#/$defs/tree"},
)
_FORM = _tuple("name of what is needed, or of where it is read, and its fields", _TEXT, rest=_ANY)
_OUTLINE = _tuple(
    "id of the rule, place in `kinds`, places in `needs` of its condition and of each exception",
    *(_TEXT, _NUMBER, _list_of(_NUMBER)),
    rest=_list_of(_NUMBER),
)
_SCOPE = _object(
    {
        "vars": {"type": "object"},
        "lists": {"type": "object"},
        "conditions": {"type": "object", "additionalProperties": _TEXT},
    },
    required=(),
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
_KIND = _tuple(
    "tables; event names, with EXPIRE for what time to live removed; scope; enabled",
    _list_of(_TEXT),
    _list_of({"enum": list(EVENT_NAMES)}),
    _NUMBER,
    _BOOLEAN,
)
_IMAGES = _tuple("table; whether rules count on its new image; and on its old one", _TEXT, _BOOLEAN, _BOOLEAN)
_RULE = _object(
    {
        "id": _TEXT,
        "tables": _list_of(_TEXT),
        "actions": _list_of(_ACTION),
        "events": _list_of({"enum": list(EVENT_NAMES)}),
        "when": _list_of(_TEXT),
        "when_is_list": _BOOLEAN,
        "unless": _list_of(_UNLESS),
        "description": _TEXT,
        "severity": _TEXT,
        "tags": _list_of(_TEXT),
        "runbook": _TEXT,
        "owner": _TEXT,
        "view": {"enum": list(VIEWS)},
        "enabled": _BOOLEAN,
        "scope": _NUMBER,
    },
    required=("id", "tables", "actions", "scope"),
)
