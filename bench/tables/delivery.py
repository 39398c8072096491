"""What a batch of 1,000 matching records takes where each call takes 20 ms.

The clients are stand-ins that sleep and keep what they were sent; everything else is what runs in the
function, threads too. One call at a time is measured on a hundred records and taken ten times. Every run is
checked: each record must have arrived once.
"""

from __future__ import annotations

from time import perf_counter, sleep
from typing import TYPE_CHECKING, Any

from bench.report import Row, Table
from bench.timing import WrongAnswer
from bench.workload import records
from rules_engine.actions import action_type
from rules_engine.actions.transport import Answer
from rules_engine.delivery.identity import deliveries_of
from rules_engine.delivery.invocation import Invocation
from rules_engine.engine import Engine
from rules_engine.errors import ActionError
from rules_engine.model import EMPTY_SCOPE, ActionSpec, Match, Rule, RuleSet
from rules_engine.record import StreamRecord, parse_event

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.session import Session
    from rules_engine.actions import Action, Signer
    from rules_engine.record import MalformedRecord

_RECORDS = 1_000
_CALL_SECONDS = 0.02
_ONE_BY_ONE = 100
_SNS = ActionSpec(
    "sns", "sns", {"topic_arn": "arn:aws:sns:eu-west-1:123456789012:t", "message": "{{ eventID }}"}
)
_PUT = ActionSpec("table", "table", {"table": "copies", "put": {"id": "{{ eventID }}"}})
_POST = ActionSpec("webhook", "webhook", {"url": "https://hooks.example.com/", "body": "{{ eventID }}"})


class _Slow:
    """SNS, DynamoDB and a receiver, each call 20 ms away. `arrived` has the event id of everything sent."""

    def __init__(self, down: bool = False) -> None:
        self.calls = 0
        self.arrived: list[str] = []
        self.down = down

    def client(self, service: str, timeout_seconds: float | None = None) -> _Slow:
        return self

    @property
    def transport(self) -> _Slow:
        return self

    def signer(self, service: str, region: str) -> Signer:
        raise NotImplementedError("nothing here is signed")

    def _take(self, names: Sequence[str]) -> None:
        self.calls += 1
        sleep(_CALL_SECONDS)
        if self.down:
            raise ActionError("CONNECT", "no connection to the receiver", "transient")
        self.arrived += names

    def publish(self, **request: Any) -> None:
        self._take([request["Message"]])

    def publish_batch(self, **request: Any) -> dict[str, Any]:
        entries = request["PublishBatchRequestEntries"]
        self._take([entry["Message"] for entry in entries])
        return {"Successful": entries}

    def put_item(self, **request: Any) -> None:
        self._take([request["Item"]["id"]["S"]])

    def batch_write_item(self, **request: Any) -> dict[str, Any]:
        ((_, entries),) = request["RequestItems"].items()
        self._take([entry["PutRequest"]["Item"]["id"]["S"] for entry in entries])
        return {}

    def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes,
        timeout_seconds: float,
        most_answer_bytes: int = 0,
    ) -> Answer:
        self._take([body.decode().strip('"')])
        return Answer(204)


def measure(session: Session) -> Table:
    batch = _batch()
    rows = []
    for spec, most, most_calls in ((_SNS, 20, 105), (_PUT, 20, 45), (_POST, None, None)):
        slow = _Slow()
        seconds = _deliver(batch, (spec, slow))
        alone = _one_by_one(spec, batch)
        _check(slow, batch)
        note = f"{seconds:.2f} s, one call at a time {alone:.1f} s"
        rows += [
            Row(
                f"{spec.type}: sooner than one call at a time", alone / seconds, "x", at_least=most, note=note
            ),
            Row(f"{spec.type}: calls", slow.calls, "calls", at_most=most_calls),
        ]
    rows.append(_beside_a_dead_target(batch))
    return Table("delivery", f"Delivery of {_RECORDS:,} matching records, 20 ms a call", rows)


def _beside_a_dead_target(batch: Sequence[StreamRecord | MalformedRecord]) -> Row:
    alone = _deliver(batch, (_SNS, _Slow()))
    live, dead = _Slow(), _Slow(down=True)
    beside = _deliver(batch, (_SNS, live), (_POST, dead))
    _check(live, batch)
    note = f"{dead.calls} calls to the dead one"
    return Row("sns beside a webhook that is down", beside - alone, "s longer", at_most=1, note=note)


def _batch() -> list[StreamRecord | MalformedRecord]:
    """Records of different items, as they come."""
    kept = {str(raw["dynamodb"]["Keys"]): raw for raw in records()}
    return parse_event({"Records": list(kept.values())[:_RECORDS]})


def _action(spec: ActionSpec, slow: _Slow) -> Action:
    return action_type(spec.type).build(spec, EMPTY_SCOPE, {}, slow)


def _deliver(batch: Sequence[StreamRecord | MalformedRecord], *targets: tuple[ActionSpec, _Slow]) -> float:
    """Seconds of one invocation with a rule for each target."""
    rules = RuleSet(tuple(Rule(spec.type, ("orders",), (spec,)) for spec, _ in targets))
    actions = {(spec.type, spec.id): _action(spec, slow) for spec, slow in targets}
    invocation = Invocation(Engine.from_rules(rules), actions, lambda line: None)
    start = perf_counter()
    invocation.deliver(batch)
    return perf_counter() - start


def _one_by_one(spec: ActionSpec, batch: Sequence[StreamRecord | MalformedRecord]) -> float:
    """Seconds for all of the batch, from a part of it, rendered and performed in a loop."""
    action, rule = _action(spec, _Slow()), Rule(spec.type, ("orders",), (spec,))
    matches = [
        Match((rule,), 0, record) for record in batch[:_ONE_BY_ONE] if isinstance(record, StreamRecord)
    ]
    start = perf_counter()
    for match in matches:
        for delivery in deliveries_of(match):
            action.perform(action.render(delivery))
    return (perf_counter() - start) * len(batch) / len(matches)


def _check(slow: _Slow, batch: Sequence[StreamRecord | MalformedRecord]) -> None:
    expected = sorted(str(record.raw["eventID"]) for record in batch)
    if sorted(slow.arrived) != expected or len(expected) != _RECORDS:
        raise WrongAnswer(f"{len(slow.arrived)} of {len(expected)} records arrived")
