"""Every record shape as a case: record.json or event.json as Lambda delivers it, and what it tells."""

import base64
import contextlib
import json
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules_engine import exact_json
from rules_engine.attribute_value import Image
from rules_engine.errors import AttributeValueError, RecordError
from rules_engine.plain_record import record_from_images
from rules_engine.record import (
    MalformedRecord,
    StreamRecord,
    parse_event,
    parse_record,
)

CASES = sorted((Path(__file__).parent / "cases" / "records").iterdir())


def told(record):
    """All that a record tells, as plain JSON values."""
    if isinstance(record, MalformedRecord):
        return {"malformed": record.reason, "failure_id": record.failure_id}
    return {
        "document": record.document,
        "failure_id": record.failure_id,
        "source_arn": record.source_arn,
        "created_at_seconds": record.created_at_seconds,
    }


def read_case(case):
    record_file = case / "record.json"
    try:
        # json.loads, as Lambda's runtime does: floats and all.
        if record_file.exists():
            return told(parse_record(json.loads(record_file.read_text())))
        return [told(record) for record in parse_event(json.loads((case / "event.json").read_text()))]
    except RecordError as error:
        return {"error": str(error)}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_case_reads_as_expected(case):
    expected = exact_json.loads((case / "expected.json").read_text())
    # As text: True is not 1, and 12.50 is not 12.5.
    assert exact_json.dumps(read_case(case)) == exact_json.dumps(expected)


MODIFY = {
    "eventID": "7de3041dd709b024af6f29e4fa13d34c",
    "eventName": "MODIFY",
    "eventSource": "aws:dynamodb",
    "awsRegion": "eu-central-1",
    "dynamodb": {
        "ApproximateCreationDateTime": 1722360048,
        "Keys": {"order_id": {"S": "o-1"}},
        "NewImage": {"order_id": {"S": "o-1"}, "total": {"N": "12.50"}, "broken": {"N": "twelve"}},
        "OldImage": {"order_id": {"S": "o-1"}, "total": {"N": "10"}},
        "SequenceNumber": "300000000000000499659",
    },
    "eventSourceARN": "arn:aws:dynamodb:eu-central-1:123456789012:table/orders/stream/2024",
}


def with_time(time):
    return {**MODIFY, "dynamodb": {**MODIFY["dynamodb"], "ApproximateCreationDateTime": time}}


def in_kinesis(body):
    return {
        "kinesis": {
            "sequenceNumber": "49545115243490985018280067714973144582180062593244200961",
            "data": base64.b64encode(json.dumps(body).encode()).decode(),
        },
        "eventSourceARN": "arn:aws:kinesis:eu-central-1:123456789012:stream/changes",
    }


def test_a_malformed_attribute_disturbs_only_who_reads_it():
    record = parse_record(MODIFY)
    assert record.document["new"]["total"] == Decimal("12.50")
    with pytest.raises(AttributeValueError, match=r"^attribute 'broken': N is not a number$"):
        record.new["broken"]


def test_document_and_images_are_built_once():
    record = parse_record(MODIFY)
    assert record.document is record.document
    assert record.document["new"] is record.new
    assert record.document["old"] is record.old
    assert record.document["keys"] is record.keys


def test_the_images_read_from_the_record_itself():
    record = parse_record(MODIFY)
    assert record.raw is MODIFY
    assert record.new.raw is record.new_raw is MODIFY["dynamodb"]["NewImage"]
    assert record.old.raw is record.old_raw is MODIFY["dynamodb"]["OldImage"]
    assert record.keys.raw is record.keys_raw is MODIFY["dynamodb"]["Keys"]


def test_sequence_numbers_are_ordered_as_integers():
    def at(number):
        data = {**MODIFY["dynamodb"], "SequenceNumber": number}
        return parse_record({**MODIFY, "dynamodb": data})

    assert at("9").sequence < at("10").sequence
    assert at("9" * 40).sequence == 10**40 - 1


def test_a_record_shows_none_of_its_values():
    assert repr(parse_record(MODIFY)) == "<StreamRecord MODIFY orders 7de3041dd709b024af6f29e4fa13d34c>"


