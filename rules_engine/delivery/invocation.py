"""One invocation: a batch of records, every matching rule, every action, each lane in its order.

In come the records of one event and a compiled engine with its actions; out comes the failure id of the first
record that is unresolved, or None. Units that were done in an earlier delivery of the batch are skipped, the
others run in lanes (`schedule`); what cannot succeed becomes a dead letter, and what may still succeed comes
again. Nothing else is shared between invocations than the checkpoints of the stream.

A condition that cannot be evaluated fails nothing; it is logged once for each rule. What no record caused
(the state table cannot be read, most units fail in a way that nobody knows) is raised: then the whole batch
comes again.
"""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime
from random import Random
from typing import TYPE_CHECKING

from rules_engine.delivery.clock import SystemClock
from rules_engine.delivery.context import Deadline, InvocationContext
from rules_engine.delivery.dead_letter import DeadLetter
from rules_engine.delivery.failure import classify
from rules_engine.delivery.plan import lanes_of, plan_units
from rules_engine.delivery.policy import Policy
from rules_engine.delivery.report import Report
from rules_engine.delivery.resume import (
    FREE_BYTES,
    NOTHING,
    Checkpoint,
    NoResumeStore,
    Outstanding,
    contradicted,
    next_checkpoint,
    short_id,
    stream_of,
)
from rules_engine.delivery.schedule import Schedule
from rules_engine.delivery.workers import ThreadWorkers
from rules_engine.errors import BatchError
from rules_engine.light_dataclass import dataclass, field
from rules_engine.record import MalformedRecord, StreamRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from rules_engine.actions import Action
    from rules_engine.delivery.clock import Clock
    from rules_engine.delivery.dead_letter_queue import DeadLetterQueue
    from rules_engine.delivery.metrics import Metrics
    from rules_engine.delivery.resume import ResumeStore
    from rules_engine.delivery.unit import Lane, Unit
    from rules_engine.delivery.workers import Workers
    from rules_engine.engine import Engine

Record = StreamRecord | MalformedRecord

GIVE_UP_SECONDS = 6 * 3600.0


