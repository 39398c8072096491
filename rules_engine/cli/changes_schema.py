"""The JSON Schema of what `diff --format json` writes, for programs that read it."""

from __future__ import annotations

from typing import Any

from rules_engine.cli.open_schema import document_schema, list_of, object_of
from rules_engine.cli.report_diff import VERSION

_TEXT = {"type": "string"}
_RULE_OR_NULL = {"anyOf": [{"$ref": "#/$defs/rule"}, {"type": "null"}]}
_BEFORE_AND_AFTER = {
    "before": {"description": "As it was written; null where it was not there."},
    "after": {"description": "As it is written; null where it is no longer there."},
}


def changes_schema() -> dict[str, Any]:
    """A JSON Schema (draft 2020-12)."""
    names = "Constants and named conditions that changed, and what through them."
    return document_schema(
        "What rules-engine diff found",
        VERSION,
        {
            "rules": list_of("change", "Rules that do something else: removed and renamed ones first."),
            "names": list_of("name", names),
        },
        {
            "change": object_of(_CHANGE),
            "aspect": object_of(_ASPECT),
            "name": object_of(_NAME),
            "rule": object_of(_RULE),
        },
    )


_CHANGE: dict[str, Any] = {
    "rule": {**_TEXT, "description": "Its id now; of one that was removed, as it was."},
    "change": {"enum": ["added", "removed", "renamed", "changed"]},
    "previous_id": {"type": ["string", "null"], "description": "Of one that was renamed."},
    "before": {**_RULE_OR_NULL, "description": "Null of one that was added."},
    "after": {**_RULE_OR_NULL, "description": "Null of one that was removed."},
    "aspects": list_of(
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
        "items": object_of({"type": _TEXT, "id": _TEXT, "mode": _TEXT, "on_error": _TEXT}),
        "description": "Each with the keys of its type; what could be a secret is masked.",
    },
}
"""Keys that every rule has here, whether they were written or not; it may have any other of a rule file."""
