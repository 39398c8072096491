"""`python -m tests.soak.records --records 1000000`: whatever a stream brings, nothing is dropped in silence.

In: how many records, and where the seeds begin. Out: a line for each tenth, and what they came to. Sound
records, of a DynamoDB stream, a Kinesis stream and a pipe, are changed in a place or three and delivered in
batches to the whole of delivery, with a queue that now and then takes nothing. Each must be evaluated and
delivered, be in the queue as it came, or come again: by the answer, which names a record of the batch, or
because the batch was refused. It ends at the first batch of which that is not so, or that leaves with another
error than ours.
"""

from __future__ import annotations

import argparse
import base64
import json
import sys
import time
from collections import Counter
from random import Random
from typing import Any

from rules_engine.actions import log
from rules_engine.delivery.dead_letter import DeadLetter, read_dead_letter
from rules_engine.delivery.identity import delivery_id
from rules_engine.delivery.invocation import Invocation, in_order
from rules_engine.delivery.response import batch_response
from rules_engine.engine import Engine, Evaluation
from rules_engine.errors import BatchError, RecordError
from rules_engine.model import ActionSpec, Rule, RuleSet
from rules_engine.record import parse_event
from tests import random_rules
from tests.delivery_fakes import FakeClock, InlineWorkers
from tests.mutations import changed

BATCH = 20
BATCHES_A_STAGE = 50
QUEUE_FAILS = 0.02


def nested(levels: int) -> Any:
    value: Any = {"S": "x"}
    for level in range(levels):
        value = {"M": {"a": value}} if level % 2 else {"L": [value]}
    return value


VALUES: list[Any] = [
    *(
        None,
        True,
        False,
        0,
        1,
        -1,
        1.5,
        float("nan"),
        float("inf"),
        10**30,
        10**4000,
        "",
        " ",
        "a",
        "0",
        "9" * 130,
        "1" * 40,
        "-5",
    ),
    *(
        "\ud800",
        "\x00",
        "٣",
        "NaN",
        "1_000",
        "1e126",
        "1" * 39,
        "INSERT",
        "modify",
        "arn:aws:dynamodb:eu-west-1:1:table/x",
    ),
    *(
        [],
        [None],
        {},
        {"S": "a"},
        {"S": 1},
        {"N": "NaN"},
        {"N": "1_0"},
        {"S": "a", "N": "1"},
        {"X": 1},
        {"B": "%"},
        {"NULL": False},
    ),
    *({"SS": []}, {"NS": ["1", "1.0"]}, {"M": []}, {"L": {}}, {"type": "Service", "principalId": 7}),
    *(nested(32), nested(64), nested(65), nested(150)),
]


SOURCES = ("a table", "a table", "a table", "Kinesis", "a pipe", "Kinesis through a pipe")
SOUND_IDS = 0.99
"""Of records, those that can at least be reported; one that cannot makes its whole batch come again."""


def event_of(random: Random) -> Any:
    """A batch of one source."""
    source = random.choice(SOURCES)
    records = [_record(random, source) for _ in range(BATCH)]
    return records if "pipe" in source else {"Records": records}


def _record(random: Random, source: str) -> dict[str, Any]:
    made = random_rules.record(random)
    made["eventID"] = f"e-{random.randrange(10**9)}"
    made["dynamodb"]["SequenceNumber"] = str(random.randrange(10**20, 10**21))
    if "Kinesis" in source:
        body = {**made, "tableName": "orders"}
        del body["eventSourceARN"]
        data = base64.b64encode(json.dumps(spoiled(random, body)).encode()).decode()
        number = str(random.randrange(10**55, 10**56))
        made = {"kinesis": {"sequenceNumber": number, "data": data}, "eventID": f"shardId-0:{number}"}
        if "pipe" in source:
            made = {**made["kinesis"], "eventID": made["eventID"]}
    return _with_ids_of(made, spoiled(random, made)) if random.random() < SOUND_IDS else spoiled(random, made)


def _with_ids_of(made: dict[str, Any], record: dict[str, Any]) -> dict[str, Any]:
    """`record` with what it is reported under put back."""
    for part, name in (("dynamodb", "SequenceNumber"), ("kinesis", "sequenceNumber")):
        if part in made:
            inside = record.get(part)
            record[part] = {**(inside if isinstance(inside, dict) else {}), name: made[part][name]}
    return {**record, "eventID": made["eventID"]}


