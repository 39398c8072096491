"""Shards of the simulated stream: which one a change goes to, what its poller still has to do.

A shard covers a range of hashes of partition keys. A split closes it and opens two for its halves; nothing of
a child is handed over before its parent is done. A poller that starts anew takes up its shard at the first
record that is not done, or some records before: those are delivered again, in order.
"""

from __future__ import annotations

from bisect import bisect_left
from operator import attrgetter
from typing import TYPE_CHECKING

from rules_engine.poller import VirtualShard, virtual_shard_number

if TYPE_CHECKING:
    from rules_engine.poller import Entry, MappingSettings

HASHES = 1 << 32


class Shard:
    """See the module."""

    def __init__(
        self, number: int, hashes: range, settings: MappingSettings, parent: Shard | None = None
    ) -> None:
        self.id = f"shardId-{number:020d}-00000000"
        self.hashes = hashes
        self.is_open = True
        self._parent = parent
        self._settings = settings
        self._log: list[Entry] = []
        self.queues = self._new_queues()

    def _new_queues(self) -> list[VirtualShard]:
        return [VirtualShard(self._settings) for _ in range(self._settings.parallelization_factor)]

    def add(self, entry: Entry) -> None:
        self._log.append(entry)
        self._queue(entry)

    def _queue(self, entry: Entry) -> None:
        queues = self.queues
        number = virtual_shard_number(entry.raw, len(queues)) if len(queues) > 1 else 0
        queues[number].add(entry)

    @property
    def is_done(self) -> bool:
        return all(queue.is_done for queue in self.queues)

    @property
    def may_start(self) -> bool:
        """Whether everything before this shard is done."""
        return self._parent is None or (self._parent.is_done and self._parent.may_start)

    def restart(self, rewind: int) -> None:
        """The poller forgets what it was doing and takes up the shard `rewind` records before its
        checkpoint, which is the first record that is not done."""
        oldest = [queue.oldest.sequence for queue in self.queues if queue.oldest is not None]
        checkpoint = (
            bisect_left(self._log, min(oldest), key=attrgetter("sequence")) if oldest else len(self._log)
        )
        self.queues = self._new_queues()
        for entry in self._log[max(0, checkpoint - rewind) :]:
            self._queue(entry)


def first_shards(count: int, settings: MappingSettings) -> list[Shard]:
    """`count` shards that cover all hashes."""
    bounds = [HASHES * number // count for number in range(count + 1)]
    return [Shard(number, range(bounds[number], bounds[number + 1]), settings) for number in range(count)]


def split(shard: Shard, number: int, settings: MappingSettings) -> list[Shard]:
    """The two shards that follow on `shard`, which takes no more records."""
    shard.is_open = False
    middle = (shard.hashes.start + shard.hashes.stop) // 2
    halves = (range(shard.hashes.start, middle), range(middle, shard.hashes.stop))
    return [Shard(number + place, half, settings, shard) for place, half in enumerate(halves)]