@pytest.mark.parametrize(
    ("time", "text", "seconds"),
    [
        (0, "1970-01-01T00:00:00Z", "0"),
        (1722360048, "2024-07-30T17:20:48Z", "1722360048"),
        (1722360048.0, "2024-07-30T17:20:48Z", "1722360048.0"),
        (1722360048.1, "2024-07-30T17:20:48.1Z", "1722360048.1"),
        (1722360048.123, "2024-07-30T17:20:48.123Z", "1722360048.123"),
        (1722360048.123456, "2024-07-30T17:20:48.123456Z", "1722360048.123456"),
        (1e-300, "1970-01-01T00:00:00Z", "0E-9"),
        (Decimal("1722360048.1234567891"), "2024-07-30T17:20:48.123456789Z", "1722360048.123456789"),
        (253402300799, "9999-12-31T23:59:59Z", "253402300799"),
        (None, None, None),
    ],
)
def test_a_time_in_seconds_keeps_every_digit_it_has(time, text, seconds):
    record = parse_record(with_time(time))
    assert record.created_at == record.document["createdAt"] == text
    assert record.created_at_seconds == (None if seconds is None else Decimal(seconds))


@pytest.mark.parametrize(
    "time",
    [
        "2024-07-30T17:20:48Z",
        True,
        -1,
        253402300800,
        1722360048000,
        float("nan"),
        float("inf"),
        Decimal("NaN"),
        10**4000,
        Decimal("1E+9999"),
        [],
    ],
)
def test_what_is_no_time_makes_the_record_malformed(time):
    with pytest.raises(RecordError, match=r"^'ApproximateCreationDateTime' is not a time$"):
        parse_record(with_time(time))


def created_at_in_kinesis(data):
    body = {"eventID": "e", "eventName": "INSERT", "tableName": "t", "dynamodb": data}
    return parse_record(in_kinesis(body)).created_at


def test_kinesis_times_are_exact_in_either_precision():
    def at(time, precision):
        data = {"ApproximateCreationDateTime": time} | precision
        return created_at_in_kinesis(data)

    micro, milli = "ApproximateCreationDateTimePrecision", "MILLISECOND"
    assert at(1722360048123456, {micro: "MICROSECOND"}) == "2024-07-30T17:20:48.123456Z"
    assert at(1722360048000001, {micro: "MICROSECOND"}) == "2024-07-30T17:20:48.000001Z"
    assert at(1722360048123, {micro: milli}) == "2024-07-30T17:20:48.123Z"
    assert at(1722360048000000, {micro: "MICROSECOND"}) == "2024-07-30T17:20:48.000000Z"
    assert at(1722360048000, {micro: milli}) == "2024-07-30T17:20:48.000Z"
    assert at(1722360048120, {}) == "2024-07-30T17:20:48.120Z"
    assert at(1722360048123.9, {}) == "2024-07-30T17:20:48.123Z"
    with pytest.raises(RecordError, match="neither MILLISECOND nor MICROSECOND"):
        at(1722360048, {micro: "SECOND"})


def test_numbers_of_a_kinesis_body_stay_exact():
    digits = "12345678901234567890123456789012345678"
    data = {"NewImage": {"n": {"N": digits}, "d": {"N": "0.1"}}}
    body = {"eventID": "e", "eventName": "INSERT", "tableName": "t", "dynamodb": data}
    assert parse_record(in_kinesis(body)).new == {"n": int(digits), "d": Decimal("0.1")}


def test_a_body_nested_beyond_the_stack_is_malformed_not_fatal():
    body = base64.b64encode(b'{"dynamodb":' + b"[" * 100_000).decode()
    raw = {"kinesis": {"sequenceNumber": "1", "data": body}}
    assert parse_event({"Records": [raw]}) == [
        MalformedRecord("1", "the Kinesis 'data' is not base64 of JSON", raw)
    ]


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:dynamodb:eu-west-1:123456789012:table/orders/stream/2024-05-01T00:00:00.000",
        "arn:aws:dynamodb:eu-west-1:123456789012:table/orders",
        "arn:aws-cn:dynamodb:cn-north-1:123456789012:table/orders/stream/x",
        "arn:aws-us-gov:dynamodb:us-gov-west-1:123456789012:table/orders/stream/x",
        "arn:aws:dynamodb:ddblocal:000000000000:table/orders/stream/x",
    ],
)
def test_the_table_comes_from_the_stream_arn(arn):
    assert parse_record({**MODIFY, "eventSourceARN": arn, "tableName": "another"}).table == "orders"


