"""Every target of messages and calls, on simulated days with faults: nothing lost, nothing turned round."""

from __future__ import annotations

import json
from collections import Counter
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from rules_engine.actions import action_type, eventbridge, metric
from rules_engine.delivery.context import InvocationContext
from rules_engine.delivery.dead_letter import read_dead_letter
from rules_engine.delivery.dead_letter_queue import SqsDeadLetterQueue
from rules_engine.delivery.invocation import Invocation
from rules_engine.delivery.response import batch_response
from rules_engine.delivery.resume_table import TableResumeStore
from rules_engine.engine import Engine
from rules_engine.model import EMPTY_SCOPE, ActionSpec, Rule, RuleSet
from rules_engine.record import parse_event
from rules_engine.testing import (
    MIXES,
    Effect,
    Expected,
    FakeAws,
    FaultMix,
    RandomFaults,
    Sandbox,
    StreamSim,
    check_history,
)
from tests.soak.day import MAPPING
from tests.soak.outside import ShuffledWorkers
from tests.test_actions_opensearch import BASE

if TYPE_CHECKING:
    from collections.abc import Callable

    from rules_engine.testing import Call, ServiceEffect

STATE, DEAD = "state", "https://sqs.invalid/dead-letters"
QUEUE = "https://sqs.eu-west-1.amazonaws.com/123456789012/orders"
MACHINE = "arn:aws:states:eu-west-1:123456789012:stateMachine:orders"
ID = "{{ eventID }}"
CONFIGS: dict[str, dict[str, Any]] = {
    "sqs": {"queue_url": QUEUE, "message": ID},
    "eventbridge": {"event_bus": "orders", "source": "example", "detail_type": "x", "detail": {"id": ID}},
    "firehose": {"delivery_stream": "orders", "record": ID},
    "lambda": {"function": "orders", "payload": ID},
    "stepfunctions": {"state_machine_arn": MACHINE, "input": ID},
    "s3": {"bucket": "orders-archive", "body": ID},
    "opensearch": {**BASE, "document": {"id": ID}},
    "metric": {"namespace": "Shop", "name": "Changes"},
}
RULES = RuleSet(
    tuple(Rule(name, ("orders",), (ActionSpec(name, name, config),)) for name, config in CONFIGS.items())
)

Name = tuple[str, str]
"""Rule and event id: a delivery."""


def name_of(effect: ServiceEffect) -> Name | None:
    request = effect.request
    if request.get("QueueUrl") == QUEUE:
        return "sqs", request["MessageBody"]
    if effect.service == "events":
        return "eventbridge", json.loads(request["Detail"])["id"]
    if effect.service == "firehose":
        return "firehose", json.loads(request["Record"]["Data"])
    if effect.service == "lambda":
        return "lambda", json.loads(request["Payload"])
    if effect.service == "s3":
        return "s3", request["Body"].decode()
    if effect.service == "opensearch":
        return "opensearch", request["document"]["id"]
    return ("stepfunctions", json.loads(request["input"])) if effect.service == "stepfunctions" else None


class Day:
    """One day of one mix: `sim` when it is over, with what became of the changes."""

    def __init__(self, mix: FaultMix, seed: int) -> None:
        self.sandbox = Sandbox()
        self.poison: set[str] = set()
        self.lines: list[dict[str, Any]] = []
        faults = RandomFaults(mix, seed, store_tables=[STATE], queue_urls=[DEAD], is_poison=self._is_poison)
        self.aws = FakeAws(self.sandbox, faults=faults, tables={STATE: ["id"]})
        self.sim = StreamSim(
            self._function(seed),
            mapping=MAPPING,
            seed=seed,
            faults=mix,
            sandbox=self.sandbox,
            new_process=lambda: self._function(seed),
        )
        draw = Random(seed).random
        for number in range(60):
            change = self.sim.put({"id": f"o-{int(draw() * 8)}", "number": number})
            assert change is not None
            if draw() < mix.poison_records:
                self.poison.add(change.event_id)
        self.sim.run()

    def _is_poison(self, call: Call) -> bool:
        text = repr(call.request)
        return any(repr(event_id)[1:-1] in text for event_id in self.poison)

    def _function(self, seed: int) -> Callable[[Any, Any], Any]:
        random = Random(seed)
        builds: dict[str, Callable[..., Any]] = {
            "eventbridge": lambda *known: eventbridge.build(*known, clock=self.sandbox.time),
            "metric": lambda *known: metric.build(*known, write=self._write),
        }
        invocation = Invocation(
            Engine.from_rules(RULES),
            {
                (name, name): builds.get(name, action_type(name).build)(
                    rule.actions[0], EMPTY_SCOPE, {}, self.aws
                )
                for name, rule in zip(CONFIGS, RULES.rules, strict=True)
            },
            log=lambda _line: None,
            partial_batch=True,
            resume=TableResumeStore(self.aws.client("dynamodb"), STATE),
            dead_letters=SqsDeadLetterQueue(self.aws.client("sqs"), DEAD),
            clock=self.sandbox_clock,
            random=random,
            workers=lambda: ShuffledWorkers(random),
        )

        def handler(event: Any, context: Any) -> Any:
            return batch_response(invocation.deliver(parse_event(event), InvocationContext.of(context)), True)

        return handler

    @property
    def sandbox_clock(self) -> Any:
        class Clock:
            now = monotonic = staticmethod(self.sandbox.time)
            sleep = staticmethod(self.sandbox.sleep)

        return Clock()

    def _write(self, line: str) -> None:
        self.lines.append(json.loads(line))

    def dead(self) -> set[Name]:
        letters = [
            read_dead_letter(message["MessageBody"], lambda bucket, key: b"")
            for message in self.aws.sqs.messages(DEAD)
        ]
        return {(str(letter.rule), letter.record["eventID"]) for letter in letters}


@pytest.mark.parametrize("mix", MIXES, ids=lambda mix: mix.name)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_nothing_is_lost_or_turned_round_at_any_target(mix: FaultMix, seed: int) -> None:
    day = Day(mix, seed)
    changes = {change.event_id: change for change in day.sim.changes}
    expected = [
        Expected((rule, event_id), rule, rule, change.item, change.sequence)
        for event_id, change in changes.items()
        for rule in CONFIGS
        if rule != "metric"
    ]
    names = [(effect, name) for effect in day.aws.effects if (name := name_of(effect)) is not None]
    effects = [
        Effect(name, name[0], name[0], changes[name[1]].item, changes[name[1]].sequence, effect.time)
        for effect, name in names
    ]
    dead = day.dead()
    report = check_history(expected, effects, dead)
    assert report.is_clean, str(report)
    assert day.sim.given_up == []
    assert {event_id for _, event_id in dead} <= day.poison
    times = Counter(name for _, name in names)
    assert max(count for (rule, _), count in times.items() if rule == "stepfunctions") == 1
    assert len({line["delivery_id"] for line in day.lines}) == len(changes)
