"""The JSON Schema of what `diff --format json` writes, for programs that read it.

It is open: a later version of the same number may add keys, and a reader that refuses unknown keys would
break with it. What is required here stays.
"""

from __future__ import annotations

from typing import Any

from rules_engine.cli.report_diff import VERSION

_TEXT = {"type": "string"}
_RULE_OR_NULL = {"anyOf": [{"$ref": "#/$defs/rule"}, {"type": "null"}]}
_BEFORE_AND_AFTER = {
    "before": {"description": "As it was written; null where it was not there."},
    "after": {"description": "As it is written; null where it is no longer there."},
}


def changes_schema() -> dict[str, Any]:
    """A JSON Schema (Draft 2020-12)."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "What rules-engine diff found",
        **_object(
            {
                "version": {
                    "const": VERSION,
                    "description": "Another one only where a key changes its meaning.",
                },
                "rules": _list_of("change", "Rules that do something else: removed and renamed ones first."),
                "names": _list_of(
                    "name", "Constants and named conditions that changed, and what through them."
                ),
            }
        ),
        "$defs": {
            "change": _object(_CHANGE),
            "aspect": _object(_ASPECT),
            "name": _object(_NAME),
            "rule": _object(_RULE),
        },
    }


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "required": list(properties), "properties": properties}


def _list_of(name: str, description: str) -> dict[str, Any]:
    return {"type": "array", "items": {"$ref": f"#/$defs/{name}"}, "description": description}


_CHANGE: dict[str, Any] = {
    "rule": {**_TEXT, "description": "Its id now; of one that was removed, as it was."},
    "change": {"enum": ["added", "removed", "renamed", "changed"]},
    "previous_id": {"type": ["string", "null"], "description": "Of one that was renamed."},
    "before": {**_RULE_OR_NULL, "description": "Null of one that was added."},
    "after": {**_RULE_OR_NULL, "description": "Null of one that was removed."},
    "aspects": _list_of(
        "aspect", "What one that was changed does differently, in the order of a rule's keys."
    ),
}

_ASPECT: dict[str, Any] = {
    "name": {
        **_TEXT,
        "description": "A key of the rule, 'unless NAME', 'action ID', or 'action ID: KEY' of its request.",
    },
    **_BEFORE_AND_AFTER,
    "through": {
        "type": "array",
        "items": _TEXT,
        "description": "Names by which it changed where the rule itself did not; before and after are then "
        "with their values.",
    },
}

_NAME: dict[str, Any] = {
    "name": {**_TEXT, "description": "Such as vars.big_order or is.vip."},
    **_BEFORE_AND_AFTER,
    "rules": {"type": "array", "items": _TEXT, "description": "Ids of the rules that it changes."},
}

_RULE: dict[str, Any] = {
    "id": _TEXT,
    "enabled": {"type": "boolean"},
    "table": {"type": ["string", "array"]},
    "view": _TEXT,
    "event": {"type": ["string", "array"]},
    "actions": {
        "type": "array",
        "items": _object({"type": _TEXT, "id": _TEXT, "mode": _TEXT, "on_error": _TEXT}),
        "description": "Each with the keys of its type; what could be a secret is masked.",
    },
}
"""Keys that every rule has here, whether they were written or not; it may have any other of a rule file."""
