"""One queue of the poller: a shard, or with a parallelization factor one of its virtual shards.

    queue.add(entry)                 # in the order of the stream
    queue.expire(now)                # what is too old: given up
    batch = queue.take(now)          # what to hand over next; None before `ready_at`
    queue.settle(verdict, now)       # what the answer meant; what is given up because of it

A batch that was not done stays before everything behind it: no record overtakes another of its queue. As AWS
states it: a failed batch is retried as it was, or in two halves with bisect, and splitting uses up no retry;
after a partial answer only the rest is retried, and is not halved. That this rest starts with a fresh count
of retries was recorded by LocalStack's tests, which were run against AWS.

Our choices, where AWS says nothing: the rest of a batch is not filled up with newer records, the first half
is the smaller one, and of a record that left the stream no document is sent.
"""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, NamedTuple

from rules_engine.poller.answer import Checkpoint, Done, Failed, NotInvoked
from rules_engine.poller.settings import NO_LIMIT, PAYLOAD_BYTES, RETENTION_SECONDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rules_engine.poller.answer import Verdict
    from rules_engine.poller.settings import MappingSettings

RETRIES_EXHAUSTED = "RetryAttemptsExhausted"
RECORD_AGE_EXCEEDED = "RecordAgeExceeded"
EXPIRED = "Expired"
"""Not a word of AWS: the record was in the stream for 24 hours, and nobody is told."""


class Entry(NamedTuple):
    """A record as the poller sees it. `sequence` is its number, `arrived` in seconds; `size_bytes` may be 0
    where nothing comes near the limit of an invocation."""

    sequence: int
    arrived: float
    raw: Mapping[str, Any]
    size_bytes: int = 0


@dataclass(slots=True)
class Batch:
    """Records that are handed over together. `invocations` counts those of just this batch."""

    entries: list[Entry]
    invocations: int = 0
    not_before: float = 0.0
    refusals: int = 0
    last: Verdict | None = None


@dataclass(frozen=True, slots=True)
class Discard:
    """Records given up, why, and after how many invocations of just this batch."""

    condition: str
    entries: tuple[Entry, ...]
    invocations: int
    at: float
    last: Verdict | None


def virtual_shard_number(raw: Mapping[str, Any], factor: int) -> int:
    """Which of `factor` virtual shards a record belongs to: the same one for all changes of an item."""
    if factor == 1:
        return 0
    keys = json.dumps(raw["dynamodb"]["Keys"], sort_keys=True, default=repr)
    return int.from_bytes(blake2b(keys.encode(), digest_size=4).digest()) % factor


