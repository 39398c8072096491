"""The forms in which people have records, and what each becomes."""

from __future__ import annotations

import io
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from rules_engine import exact_json
from rules_engine.cli.records import load_events, load_records
from rules_engine.errors import RecordError
from rules_engine.model import Rule, RuleSet
from rules_engine.plain_record import record_from_images
from tests.test_redrive import letter_of

if TYPE_CHECKING:
    from pathlib import Path

ORDERS = RuleSet((Rule("a", ("orders",), ()), Rule("b", ("orders",), ())))
TWO_TABLES = RuleSet((Rule("a", ("orders", "customers"), ()),))

IMAGES = {"event": "INSERT", "keys": {"id": "1"}, "new": {"id": "1", "total": Decimal("12.50")}}
RECORD = record_from_images(IMAGES, "orders")


def events_in(text: str, rule_set: RuleSet = ORDERS) -> list[Any]:
    file = io.StringIO(text)
    file.name = "f.json"
    return load_events(file, rule_set)


def refusal_of(text: str, rule_set: RuleSet = ORDERS) -> str:
    with pytest.raises(RecordError) as caught:
        events_in(text, rule_set)
    return str(caught.value)


@pytest.mark.parametrize("event", [{"Records": [RECORD, RECORD]}, [RECORD]])
def test_an_event_stays_as_it_is(event: Any) -> None:
    assert events_in(exact_json.dumps(event)) == [event]


@pytest.mark.parametrize("indented", [False, True])
def test_a_record_becomes_an_event_of_one(indented: bool) -> None:
    text = exact_json.dumps(RECORD)
    assert events_in(text.replace(",", ",\n") if indented else text) == [{"Records": [RECORD]}]


@pytest.mark.parametrize("compressed", [True, False])
def test_a_dead_letter_gives_its_record(compressed: bool) -> None:
    letter = letter_of(RECORD)
    text = letter.compressed_message() if compressed else letter.message()
    assert events_in(text) == [{"Records": [RECORD]}]


def test_a_dead_letter_whose_record_is_elsewhere_says_where() -> None:
    text = letter_of(RECORD).pointing_message("spill", "dead-letters/a.json", b"{}")
    assert refusal_of(text) == (
        "f.json: the record is not in the letter: fetch it with "
        "'aws s3 cp s3://spill/dead-letters/a.json record.json', and give that file"
    )


LETTER = letter_of(RECORD).message()
NOTIFICATION = {"Type": "Notification", "MessageId": "m", "TopicArn": "t", "Message": LETTER}
GIVEN_UP = {
    "version": "1.0",
    "requestContext": {"condition": "RetryAttemptsExhausted"},
    "responseContext": {},
}
BATCH_INFO = {
    "shardId": "shardId-1",
    "startSequenceNumber": "100",
    "endSequenceNumber": "300",
    "streamArn": "arn:aws:dynamodb:eu-west-1:1:table/orders/stream/1",
}


@pytest.mark.parametrize(
    "wrapped",
    [
        pytest.param({"Messages": [{"MessageId": "m", "Body": LETTER}]}, id="what receive-message prints"),
        pytest.param({"MessageId": "m", "Body": LETTER}, id="one message of it"),
        pytest.param({"Records": [{"eventSource": "aws:sqs", "body": LETTER}]}, id="SQS to a function"),
        pytest.param({"Records": [{"EventSource": "aws:sns", "Sns": NOTIFICATION}]}, id="SNS to a function"),
        pytest.param(NOTIFICATION, id="SNS to anything else"),
        pytest.param({"Messages": [{"Body": exact_json.dumps(NOTIFICATION)}]}, id="SNS to SQS"),
        pytest.param({**GIVEN_UP, "payload": {"Records": [RECORD]}}, id="Lambda's, with the batch"),
        pytest.param({**GIVEN_UP, "payload": exact_json.dumps({"Records": [RECORD]})}, id="as a text"),
    ],
)
def test_a_record_is_taken_out_of_what_is_wrapped_around_it(wrapped: Any) -> None:
    assert events_in(exact_json.dumps(wrapped)) == [{"Records": [RECORD]}]


def test_lambdas_message_without_records_says_where_they_are_and_how_to_get_them() -> None:
    assert refusal_of(exact_json.dumps({**GIVEN_UP, "DDBStreamBatchInfo": BATCH_INFO})) == (
        "f.json: Lambda's message holds no records, it says where they were: 100 to 300 of shard shardId-1 "
        "in arn:aws:dynamodb:eu-west-1:1:table/orders/stream/1; while the stream keeps them, "
        "'rules-engine redrive --dry-run' with this file or its queue reads them"
    )


def test_a_message_that_is_no_record_is_refused_with_its_number() -> None:
    text = exact_json.dumps({"Messages": [{"Body": LETTER}, {"Body": "hello"}]})
    assert (
        refusal_of(text)
        == "f.json: message 2: the message is not JSON: Expecting value: line 1 column 1 (char 0)"
    )


