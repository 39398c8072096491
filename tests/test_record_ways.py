"""The two ways to read a record, against each other, and every refusal in whole words."""

from __future__ import annotations

import base64
import json
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules_engine.attribute_value import Image
from rules_engine.errors import RecordError
from rules_engine.record import (
    _MOST_TABLES,
    _TABLES,
    MalformedRecord,
    StreamRecord,
    _parse,
    _parse_usual,
    parse_event,
    parse_record,
)
from tests.test_record import FLATTENED, KINESIS, MODIFY, garbled, in_kinesis

ARN = "arn:aws:dynamodb:eu-central-1:123456789012:table/{}/stream/2024"
BY_TTL = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
LAST_SECOND = 253_402_300_799


def changed(**parts: Any) -> dict[str, Any]:
    return {**MODIFY, **parts}


def data(**parts: Any) -> dict[str, Any]:
    """MODIFY with parts of `dynamodb` changed; those that are ... are left out."""
    whole = {**MODIFY["dynamodb"], **parts}
    return changed(dynamodb={name: part for name, part in whole.items() if part is not ...})


def without(*names: str) -> dict[str, Any]:
    return {name: part for name, part in MODIFY.items() if name not in names}


def document_of(record: StreamRecord) -> dict[str, Any]:
    """With the images as what they read from."""
    return {name: part.raw if isinstance(part, Image) else part for name, part in record.document.items()}


def everything(record: StreamRecord) -> tuple[Any, ...]:
    return (
        record.raw,
        record._change,
        record.table,
        record.kind,
        record.failure_id,
        record.sequence_number,
        record._time_unit,
        record.new_raw,
        record.old_raw,
        document_of(record),
    )


USUAL = {
    "a change": MODIFY,
    "an insert": changed(eventName="INSERT"),
    "a removal": changed(eventName="REMOVE"),
    "a removal by time to live": changed(eventName="REMOVE", userIdentity=BY_TTL),
    "a removal by somebody": changed(eventName="REMOVE", userIdentity={"type": "AssumedRole"}),
    "a change that names somebody": changed(userIdentity=BY_TTL),
    "no new image": data(NewImage=...),
    "no old image": data(OldImage=None),
    "a fraction of a second": data(ApproximateCreationDateTime=1722360048.5),
    "the first second": data(ApproximateCreationDateTime=0),
    "the last second": data(ApproximateCreationDateTime=LAST_SECOND),
    "a number as long as may be": data(SequenceNumber="9" * 128),
}


@pytest.mark.parametrize("piped", [False, True])
@pytest.mark.parametrize("raw", USUAL.values(), ids=USUAL)
def test_the_usual_record_goes_the_short_way_and_tells_what_the_long_way_tells(raw: Any, piped: bool) -> None:
    short, long = _parse_usual(raw, piped), _parse(raw, piped)
    assert short is not None
    assert everything(short) == everything(long)
    assert short.failure_id == (raw["eventID"] if piped else raw["dynamodb"]["SequenceNumber"])


UNUSUAL = {
    "no object": 7,
    "another mapping": MappingProxyType(MODIFY),
    "no dynamodb": without("dynamodb"),
    "no event id": without("eventID"),
    "an empty event id": changed(eventID=""),
    "an event id that is a number": changed(eventID=7),
    "no region": without("awsRegion"),
    "a region that is a number": changed(awsRegion=7),
    "no event name": without("eventName"),
    "an unknown event name": changed(eventName="EXPIRE"),
    "an event name that cannot be looked up": changed(eventName=[]),
    "no stream": without("eventSourceARN"),
    "a stream that is a list": changed(eventSourceARN=[]),
    "no sequence number": data(SequenceNumber=...),
    "a sequence number that is a number": data(SequenceNumber=7),
    "an empty sequence number": data(SequenceNumber=""),
    "a sequence number with a letter": data(SequenceNumber="7a"),
    "digits of another script": data(SequenceNumber="٣"),
    "a number that is too long": data(SequenceNumber="9" * 129),
    "no keys": data(Keys=...),
    "keys in another mapping": data(Keys=MappingProxyType({})),
    "a new image that is a list": data(NewImage=[]),
    "an old image that is a list": data(OldImage=[]),
    "no time": data(ApproximateCreationDateTime=...),
    "a time that is text": data(ApproximateCreationDateTime="0"),
    "a time that is true": data(ApproximateCreationDateTime=True),
    "an exact time": data(ApproximateCreationDateTime=Decimal(1)),
    "the first second, exactly": data(ApproximateCreationDateTime=Decimal(0)),
    "a time before 1970": data(ApproximateCreationDateTime=-1),
    "a time after 9999": data(ApproximateCreationDateTime=LAST_SECOND + 1),
}