class VirtualShard:
    """See the module."""

    __slots__ = ("_bytes", "_idle_since", "_maximum_age", "_pieces", "_settings", "_waiting")

    def __init__(self, settings: MappingSettings) -> None:
        self._settings = settings
        age = settings.maximum_record_age_seconds
        self._maximum_age = RETENTION_SECONDS if age == NO_LIMIT else min(age, RETENTION_SECONDS)
        self._waiting: deque[Entry] = deque()
        self._bytes = 0
        self._pieces: list[Batch] = []
        """What was taken and is not done; the last one comes next."""
        self._idle_since = 0.0

    def add(self, entry: Entry) -> None:
        """The next record of the stream."""
        self._waiting.append(entry)
        self._bytes += entry.size_bytes

    @property
    def is_done(self) -> bool:
        return not self._waiting and not self._pieces

    @property
    def undone(self) -> int:
        """How many records it holds."""
        return len(self._waiting) + sum(len(batch.entries) for batch in self._pieces)

    @property
    def oldest(self) -> Entry | None:
        """The first record that is not done: where a poller that starts anew has to begin."""
        if self._pieces:
            return self._pieces[-1].entries[0]
        return self._waiting[0] if self._waiting else None

    @property
    def ready_at(self) -> float | None:
        """From when on `take` gives a batch; None if there is no record."""
        if self._pieces:
            return self._pieces[-1].not_before
        if not self._waiting:
            return None
        first = self._waiting[0].arrived
        window = self._settings.batching_window_seconds
        if not window or len(self._waiting) >= self._settings.batch_size or self._bytes >= PAYLOAD_BYTES:
            return first
        # AWS: the next window begins when the invocation before it has ended.
        return max(first, self._idle_since) + window

    def expire(self, now: float) -> list[Discard]:
        """Gives up what is too old to be handed over at `now`."""
        oldest = self.oldest
        if oldest is None or now - oldest.arrived <= self._maximum_age:
            return []
        discards = []
        while self._pieces:
            batch = self._pieces[-1]
            fresh = [entry for entry in batch.entries if now - entry.arrived <= self._maximum_age]
            old = batch.entries[: len(batch.entries) - len(fresh)]
            if old:
                discards += self._too_old(old, batch.invocations, batch.last, now)
            if fresh:
                batch.entries = fresh
                return discards
            self._pieces.pop()
        waited = []
        while self._waiting and now - self._waiting[0].arrived > self._maximum_age:
            waited.append(self._next_waiting())
        return discards + self._too_old(waited, 0, None, now)

    def _too_old(
        self, entries: list[Entry], invocations: int, last: Verdict | None, now: float
    ) -> list[Discard]:
        """Those that left the stream apart from those that only passed the mapping's own limit."""
        gone = [entry for entry in entries if now - entry.arrived > RETENTION_SECONDS]
        aged = entries[len(gone) :]
        return [
            Discard(condition, tuple(group), invocations, now, last)
            for condition, group in ((EXPIRED, gone), (RECORD_AGE_EXCEEDED, aged))
            if group
        ]

    def take(self, now: float) -> Batch | None:
        """The batch to hand over at `now`; the same one until `settle` says what became of it."""
        ready_at = self.ready_at
        if ready_at is None or ready_at > now:
            return None
        if not self._pieces:
            self._pieces.append(Batch(self._gather()))
        return self._pieces[-1]

    def _gather(self) -> list[Entry]:
        waiting, size = self._waiting, self._settings.batch_size
        if not self._bytes:
            if len(waiting) <= size:
                entries = list(waiting)
                waiting.clear()
                return entries
            return [waiting.popleft() for _ in range(size)]
        entries = [self._next_waiting()]
        taken = entries[0].size_bytes
        while waiting and len(entries) < size and taken + waiting[0].size_bytes <= PAYLOAD_BYTES:
            entries.append(self._next_waiting())
            taken += entries[-1].size_bytes
        return entries

    def _next_waiting(self) -> Entry:
        entry = self._waiting.popleft()
        self._bytes -= entry.size_bytes
        return entry

    def settle(self, verdict: Verdict, now: float) -> list[Discard]:
        """The batch last taken ended so, at `now`."""
        batch = self._pieces[-1]
        self._idle_since = now
        if isinstance(verdict, Done):
            self._pieces.pop()
            return []
        if isinstance(verdict, NotInvoked):
            batch.refusals += 1
            batch.not_before = now + self._backoff(batch.refusals)
            return []
        if isinstance(verdict, Checkpoint) and verdict.position:
            self._pieces[-1] = Batch(batch.entries[verdict.position :], last=verdict)
            return []
        return self._fail(batch, verdict, now)

    def _fail(self, batch: Batch, verdict: Verdict, now: float) -> list[Discard]:
        batch.invocations += 1
        batch.last = verdict
        halves = self._settings.bisect_batch_on_function_error and isinstance(verdict, Failed)
        if halves and len(batch.entries) > 1:
            middle = len(batch.entries) // 2
            self._pieces[-1:] = [
                Batch(part, last=verdict) for part in (batch.entries[middle:], batch.entries[:middle])
            ]
            return []
        most = self._settings.maximum_retry_attempts
        if most == NO_LIMIT or batch.invocations <= most:
            batch.not_before = now + self._backoff(batch.invocations)
            return []
        self._pieces.pop()
        return [Discard(RETRIES_EXHAUSTED, tuple(batch.entries), batch.invocations, now, verdict)]

    def _backoff(self, times: int) -> float:
        first, most = self._settings.backoff_seconds
        return min(most, first * 2.0 ** min(times - 1, 30))
