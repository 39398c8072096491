"""Bundles with a right sum and made-up content, which no `dump` wrote.

`mutated(random)` changes one value somewhere in a bundle, whatever line it stands in, and seals it again.
"""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from rules_engine import bundle, exact_json
from rules_engine.bundle.layout import LAST, RULES, seal
from rules_engine.delivery.identity import deliveries_of
from rules_engine.engine import Engine
from rules_engine.errors import TemplateError
from rules_engine.function import actions_of
from rules_engine.model import ActionSpec, Rule, RuleSet, Unless
from tests import random_rules
from tests.mutations import changed

if TYPE_CHECKING:
    from random import Random

    from rules_engine.record import StreamRecord

TOPIC = "arn:aws:sns:eu-west-1:123456789012:orders"
QUEUE = "https://sqs.eu-west-1.amazonaws.com/123456789012/orders"
MACHINE = "arn:aws:states:eu-west-1:123456789012:stateMachine:orders"
URL = "https://hooks.example.com/{{ keys.id }}"

VALUES: list[Any] = [
    None, True, False, 0, 1, -1, 7, 10**9, Decimal("0.5"), Decimal("1E+9999"),
    "", "a", "new", "Equals", "orders", "MODIFY",
    "log", [], [0], ["a"], [["a"]], [None], [[[]]], {}, {"a": 1}, {"id": "x"}, {"": {}},
]  # fmt: skip


def mutated(random: Random, data: bytes) -> bytes:
    """`data`, a bundle, with one value in it replaced, left out or put in twice."""
    first, *lines, last = data[: data.rindex(b',"sha256"')].split(b"\n")
    place = random.randrange(len(lines) + 2)
    if place == len(lines):
        document = exact_json.loads((first + b"}}").decode())
        # The trees have lines of their own.
        written = exact_json.dumps({**changed(random, document, VALUES), "trees": {}})
        first = written[:-2].encode()
    elif place == len(lines) + 1:
        document = exact_json.loads((b'{"scopes":' + last.removeprefix(LAST) + b"}").decode())
        last = LAST + exact_json.dumps(changed(random, document, VALUES).get("scopes")).encode()
    elif lines[place] != RULES:
        lines[place] = _line(random, lines[place])
    return seal(b"\n".join([first, *lines, last]))


def _line(random: Random, line: bytes) -> bytes:
    comma = b"," if line.endswith(b",") else b""
    text = line.removesuffix(b",").decode()
    if text.startswith("{"):
        return exact_json.dumps(changed(random, exact_json.loads(text), VALUES)).encode() + comma
    document = changed(random, exact_json.loads(f"{{{text}}}"), VALUES)
    return exact_json.dumps(document)[1:-1].encode() + comma


SEARCH = {
    "endpoint": "https://search.example.com",
    "domain_arn": "arn:aws:es:eu-west-1:123456789012:domain/orders",
    "index": "orders",
    "document_id": "{{ keys.id }}",
}
SENT = Rule(
    "sent",
    ("orders",),
    (
        ActionSpec(
            "sns", "sns", {"topic_arn": TOPIC, "subject": "a {{ eventID }}", "message": {"a": "{{ new }}"}}
        ),
        ActionSpec("webhook", "webhook", {"url": URL, "headers": {"x": "y"}}, timeout_seconds=2.5),
        ActionSpec("copy", "table", {"table": "copies", "sync": {}}),
        ActionSpec("put", "table", {"table": "copies", "put": {"id": "{{ keys.id }}"}}),
        ActionSpec("log", "log", {"message": "{{ new.t }}", "fields": {"a": "{{ new.m }}"}}),
        ActionSpec("sqs", "sqs", {"queue_url": QUEUE, "attributes": {"a": "{{ new.n }}"}}),
        ActionSpec("bus", "eventbridge", {"event_bus": "b", "source": "s", "detail_type": "{{ new.t }}"}),
        ActionSpec("firehose", "firehose", {"delivery_stream": "orders", "record": ["{{ new }}"]}),
        ActionSpec("lambda", "lambda", {"function": "orders", "invocation": "wait", "payload": {"a": 1}}),
        ActionSpec("machine", "stepfunctions", {"state_machine_arn": MACHINE, "input": "{{ old }}"}),
        ActionSpec("object", "s3", {"bucket": "orders", "key": "{{ new.t }}/{{ eventID }}", "gzip": True}),
        ActionSpec("search", "opensearch", {**SEARCH, "document": {"a": "{{ new.t }}"}}),
        ActionSpec(
            "metric",
            "metric",
            {"namespace": "a", "name": "b", "value": 1, "dimensions": {"c": "{{ new.t }}"}},
        ),
    ),
    unless=(Unless("none", ("eventID == 'none'", "new.n > `1`"), "because", "2099-01-01"),),
)


def sound_bundle(random: Random) -> bytes:
    """A bundle of a few random rules and one with every type of action."""
    return bundle.dump(RuleSet((*random_rules.rule_set(random).rules[:6], SENT)))


def use(data: bytes, records: list[StreamRecord]) -> None:
    """All that a function does with a bundle, short of sending. Raises what that raises."""
    rule_set = bundle.load(data)
    engine = Engine.from_rules(rule_set)
    actions = actions_of(rule_set, {}, None)
    for record in records:
        engine.explain(record)
        for match in engine.match(record):
            for delivery in deliveries_of(match):
                with suppress(TemplateError):
                    actions[match.rule.id, delivery.action.id].render(delivery)
