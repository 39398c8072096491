"""The short form of a record becomes what Lambda would deliver."""

from decimal import Decimal

import pytest

from rules_engine.errors import RecordError
from rules_engine.plain_record import record_from_images
from rules_engine.record import parse_record

EXPIRE = {
    "event": "EXPIRE",
    "keys": {"id": "s-1"},
    "old": {"id": "s-1", "n": 1.1, "tags": ["a", None, True], "more": {"d": Decimal("0.10")}},
}


def test_the_short_form_becomes_a_record_as_lambda_delivers_it():
    assert record_from_images(EXPIRE, "sessions") == {
        "eventID": "665244be0d34d7b48c92aac8763b6a4b",
        "eventName": "REMOVE",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "us-east-1",
        "dynamodb": {
            "ApproximateCreationDateTime": 1704067200,
            "Keys": {"id": {"S": "s-1"}},
            "OldImage": {
                "id": {"S": "s-1"},
                "n": {"N": "1.1"},
                "tags": {"L": [{"S": "a"}, {"NULL": True}, {"BOOL": True}]},
                "more": {"M": {"d": {"N": "0.10"}}},
            },
            "SequenceNumber": "100000000000000000001",
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        },
        "eventSourceARN": "arn:aws:dynamodb:us-east-1:000000000000:table/sessions"
        "/stream/2024-01-01T00:00:00.000",
        "userIdentity": {"type": "Service", "principalId": "dynamodb.amazonaws.com"},
    }


def test_the_short_form_may_name_every_field_of_the_document():
    given_fields = {
        "table": "orders",
        "eventID": "e-1",
        "awsRegion": "eu-west-1",
        "createdAt": "2024-07-30T19:20:48.5+02:00",
        "sequenceNumber": "42",
    }
    raw = record_from_images({"event": "REMOVE", "expired": True, "keys": {"id": 1}} | given_fields, "t")
    assert parse_record(raw).document == given_fields | {
        "eventName": "REMOVE",
        "expired": True,
        "keys": {"id": 1},
        "new": None,
        "old": None,
        "createdAt": "2024-07-30T17:20:48.5Z",
    }
    assert raw["dynamodb"]["StreamViewType"] == "KEYS_ONLY"


def test_the_short_form_gives_one_content_one_event_id():
    again = dict(reversed(EXPIRE.items()))
    assert record_from_images(EXPIRE, "t")["eventID"] == record_from_images(again, "t")["eventID"]
    other = EXPIRE | {"keys": {"id": "s-2"}}
    assert record_from_images(EXPIRE, "t")["eventID"] != record_from_images(other, "t")["eventID"]


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({}, "'event' of a record must be one of INSERT, MODIFY, REMOVE, EXPIRE"),
        ({"event": "insert"}, "'event' of a record must be one of INSERT, MODIFY, REMOVE, EXPIRE"),
        ({"event": []}, "'event' of a record must be one of INSERT, MODIFY, REMOVE, EXPIRE"),
        (
            {"event": "INSERT", "image": {}},
            "unknown key 'image' in a record: its keys are event, keys, new, old, table, expired, eventID, "
            "awsRegion, createdAt, sequenceNumber",
        ),
        ({"event": "INSERT", "old": {}}, "'old' is never there in a record of event INSERT"),
        ({"event": "REMOVE", "new": {}}, "'new' is never there in a record of event REMOVE"),
        ({"event": "EXPIRE", "new": {}}, "'new' is never there in a record of event EXPIRE"),
        (
            {"event": "INSERT", "expired": True},
            "'expired' of a record does not go together with event INSERT",
        ),
        (
            {"event": "EXPIRE", "expired": False},
            "'expired' of a record does not go together with event EXPIRE",
        ),
        ({"event": "REMOVE", "expired": "yes"}, "'expired' of a record is neither true nor false"),
        ({"event": "INSERT", "new": []}, "'new' of a record is not a map"),
        (
            {"event": "INSERT", "new": {"n": 10**38 + 1}},
            "'new.n' of a record: a number that DynamoDB cannot hold",
        ),
        ({"event": "INSERT", "new": {"n": {1}}}, "'new.n' of a record: a value of type set has no JSON form"),
        (
            {"event": "INSERT", "new": {"n": float("nan")}},
            "'new.n' of a record: NaN and Infinity have no JSON form",
        ),
        ({"event": "INSERT", "new": {1: 2}}, "'new' of a record has a key that is not text"),
        ({"event": "INSERT", "table": ""}, "'table' of a record is not text"),
        ({"event": "INSERT", "eventID": 7}, "'eventID' of a record is not text"),
        ({"event": "INSERT", "sequenceNumber": "x"}, "a record has no sequence number of digits"),
        (
            {"event": "INSERT", "createdAt": "2024-07-30T17:20:48"},
            "'createdAt' of a record is not a time like 2024-07-30T17:20:48Z",
        ),
        (
            {"event": "INSERT", "createdAt": 1722360048},
            "'createdAt' of a record is not a time like 2024-07-30T17:20:48Z",
        ),
    ],
)
def test_the_short_form_refuses_what_lambda_would_never_deliver(record, message):
    with pytest.raises(RecordError) as caught:
        record_from_images(record, "orders")
    assert str(caught.value) == message
