"""StreamSim: a DynamoDB stream and Lambda's poller in front of any handler, on a virtual clock.

    sim = StreamSim(handler, mapping=MappingSettings(report_batch_item_failures=True), seed=7)
    sim.put({"id": "o-1", "status": "NEW"})
    sim.run()

The handler is called as Lambda calls it, `handler(event, context)`, with fresh objects each time, and its
answer means what the poller's rules (`rules_engine.poller`) say. What befalls whole invocations is drawn from
a FaultMix: lost answers, a poller that starts anew, batches that come once more. Everything follows from the
seed. Invocations take turns: shards and virtual shards are independent queues, drawn at random where several
are ready, but no two invocations overlap in time.
"""

from __future__ import annotations

import json
import marshal
import random
from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

from rules_engine.poller import (
    EXPIRED,
    Entry,
    Failed,
    MappingSettings,
    compile_filters,
    failure_document,
    read_answer,
)
from rules_engine.testing.faults import CALM
from rules_engine.testing.sandbox import FunctionDied, LambdaContext, Sandbox
from rules_engine.testing.shards import Shard, first_shards, split
from rules_engine.testing.source_table import ACCOUNT_ID, REGION, Change, SourceTable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rules_engine.poller import Discard, Verdict, VirtualShard
    from rules_engine.testing.faults import FaultMix

    Handler = Callable[[Any, Any], Any]

FUNCTION_NAME = "simulated"
FUNCTION_ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT_ID}:function:{FUNCTION_NAME}"
INVOCATION_SECONDS = 0.002
"""What an invocation takes besides what the handler spends."""
LARGEST_REWIND = 20
"""How many records before its checkpoint a poller may start anew."""
BATCHES_KEPT = 8
"""How far back a batch may come from that is delivered once more."""

ANSWERED = "answered"
RAISED = "raised"
LOST_ANSWER = "lost answer"
LATE_DUPLICATE = "late duplicate"


class Invocation(NamedTuple):
    """One invocation: the sequence numbers it was given and how it ended: one of the words above, or how the
    process died. `error` is what the handler raised, `verdict` what all of it meant to the poller."""

    shard_id: str
    started: float
    sequence_numbers: tuple[int, ...]
    ended: str
    verdict: Verdict | None
    answer: Any
    error: Exception | None
    request_id: str


class GivenUp(NamedTuple):
    """Records that the poller gave up, where, and in which invocation they failed last."""

    shard_id: str
    discard: Discard
    request_id: str


