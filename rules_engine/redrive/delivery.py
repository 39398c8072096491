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
from rules_engine.delivery.failure import Failure, classify
from rules_engine.delivery.identity import deliveries_of
from rules_engine.delivery.plan import Plan, lanes_of
from rules_engine.delivery.policy import Policy
from rules_engine.delivery.report import Report
from rules_engine.delivery.schedule import Schedule
from rules_engine.delivery.workers import ThreadWorkers
from rules_engine.errors import RecordError
from rules_engine.model import Match
from rules_engine.record import MalformedRecord, StreamRecord, parse_event

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rules_engine.actions import Action
    from rules_engine.delivery.clock import Clock
    from rules_engine.delivery.unit import Unit
    from rules_engine.delivery.workers import Workers
    from rules_engine.engine import ConditionError, Engine
    from rules_engine.model import Delivery
    from rules_engine.redrive.message import Batch

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
        """In the order of `messages`. Whatever is wrong with one of them, or with one record of a batch, the
        others are delivered."""
        plan, report = Plan(self.actions), Report(self.log, self.clock.now, self.debug_values)
        records = [_records_of(message) for message in messages]
        planned: dict[int, tuple[list[Unit], list[Failure]]] = {}
        errors: list[ConditionError] = []
        position = count()
        # Older changes first.
        for at in sorted(range(len(messages)), key=lambda at: _first_sequence(records[at])):
            units, failures = planned[at] = [], []
            for record in records[at]:
                number = next(position)
                try:
                    wanted = self._wanted(messages[at], record, errors)
                    units += [plan.add(delivery, number) for delivery in wanted]
                except (DeadLetterError, RecordError) as error:
                    failures.append(Failure("permanent", type(error).__name__, str(error)))
                except Exception as error:  # noqa: BLE001 - one record must not hide the others' fate
                    failures.append(classify(error))
        report.condition_errors(errors)
        self._run(list(plan.units.values()), report)
        return [_redriven(*planned[at]) for at in range(len(messages))]

    def _wanted(
        self,
        message: DeadLetter | Batch,
        record: StreamRecord | MalformedRecord | DeadLetterError,
        errors: list[ConditionError],
    ) -> list[Delivery]:
        """What is to be done again for a record. Conditions that cannot be evaluated go to `errors`."""
        if isinstance(record, DeadLetterError):
            raise record
        is_named = isinstance(message, DeadLetter) and message.rule is not None
        if isinstance(record, MalformedRecord):
            which = "the record" if is_named else f"the record {record.failure_id}"
            raise DeadLetterError(f"{which} cannot be read: {record.reason}")
        if isinstance(message, DeadLetter) and message.rule is not None:
            return [self._named(message, record)]
        evaluation = self.engine.evaluate(record)
        errors += evaluation.errors
        return [delivery for match in evaluation.matches for delivery in deliveries_of(match)]

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

    def _run(self, units: Sequence[Unit], report: Report) -> None:
        Schedule(
            workers=self.workers(),
            clock=self.clock,
            random=self.random,
            deadline=Deadline(InvocationContext.of(None)),
            policy=Policy(inf, has_dead_letters=False),
            bury=lambda unit: None,
            report=report,
        ).run(lanes_of(units))


def _redriven(units: list[Unit], failures: list[Failure]) -> Redriven:
    """`failures` are those of records that could not even be asked about."""
    for unit in units:
        if unit.outcome is None:
            # A unit that was not tried waits for one before it, which has failed.
            failures.append(unit.failure or Failure("transient", "BLOCKED", "a change before it has failed"))
    if failures:
        return Redriven("failed", failures[0], len(units))
    superseded = bool(units) and all(unit.outcome == "superseded" for unit in units)
    return Redriven("superseded" if superseded else "delivered", None, len(units))


def _records_of(message: DeadLetter | Batch) -> Sequence[StreamRecord | MalformedRecord | DeadLetterError]:
    """The records of a message; instead of them what is wrong with it."""
    try:
        return parse_event(_event_of(message.record) if isinstance(message, DeadLetter) else message.event)
    except RecordError as error:
        return [DeadLetterError(str(error))]
    except Exception:  # noqa: BLE001 - a letter can be edited into anything
        return [DeadLetterError("the record is of no known shape")]


def _first_sequence(records: Sequence[StreamRecord | MalformedRecord | DeadLetterError]) -> int:
    sequences = [each.sequence for each in records if isinstance(each, StreamRecord)]
    return min((each for each in sequences if each is not None), default=0)


def _event_of(raw: Any) -> Any:
    """One record as an event that `parse_event` takes: a record of a Pipe comes without `Records`."""
    is_piped = isinstance(raw, dict) and "dynamodb" in raw and "SequenceNumber" not in (raw["dynamodb"] or {})
    return [raw] if is_piped else {"Records": [raw]}