def spoiled(random: Random, record: dict[str, Any]) -> dict[str, Any]:
    for _ in range(random.choice((0, 1, 1, 2, 3))):
        record = changed(random, record, VALUES)
    return record


class WatchedEngine(Engine):
    """Remembers which records it was asked about."""

    __slots__ = ("asked",)
    asked: set[int]

    def evaluate(self, record: Any) -> Evaluation:
        evaluation = super().evaluate(record)
        self.asked.add(id(record.raw))
        return evaluation


class Queue:
    """A dead-letter queue that now and then takes nothing. Keeps what it took as it would be read again."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self.units: set[tuple[str | None, str]] = set()
        """Rule, and the record as text."""

    def send(self, letter: DeadLetter) -> None:
        if self._random.random() < QUEUE_FAILS:
            raise OSError("the queue cannot be reached")
        kept = read_dead_letter(letter.message(), lambda bucket, key: b"")
        self.units.add((kept.rule, repr(kept.record)))


class Stage:
    """A rule set, one of its rules for every change of two tables, and all that delivery needs."""

    def __init__(self, random: Random) -> None:
        self._random = random
        spec = ActionSpec("log", "log", {"message": "{{ eventID }}", "fields": {"new": "{{ new }}"}})
        self._every = Rule("every", ("orders", "customers"), (spec,))
        rules = random_rules.rule_set(random).rules
        self._engine = WatchedEngine.from_rules(RuleSet((*rules, self._every)))
        self._lines: list[str] = []
        self._log = log.build(spec, self._every.scope, {}, None, self._lines.append)

    def deliver(self, event: Any) -> Counter[str]:
        """What became of the records. Raises AssertionError where one is lost."""
        asked = self._engine.asked = set()
        self._lines.clear()
        queue = Queue(self._random)
        partial = self._random.random() < 0.8
        invocation = Invocation(
            self._engine,
            {("every", "log"): self._log},
            lambda line: None,
            partial_batch=partial,
            dead_letters=queue if self._random.random() < 0.9 else None,
            clock=FakeClock(),
            workers=InlineWorkers,
        )
        try:
            records = parse_event(event)
            answer = batch_response(invocation.deliver(records), partial)
        except (RecordError, BatchError):
            return Counter({"came again with their batch": len(_raws(event))})
        assert len(records) == len(_raws(event))
        reported = [
            failure["itemIdentifier"] for failure in json.loads(json.dumps(answer))["batchItemFailures"]
        ]
        assert list(answer) == ["batchItemFailures"]
        assert len(reported) <= 1
        assert set(reported) <= {record.failure_id for record in records}
        behind = _behind(records, reported)
        done = {json.loads(line)["delivery_id"] for line in self._lines}
        return Counter(self._fate(record, asked, done, queue, id(record) in behind) for record in records)

    def _fate(self, record: Any, asked: set[int], done: set[str], queue: Queue, comes_again: bool) -> str:
        written = repr(record.raw)
        if id(record.raw) in asked:
            if record.table not in self._every.tables:
                return "evaluated"
            if delivery_id(record.event_id, "every", "log") in done:
                return "delivered"
            if ("every", written) in queue.units:
                return "cannot be rendered: in the queue"
        elif (None, written) in queue.units:
            return "cannot be read: in the queue"
        assert comes_again, f"lost: {written}"
        return "come again"


def _raws(event: Any) -> list[Any]:
    return event if isinstance(event, list) else event["Records"]


def _behind(records: list[Any], reported: list[str]) -> set[int]:
    """The records that come again: the reported one, and all after it in the order of the stream."""
    ordered = in_order(records)
    first = next((at for at, record in enumerate(ordered) if record.failure_id in reported), len(ordered))
    return {id(record) for record in ordered[first:]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    started = time.monotonic()
    fates: Counter[str] = Counter()
    batches, tenth = -(-options.records // BATCH), max(options.records // BATCH // 10, 1)
    for number in range(1, batches + 1):
        seed = options.seed + number
        random = Random(seed)
        if number % BATCHES_A_STAGE == 1:
            stage = Stage(random)
        try:
            fates += stage.deliver(event_of(random))
        except BaseException:
            sys.stderr.write(f"seed {seed}\n")
            raise
        if number % tenth == 0:
            seconds = time.monotonic() - started
            sys.stdout.write(f"{number * BATCH:,} records after {seconds:.0f} s: {dict(fates)}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