@dataclass(frozen=True, slots=True)
class Invocation:
    """How records are dealt with. `actions` are by rule id and action id; `log` takes finished lines.

    `partial_batch`: whether the answer may name one record; if not, a batch that is not resolved comes again
    from its first record, and the checkpoint has to wait for that one. Without `dead_letters` nothing is
    given up.
    """

    engine: Engine
    actions: Mapping[tuple[str, str], Action]
    log: Callable[[str], object]
    debug_values: bool = False
    partial_batch: bool = True
    resume: ResumeStore = field(default_factory=NoResumeStore)
    dead_letters: DeadLetterQueue | None = None
    give_up_seconds: float = GIVE_UP_SECONDS
    rules_hash: str = ""
    clock: Clock = field(default_factory=SystemClock)
    random: Random = field(default_factory=Random)
    workers: Callable[[], Workers] = ThreadWorkers
    metrics: Metrics | None = None

    def deliver(self, records: Iterable[Record], context: InvocationContext | None = None) -> str | None:
        """The failure id of the first unresolved record; None if all are resolved. Raises BatchError.

        A mistake of ours is a BatchError too, for its own text may quote an item; the traceback, which has no
        values, is that of the mistake.
        """
        context = context or InvocationContext.of(None)
        report = Report(self.log, self.clock.now, self.debug_values)
        batch = in_order(records)
        try:
            return self._deliver(batch, context, report)
        except BatchError:
            report.is_failed = True
            raise
        except Exception as error:  # noqa: BLE001 - raised below, without its text
            report.is_failed = True
            code = type(error).__name__
            report.line("ERROR", "unexpected error", code=code)
            unexpected = BatchError(f"unexpected {code}: the whole batch is to come again")
            unexpected.with_traceback(error.__traceback__)
        finally:
            if self.metrics is not None and batch:
                self.metrics.emit(report, batch, context.function_name, self.clock.now())
        raise unexpected

    def _deliver(self, records: Sequence[Record], context: InvocationContext, report: Report) -> str | None:
        deadline = Deadline(context)
        units = plan_units(records, self.engine, self.actions, report)
        if not units:
            return None
        stream, start = stream_of(records[0]), records[0].failure_id
        outstanding = self.resume.read(stream, start, self.clock.now())
        _skip_done(units, outstanding.checkpoints.get(start, NOTHING), report)
        stale = [*outstanding.unreadable, *contradicted(units, outstanding, start)]
        if outstanding.unreadable:
            report.line(
                "ERROR", "checkpoint cannot be read", count=len(outstanding.unreadable), then="dropped"
            )
        if stale:
            # Before anything is made: what they say is done has to be done again after it.
            self._write(stream, outstanding, stale, None, report)
            outstanding = _without(outstanding, stale)
        slowest = max(units, key=lambda unit: unit.timeout_seconds)
        if deadline.may_cut_off(slowest.timeout_seconds):
            report.short_of_time(slowest, deadline.seconds)
        schedule = Schedule(
            workers=self.workers(),
            clock=self.clock,
            random=self.random,
            deadline=deadline,
            policy=Policy(
                self.give_up_seconds,
                has_dead_letters=self.dead_letters is not None,
                counts_tries=not isinstance(self.resume, NoResumeStore),
            ),
            bury=lambda unit: self._bury(unit, context),
            report=report,
        )
        schedule.run(lanes_of(units))
        return self._conclude(records, units, outstanding, report, is_flooded=schedule.is_flooded)

    def _bury(self, unit: Unit, context: InvocationContext) -> None:
        """Writes the dead letter of a unit."""
        assert self.dead_letters is not None
        assert unit.failure is not None
        done = tuple(
            other.action_id
            for other in unit.lane.of_record_under_way()
            if other.action_id is not None and other.outcome in ("delivered", "superseded", "skipped")
        )
        error_class, code, message = unit.failure[:3]
        created, source_arn = unit.created_at_seconds, unit.record.raw.get("eventSourceARN")
        now = self.clock.now()
        self.dead_letters.send(
            DeadLetter(
                id=unit.id,
                record=unit.record.raw,
                rule=unit.rule_id,
                action=unit.action_id,
                rules_hash=self.rules_hash,
                done=done,
                error={"class": error_class, "code": code, "message": message},
                attempts=unit.tries_before + unit.tries,
                first_seen=_iso(now if created is None else created),
                last_try=_iso(now),
                sequence_number=getattr(unit.record, "sequence_number", None) or unit.record.failure_id,
                source_arn=source_arn if isinstance(source_arn, str) else None,
                function=context.function_name,
                request_id=context.request_id,
            )
        )

    def _conclude(
        self,
        records: Sequence[Record],
        units: Sequence[Unit],
        outstanding: Outstanding,
        report: Report,
        *,
        is_flooded: bool,
    ) -> str | None:
        unresolved = [unit for unit in units if unit.outcome is None]
        start, standing = records[0].failure_id, outstanding.checkpoints
        if not unresolved:
            self._keep(records, outstanding, None, report)
            return None
        for unit in unresolved:
            if unit.rule_id is not None:
                report.of(unit.rule_id).unresolved += 1
        whole = is_flooded or not self.partial_batch
        first = 0 if whole else min(unit.position for unit in unresolved)
        after = next_checkpoint(standing.get(start, NOTHING), units, first)
        self._keep(records, outstanding, (records[first].failure_id, after), report)
        if is_flooded:
            codes = Counter(unit.failure.code for unit in unresolved if unit.failure is not None)
            (most, _), *_ = codes.most_common(1)
            raise BatchError(
                f"more than half of the batch failed with {most}: it is to come again as a whole"
            )
        return min(unresolved, key=lambda unit: unit.position).record.failure_id

    def _keep(
        self,
        records: Sequence[Record],
        outstanding: Outstanding,
        after: tuple[str, Checkpoint] | None,
        report: Report,
    ) -> None:
        """Writes the checkpoint that is named, in place of the one that this batch started with. If that
        fails it costs repeats only: what stands there is as true as it was. So is that of a batch which is
        resolved; it is removed where it makes reading dearer."""
        if after is None and outstanding.size_bytes <= FREE_BYTES:
            return
        start, standing = records[0].failure_id, outstanding.checkpoints
        name, checkpoint = after or ("", NOTHING)
        kept = None if checkpoint in (NOTHING, standing.get(name)) else after
        forgotten = [start] if start in standing and start != name else []
        if kept is not None or forgotten:
            with suppress(BatchError):
                self._write(stream_of(records[0]), outstanding, forgotten, kept, report)

    def _write(
        self,
        stream: str,
        outstanding: Outstanding,
        forgotten: Sequence[str],
        kept: tuple[str, Checkpoint] | None,
        report: Report,
    ) -> None:
        """Raises BatchError."""
        code = None
        try:
            self.resume.write(stream, outstanding, forgotten, kept, self.clock.now())
        except Exception as error:  # noqa: BLE001 - whatever it is, nothing is known of the item now
            code = classify(error).code
        if code is not None:
            report.line("ERROR", "state table cannot be written", code=code)
            raise BatchError(f"the state table cannot be written: {code}")


def in_order(records: Iterable[Record]) -> list[Record]:
    """By sequence number, where all have one: Lambda, too, compares what is reported as numbers."""
    batch = list(records)
    numbers = [_sequence(record) for record in batch]
    if None in numbers:
        return batch
    order = sorted(range(len(batch)), key=lambda at: numbers[at] or 0)
    return [batch[at] for at in order]


def _sequence(record: Record) -> int | None:
    if isinstance(record, StreamRecord):
        return record.sequence
    # Of a record that cannot be read only this is known; in a Pipe it is no number.
    return int(record.failure_id) if record.failure_id.isascii() and record.failure_id.isdigit() else None


def _skip_done(units: Iterable[Unit], before: Checkpoint, report: Report) -> None:
    """Marks what was done in an earlier delivery; of each lane only the beginning. What was done after a
    change that is to be made now (the rule was another one then) has to be done again after it."""
    if before == NOTHING:
        return
    done = frozenset(before.done)
    first_open: dict[Lane, int] = {}
    for unit in units:
        name = short_id(unit.id)
        unit.tries_before = before.tries.get(name, 0)
        if name not in done:
            first_open.setdefault(unit.lane, unit.position)
        elif first_open.get(unit.lane, unit.position) == unit.position:
            unit.outcome = "skipped"
            report.resolved(unit)


def _without(outstanding: Outstanding, taken_back: Sequence[str]) -> Outstanding:
    standing = {name: each for name, each in outstanding.checkpoints.items() if name not in taken_back}
    return Outstanding(standing, (), outstanding.size_bytes)


def _iso(seconds: float) -> str:
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
