"""What `run` would send: every matching rule's actions, rendered and not performed.

In: a rule set and records. Out: rule, action, record and request of each, in the order in which the function
would perform them. Nothing is read from AWS either: a secret, and a variable that is not set, stand in the
request as the reference that names them. What cannot be read or rendered is reported on stderr, costs exit
code 1 and hides nothing else; the function would stop there and ask for the batch again.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from rules_engine import exact_json
from rules_engine.actions import action_type
from rules_engine.cli.environment import missing_variables, remote_references
from rules_engine.cli.exit_codes import OK, PROBLEMS
from rules_engine.cli.paint import paint
from rules_engine.cli.report import visible
from rules_engine.cli.report_explain import describe
from rules_engine.cli.rule_files import count
from rules_engine.delivery.identity import deliveries_of
from rules_engine.engine import Engine
from rules_engine.errors import EvaluationError, TemplateError
from rules_engine.record import MalformedRecord

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rules_engine.model import Delivery, RuleSet
    from rules_engine.record import StreamRecord


def show(rule_set: RuleSet, records: Sequence[StreamRecord | MalformedRecord], output: str) -> int:
    """Print what the function would send for `records`; the exit code."""
    deliveries, failed = _deliveries(rule_set, records)
    wanted = {(each.match.rule.id, each.action.id): (each.match.rule, each.action) for each in deliveries}
    missing = missing_variables(wanted.values(), os.environ)
    for name, place in missing:
        click.echo(f"Note: {name} is not set, so it stands as ${{{name}}}: {place}", err=True)
    unknown = [*(name for name, _ in missing), *remote_references(rule_set)]
    environment = {**os.environ, **{name: f"${{{name}}}" for name in unknown}}
    actions = {
        key: action_type(spec.type).build(spec, rule.scope, environment, None)
        for key, (rule, spec) in wanted.items()
    }
    rendered = []
    for delivery in deliveries:
        try:
            rendered.append((delivery, actions[delivery.match.rule.id, delivery.action.id].render(delivery)))
        except (TemplateError, EvaluationError) as error:
            click.echo(f"Error: {_name(delivery)} for {describe(delivery.match.record)}: {error}", err=True)
            failed = True
    click.echo(_document(rendered) if output == "json" else _text(rendered, len(records)), nl=False)
    return PROBLEMS if failed else OK


def _deliveries(
    rule_set: RuleSet, records: Sequence[StreamRecord | MalformedRecord]
) -> tuple[list[Delivery], bool]:
    """What matching rules want done, and whether a record could not be read."""
    engine = Engine.from_rules(rule_set)
    deliveries: list[Delivery] = []
    failed = False
    for number, record in enumerate(records, start=1):
        if isinstance(record, MalformedRecord):
            click.echo(f"Error: record {number} cannot be read: {record.reason}", err=True)
            failed = True
            continue
        evaluation = engine.evaluate(record)
        for error in evaluation.errors:
            clause = f"{error.clause} of rule '{error.rule_id}'"
            click.echo(
                f"Warning: {clause} could not be evaluated on record {number}: {error.message}", err=True
            )
        for match in evaluation.matches:
            deliveries += deliveries_of(match)
    return deliveries, failed


def _text(rendered: Sequence[tuple[Delivery, dict[str, Any]]], records: int) -> str:
    parts = [
        f"{paint(_name(delivery), 'place')} for {describe(delivery.match.record)}\n"
        + "".join(f"  {visible(line)}\n" for line in _indented(request))
        + "\n"
        for delivery, request in rendered
    ]
    parts.append(f"{count(len(rendered), 'action')} for {count(records, 'record')}; nothing was sent\n")
    return "".join(parts)


def _document(rendered: Sequence[tuple[Delivery, dict[str, Any]]]) -> str:
    actions = [
        {
            "rule": delivery.match.rule.id,
            "action": delivery.action.id,
            "type": delivery.action.type,
            "delivery_id": delivery.id,
            "event_id": delivery.match.record.event_id,
            "request": request,
        }
        for delivery, request in rendered
    ]
    return exact_json.dumps({"version": 1, "actions": actions}) + "\n"


def _name(delivery: Delivery) -> str:
    return f"{delivery.match.rule.id}/{delivery.action.id}"


def _indented(value: Any) -> Iterator[str]:
    """Lines of JSON with exact numbers; json's own indentation could not keep those."""
    if isinstance(value, dict) and value:
        entries = [(f"{exact_json.dumps(key)}: ", element) for key, element in value.items()]
        yield from _block("{", entries, "}")
    elif isinstance(value, list) and value:
        yield from _block("[", [("", element) for element in value], "]")
    else:
        yield exact_json.dumps(value)


def _block(opening: str, entries: Sequence[tuple[str, Any]], closing: str) -> Iterator[str]:
    yield opening
    for number, (key, element) in enumerate(entries, start=1):
        lines = list(_indented(element))
        lines[0] = f"{key}{lines[0]}"
        if number < len(entries):
            lines[-1] += ","
        for line in lines:
            yield f"  {line}"
    yield closing