@pytest.mark.parametrize("raw", UNUSUAL.values(), ids=UNUSUAL)
def test_anything_else_goes_the_long_way(raw: Any) -> None:
    assert _parse_usual(raw, piped=False) is None


@given(st.one_of(garbled(MODIFY), garbled(KINESIS), garbled(FLATTENED)), st.booleans())
def test_the_short_way_gives_up_or_tells_what_the_long_way_tells(raw: Any, piped: bool) -> None:
    short = _parse_usual(raw, piped)
    assert short is None or everything(short) == everything(_parse(raw, piped))


READ_THE_LONG_WAY = {
    name: UNUSUAL[name]
    for name in (
        "another mapping",
        "no region",
        "no keys",
        "keys in another mapping",
        "no time",
        "an exact time",
        "the first second, exactly",
    )
}


@pytest.mark.parametrize("raw", READ_THE_LONG_WAY.values(), ids=READ_THE_LONG_WAY)
def test_what_is_only_unusual_is_read(raw: Any) -> None:
    record, piped = parse_record(raw), _parse(raw, piped=True)
    body = raw["dynamodb"]
    assert everything(record) == (
        raw,
        raw,
        "orders",
        "MODIFY",
        body["SequenceNumber"],
        body["SequenceNumber"],
        0,
        body["NewImage"],
        body["OldImage"],
        document_of(record),
    )
    assert (piped.failure_id, piped.sequence_number) == (raw["eventID"], body["SequenceNumber"])
    assert document_of(record) == {
        "eventName": "MODIFY",
        "eventID": MODIFY["eventID"],
        "awsRegion": raw.get("awsRegion"),
        "table": "orders",
        "keys": body.get("Keys"),
        "new": body["NewImage"],
        "old": body["OldImage"],
        "expired": False,
        "createdAt": record.created_at,
        "sequenceNumber": body["SequenceNumber"],
    }


