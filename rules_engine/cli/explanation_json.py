"""What `explain --format json` writes, and its JSON Schema.

In: a record and the engine's explanations of it. Out: plain data that `exact_json.dumps` takes, with numbers
exact and nothing cut.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rules_engine import exact_json
from rules_engine.cli.open_schema import document_schema, list_of, object_of
from rules_engine.errors import AttributeValueError
from rules_engine.expression import ABSENT
from rules_engine.expression.verdicts import constants_read, failing_span, verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rules_engine.engine import ClauseTrace, Explanation
    from rules_engine.expression.verdicts import Verdict
    from rules_engine.model import Rule
    from rules_engine.record import StreamRecord

VERSION = 1


def explanation_document(
    record: StreamRecord, explanations: Sequence[Explanation], rules: Mapping[str, Rule]
) -> dict[str, Any]:
    """One record with every rule's explanation."""
    return {
        "event_id": record.event_id,
        "event_name": record.event_name,
        "expired": record.expired,
        "table": record.table,
        "keys": json_value(record.keys),
        "rules": [
            {
                "rule": explanation.rule_id,
                "outcome": explanation.outcome,
                "stopped_by": explanation.stopped_by,
                "clauses": [
                    _clause_document(clause, rules[explanation.rule_id], record)
                    for clause in explanation.clauses
                ],
            }
            for explanation in explanations
        ],
    }


def _clause_document(clause: ClauseTrace, rule: Rule, record: StreamRecord) -> dict[str, Any]:
    evaluated = clause.outcome != "not_evaluated"
    failing = None
    if clause.error is not None:
        failing = failing_span(clause.text, rule.scope, record.document)
    parts = verdict(clause.text, rule.scope, record.document).parts if evaluated else ()
    return {
        "clause": clause.label,
        "condition": clause.text,
        "outcome": clause.outcome,
        "value": json_value(clause.value),
        "parts": [_part_document(part) for part in parts],
        "reads": [
            {"path": path, "absent": True} if value is ABSENT else {"path": path, "value": json_value(value)}
            for path, value in clause.reads
        ],
        "constants": constants_read(clause.text, rule.scope),
        "error": clause.error,
        "error_start": failing and failing[0],
        "error_end": failing and failing[1],
    }


def _part_document(part: Verdict) -> dict[str, Any]:
    return {
        "condition": part.text,
        "outcome": part.outcome,
        "parts": [_part_document(inner) for inner in part.parts],
    }


def json_value(value: Any) -> Any:
    """`value`, or what keeps it from being JSON: one bad attribute must not hide the others."""
    try:
        exact_json.dumps(value)
    except (ValueError, AttributeValueError) as error:
        return f"<{error}>"
    return value


def explanation_schema() -> dict[str, Any]:
    """A JSON Schema (draft 2020-12)."""
    records = "In the order of the input; records that cannot be read are left out."
    return document_schema(
        "What rules-engine explain found",
        VERSION,
        {"records": list_of("record", records)},
        {
            "record": object_of(_RECORD),
            "rule": object_of(_RULE),
            "clause": object_of(_CLAUSE),
            "part": object_of(_PART),
            "read": {
                **object_of({"path": _PATH}),
                "oneOf": [{"required": ["value"]}, {"required": ["absent"]}],
            },
        },
    )


_TEXT = {"type": "string"}
_OFFSET = {"type": ["integer", "null"], "minimum": 0}
_PATH = {**_TEXT, "description": "What was read, as an expression: new.customer.tier."}

_RECORD: dict[str, Any] = {
    "event_id": _TEXT,
    "event_name": {"enum": ["INSERT", "MODIFY", "REMOVE"]},
    "expired": {"type": "boolean", "description": "Whether time to live removed the item."},
    "table": _TEXT,
    "keys": {"type": ["object", "string", "null"], "description": "The item's key, in plain values."},
    "rules": list_of("rule", "Every rule, or those of --rule, in the order of the files."),
}

_RULE: dict[str, Any] = {
    "rule": {**_TEXT, "description": "The rule's id."},
    "outcome": {
        "enum": ["matched", "not_matched", "error"],
        "description": "error: a condition could not be evaluated, so the rule did not match.",
    },
    "stopped_by": {
        "type": ["string", "null"],
        "description": "enabled, table, event, or the label of a clause; null where the rule matched.",
    },
    "clauses": list_of("clause", "Conditions, then exceptions."),
}

_CLAUSE: dict[str, Any] = {
    "clause": {**_TEXT, "description": "Its label: when, when[0], unless[NAME], unless[NAME][0]."},
    "condition": {**_TEXT, "description": "As it stands in the file."},
    "outcome": {"enum": ["true", "false", "error", "not_evaluated"]},
    "value": {"description": "What the condition gave; null where it could not be evaluated."},
    "parts": list_of("part", "The operands of '&&' and '||', and what named conditions stand for."),
    "reads": list_of("read", "Every path that the condition reads, with what is there."),
    "constants": {"type": "object", "description": "By name, such as vars.big_order."},
    "error": {"type": ["string", "null"], "description": "Why it could not be evaluated."},
    "error_start": {**_OFFSET, "description": "Where in the condition that is: characters from 0."},
    "error_end": {**_OFFSET, "description": "Behind the last character."},
}

_PART: dict[str, Any] = {
    "condition": _TEXT,
    "outcome": {
        "enum": ["true", "false", "error", "not_needed"],
        "description": "not_needed: what stands before it had decided.",
    },
    "parts": list_of("part", "Its own operands."),
}
