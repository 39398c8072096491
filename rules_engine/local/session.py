"""A stack being watched: changes on it, what they owe, what was found. `Session.play` makes the samples.

A `Change` is one record that the function gets, ours, a rule's or the developer's own. `look` reads targets
and streams and gives the changes that are settled: everything owed was read back, or time ran out, or the
function says that it failed. Samples are played in waves in which each item occurs once: the item is first
brought to the old image while no mapping is there, so that the function gets the tests' changes and nothing
else. Where a change fails its wave, the others of the wave are played again alone: a failed record holds up
all behind it, which is what streams do.
"""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from rules_engine.attribute_value import Image
from rules_engine.local.ministack import LocalStackError
from rules_engine.local.owed import Owing
from rules_engine.local.play import wait_until
from rules_engine.local.typed_line import PUT
from rules_engine.record import parse_record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from rules_engine.local.effect import Effect
    from rules_engine.local.owed import Owed
    from rules_engine.local.samples import Sample
    from rules_engine.local.stack import LocalStack
    from rules_engine.local.typed_line import TypedChange
    from rules_engine.record import StreamRecord

DEADLINE_SECONDS = 30.0
"""About 2 s are usual; a machine busy with other work gets its time."""
GRACE_SECONDS = 3.0
"""How long after the function's last answer a delivery may take to be seen at its target."""


@dataclass(slots=True, eq=False)
class Change:
    """One record and what is owed for it. `missing` is empty where all of that was read back."""

    record: StreamRecord
    owed: list[Owed]
    sample: Sample | None = None
    handed: str | None = None
    deadline: float = field(default_factory=lambda: time.monotonic() + DEADLINE_SECONDS)
    missing: list[tuple[Owed, Effect | None]] = field(default_factory=list)


