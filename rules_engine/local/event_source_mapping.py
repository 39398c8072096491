"""An event source mapping that keeps the poller's rules in real time: a stream -> batches -> the function.

    with EventSourceMapping(aws, stream_arn, function.invoke, MappingSettings(batch_size=10)) as mapping:
        ...

Reads a stream of the local stack over HTTP, hands batches to `invoke`, and does what `rules_engine.poller`
says of each answer: the same rules that `rules_engine.testing` simulates. ministack's own mapping was left:
it ignores partial answers, bisect and retry limits. Shards and virtual shards take turns in one thread, so
one function process is enough. What is given up goes to `destination`, the ARN of a queue, a topic or a
bucket.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
import uuid
from typing import TYPE_CHECKING, Any, Self

from botocore.exceptions import BotoCoreError

from rules_engine.local.failure_destination import FailedBatch, failure_destination
from rules_engine.poller import (
    EXPIRED,
    Entry,
    Failed,
    VirtualShard,
    compile_filters,
    read_answer,
    virtual_shard_number,
)
from rules_engine.redrive.shard import as_delivered

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from types import TracebackType

    from rules_engine.local.function_process import InvocationResult
    from rules_engine.local.ministack import Ministack
    from rules_engine.poller import Discard, MappingSettings, Verdict

    Invoke = Callable[[Any], InvocationResult]

POLL_SECONDS = 0.1
"""AWS polls four times a second; nobody should wait longer than that here."""
LOOKS_FOR_SHARDS = 10
"""New shards are looked for at every so many polls: they are rare, and each look is a request."""


class EventSourceMapping:
    """Runs from `start` to `stop`, which waits for the invocation under way. `starting_position` is
    TRIM_HORIZON or LATEST, as of `start`. `clock` is what ages are measured with."""

    def __init__(
        self,
        aws: Ministack,
        stream_arn: str,
        invoke: Invoke,
        settings: MappingSettings,
        *,
        destination: str | None = None,
        starting_position: str = "TRIM_HORIZON",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.id = str(uuid.uuid4())
        self.stream_arn = stream_arn
        self.done = 0
        """How many records it is done with: answered for, given up, or wanted by no filter."""
        self._invoke, self._settings, self._clock = invoke, settings, clock
        self._starting_position = starting_position
        self._streams = aws.client("dynamodbstreams")
        self._send = None if destination is None else failure_destination(aws, destination)
        self._wanted = compile_filters(settings.filters)
        self._shards: dict[str, _Shard] = {}
        self._read_count = 0
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"mapping {self.id}", daemon=True)

    def start(self) -> None:
        self._find_shards(self._starting_position)
        self._thread.start()

    def stop(self) -> None:
        """Nothing is handed over any more once this returns."""
        self._ending.set()
        if self._thread.ident is not None:
            self._thread.join()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _run(self) -> None:
        idle_polls = 0
        while not self._ending.is_set():
            busy = False
            for shard in list(self._shards.values()):
                if shard.parent is None or shard.parent.is_finished:
                    self._read(shard)
                    busy = self._hand_over_all(shard) or busy
            if not busy:
                idle_polls += 1
                if idle_polls % LOOKS_FOR_SHARDS == 0:
                    # What could not be read is read at the next look, as AWS's poller does.
                    with contextlib.suppress(BotoCoreError):
                        self._find_shards("TRIM_HORIZON")
                self._ending.wait(POLL_SECONDS)

    # Reading

    def _find_shards(self, position: str) -> None:
        """Takes up the shards that are new. One that was split off is read from its beginning."""
        description = self._streams.describe_stream(StreamArn=self.stream_arn)["StreamDescription"]
        for each in description["Shards"]:
            if each["ShardId"] not in self._shards:
                iterator = self._streams.get_shard_iterator(
                    StreamArn=self.stream_arn, ShardId=each["ShardId"], ShardIteratorType=position
                )["ShardIterator"]
                parent = self._shards.get(each.get("ParentShardId", ""))
                self._shards[each["ShardId"]] = _Shard(each["ShardId"], parent, iterator, self._settings)

    def _read(self, shard: _Shard) -> None:
        """Everything that is new in a shard, as far as the server answers."""
        while shard.iterator is not None:
            try:
                page = self._streams.get_records(ShardIterator=shard.iterator)
            except BotoCoreError:
                break
            shard.iterator = page.get("NextShardIterator")
            if not page["Records"]:
                break
            for record in page["Records"]:
                raw = as_delivered(record, self.stream_arn)
                self._read_count += 1
                if self._wanted is None or self._wanted(raw):
                    shard.add(raw)
        self._count()

    def _count(self) -> None:
        undone = sum(queue.undone for shard in self._shards.values() for queue in shard.queues)
        self.done = self._read_count - undone

    # Handing over

    def _hand_over_all(self, shard: _Shard) -> bool:
        """A batch of each queue of the shard that has one; whether there was any."""
        busy = False
        for queue in shard.queues:
            if self._ending.is_set():
                break
            self._give_up(shard, queue.expire(self._clock()))
            batch = queue.take(self._clock())
            if batch is not None:
                busy = True
                result = self._invoke({"Records": [entry.raw for entry in batch.entries]})
                shard.request_id = result.request_id
                verdict: Verdict = Failed()
                if result.error is None:
                    report = self._settings.report_batch_item_failures
                    verdict = read_answer(result.payload, batch.entries, report)
                self._give_up(shard, queue.settle(verdict, self._clock()))
            self._count()
        return busy

    def _give_up(self, shard: _Shard, discards: Iterable[Discard]) -> None:
        for discard in discards:
            if self._send is not None and discard.condition != EXPIRED:
                self._send(FailedBatch(discard, self.id, shard.id, shard.request_id))


class _Shard:
    """What is read of a shard, and where to read on; an `iterator` of None is the end of a closed one."""

    def __init__(
        self, shard_id: str, parent: _Shard | None, iterator: str | None, settings: MappingSettings
    ) -> None:
        self.id, self.parent, self.iterator = shard_id, parent, iterator
        self.queues = [VirtualShard(settings) for _ in range(settings.parallelization_factor)]
        self.request_id = ""

    @property
    def is_finished(self) -> bool:
        return self.iterator is None and all(queue.is_done for queue in self.queues)

    def add(self, raw: Mapping[str, Any]) -> None:
        data = raw["dynamodb"]
        size_bytes = len(json.dumps(raw).encode())
        entry = Entry(int(data["SequenceNumber"]), data["ApproximateCreationDateTime"], raw, size_bytes)
        self.queues[virtual_shard_number(raw, len(self.queues))].add(entry)
