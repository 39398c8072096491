"""Why each rule did or did not match a record, as text for people.

In: a record and the engine's explanations of it. Out: lines. A rule that is stopped before its conditions
(disabled, another event) takes one line, and all that are for other tables take one together, unless rules
were asked for by name; of the others every clause is shown with what came of
it and of its parts, a caret below what could not be evaluated, and the values and constants it read, in
columns. Values are JSON, cut where they would not fit the line. `explanation_json` is the same for programs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rules_engine import exact_json
from rules_engine.cli.report import Paint, plain, visible
from rules_engine.errors import AttributeValueError
from rules_engine.expression import ABSENT
from rules_engine.expression.verdicts import constants_read, failing_span, verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rules_engine.engine import ClauseTrace, Explanation
    from rules_engine.expression.verdicts import Verdict
    from rules_engine.model import Rule
    from rules_engine.record import StreamRecord

WIDTH = 140
"""Columns where no terminal says how many there are."""
_NARROWEST = 24
"""Columns of a value, however little room there is."""

_FEWEST_FOLDED = 2
"""Rules of other tables: of one rule its own line says more."""

_WORDS = {"matched": "matched", "not_matched": "not matched", "error": "could not be evaluated"}
_PART_WORDS = {"not_needed": "-"}
_ROLES = {
    "matched": "good", "not_matched": "bad", "error": "error",
    "true": "good", "false": "quiet", "not_needed": "quiet",
}  # fmt: skip


def render_explanations(
    record: StreamRecord,
    explanations: Sequence[Explanation],
    rules: Mapping[str, Rule],
    paint: Paint = plain,
    width: int = WIDTH,
    fold: bool = True,
) -> str:
    """The record, a paragraph for each rule, and which matched. What takes one line stands together.

    Without `fold` the rules of other tables have a line each."""
    lines = [paint(describe(record, width), "place"), *(paint(line, "quiet") for line in _origin(record))]
    elsewhere = [each for each in explanations if each.stopped_by == "table"]
    fold = fold and len(elsewhere) >= _FEWEST_FOLDED
    paragraphs = [
        list(explanation_lines(explanation, rules[explanation.rule_id], record, paint, width))
        for explanation in explanations
        if not (fold and explanation.stopped_by == "table")
    ]
    if fold:
        paragraphs.append([visible(_elsewhere(elsewhere, rules, width))])
    above = 0
    for paragraph in paragraphs:
        lines += paragraph if above == len(paragraph) == 1 else ["", *paragraph]
        above = len(paragraph)
    return "".join(f"{line}\n" for line in [*lines, "", *_summary(explanations)])


def render_overview(explained: Sequence[Sequence[Explanation]]) -> str:
    """Of several records: which rules matched which of them, counted from 1."""
    matched: dict[str, list[str]] = {}
    for number, explanations in enumerate(explained, start=1):
        for explanation in explanations:
            if explanation.outcome == "matched":
                matched.setdefault(explanation.rule_id, []).append(str(number))
    lines = [f"{len(explained)} records" + ("" if matched else ": no rule matched any of them")]
    lines += [f"  {rule_id} matched {', '.join(numbers)}" for rule_id, numbers in matched.items()]
    return "".join(f"{line}\n" for line in lines)


def describe(record: StreamRecord, width: int = WIDTH) -> str:
    """`MODIFY orders {"order_id":"o-1"}`."""
    event_name = "EXPIRE" if record.expired else record.event_name
    words = f"{event_name} {record.table} "
    return words + shown_value(record.keys, width - len(words))


def explanation_lines(
    explanation: Explanation,
    rule: Rule,
    record: StreamRecord,
    paint: Paint = plain,
    width: int = WIDTH,
) -> Iterator[str]:
    """What came of one rule, and below it each clause that was evaluated."""
    word = paint(_WORDS[explanation.outcome], _ROLES[explanation.outcome])
    yield f"{paint(explanation.rule_id, 'place')}: {word}{visible(_reason(explanation, rule))}"
    evaluated = [clause for clause in explanation.clauses if clause.outcome != "not_evaluated"]
    label_width = max((len(clause.label) for clause in evaluated), default=0)
    for clause in evaluated:
        stops = explanation.stopped_by is not None and clause.label.startswith(explanation.stopped_by)
        role = "bad" if stops else _ROLES[clause.outcome]
        head = f"  {paint(f'{clause.outcome:5}', role)}  {visible(clause.label):{label_width}}  "
        indent = " " * (len("  false  ") + label_width + 2)
        first, *others = _clause_lines(clause, rule, record, paint, width - len(indent))
        yield head + first
        yield from (f"{indent}{line}" for line in others)


def shown_value(value: Any, columns: int = WIDTH) -> str:
    """`value` as JSON, cut where it would not fit."""
    if value is ABSENT:
        return "(absent)"
    return _cut(visible(json_text(value)), columns)


def json_text(value: Any) -> str:
    """`value` as JSON, or why it has none."""
    try:
        return exact_json.dumps(value)
    except (ValueError, AttributeValueError) as error:
        return f"<{error}>"


def _origin(record: StreamRecord) -> Iterator[str]:
    """Which change this is, and which image it should have and has not."""
    number, time = record.sequence_number, record.created_at
    known = [f"event {record.event_id}", time and f"at {time}", number and f"sequence number {number}"]
    yield visible(", ".join(each for each in known if each))
    wanted = {"new": ("INSERT", "MODIFY"), "old": ("MODIFY", "REMOVE")}
    for image, raw in (("new", record.new_raw), ("old", record.old_raw)):
        if raw is None and record.event_name in wanted[image]:
            yield f"it carries no {image} image, so '{image}' is null: see the view type of the stream"


def _elsewhere(explanations: Sequence[Explanation], rules: Mapping[str, Rule], width: int) -> str:
    """`12 rules are for other tables: customers, stock`"""
    tables = dict.fromkeys(table for each in explanations for table in rules[each.rule_id].tables)
    return _cut(f"{len(explanations)} rules are for other tables: {', '.join(tables)}", width)


def _summary(explanations: Sequence[Explanation]) -> Iterator[str]:
    matched = [explanation.rule_id for explanation in explanations if explanation.outcome == "matched"]
    failed = [explanation.rule_id for explanation in explanations if explanation.outcome == "error"]
    counted = f"{len(matched)} of {len(explanations)} rule{'s' * (len(explanations) != 1)} matched"
    yield f"{counted}: {', '.join(matched)}" if matched else counted
    if failed:
        yield f"{len(failed)} could not be evaluated: {', '.join(failed)}"


def _reason(explanation: Explanation, rule: Rule) -> str:
    stopped_by = explanation.stopped_by
    if stopped_by is None:
        return ""
    reasons = {
        "enabled": "the rule is switched off",
        "table": f"the rule is for {', '.join(rule.tables)}",
        "event": f"the rule is for {', '.join(rule.events)}",
        **{f"unless[{each.name}]": each.reason for each in rule.unless},
    }
    reason = reasons.get(stopped_by)
    return f", stopped by {stopped_by}" + (f": {reason}" if reason else "")


def _clause_lines(
    clause: ClauseTrace, rule: Rule, record: StreamRecord, paint: Paint, width: int
) -> Iterator[str]:
    """The condition, what is wrong with it, what came of its parts, and what it read."""
    failing = None
    if clause.error is not None:
        failing = failing_span(clause.text, rule.scope, record.document)
    for line, marked in _condition_lines(clause.text, failing):
        yield visible(line)
        if marked is not None:
            start, end = (len(visible(line[:place])) for place in marked)
            yield " " * start + paint("^" * max(end - start, 1), "caret")
    if clause.error is not None:
        yield f"  {visible(clause.error)}"
    elif not isinstance(clause.value, bool):
        yield f"  gives {shown_value(clause.value, width)}, which counts as {clause.outcome}"
    for part in verdict(clause.text, rule.scope, record.document).parts:
        yield from _part_lines(part, "  ", paint)
    reads = [*clause.reads, *constants_read(clause.text, rule.scope).items()]
    longest = max((len(visible(path)) for path, _ in reads), default=0)
    for path, value in reads:
        shown = shown_value(value, width - longest - len("   = "))
        yield paint(f"  {visible(path):{longest}} = {shown}", "quiet")


def _condition_lines(
    text: str, marked: tuple[int, int] | None
) -> Iterator[tuple[str, tuple[int, int] | None]]:
    """The lines of a condition without indentation, and what of each is marked."""
    at = 0
    for line in text.split("\n"):
        shown = line.strip()
        begin = at + len(line) - len(line.lstrip())
        at += len(line) + 1
        if shown:
            start, end = (min(max(place - begin, 0), len(shown)) for place in marked or (0, 0))
            yield shown, (start, end) if start < end else None


def _part_lines(part: Verdict, indent: str, paint: Paint) -> Iterator[str]:
    word = _PART_WORDS.get(part.outcome, part.outcome)
    text = " ".join(part.text.split())
    yield f"{indent}{paint(f'{word:5}', _ROLES[part.outcome])}  {visible(text)}"
    for inner in part.parts:
        yield from _part_lines(inner, f"{indent}  ", paint)


def _cut(text: str, columns: int) -> str:
    columns = max(columns, _NARROWEST)
    return text if len(text) <= columns else f"{text[: columns - 1]}…"
