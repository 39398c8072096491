"""What `backtest --format json` writes, and its JSON Schema.

In: a `Backtest`. Out: plain data that `exact_json.dumps` takes, with numbers exact and nothing cut.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rules_engine.cli.explanation_json import json_value
from rules_engine.cli.open_schema import document_schema, list_of, object_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rules_engine.backtest.decisions import Backtest, Change, Decisions, Found

VERSION = 1


def backtest_document(backtest: Backtest, against: str | None, rule_ids: Sequence[str]) -> dict[str, Any]:
    """`against` names the revision of the rules before; `rule_ids` are those asked for, or none for all."""
    return {
        "version": VERSION,
        "against": against,
        "changes": backtest.changes,
        "first_at": backtest.times[0][1] if backtest.times else None,
        "last_at": backtest.times[-1][1] if backtest.times else None,
        "unreadable": backtest.unreadable,
        "without_rules": dict(backtest.without_rules.most_common()),
        "rules": [_rule(each, against is not None) for each in backtest.decisions_of(rule_ids)],
    }


def _rule(decisions: Decisions, compared: bool) -> dict[str, Any]:
    rule, before = decisions.rule, decisions.before
    return {
        "rule": decisions.rule_id,
        "previous_id": before.id if rule and before and before.id != rule.id else None,
        "added": compared and before is None,
        "removed": rule is None,
        "matched": _found(decisions.matched),
        "matched_before": decisions.matched_before if compared else None,
        "more": _found(decisions.more) if compared else None,
        "fewer": _found(decisions.fewer) if compared else None,
        "failed": _found(decisions.failed),
        "failure": decisions.failure,
    }


def _found(found: Found) -> dict[str, Any]:
    return {"count": found.count, "first": [_change(change) for change in found.first]}


def _change(change: Change) -> dict[str, Any]:
    record = change.record
    return {
        "place": change.place,
        "event_id": record.event_id,
        "event_name": record.event_name,
        "expired": record.expired,
        "table": record.table,
        "keys": json_value(record.keys),
        "created_at": record.created_at,
    }


def backtest_schema() -> dict[str, Any]:
    """A JSON Schema (draft 2020-12)."""
    return document_schema(
        "What rules-engine backtest found",
        VERSION,
        _BACKTEST,
        {"rule": object_of(_RULE), "found": object_of(_FOUND), "change": object_of(_CHANGE)},
    )


_TEXT = {"type": "string"}
_TEXT_OR_NULL = {"type": ["string", "null"]}
_COUNT = {"type": "integer", "minimum": 0}
_FOUND_OR_NULL = {"anyOf": [{"$ref": "#/$defs/found"}, {"type": "null"}]}

_BACKTEST: dict[str, Any] = {
    "against": {**_TEXT_OR_NULL, "description": "The revision of --against."},
    "changes": {**_COUNT, "description": "All that could be read."},
    "first_at": {**_TEXT_OR_NULL, "description": "The time of the earliest change, ISO 8601 in UTC."},
    "last_at": {**_TEXT_OR_NULL, "description": "That of the latest."},
    "unreadable": {**_COUNT, "description": "Lines and files that are no change; stderr says which and why."},
    "without_rules": {
        "type": "object",
        "additionalProperties": _COUNT,
        "description": "How many of the changes are of a table for which there is no rule, by table.",
    },
    "rules": list_of("rule", "In the order of the files; with --against those that are gone come last."),
}

_RULE: dict[str, Any] = {
    "rule": {**_TEXT, "description": "Its id now; of one that is gone, as it was."},
    "previous_id": {**_TEXT_OR_NULL, "description": "Of one that was renamed."},
    "added": {"type": "boolean", "description": "Whether it was not there before."},
    "removed": {"type": "boolean", "description": "Whether it is no longer there."},
    "matched": {"$ref": "#/$defs/found"},
    "matched_before": {
        "type": ["integer", "null"],
        "minimum": 0,
        "description": "By the rules of --against; null without it, as are more and fewer.",
    },
    "more": {**_FOUND_OR_NULL, "description": "Changes that only the rule as it is matches."},
    "fewer": {**_FOUND_OR_NULL, "description": "Changes that only the rule as it was matched."},
    "failed": {
        "$ref": "#/$defs/found",
        "description": "Changes on which a condition could not be evaluated, so that it did not hold.",
    },
    "failure": {**_TEXT_OR_NULL, "description": "Clause and reason of the first of them."},
}

_FOUND: dict[str, Any] = {
    "count": _COUNT,
    "first": list_of("change", "As many of them as --most says."),
}

_CHANGE: dict[str, Any] = {
    "place": {**_TEXT, "description": "File or object, and its line where there are several."},
    "event_id": _TEXT,
    "event_name": {"enum": ["INSERT", "MODIFY", "REMOVE"]},
    "expired": {"type": "boolean", "description": "Whether time to live removed the item."},
    "table": _TEXT,
    "keys": {"type": ["object", "string", "null"], "description": "The item's key, in plain values."},
    "created_at": {**_TEXT_OR_NULL, "description": "ISO 8601 in UTC."},
}