class Session:
    """See the module. What was on the stack before belongs to no session."""

    def __init__(self, stack: LocalStack, settled: Callable[[Change], None]) -> None:
        self._stack = stack
        self._settled = settled
        self._owing = Owing(stack)
        self._known = {table: len(stack.stream_records(table)) for table in stack.plan.sources}
        self._before = Counter(effect.text for effect in stack.arrivals())
        self._arrived: list[Effect] = []
        self._wanted: Counter[str] = Counter()
        self._due: list[tuple[Change, Owed, Effect, int]] = []
        """(change, delivery, effect, how many times that effect must have arrived)."""
        self._open: list[Change] = []
        self._waiting: list[Sample] = []
        self._handed: dict[str, str] = {}
        self._failures = len(stack.failures)
        self._failed = False
        self._idle_since: float | None = None
        self.lost: list[Sample] = []
        """Samples whose change made no record like the test's."""

    # Looking

    def look(self) -> None:
        """Reads everything once and reports what is settled. Effects first: their cause is then known."""
        before = self._before.copy()
        arrived = []
        for effect in self._stack.arrivals():
            if before[effect.text] > 0:
                before[effect.text] -= 1
            else:
                arrived.append(effect)
        self._arrived = arrived
        for table in self._stack.plan.sources:
            for raw in self._stack.stream_records(table)[self._known[table] :]:
                self._known[table] += 1
                self._add(parse_record(raw))
        counts = Counter(effect.text for effect in arrived)
        self._due = [due for due in self._due if counts[due[2].text] < due[3]]
        for change in list(self._open):
            if not self._is_open(change) or time.monotonic() > change.deadline:
                self._settle(change)

    def _add(self, record: StreamRecord) -> None:
        sample = next((each for each in self._waiting if _same(each.record, record)), None)
        if sample is not None:
            self._waiting.remove(sample)
        self._track(Change(record, self._owing.of(record, sample), sample))

    def _track(self, change: Change) -> None:
        for owed in change.owed:
            for effect in owed.effects:
                self._wanted[effect.text] += 1
                self._due.append((change, owed, effect, self._wanted[effect.text]))
        self._open.append(change)

    def _is_open(self, change: Change) -> bool:
        """A delivery that cannot be rendered fails the function's batch: that is waited for, too."""
        return any(owed.fault for owed in change.owed) or any(due[0] is change for due in self._due)

    def _settle(self, change: Change) -> None:
        self._open.remove(change)
        change.missing = [(owed, effect) for each, owed, effect, _ in self._due if each is change]
        change.missing += [(owed, None) for owed in change.owed if owed.fault]
        self._settled(change)

    @property
    def is_settled(self) -> bool:
        """Whether every change that was seen is settled."""
        return not self._open

    def unexpected(self) -> list[Effect]:
        """What arrived though nothing asked for it. To be trusted once the stack is idle."""
        return [effect for effect in self._arrived if effect.text not in self._wanted]

    def change(self, typed: TypedChange) -> bool:
        """Makes a change of the developer's; whether it changes anything."""
        table, attributes = typed.table, typed.attributes
        keys = {name: attributes[name] for name in self._stack.plan.sources[table].names}
        before = self._stack.item_raw(table, keys)
        if typed.verb == PUT:
            self._write(table, "put_raw", attributes)
            return before is None or _comparable({"M": before}) != _comparable({"M": attributes})
        self._write(table, "delete_raw", keys)
        return before is not None

    # Playing

    def play(self, samples: Sequence[Sample], going_on: Callable[[], bool] = lambda: True) -> None:
        """Makes every sample's change and waits for what comes of it, as long as `going_on`."""
        keys = self._stack.plan.sources
        written, handed = [], []
        for sample in samples:
            fits = sample.handed or (
                None
                if keys[sample.record.table].fit(sample.record.keys_raw)
                else "its keys are not the table's"
            )
            (handed.append((sample, fits)) if fits else written.append(sample))
        for wave in _waves(written):
            if going_on():
                self._play_wave(wave)
        for sample, reason in handed:
            if going_on():
                self._hand(sample, reason)
        if self._failed:  # what failed last is still tried again, and holds up what comes next
            with self._stack.unmapped():
                self._abandon()

    def _play_wave(self, wave: Sequence[Sample]) -> None:
        with self._stack.unmapped():
            if self._failed:
                self._abandon()
            self._lay_out(wave)
        self._waiting = list(wave)
        for sample in wave:
            self._make(sample)
        failed = self._await()
        if failed and len(wave) > 1:
            unfinished = {change.sample for change in self._open} | set(self._waiting)
            self._forget_open()
            for sample in wave:
                if sample in unfinished:
                    self._play_wave([sample])
        else:
            self.lost += self._waiting
            self._settle_open()

    def _hand(self, sample: Sample, reason: str) -> None:
        sample = sample.after(self._newest(sample.record.table))
        self._handed[sample.record.table] = sample.record.sequence_number or "0"
        self._track(Change(sample.record, self._owing.of(sample.record, sample), sample, reason))
        # A function that fails says in its log with what, and the change stays without its effects.
        with contextlib.suppress(LocalStackError):
            self._stack.invoke(sample.event)
        self._await()
        self._settle_open()

    def _newest(self, table: str) -> str:
        """The sequence number of the newest change of a table, those that were handed over included."""
        raws = self._stack.stream_records(table) if table in self._known else []
        seen = [self._handed.get(table, "0"), *(raw["dynamodb"]["SequenceNumber"] for raw in raws)]
        self._handed[table] = max(seen, key=int)
        return self._handed[table]

    def _await(self) -> bool:
        """Until there is nothing to wait for; whether the function failed on the way."""
        before = self._failures
        self._idle_since = None
        wait_until(self._is_over, DEADLINE_SECONDS)
        self._failures = len(self._stack.failures)
        self._failed = self._failures > before
        return self._failed

    def _is_over(self) -> bool:
        idle = self._stack.is_idle()
        self.look()
        if len(self._stack.failures) > self._failures:
            # A function says at once what failed, and goes on with the other actions of the batch.
            self._stack.await_answer()
            self.look()
            return True
        if not idle:
            self._idle_since = None
            return False
        self._idle_since = self._idle_since or time.monotonic()
        done = not self._waiting and not self._open
        return done or time.monotonic() - self._idle_since > GRACE_SECONDS

    def skip_failed(self) -> list[str]:
        """What the function said since the last call of records it could not deliver. They and what they
        hold up are given up, or nothing would come after them."""
        said = self._stack.failures[self._failures :]
        if said:
            self._settle_open()
            with self._stack.unmapped():
                self._abandon()
        return said

    def _abandon(self) -> None:
        """While unmapped: what failed is tried no more, and what was said of its last tries is old news."""
        self._owing.sync()
        self._failures = len(self._stack.failures)

    def _settle_open(self) -> None:
        for change in list(self._open):
            self._settle(change)
        self._forget_open()

    def _forget_open(self) -> None:
        for _, _, effect, _ in self._due:
            self._wanted[effect.text] -= 1
        self._open, self._due, self._waiting = [], [], []

    def _lay_out(self, wave: Sequence[Sample]) -> None:
        """Every item as it must be before its change."""
        for sample in wave:
            table, old = sample.record.table, sample.record.old_raw
            keys = sample.record.keys_raw or {}
            self._write(table, "delete_raw", keys)
            if old is not None:
                self._write(table, "put_raw", {**keys, **old})
        for table in self._known:
            self._known[table] = len(self._stack.stream_records(table))

    def _make(self, sample: Sample) -> None:
        record = sample.record
        keys = record.keys_raw or {}
        if record.new_raw is None:
            self._write(record.table, "delete_raw", keys)
        else:
            self._write(record.table, "put_raw", {**keys, **record.new_raw})

    def _write(self, table: str, write: str, attributes: Any) -> None:
        """On a table that rules write to as well, our own writes are seen among theirs."""
        getattr(self._stack, write)(table, attributes)
        for effect in self._owing.mirror(table, write, attributes, self._stack):
            self._wanted[effect.text] += 1


def _same(sample: StreamRecord, record: StreamRecord) -> bool:
    """Whether the change that was made for the sample made this record."""
    return (
        (sample.table, sample.event_name, sample.keys) == (record.table, record.event_name, record.keys)
        and _whole(sample.keys_raw, sample.old_raw) == record.old
        and _whole(sample.keys_raw, sample.new_raw) == record.new
    )


def _comparable(attribute: Mapping[str, Any]) -> Any:
    """Equal for two attributes that DynamoDB takes for the same: numbers go by their value. Not for sets."""
    ((tag, value),) = attribute.items()
    if tag == "M":
        return {name: _comparable(each) for name, each in value.items()}
    if tag == "L":
        return [_comparable(each) for each in value]
    return (tag, Decimal(value) if tag == "N" else value)


def _whole(keys: Mapping[str, Any] | None, image: Mapping[str, Any] | None) -> Image | None:
    """An item as a table has it: tests may leave the key out of an image."""
    return None if image is None else Image({**(keys or {}), **image})


def _waves(samples: Sequence[Sample]) -> Iterator[list[Sample]]:
    """All samples, in as few groups as possible in which no item occurs twice."""
    rounds: dict[int, list[Sample]] = {}
    times: Counter[tuple[str, str]] = Counter()
    for sample in samples:
        rounds.setdefault(times[sample.item], []).append(sample)
        times[sample.item] += 1
    yield from rounds.values()