class StreamSim:
    """See the module.

    `new_process` makes the handler anew after a crash or timeout; without it the same one goes on. With
    `fresh_events=False` the handler gets the records themselves instead of copies and must not change them,
    and its answer need not be JSON: faster.
    """

    def __init__(
        self,
        handler: Handler,
        *,
        mapping: MappingSettings | None = None,
        seed: int = 0,
        faults: FaultMix = CALM,
        sandbox: Sandbox | None = None,
        table: str = "orders",
        keys: Sequence[str] = ("id",),
        shards: int = 1,
        timeout_seconds: float = 30.0,
        new_process: Callable[[], Handler] | None = None,
        fresh_events: bool = True,
    ) -> None:
        self.sandbox = sandbox or Sandbox()
        self.mapping = mapping or MappingSettings()
        self.table = SourceTable(table, keys, seed)
        self.changes: list[Change] = []
        """Every change, oldest first; those that no filter wants, too."""
        self.invocations: list[Invocation] = []
        self.given_up: list[GivenUp] = []
        self._handler, self._new_process = handler, new_process
        self._faults, self._timeout_seconds, self._fresh_events = faults, timeout_seconds, fresh_events
        self._random = random.Random(f"stream {seed}")  # noqa: S311 - repeatable, not secret
        self._wanted = compile_filters(self.mapping.filters)
        self._shards = first_shards(shards, self.mapping)
        self._coming: deque[Change] = deque()
        self._copies: dict[int, bytes] = {}
        self._recent: deque[tuple[str, list[Entry]]] = deque(maxlen=BATCHES_KEPT)

    # Changes

    def put(self, item: Mapping[str, Any], at: float | None = None) -> Change | None:
        """Writes an item in plain values, now or at a later time; times must not go back. None if the item is
        so already: DynamoDB makes no record then."""
        return self._note(self.table.put(item, self._time(at)))

    def put_raw(self, item: dict[str, Any], at: float | None = None) -> Change | None:
        """The same in DynamoDB JSON; the item must not be changed afterwards."""
        return self._note(self.table.put_raw(item, self._time(at)))

    def remove(self, key: Mapping[str, Any], at: float | None = None) -> Change | None:
        """Removes an item; None if there is none."""
        return self._note(self.table.remove(key, self._time(at)))

    def _time(self, at: float | None) -> float:
        last = self._coming[-1].at if self._coming else self.sandbox.now
        if at is not None and at < last:
            raise ValueError("a change cannot be before the one written last")
        return last if at is None else at

    def _note(self, change: Change | None) -> Change | None:
        if change is not None:
            self.changes.append(change)
            self._coming.append(change)
        return change

    # Running

    def run(self, until: float | None = None) -> None:
        """Until every record is done or given up, or until that time."""
        while self._step(until):
            pass

    def step(self) -> bool:
        """One invocation; False if there is nothing left to do."""
        before = len(self.invocations)
        while len(self.invocations) == before:
            if not self._step(None):
                return False
        return True

    def restart_poller(self, rewind: int = 0) -> None:
        """As after a failure inside of Lambda: retries are forgotten, and each shard is taken up so many
        records before its checkpoint."""
        for shard in self._shards:
            shard.restart(rewind)

    def split_shards(self) -> None:
        """DynamoDB splits its partitions: the items of each shard go on in one of two new ones."""
        self._admit()
        for shard in [shard for shard in self._shards if shard.is_open]:
            self._shards += split(shard, len(self._shards), self.mapping)

    def failure_documents(self, with_records: bool = False) -> list[dict[str, Any]]:
        """What the mapping sent to its on-failure destination: a queue, or a bucket if `with_records`."""
        return [
            failure_document(
                given_up.discard,
                function_arn=FUNCTION_ARN,
                shard_id=given_up.shard_id,
                request_id=given_up.request_id,
                with_records=with_records,
            )
            for given_up in self.given_up
            if given_up.discard.condition != EXPIRED
        ]

    def _step(self, until: float | None) -> bool:
        """One invocation or one jump of the clock; False if there is nothing left to do before `until`."""
        self._admit()
        now = self.sandbox.now
        found = self._next_queue()
        ready_at = found[0] if found else None
        if self._coming and (ready_at is None or ready_at > self._coming[0].at):
            ready_at = self._coming[0].at
        if ready_at is None or (until is not None and max(ready_at, now) > until):
            if until is not None and now < until:
                self.sandbox.now = until
            return False
        if ready_at > now or found is None:
            self.sandbox.now = max(now, ready_at)
            return True
        _, shard, queue = found
        self._give_up(shard, queue.expire(now))
        batch = queue.take(now)
        if batch is not None:
            self._hand_over(shard, queue, batch.entries)
        return True

    def _admit(self) -> None:
        """Changes whose time has come are in the stream now."""
        now, coming = self.sandbox.now, self._coming
        open_shards = [shard for shard in self._shards if shard.is_open]
        while coming and coming[0].at <= now:
            change = coming.popleft()
            if self._wanted is not None and not self._wanted(change.record):
                continue
            if self._fresh_events:
                self._copies[change.sequence] = marshal.dumps(change.record)
            entry = Entry(change.sequence, change.at, change.record)
            for shard in open_shards:
                if change.partition in shard.hashes:
                    shard.add(entry)
                    break

    def _next_queue(self) -> tuple[float, Shard, VirtualShard] | None:
        """One of the queues that are ready first, or ready now."""
        now = self.sandbox.now
        best: list[tuple[float, Shard, VirtualShard]] = []
        earliest = 0.0
        for shard in self._shards:
            if not shard.may_start:
                continue
            for queue in shard.queues:
                ready_at = queue.ready_at
                if ready_at is None:
                    continue
                ready_at = max(ready_at, now)
                if not best or ready_at < earliest:
                    best, earliest = [(ready_at, shard, queue)], ready_at
                elif ready_at == earliest:
                    best.append((ready_at, shard, queue))
        if len(best) < 2:
            return best[0] if best else None
        return best[int(self._random.random() * len(best))]

    def _hand_over(self, shard: Shard, queue: VirtualShard, entries: list[Entry]) -> None:
        draw, faults = self._random.random, self._faults
        invocation = self._invoke(shard.id, entries, duplicate=False)
        assert invocation.verdict is not None
        self._give_up(shard, queue.settle(invocation.verdict, self.sandbox.now))
        if faults.late_duplicates:
            self._recent.append((shard.id, entries))
            if draw() < faults.late_duplicates:
                shard_id, old = self._recent[int(draw() * len(self._recent))]
                self._invoke(shard_id, old, duplicate=True)
        if faults.poller_restarts and draw() < faults.poller_restarts:
            shard.restart(int(draw() * LARGEST_REWIND))

    def _invoke(self, shard_id: str, entries: list[Entry], duplicate: bool) -> Invocation:
        """Calls the handler. A duplicate's answer means nothing to the poller."""
        sandbox, started = self.sandbox, self.sandbox.now
        request_id = f"00000000-0000-4000-8000-{len(self.invocations):012x}"
        answer, error, ended = None, None, ANSWERED
        sandbox.begin(self._timeout_seconds)
        try:
            answer = self._handler(
                self._event(entries), LambdaContext(sandbox, request_id, FUNCTION_NAME, FUNCTION_ARN)
            )
            if self._fresh_events:
                answer = json.loads(json.dumps(answer))
        except FunctionDied:
            pass
        except Exception as raised:  # noqa: BLE001 - whatever a handler raises is its answer
            error, ended = raised, RAISED
        death = sandbox.end()
        if death is not None:
            answer, ended = None, death
            if self._new_process is not None:
                self._handler = self._new_process()
        sandbox.now += INVOCATION_SECONDS
        verdict: Verdict | None = None
        if duplicate:
            ended = LATE_DUPLICATE
        else:
            ended, verdict = self._judge(ended, answer, entries)
        invocation = Invocation(
            shard_id,
            started,
            tuple([entry.sequence for entry in entries]),
            ended,
            verdict,
            answer,
            error,
            request_id,
        )
        self.invocations.append(invocation)
        return invocation

    def _event(self, entries: list[Entry]) -> Any:
        if not self._fresh_events:
            return {"Records": [entry.raw for entry in entries]}
        # marshal makes new objects three times as fast as json, and nothing here leaves this process.
        return {"Records": [marshal.loads(self._copies[entry.sequence]) for entry in entries]}  # noqa: S302

    def _judge(self, ended: str, answer: Any, entries: list[Entry]) -> tuple[str, Verdict]:
        if ended != ANSWERED:
            return ended, Failed()
        if self._faults.lost_answers and self._random.random() < self._faults.lost_answers:
            return LOST_ANSWER, Failed()
        return ended, read_answer(answer, entries, self.mapping.report_batch_item_failures)

    def _give_up(self, shard: Shard, discards: list[Discard]) -> None:
        for discard in discards:
            request_id = ""
            if discard.last is not None:
                first = discard.entries[0].sequence
                request_id = next(
                    each.request_id for each in reversed(self.invocations) if first in each.sequence_numbers
                )
            self.given_up.append(GivenUp(shard.id, discard, request_id))