@pytest.mark.parametrize(
    "arn", ["", "orders", "arn:aws:dynamodb:eu-west-1:1:table/", "arn:aws:sqs:eu-west-1:1:orders", 7, None]
)
def test_a_record_without_a_table_is_malformed(arn):
    raw = {**MODIFY, "eventSourceARN": arn}
    (record,) = parse_event({"Records": [raw]})
    assert isinstance(record, MalformedRecord)
    assert record.failure_id == "300000000000000499659"


# Laws.

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
json_values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


def garbled(template):
    """`template` with any part replaced, at any depth, by any JSON value."""
    if isinstance(template, dict):
        whole = st.fixed_dictionaries({}, optional={key: garbled(part) for key, part in template.items()})
    elif isinstance(template, list):
        whole = st.tuples(*map(garbled, template)).map(list)
    else:
        whole = st.just(template)
    return st.one_of(whole, whole, whole, json_values)


KINESIS = in_kinesis({**MODIFY, "tableName": "orders"})
FLATTENED = {**KINESIS["kinesis"], "eventID": "shardId-000000000000:1", "eventSource": "aws:kinesis"}


@given(st.one_of(json_values, garbled(MODIFY), garbled(KINESIS), garbled(FLATTENED)))
def test_garbage_is_refused_as_a_record_error_or_read(raw):
    try:
        record = parse_record(raw)
    except RecordError:
        return
    assert isinstance(record, StreamRecord)
    assert record.failure_id in (record.sequence_number, raw.get("eventID"))
    assert set(record.document) == set(parse_record(MODIFY).document)
    for image in (record.keys, record.new, record.old):
        for name in image or ():
            with contextlib.suppress(AttributeValueError):
                image[name]


times = st.integers(1722360048 * 10**6, 1722360049 * 10**6) | st.integers(0, 253402300799 * 10**6)


@given(times, times, st.sampled_from(["SECOND", "MILLISECOND", "MICROSECOND"]))
def test_the_texts_of_one_source_sort_as_its_times(one, other, precision):
    def text(microseconds):
        time = microseconds // {"SECOND": 10**6, "MILLISECOND": 1000, "MICROSECOND": 1}[precision]
        if precision == "SECOND":
            return time, parse_record(with_time(time)).created_at
        name = "ApproximateCreationDateTime"
        return time, created_at_in_kinesis({name: time, f"{name}Precision": precision})

    (time, shown), (other_time, other_shown) = text(one), text(other)
    assert (shown < other_shown, shown == other_shown) == (time < other_time, time == other_time)


@given(
    st.one_of(
        json_values,
        garbled([MODIFY, KINESIS, FLATTENED]),
        garbled({"Records": [MODIFY, KINESIS, FLATTENED]}),
    )
)
def test_an_event_is_refused_or_every_record_of_it_can_be_reported(event):
    try:
        records = parse_event(event)
    except RecordError:
        return
    raws = event if isinstance(event, list) else event["Records"]
    assert [record.raw for record in records] == raws
    assert all(isinstance(record.failure_id, str) and record.failure_id for record in records)


@given(st.binary(max_size=40) | json_values.map(lambda value: json.dumps(value).encode()))
def test_any_kinesis_body_is_read_or_reported(body):
    raw = {"kinesis": {"sequenceNumber": "7", "data": base64.b64encode(body).decode()}}
    (record,) = parse_event({"Records": [raw]})
    assert record.failure_id == "7"


plain_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**38), 10**38) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=4), plain_values, max_size=4))
def test_the_short_form_is_read_back_as_it_was_written(image):
    record = parse_record(record_from_images({"event": "MODIFY", "new": image, "old": image}, "t"))
    assert isinstance(record.new, Image)
    assert record.new == record.old == image
