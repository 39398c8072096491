"""A plain handler for tests of StreamSim, random changes for it, and what became of them."""

from __future__ import annotations

import random
from typing import Any

from rules_engine.testing import (
    Effect,
    Expected,
    FakeAws,
    FaultMix,
    HistoryReport,
    Invocation,
    MappingSettings,
    RandomFaults,
    Sandbox,
    StreamSim,
    check_history,
)

QUEUE = "https://sqs.invalid/copies"
PARTIAL = MappingSettings(batch_size=10, report_batch_item_failures=True)


def write_changes(sim: StreamSim, seed: int, changes: int, items: int) -> None:
    """Random puts and removals over a few minutes."""
    draw = random.Random(seed)
    at = sim.sandbox.now
    for number in range(changes):
        key = {"id": draw.randrange(items)}
        at += draw.choice([0, 0, 0.1, 2])
        if draw.random() < 0.1:
            sim.remove(key, at=at)
        else:
            sim.put({**key, "n": number}, at=at)


class Copier:
    """A plain handler: one message for each record, in order; the first that fails is reported. `mistake`
    spoils it in one way."""

    def __init__(self, aws: FakeAws, mistake: str = "") -> None:
        self._aws, self._mistake = aws, mistake

    def __call__(self, event: Any, _context: Any) -> Any:
        records = list(event["Records"])
        if self._mistake == "turns records round":
            records.reverse()
        for place, record in enumerate(records):
            number = record["dynamodb"]["SequenceNumber"]
            if self._mistake == "skips a record" and number[-1] == "7":
                continue
            try:
                self._aws.sqs.send_message(QueueUrl=QUEUE, MessageBody=number)
            except Exception:
                if self._mistake == "answers success for a failure":
                    return {"batchItemFailures": []}
                if self._mistake == "reports the record after the failed one":
                    following = records[min(place + 1, len(records) - 1)]
                    number = following["dynamodb"]["SequenceNumber"]
                if self._mistake == "goes on after a failure":
                    continue
                if self._mistake == "misspells the key":
                    return {"batchItemFailure": [{"itemIdentifier": number}]}
                return {"batchItemFailures": [{"itemIdentifier": number}]}
        return {"batchItemFailures": []}


def copied(sim: StreamSim, aws: FakeAws) -> HistoryReport:
    """What became of the changes: one message is owed for each."""
    items = {str(change.sequence): change.item for change in sim.changes}
    return check_history(
        [Expected(change.sequence, "copy", "send", change.item, change.sequence) for change in sim.changes],
        [
            Effect(int(number), "copy", "send", items[number], int(number), effect.time)
            for effect in aws.effects
            for number in [effect.request["MessageBody"]]
        ],
    )


def copy_changes(
    seed: int, mix: FaultMix, mistake: str = "", changes: int = 120, items: int = 8, **options: Any
) -> tuple[StreamSim, FakeAws, HistoryReport]:
    options.setdefault("mapping", PARTIAL)
    sandbox = Sandbox()
    aws = FakeAws(sandbox, faults=RandomFaults(mix, seed))
    sim = StreamSim(Copier(aws, mistake), sandbox=sandbox, seed=seed, faults=mix, **options)
    write_changes(sim, seed, changes, items)
    sim.run()
    return sim, aws, copied(sim, aws)


def sequences(invocations: list[Invocation]) -> list[tuple[int, ...]]:
    return [invocation.sequence_numbers for invocation in invocations]
