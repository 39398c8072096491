"""Dead letters delivered again: which unit, by which rules, what is left alone."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from rules_engine.delivery.dead_letter import DeadLetter, DeadLetterError
from rules_engine.delivery.failure import Failure
from rules_engine.delivery.identity import delivery_id
from rules_engine.engine import Engine, Evaluation
from rules_engine.errors import ActionError, Superseded
from rules_engine.model import ActionSpec, Rule, RuleSet
from rules_engine.redrive.delivery import Redriven, Redriver
from rules_engine.redrive.message import DYNAMODB, KINESIS, Batch, Positions, read_message, sequence_of
from rules_engine.redrive.shard import MOST_EMPTY_PAGES, read_shard
from rules_engine.redrive.source import BucketSource, FileSource, Letter, QueueSource, open_source
from tests.delivery_fakes import FakeAction, InlineWorkers, World, change, malformed, rules_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

RULES = RuleSet((*rules_of(first="ab").rules, replace(rules_of(off="c").rules[0], enabled=False)))

STREAM = "arn:aws:dynamodb:eu-west-1:123456789012:table/orders/stream/2024-01-01T00:00:00.000"


def letter_of(raw: Any, rule: str | None = "first", action: str | None = "a") -> DeadLetter:
    name = delivery_id(raw.get("eventID", ""), rule or "", action or "")
    return DeadLetter(
        id=name,
        record=raw,
        rule=rule,
        action=action,
        rules_hash="",
        done=(),
        error={"class": "permanent", "code": "HTTP_422", "message": None},
        attempts=1,
        first_seen="2024-01-01T00:00:00.000Z",
        last_try="2024-01-01T00:00:00.000Z",
        sequence_number=raw.get("dynamodb", {}).get("SequenceNumber", "0"),
        source_arn=None,
        function=None,
        request_id=None,
    )


def redrive(world: World, *messages: DeadLetter | Batch) -> list[Redriven]:
    actions = {("first", letter): FakeAction(world) for letter in "ab"}
    redriver = Redriver(
        Engine.from_rules(RULES), actions, lambda line: None, False, world.clock, Random(1), InlineWorkers
    )
    return redriver.deliver(messages)


# Units


def test_exactly_the_unit_named_is_delivered() -> None:
    world = World()
    assert redrive(world, letter_of(change(1), action="b")) == [Redriven("delivered")]
    assert world.done == [("e-1", "b")]


def test_letters_of_one_item_are_delivered_in_the_order_of_the_changes() -> None:
    world = World()
    letters = [letter_of(change(number, "o-1")) for number in (12, 3, 7)]
    assert redrive(world, *letters) == [Redriven("delivered")] * 3
    assert world.done == [("e-3", "a"), ("e-7", "a"), ("e-12", "a")]


def test_what_fails_again_says_why_and_holds_up_its_lane() -> None:
    refused = ActionError("HTTP_422", "the receiver answered 422", "permanent")
    world = World(fault=lambda event_id, action_id, number: refused if event_id == "e-1" else None)
    letters = [letter_of(change(1, "o-1")), letter_of(change(2, "o-1")), letter_of(change(3))]
    assert redrive(world, *letters) == [
        Redriven("failed", Failure("permanent", "HTTP_422", "the receiver answered 422")),
        Redriven("failed", Failure("transient", "BLOCKED", "a change before it has failed")),
        Redriven("delivered"),
    ]


def test_something_newer_at_the_target_is_said() -> None:
    world = World(fault=lambda event_id, action_id, number: Superseded("newer"))
    assert redrive(world, letter_of(change(1))) == [Redriven("superseded")]


def test_a_letter_that_is_there_twice_is_delivered_once() -> None:
    world = World()
    assert redrive(world, letter_of(change(1)), letter_of(change(1))) == [Redriven("delivered")] * 2
    assert world.done == [("e-1", "a")]


@pytest.mark.parametrize(
    ("letter", "message"),
    [
        (letter_of(change(1), rule="none"), "the rule 'none' does not exist any more"),
        (letter_of(change(1), rule="off", action="c"), "the rule 'off' is not enabled"),
        (letter_of(change(1), action="z"), "the rule 'first' has no action 'z'"),
        (
            replace(letter_of(change(1)), id="A" * 32),
            "the letter's id is not that of its record, rule and action",
        ),
        (letter_of(malformed(1)), "the record cannot be read: 'eventName' is none of INSERT, MODIFY, REMOVE"),
        (replace(letter_of(change(1)), record={"dynamodb": 5}), "the record is of no known shape"),
        (replace(letter_of(change(1)), record=[]), "a record is not an object"),
        (
            letter_of(malformed(1), None, None),
            "the record 100 cannot be read: 'eventName' is none of INSERT, MODIFY, REMOVE",
        ),
    ],
)
def test_what_cannot_be_delivered_any_more_is_said_and_spoils_no_other(
    letter: DeadLetter, message: str
) -> None:
    world = World()
    failed = Redriven("failed", Failure("permanent", "DeadLetterError", message), 0)
    assert redrive(world, letter, letter_of(change(2))) == [failed, Redriven("delivered")]


def test_a_record_without_a_rule_goes_through_all_rules() -> None:
    world = World()
    assert redrive(world, letter_of(change(1), None, None)) == [Redriven("delivered", None, 2)]
    assert world.done == [("e-1", "a"), ("e-1", "b")]


def test_a_batch_goes_through_all_rules_in_order() -> None:
    world = World()
    batch = Batch({"Records": [change(1, "o-1"), change(2, "o-1")]})
    assert redrive(world, batch) == [Redriven("delivered", None, 4)]
    assert world.done == [("e-1", "a"), ("e-1", "b"), ("e-2", "a"), ("e-2", "b")]


def test_a_record_of_a_batch_that_cannot_be_read_holds_up_no_other() -> None:
    world = World()
    batch = Batch({"Records": [change(1), malformed(2), change(3)]})
    message = "the record 200 cannot be read: 'eventName' is none of INSERT, MODIFY, REMOVE"
    assert redrive(world, batch) == [
        Redriven("failed", Failure("permanent", "DeadLetterError", message), units=4)
    ]
    assert sorted(world.done) == [("e-1", "a"), ("e-1", "b"), ("e-3", "a"), ("e-3", "b")]


def test_a_record_that_the_rules_stumble_over_spoils_no_other() -> None:
    class Stumbling(Engine):
        def evaluate(self, record: Any) -> Evaluation:
            if record.event_id == "e-1":
                raise RecursionError
            return super().evaluate(record)

    world = World()
    engine = Stumbling.from_rules(RULES)
    actions = {("first", letter): FakeAction(world) for letter in "ab"}
    redriver = Redriver(engine, actions, lambda line: None, False, world.clock, Random(1), InlineWorkers)
    assert redriver.deliver([letter_of(change(1), None, None), letter_of(change(2), None, None)]) == [
        Redriven("failed", Failure("unknown", "RecursionError", None, None, ""), 0),
        Redriven("delivered", None, 2),
    ]


def test_batches_are_delivered_in_the_order_of_their_records() -> None:
    world = World()
    batches = [Batch({"Records": [change(number, "o-1")]}) for number in (12, 3, 7)]
    assert redrive(world, *batches) == [Redriven("delivered", None, 2)] * 3
    assert [event_id for event_id, action in world.done if action == "a"] == ["e-3", "e-7", "e-12"]


def test_a_condition_that_cannot_be_evaluated_is_logged_as_in_the_function() -> None:
    rule = Rule("first", ("orders",), (ActionSpec("a", "fake"),), when=("abs(new.id) > `1`",))
    lines: list[str] = []
    world = World()
    redriver = Redriver(
        Engine.from_rules(RuleSet((rule,))), {("first", "a"): FakeAction(world)}, lines.append
    )
    assert redriver.deliver([letter_of(change(1), None, None)]) == [Redriven("delivered", None, 0)]
    (line,) = map(json.loads, lines)
    assert (line["message"], line["rule_id"], line["clause"], line["count"]) == (
        "condition cannot be evaluated",
        "first",
        "when",
        1,
    )


def test_a_batch_that_no_rule_wants_is_done() -> None:
    raw = change(1)
    raw["eventSourceARN"] = raw["eventSourceARN"].replace("orders", "others")
    assert redrive(World(), Batch({"Records": [raw]})) == [Redriven("delivered", None, 0)]


def test_a_record_of_a_pipe_is_understood() -> None:
    raw = change(1)
    del raw["dynamodb"]["SequenceNumber"]
    world = World()
    assert redrive(world, letter_of(raw)) == [Redriven("delivered")]


# Messages

INFO = {
    "shardId": "shardId-00000001573689847184-864758bb",
    "startSequenceNumber": "100",
    "endSequenceNumber": "300",
    "approximateArrivalOfFirstRecord": "2024-01-01T00:00:00Z",
    "approximateArrivalOfLastRecord": "2024-01-01T00:00:00Z",
    "batchSize": 3,
    "streamArn": STREAM,
}
LAMBDAS = {
    "requestContext": {
        "requestId": "r-1",
        "functionArn": "arn:aws:lambda:eu-west-1:123456789012:function:rules",
        "condition": "RetryAttemptsExhausted",
        "approximateInvokeCount": 1,
    },
    "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
    "version": "1.0",
    "timestamp": "2024-01-01T00:13:49.717Z",
    "DDBStreamBatchInfo": INFO,
}
POSITIONS = Positions(DYNAMODB, STREAM, INFO["shardId"], "100", "300")


def nothing_to_fetch(bucket: str, key: str) -> bytes:
    raise AssertionError


def test_lambdas_own_message_says_where_the_records_were() -> None:
    assert read_message(json.dumps(LAMBDAS), nothing_to_fetch) == POSITIONS


def test_a_message_that_went_through_sns_is_unwrapped() -> None:
    envelope = {"Type": "Notification", "MessageId": "m", "Message": json.dumps(LAMBDAS)}
    assert read_message(json.dumps(envelope), nothing_to_fetch) == POSITIONS
    envelope["Message"] = letter_of(change(1)).message()
    assert read_message(json.dumps(envelope), nothing_to_fetch) == letter_of(change(1))


def test_lambdas_document_in_a_bucket_holds_the_records() -> None:
    event = {"Records": [change(1)]}
    assert read_message(json.dumps({**LAMBDAS, "payload": json.dumps(event)}), nothing_to_fetch) == Batch(
        event
    )
    assert read_message(json.dumps({**LAMBDAS, "payload": event}), nothing_to_fetch) == Batch(event)


def test_a_kinesis_stream_is_told_apart() -> None:
    message = {"KinesisBatchInfo": {**INFO, "streamArn": "arn:aws:kinesis:eu-west-1:123456789012:stream/s"}}
    found = read_message(json.dumps(message), nothing_to_fetch)
    assert isinstance(found, Positions)
    assert found.kind == KINESIS


def edited(**fields: Any) -> str:
    """A letter with other fields."""
    return json.dumps({**json.loads(letter_of(change(1)).message()), **fields})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("no", "the message is not JSON"),
        ("[]", "the message is no JSON object"),
        ("{}", "the message is not a dead letter of the rules engine"),
        ('{"payload": "{"}', "the 'payload' of Lambda's message is not JSON"),
        ('{"DDBStreamBatchInfo": 1}', "Lambda's message has no 'streamArn'"),
        (
            json.dumps({"DDBStreamBatchInfo": INFO | {"endSequenceNumber": ""}}),
            "Lambda's message has no 'endSequenceNumber'",
        ),
        (
            json.dumps({"DDBStreamBatchInfo": INFO | {"endSequenceNumber": "last"}}),
            "the 'endSequenceNumber' of Lambda's message is no sequence number",
        ),
        ("[" * 100_000, "the message is not JSON"),
        (json.dumps({"payload": "[" * 100_000}), "the 'payload' of Lambda's message is not JSON"),
        (edited(v=2, priority="high"), "the dead letter has version 2: this program reads 1"),
        (edited(priority="high"), "the message is not a dead letter of the rules engine"),
        (edited(id=1), "the dead letter's 'id' is not a text"),
        (edited(rule=["first"]), "the dead letter's 'rule' is neither a text nor null"),
        (edited(done=None), "the dead letter's 'done' is not a list"),
        (edited(error=None), "the dead letter's 'error' has no 'class' and 'code'"),
        (edited(encoding="gzip", record="[["), "the dead letter's record cannot be read"),
    ],
)
def test_anything_else_is_refused(text: str, message: str) -> None:
    with pytest.raises(DeadLetterError) as refusal:
        read_message(text, nothing_to_fetch)
    assert str(refusal.value) == message


@pytest.mark.parametrize(
    ("text", "number"),
    [
        (letter_of(change(7)).message(), 700),
        (json.dumps(LAMBDAS), 100),
        ('{"Type": "Notification"}', 0),
        ('{"sequence_number": 5}', 0),
        ('{"DDBStreamBatchInfo": 1}', 0),
        ("[]", 0),
        ("no", 0),
        ("[" * 100_000, 0),
    ],
)
def test_messages_are_ordered_by_the_number_that_they_name(text: str, number: int) -> None:
    assert sequence_of(text) == number


# Shards


@dataclass
class Shard:
    """A shard in memory, given out in pages; an empty page stands between two full ones."""

    numbers: Sequence[int]
    requests: list[dict[str, Any]] = field(default_factory=list)

    def get_shard_iterator(self, **request: Any) -> dict[str, str]:
        self.requests.append(request)
        start = request.get("SequenceNumber", request.get("StartingSequenceNumber"))
        return {
            "ShardIterator": str([number for number in self.numbers if number < int(start)].__len__() * 2)
        }

    def get_records(self, ShardIterator: str) -> dict[str, Any]:  # noqa: N803 - boto3's name
        at, odd = divmod(int(ShardIterator), 2)
        after = str(int(ShardIterator) + 1) if at < len(self.numbers) else None
        records = [] if odd or at >= len(self.numbers) else [self.record(self.numbers[at])]
        return {"Records": records, **({"NextShardIterator": after} if after else {})}

    def record(self, number: int) -> dict[str, Any]:
        return {"dynamodb": {"SequenceNumber": str(number), "Keys": {"id": {"B": b"\0"}}}}


def test_a_stretch_of_a_shard_is_read_from_its_start_to_its_end() -> None:
    shard = Shard([90, 100, 200, 300, 400])
    records = read_shard(POSITIONS, lambda service: shard)
    assert [record["dynamodb"]["SequenceNumber"] for record in records] == ["100", "200", "300"]
    assert records[0] == {
        "dynamodb": {"SequenceNumber": "100", "Keys": {"id": {"B": "AA=="}}},
        "eventSourceARN": STREAM,
    }
    assert shard.requests == [
        {
            "StreamArn": STREAM,
            "ShardId": INFO["shardId"],
            "ShardIteratorType": "AT_SEQUENCE_NUMBER",
            "SequenceNumber": "100",
        }
    ]


def test_an_end_that_is_not_there_ends_the_reading_too() -> None:
    records = read_shard(POSITIONS, lambda service: Shard([100, 250, 310]))
    assert [record["dynamodb"]["SequenceNumber"] for record in records] == ["100", "250"]


def test_nothing_is_asked_for_behind_the_end() -> None:
    class Asked(Shard):
        def get_records(self, ShardIterator: str) -> dict[str, Any]:  # noqa: N803 - boto3's name
            assert int(ShardIterator) <= 2
            return super().get_records(ShardIterator)

    assert len(read_shard(POSITIONS, lambda service: Asked([100, 300]))) == 2


class Sparse(Shard):
    """Between two records it gives as many empty pages as there may be in a row."""

    def get_records(self, ShardIterator: str) -> dict[str, Any]:  # noqa: N803 - boto3's name
        at, empty = divmod(int(ShardIterator), MOST_EMPTY_PAGES)
        records = [self.record(self.numbers[at])] if at < len(self.numbers) and not empty else []
        return {"Records": records, "NextShardIterator": str(int(ShardIterator) + 1)}

    def get_shard_iterator(self, **request: Any) -> dict[str, str]:
        return {"ShardIterator": "0"}


def test_empty_pages_end_a_shard_where_there_are_too_many_in_a_row() -> None:
    assert len(read_shard(POSITIONS, lambda service: Sparse([100, 200, 300]))) == 3


def test_empty_pages_in_plenty_are_no_end_of_the_stretch() -> None:
    with pytest.raises(DeadLetterError) as refusal:
        read_shard(POSITIONS, lambda service: Sparse([100, 200]))
    assert str(refusal.value) == "the stream gave only 2 of the records, up to 200; try it again"


def test_a_stretch_of_a_kinesis_shard_is_read() -> None:
    class Kinesis(Shard):
        def record(self, number: int) -> dict[str, Any]:
            return {"SequenceNumber": str(number), "PartitionKey": "p", "Data": b"{}"}

    positions = replace(POSITIONS, kind=KINESIS, stream_arn="arn:aws:kinesis:stream/s")
    records = read_shard(positions, lambda service: Kinesis([100, 300]))
    assert records[0] == {
        "eventID": f"{INFO['shardId']}:100",
        "eventSource": "aws:kinesis",
        "eventSourceARN": "arn:aws:kinesis:stream/s",
        "kinesis": {"sequenceNumber": "100", "partitionKey": "p", "data": "e30="},
    }
    assert len(records) == 2


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ([200, 300, 400], "the first of the records are not in their stream any more"),
        ([100, 200], "the stream gave only 2 of the records, up to 200; try it again"),
    ],
)
def test_a_stretch_of_which_a_part_is_gone_is_no_stretch(numbers: list[int], message: str) -> None:
    with pytest.raises(DeadLetterError) as refusal:
        read_shard(POSITIONS, lambda service: Shard(numbers))
    assert str(refusal.value) == message


@pytest.mark.parametrize("numbers", [[], [400]])
def test_records_that_have_left_the_stream_are_said_to_be_gone(numbers: list[int]) -> None:
    with pytest.raises(DeadLetterError, match="not in their stream any more"):
        read_shard(POSITIONS, lambda service: Shard(numbers))


def test_a_stretch_that_was_trimmed_is_said_to_be_gone() -> None:
    class Trimmed(Shard):
        def get_shard_iterator(self, **request: Any) -> dict[str, str]:
            answer: Any = {"Error": {"Code": "TrimmedDataAccessException"}}
            raise ClientError(answer, "GetShardIterator")

    with pytest.raises(DeadLetterError, match="TrimmedDataAccessException"):
        read_shard(POSITIONS, lambda service: Trimmed([]))


# Sources


@dataclass
class Queue:
    """SQS in memory: what is received is invisible until it is given back."""

    bodies: dict[str, str]
    invisible: set[str] = field(default_factory=set)

    def receive_message(self, **request: Any) -> Mapping[str, Any]:
        assert request["VisibilityTimeout"] == 900
        visible = [name for name in self.bodies if name not in self.invisible][
            : request["MaxNumberOfMessages"]
        ]
        self.invisible |= set(visible)
        messages = [
            {"MessageId": name, "Body": self.bodies[name], "ReceiptHandle": f"h-{name}"} for name in visible
        ]
        return {"Messages": messages} if messages else {}

    def delete_message(self, **request: Any) -> None:
        del self.bodies[request["ReceiptHandle"].removeprefix("h-")]

    def change_message_visibility(self, **request: Any) -> None:
        assert request["VisibilityTimeout"] == 0
        self.invisible.remove(request["ReceiptHandle"].removeprefix("h-"))


def test_a_queue_gives_all_its_letters_once_and_gets_back_what_is_not_removed() -> None:
    queue = Queue({f"m-{number}": f"text {number}" for number in range(25)})
    source = QueueSource(queue, "https://q")
    letters = []
    for group in source.groups():
        assert len(group) <= 10
        letters += group
        source.remove(group[0])
    assert [letter.name for letter in letters] == [f"m-{number}" for number in range(25)]
    assert len(queue.bodies) == 22
    source.close()
    assert queue.invisible & queue.bodies.keys() == set()


def test_what_failed_and_is_visible_again_does_not_hide_what_is_new() -> None:
    class Slow(Queue):
        """What was received first is visible again once, when ten others could come."""

        calls = 0

        def receive_message(self, **request: Any) -> Mapping[str, Any]:
            self.calls += 1
            if self.calls == 2:
                self.invisible.clear()
            return super().receive_message(**request)

    source = QueueSource(Slow({f"m-{number:02}": "text" for number in range(15)}), "https://q")
    letters = [letter.name for group in source.groups() for letter in group]
    assert letters == [f"m-{number:02}" for number in range(15)]


def test_a_source_is_named_by_its_form(tmp_path: Path) -> None:
    (tmp_path / "letter.json").write_text("{}")
    client: Callable[[str], Any] = lambda service: service  # noqa: E731
    assert open_source("https://sqs/q", client) == QueueSource("sqs", "https://sqs/q")
    assert open_source("s3://bucket/aws/lambda/", client) == BucketSource("s3", "bucket", "aws/lambda/")
    file = open_source(str(tmp_path / "letter.json"), client)
    assert file == FileSource(tmp_path / "letter.json")
    assert list(file.groups()) == [[Letter(str(tmp_path / "letter.json"), "{}")]]
    with pytest.raises(OSError, match="No such file"):
        open_source(str(tmp_path / "none.json"), client)


def test_an_action_that_a_rule_has_got_since_is_no_letter_s_business() -> None:
    rules = RuleSet((Rule("first", ("orders",), (ActionSpec("a", "fake"), ActionSpec("new", "fake"))),))
    world = World()
    actions = {("first", name): FakeAction(world) for name in ("a", "new")}
    redriver = Redriver(Engine.from_rules(rules), actions, lambda line: None, workers=InlineWorkers)
    assert redriver.deliver([letter_of(change(1))]) == [Redriven("delivered")]
    assert world.done == [("e-1", "a")]
