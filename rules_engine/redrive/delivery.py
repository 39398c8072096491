"""Does again what dead letters say: the same units, with the same delivery ids, by the rules as they are now.

`Redriver.deliver` takes messages and gives for each what came of it. Units of one rule and item stay in order
among the messages that are given together. Nothing is given up here: what fails stays where it was.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from math import inf
from random import Random
from typing import TYPE_CHECKING, Any, Literal

from rules_engine.delivery.clock import SystemClock
from rules_engine.delivery.context import Deadline, InvocationContext
from rules_engine.delivery.dead_letter import DeadLetter, DeadLetterError
from rules_engine.delivery.failure import Failure
from rules_engine.delivery.identity import deliveries_of
from rules_engine.delivery.plan import Plan, lanes_of
from rules_engine.delivery.policy import Policy
from rules_engine.delivery.report import Report
from rules_engine.delivery.schedule import Schedule
from rules_engine.delivery.workers import ThreadWorkers
from rules_engine.errors import RecordError
from rules_engine.model import Match
from rules_engine.record import MalformedRecord, StreamRecord, parse_event
from rules_engine.redrive.message import Batch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rules_engine.actions import Action
    from rules_engine.delivery.clock import Clock
    from rules_engine.delivery.unit import Unit
    from rules_engine.delivery.workers import Workers
    from rules_engine.engine import Engine
    from rules_engine.model import Delivery

Result = Literal["delivered", "superseded", "failed"]


@dataclass(frozen=True, slots=True)
class Redriven:
    """What came of one message; a batch is `delivered` only if all of it is. `failure` is the first one."""

    result: Result
    failure: Failure | None = None
    units: int = 1


@dataclass(frozen=True, slots=True)
class Redriver:
    """`actions` are by rule id and action id, of enabled rules."""

    engine: Engine
    actions: Mapping[tuple[str, str], Action]
    log: Callable[[str], object]
    debug_values: bool = False
    clock: Clock = field(default_factory=SystemClock)
    random: Random = field(default_factory=Random)
    workers: Callable[[], Workers] = ThreadWorkers

    def deliver(self, messages: Sequence[DeadLetter | Batch]) -> list[Redriven]:
        """In the order of `messages`."""
        plan = Plan(self.actions)
        wanted: dict[int, list[Unit] | Failure] = {}
        position = count()
        for at in sorted(range(len(messages)), key=lambda at: _order(messages[at])):
            try:
                wanted[at] = [
                    plan.add(delivery, number)
                    for number, deliveries in zip(position, self._by_record(messages[at]), strict=False)
                    for delivery in deliveries
                ]
            except (DeadLetterError, RecordError) as error:
                wanted[at] = Failure("permanent", type(error).__name__, str(error))
        self._run(list(plan.units.values()))
        return [_redriven(wanted[at]) for at in range(len(messages))]

    def _by_record(self, message: DeadLetter | Batch) -> list[list[Delivery]]:
        """What is to be done again, for each record of the message."""
        if isinstance(message, DeadLetter) and message.rule is not None:
            return [[self._named(message, _record_of(message.record))]]
        event = message.event if isinstance(message, Batch) else _event_of(message.record)
        found = []
        for record in parse_event(event):
            if isinstance(record, MalformedRecord):
                raise DeadLetterError(f"the record {record.failure_id} cannot be read: {record.reason}")
            matches = self.engine.match(record)
            found.append([delivery for match in matches for delivery in deliveries_of(match)])
        return found

    def _named(self, letter: DeadLetter, record: StreamRecord) -> Delivery:
        """The one delivery that a letter is about."""
        rule = next((each for each in self.engine.rule_set.rules if each.id == letter.rule), None)
        if rule is None or not rule.enabled:
            why = "does not exist any more" if rule is None else "is not enabled"
            raise DeadLetterError(f"the rule '{letter.rule}' {why}")
        for delivery in deliveries_of(Match((rule,), 0, record)):
            if delivery.action.id == letter.action:
                if delivery.id != letter.id:
                    raise DeadLetterError("the letter's id is not that of its record, rule and action")
                return delivery
        raise DeadLetterError(f"the rule '{letter.rule}' has no action '{letter.action}'")

    def _run(self, units: Sequence[Unit]) -> None:
        Schedule(
            workers=self.workers(),
            clock=self.clock,
            random=self.random,
            deadline=Deadline(InvocationContext.of(None)),
            policy=Policy(inf, has_dead_letters=False),
            bury=lambda unit: None,
            report=Report(self.log, self.clock.now, self.debug_values),
        ).run(lanes_of(units))


def _redriven(units: list[Unit] | Failure) -> Redriven:
    if isinstance(units, Failure):
        return Redriven("failed", units, 0)
    for unit in units:
        if unit.outcome is None:
            # A unit that was not tried waits for one before it, which has failed.
            blocked = Failure("transient", "BLOCKED", "a change before it has failed")
            return Redriven("failed", unit.failure or blocked, len(units))
    superseded = bool(units) and all(unit.outcome == "superseded" for unit in units)
    return Redriven("superseded" if superseded else "delivered", None, len(units))


def _order(message: DeadLetter | Batch) -> int:
    """Older changes first."""
    number = message.sequence_number if isinstance(message, DeadLetter) else ""
    return int(number) if number.isascii() and number.isdigit() else 0


def _event_of(raw: Any) -> Any:
    """One record as an event that `parse_event` takes: a record of a Pipe comes without `Records`."""
    is_piped = isinstance(raw, dict) and "dynamodb" in raw and "SequenceNumber" not in (raw["dynamodb"] or {})
    return [raw] if is_piped else {"Records": [raw]}


def _record_of(raw: Any) -> StreamRecord:
    (record,) = parse_event(_event_of(raw))
    if isinstance(record, MalformedRecord):
        raise DeadLetterError(f"the record cannot be read: {record.reason}")
    return record