@pytest.mark.parametrize(
    ("event_name", "identity", "kind"),
    [
        ("REMOVE", BY_TTL, "EXPIRE"),
        ("REMOVE", {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"}, "EXPIRE"),
        ("REMOVE", {"type": "Service", "Type": "x", "principalId": "dynamodb.amazonaws.com"}, "EXPIRE"),
        ("REMOVE", {"type": "Service", "principalId": "other.amazonaws.com"}, "REMOVE"),
        ("REMOVE", {"type": "AssumedRole", "principalId": "dynamodb.amazonaws.com"}, "REMOVE"),
        ("REMOVE", {"type": "Service"}, "REMOVE"),
        ("REMOVE", {"principalId": "dynamodb.amazonaws.com"}, "REMOVE"),
        ("REMOVE", {}, "REMOVE"),
        ("REMOVE", None, "REMOVE"),
        ("REMOVE", "Service", "REMOVE"),
        ("MODIFY", BY_TTL, "MODIFY"),
        ("INSERT", BY_TTL, "INSERT"),
    ],
)
def test_only_removals_by_dynamodb_itself_are_expiries(event_name: str, identity: Any, kind: str) -> None:
    raw = changed(eventName=event_name, userIdentity=identity)
    body = {**raw, "tableName": "orders"}
    for record in (parse_record(raw), _parse(raw, piped=False), parse_record(in_kinesis(body))):
        assert (record.kind, record.expired, record.event_name) == (kind, kind == "EXPIRE", event_name)


def of_kinesis(**parts: Any) -> dict[str, Any]:
    envelope = {**KINESIS["kinesis"], **parts}
    return {**KINESIS, "kinesis": {name: part for name, part in envelope.items() if part is not ...}}


def base64_of(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def kinesis_body(**parts: Any) -> dict[str, Any]:
    body = {**MODIFY, "tableName": "orders", **parts}
    return in_kinesis({name: part for name, part in body.items() if part is not ...})


NO_CHANGE = "the Kinesis 'data' is no change of a DynamoDB item"
NO_TIME = "'ApproximateCreationDateTime' is not a time"
NO_EVENT_NAME = "'eventName' is none of INSERT, MODIFY, REMOVE"
NO_TEXT = "'awsRegion' or 'eventSourceARN' is not text"
BAD_PRECISION = "'ApproximateCreationDateTimePrecision' is neither MILLISECOND nor MICROSECOND"


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (changed(eventName="EXPIRE"), NO_EVENT_NAME),
        (without("eventName"), NO_EVENT_NAME),
        (without("eventID"), "'eventID' is missing or not text"),
        (changed(eventID=""), "'eventID' is missing or not text"),
        (changed(eventID=7), "'eventID' is missing or not text"),
        (data(Keys=7), "'Keys' is not an object"),
        (data(NewImage=[]), "'NewImage' is not an object"),
        (data(OldImage="x"), "'OldImage' is not an object"),
        (data(ApproximateCreationDateTime="x"), NO_TIME),
        (data(ApproximateCreationDateTime=LAST_SECOND + 1), NO_TIME),
        (data(ApproximateCreationDateTime=LAST_SECOND + 1.0), NO_TIME),
        (data(ApproximateCreationDateTime=Decimal(LAST_SECOND + 1)), NO_TIME),
        (data(ApproximateCreationDateTime=Decimal("-0.1")), NO_TIME),
        (data(ApproximateCreationDateTime=-0.1), NO_TIME),
        (data(ApproximateCreationDateTime=Decimal("NaN")), NO_TIME),
        (changed(awsRegion=7), NO_TEXT),
        (changed(eventSourceARN=7, tableName="orders"), NO_TEXT),
        (changed(eventSourceARN=7), "the record names no table"),
        (without("eventSourceARN"), "the record names no table"),
        ({**without("eventSourceARN"), "tableName": ""}, "the record names no table"),
        ({**without("eventSourceARN"), "tableName": 7}, "the record names no table"),
        (changed(eventSourceARN="arn:aws:sqs:x:1:orders"), "'eventSourceARN' names no DynamoDB table"),
        (of_kinesis(data=...), "the Kinesis 'data' is not text"),
        (of_kinesis(data=7), "the Kinesis 'data' is not text"),
        (of_kinesis(data="%"), "the Kinesis 'data' is not base64 of JSON"),
        (of_kinesis(data="e30=\n"), "the Kinesis 'data' is not base64 of JSON"),
        (of_kinesis(data=base64_of("{")), "the Kinesis 'data' is not base64 of JSON"),
        (of_kinesis(data=base64.b64encode(b"\xff").decode()), "the Kinesis 'data' is not base64 of JSON"),
        (of_kinesis(data=base64_of("[]")), NO_CHANGE),
        (of_kinesis(data=base64_of("{}")), NO_CHANGE),
        (of_kinesis(data=base64_of('{"dynamodb":[]}')), NO_CHANGE),
        (kinesis_body(tableName=...), "the record names no table"),
        (kinesis_body(eventName="x"), NO_EVENT_NAME),
        (kinesis_body(dynamodb={"ApproximateCreationDateTimePrecision": "SECOND"}), BAD_PRECISION),
        (kinesis_body(dynamodb={"ApproximateCreationDateTime": (LAST_SECOND + 1) * 1000}), NO_TIME),
        (kinesis_body(awsRegion=7), NO_TEXT),
        ({**KINESIS, "eventSourceARN": 7}, NO_TEXT),
    ],
)
def test_a_record_that_cannot_be_read_says_why_and_under_which_name_it_is_reported(
    raw: Any, reason: str
) -> None:
    with pytest.raises(RecordError) as refusal:
        parse_record(raw)
    assert str(refusal.value) == reason
    number = raw["dynamodb"]["SequenceNumber"] if "dynamodb" in raw else raw["kinesis"]["sequenceNumber"]
    assert parse_event({"Records": [raw, MODIFY]})[0] == MalformedRecord(number, reason, raw)


NO_OBJECT = "a record is not an object"
NO_NUMBER = "a record has no sequence number of digits"
NO_EVENT = "the event is neither a list nor has a list of 'Records'"
NO_STREAM = "a record is neither of a DynamoDB nor of a Kinesis stream"


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (7, NO_EVENT),
        (None, NO_EVENT),
        ({}, NO_EVENT),
        ({"Records": {}}, NO_EVENT),
        ({"Records": [7]}, NO_OBJECT),
        ({"Records": [MODIFY, {}]}, NO_STREAM),
        ({"Records": [{"kinesis": 7}]}, NO_STREAM),
        ({"Records": [{"dynamodb": 7}]}, NO_STREAM),
        ({"Records": [data(SequenceNumber=...)]}, NO_NUMBER),
        ({"Records": [data(SequenceNumber=7)]}, NO_NUMBER),
        ({"Records": [data(SequenceNumber="")]}, NO_NUMBER),
        ({"Records": [data(SequenceNumber="7a")]}, NO_NUMBER),
        ({"Records": [data(SequenceNumber="٣")]}, NO_NUMBER),
        ({"Records": [data(SequenceNumber="9" * 129)]}, NO_NUMBER),
        ({"Records": [of_kinesis(sequenceNumber=...)]}, NO_NUMBER),
        ({"Records": [{"data": "e30="}]}, "a record of a pipe has no 'eventID'"),
        ([7], NO_OBJECT),
        ([{}], "a record of a pipe has no 'eventID'"),
        ([{"eventID": ""}], "a record of a pipe has no 'eventID'"),
        ([{"eventID": 7}], "a record of a pipe has no 'eventID'"),
    ],
)
def test_where_there_is_no_name_to_report_the_whole_event_is_refused(event: Any, reason: str) -> None:
    with pytest.raises(RecordError) as refusal:
        parse_event(event)
    assert str(refusal.value) == reason


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (7, NO_OBJECT),
        ({"dynamodb": 7}, "'dynamodb' is not an object"),
        ({"kinesis": 7, "data": "x", "eventID": "e"}, "'kinesis' is not an object"),
        (data(SequenceNumber="7a"), NO_NUMBER),
        (of_kinesis(sequenceNumber="7a"), NO_NUMBER),
    ],
)
def test_one_record_alone_says_what_it_is_not(raw: Any, reason: str) -> None:
    with pytest.raises(RecordError) as refusal:
        parse_record(raw)
    assert str(refusal.value) == reason


