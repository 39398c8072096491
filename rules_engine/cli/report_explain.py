"""Why each rule did or did not match a record, as text for people and as data for programs.

In: a record and the engine's explanations of it. Out: lines, or a document for JSON. A rule that is stopped
before its conditions (disabled, another table, another event) takes one line; of the others every clause is
shown with what came of it and each value it read, in columns. Values are JSON, cut where they would fill
the screen; the JSON form cuts nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rules_engine import exact_json
from rules_engine.cli.report import Paint, plain, visible
from rules_engine.errors import AttributeValueError
from rules_engine.expression import ABSENT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rules_engine.engine import ClauseTrace, Explanation
    from rules_engine.model import Rule
    from rules_engine.record import StreamRecord

_LONGEST_VALUE = 100

_WORDS = {"matched": "matched", "not_matched": "not matched", "error": "could not be evaluated"}
_ROLES = {
    "matched": "good", "not_matched": "bad", "error": "error",
    "true": "good", "false": "quiet",
}  # fmt: skip


def render_explanations(
    record: StreamRecord,
    explanations: Sequence[Explanation],
    rules: Mapping[str, Rule],
    paint: Paint = plain,
) -> str:
    """The record in one line, a paragraph for each rule, and the rules that matched."""
    paragraphs = [paint(describe(record), "place") + "\n"]
    for explanation in explanations:
        lines = explanation_lines(explanation, rules[explanation.rule_id], record, paint)
        paragraphs.append("".join(f"{line}\n" for line in lines))
    matched = [explanation.rule_id for explanation in explanations if explanation.outcome == "matched"]
    rules_counted = f"{len(matched)} of {len(explanations)} rule{'s' * (len(explanations) != 1)} matched"
    paragraphs.append(f"{rules_counted}: {', '.join(matched)}\n" if matched else f"{rules_counted}\n")
    return "\n".join(paragraphs)


def explanation_document(record: StreamRecord, explanations: Sequence[Explanation]) -> dict[str, Any]:
    """The same as data; `exact_json.dumps` takes it."""
    return {
        "event_id": record.event_id,
        "event_name": record.event_name,
        "expired": record.expired,
        "table": record.table,
        "keys": _json_value(record.keys),
        "rules": [
            {
                "rule": explanation.rule_id,
                "outcome": explanation.outcome,
                "stopped_by": explanation.stopped_by,
                "clauses": [_clause_document(clause) for clause in explanation.clauses],
            }
            for explanation in explanations
        ],
    }


def describe(record: StreamRecord) -> str:
    """`MODIFY orders {"order_id":"o-1"}`."""
    event_name = "EXPIRE" if record.expired else record.event_name
    return f"{event_name} {record.table} {shown_value(record.keys)}"


def explanation_lines(
    explanation: Explanation, rule: Rule, record: StreamRecord, paint: Paint = plain
) -> Iterator[str]:
    """What came of one rule, and below it each clause that was evaluated."""
    verdict = paint(_WORDS[explanation.outcome], _ROLES[explanation.outcome])
    reason = _reason(explanation, rule, record)
    yield f"{paint(explanation.rule_id, 'place')}: {verdict}{reason}"
    evaluated = [clause for clause in explanation.clauses if clause.outcome != "not_evaluated"]
    label_width = max((len(clause.label) for clause in evaluated), default=0)
    for clause in evaluated:
        role = "bad" if clause.label == explanation.stopped_by else _ROLES[clause.outcome]
        yield from _clause_lines(clause, label_width, paint, role)


def _reason(explanation: Explanation, rule: Rule, record: StreamRecord) -> str:
    match explanation.stopped_by:
        case None:
            return ""
        case "enabled":
            return ", stopped by enabled: the rule is switched off"
        case "table":
            return f", stopped by table: the rule is for {', '.join(rule.tables)}"
        case "event":
            return f", stopped by event: the rule is for {', '.join(rule.events)}"
        case clause:
            return f", stopped by {clause}"


def _clause_lines(clause: ClauseTrace, label_width: int, paint: Paint, role: str) -> Iterator[str]:
    outcome = paint(f"{clause.outcome:5}", role)
    indent = " " * (len("  false  ") + label_width + 2)
    first, *others = (visible(line.strip()) for line in clause.text.strip().split("\n"))
    yield f"  {outcome}  {clause.label:{label_width}}  {first}"
    for line in others:
        yield f"{indent}{line}"
    path_width = max((len(path) for path, _ in clause.reads), default=0)
    for path, value in clause.reads:
        yield f"{indent}{paint(f'  {visible(path):{path_width}} = {shown_value(value)}', 'quiet')}"
    if clause.error is not None:
        yield f"{indent}  {visible(clause.error)}"
    elif not isinstance(clause.value, bool):
        yield f"{indent}  gives {shown_value(clause.value)}, which counts as {clause.outcome}"


def _clause_document(clause: ClauseTrace) -> dict[str, Any]:
    return {
        "clause": clause.label,
        "condition": clause.text,
        "outcome": clause.outcome,
        "value": _json_value(clause.value),
        "reads": [
            {"path": path, "absent": True} if value is ABSENT else {"path": path, "value": _json_value(value)}
            for path, value in clause.reads
        ],
        "error": clause.error,
    }


def shown_value(value: Any) -> str:
    """`value` as JSON, cut where it would fill the screen."""
    if value is ABSENT:
        return "(absent)"
    text = visible(json_text(value))
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 1]}…"


def json_text(value: Any) -> str:
    """`value` as JSON, or why it has none."""
    try:
        return exact_json.dumps(value)
    except (ValueError, AttributeValueError) as error:
        return f"<{error}>"


def _json_value(value: Any) -> Any:
    """`value`, or what keeps it from being JSON: one bad attribute must not hide the others."""
    try:
        exact_json.dumps(value)
    except (ValueError, AttributeValueError) as error:
        return f"<{error}>"
    return value