def test_a_record_that_a_pipe_flattened_may_stand_alone() -> None:
    record = {"eventID": "s:1", "data": "e30=", "partitionKey": "p", "sequenceNumber": "1"}
    assert events_in(exact_json.dumps(record)) == [{"Records": [record]}]


def test_an_image_pair_is_for_the_only_table_of_the_rules() -> None:
    assert events_in(exact_json.dumps(IMAGES)) == [{"Records": [RECORD]}]


def test_an_image_pair_may_name_its_table() -> None:
    event = events_in(exact_json.dumps({**IMAGES, "table": "customers"}), TWO_TABLES)
    assert event == [{"Records": [record_from_images(IMAGES, "customers")]}]


def test_an_image_pair_must_name_its_table_where_rules_are_for_several() -> None:
    assert refusal_of(exact_json.dumps(IMAGES), TWO_TABLES) == (
        "f.json: the record needs a 'table': the rules are for customers, orders"
    )


def test_records_one_a_line_become_batches_between_the_events_among_them() -> None:
    line = exact_json.dumps(RECORD)
    event = {"Records": [RECORD]}
    lines = [line, "", line, exact_json.dumps(event), line]
    assert events_in("\n".join(lines) + "\n") == [{"Records": [RECORD, RECORD]}, event, {"Records": [RECORD]}]


def test_a_batch_has_at_most_a_hundred_records() -> None:
    line = exact_json.dumps(RECORD) + "\n"
    assert [len(event["Records"]) for event in events_in(line * 201)] == [100, 100, 1]


@pytest.mark.parametrize("text", [" \n", "[]", '{"Records": []}'])
def test_nothing_is_no_event(text: str) -> None:
    assert events_in(text) == []


def test_a_line_separator_inside_a_text_does_not_end_a_line() -> None:
    record = record_from_images({"event": "INSERT", "keys": {"id": "a\u2028b"}}, "orders")
    line = exact_json.dumps(record)
    assert events_in(f"{line}\n{line}") == [{"Records": [record, record]}]


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        ('{"a": 1,\n "b": }', "f.json:2:7: not JSON: Expecting value"),
        ('{"event": "INSERT"}\n{"event": ', "f.json:2:11: not JSON: Expecting value"),
        ('{"new": {"n": NaN}}', "f.json: NaN is not JSON"),
        (
            '{"detail": 1}',
            "f.json: neither a stream record, nor a Lambda event (Records), nor a dead letter, "
            "nor an image pair (event, keys, old, new)",
        ),
        (
            '{"event": "INSERT"}\n7',
            "f.json:2: neither a stream record, nor a Lambda event (Records), nor a dead letter, "
            "nor an image pair (event, keys, old, new)",
        ),
        ('{"new": {"a": 1}}', "f.json: 'event' of a record must be one of INSERT, MODIFY, REMOVE, EXPIRE"),
    ],
)
def test_a_refusal_names_file_and_line(text: str, refusal: str) -> None:
    assert refusal_of(text) == refusal


def test_bytes_that_are_not_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "f.json"
    path.write_bytes(b'{"a": "\xff"}')
    with path.open(encoding="utf-8") as file, pytest.raises(RecordError) as caught:
        load_events(file, ORDERS)
    assert str(caught.value) == f"{path}: not UTF-8 text (byte 7)"


def test_records_are_read_out_of_all_events_and_a_hopeless_one_is_refused_with_its_file(
    tmp_path: Path,
) -> None:
    path = tmp_path / "f.json"
    line = exact_json.dumps(RECORD)
    path.write_text(f'{line}\n{{"Records": [{line}, {line}]}}')
    with path.open(encoding="utf-8") as file:
        assert [record.raw for record in load_records(file, ORDERS)] == [RECORD] * 3
    path.write_text('{"Records": [{}]}')
    with path.open(encoding="utf-8") as file, pytest.raises(RecordError) as caught:
        load_records(file, ORDERS)
    assert str(caught.value) == f"{path}: a record is neither of a DynamoDB nor of a Kinesis stream"


def test_a_byte_order_mark_is_passed_over() -> None:
    assert events_in("\ufeff" + exact_json.dumps(RECORD)) == [{"Records": [RECORD]}]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            '{"event": "INSERT", "keys": {"n": ' + "1" * 5000 + "}}",
            "the JSON text holds a number of 5,000 digits",
        ),
        ('{"event": "INSERT", "keys": {"n": 1, "n": 2}}', "the key 'n' stands twice in one object"),
    ],
)
def test_what_could_not_be_meant_is_refused_with_its_reason(text: str, message: str) -> None:
    assert refusal_of(text) == f"f.json: {message}"
    assert refusal_of(exact_json.dumps(RECORD) + "\n" + text) == f"f.json:2: {message}"