def test_what_a_pipe_brings_is_reported_under_its_event_id() -> None:
    piped = [MODIFY, FLATTENED, {"eventID": "e-1", "dynamodb": 7}, {"eventID": "e-2", "kinesis": 7}]
    assert [
        (record.failure_id, record.sequence_number if isinstance(record, StreamRecord) else record.reason)
        for record in parse_event(piped)
    ] == [
        (MODIFY["eventID"], MODIFY["dynamodb"]["SequenceNumber"]),
        (FLATTENED["eventID"], FLATTENED["sequenceNumber"]),
        ("e-1", "'dynamodb' is not an object"),
        ("e-2", "'kinesis' is not an object"),
    ]


def test_a_pipe_may_leave_the_sequence_number_out_but_not_spoil_it() -> None:
    absent, spoilt = parse_event([data(SequenceNumber=...), data(SequenceNumber="7a")])
    assert isinstance(absent, StreamRecord)
    assert (absent.failure_id, absent.sequence_number) == (MODIFY["eventID"], None)
    assert spoilt == MalformedRecord(MODIFY["eventID"], NO_NUMBER, data(SequenceNumber="7a"))


def test_a_kinesis_record_tells_what_its_body_tells() -> None:
    raw = kinesis_body(
        dynamodb={
            "ApproximateCreationDateTime": LAST_SECOND * 1000 + 999,
            "Keys": {"order_id": {"S": "o-1"}},
            "NewImage": {"total": {"N": "1"}},
            "OldImage": {"total": {"N": "2"}},
        }
    )
    body = json.loads(base64.b64decode(raw["kinesis"]["data"]))
    number = raw["kinesis"]["sequenceNumber"]
    record = parse_record(raw)
    assert everything(record) == (
        raw,
        body,
        "orders",
        "MODIFY",
        number,
        number,
        -3,
        {"total": {"N": "1"}},
        {"total": {"N": "2"}},
        document_of(record),
    )
    assert record.created_at == "9999-12-31T23:59:59.999Z"
    assert record.source_arn == "arn:aws:kinesis:eu-central-1:123456789012:stream/changes"


@pytest.mark.parametrize(
    ("time", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (0.0, "1970-01-01T00:00:00.000Z"),
        (0.5, "1970-01-01T00:00:00.000Z"),
        (1, "1970-01-01T00:00:00.001Z"),
        (None, None),
    ],
)
def test_the_first_moment_of_1970_is_a_time_in_kinesis_too(time: float | None, text: str | None) -> None:
    assert parse_record(kinesis_body(dynamodb={"ApproximateCreationDateTime": time})).created_at == text


def test_a_body_without_a_precision_is_in_milliseconds() -> None:
    def unit(**precision: Any) -> int:
        return parse_record(kinesis_body(dynamodb=precision))._time_unit

    name = "ApproximateCreationDateTimePrecision"
    assert (unit(), unit(**{name: None}), unit(**{name: "MILLISECOND"})) == (-3, -3, -3)
    assert unit(**{name: "MICROSECOND"}) == -6


def test_the_names_of_tables_are_kept_and_do_not_pile_up() -> None:
    names = [f"table-{number}" for number in range(2 * _MOST_TABLES)]
    records = [changed(eventSourceARN=ARN.format(name)) for name in names]
    sizes = []
    _TABLES.clear()
    for record, name in zip(records, names, strict=True):
        assert [parse_record(record).table, parse_record(record).table] == [name, name]
        sizes.append(len(_TABLES))
    assert sizes == [*range(1, _MOST_TABLES + 1)] * 2
    assert _TABLES[ARN.format(names[-1])] == names[-1]
