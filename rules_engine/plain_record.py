"""The short form in which tests and `explain` take a record: `{event, keys, new, old}` in plain values.

`record_from_images` makes of it what Lambda would deliver. Refused with RecordError: unknown keys, an image
that the event never carries, and values that no DynamoDB attribute can hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any

from rules_engine import exact_json
from rules_engine.attribute_value import encode
from rules_engine.errors import AttributeValueError, RecordError
from rules_engine.model import EVENT_NAMES
from rules_engine.record import TTL_PRINCIPAL, parse_record

_DEFAULT_SECONDS = 1_704_067_200  # 2024-01-01T00:00:00Z
_DEFAULT_SEQUENCE_NUMBER = "100000000000000000001"
_IMAGES = {"keys": "Keys", "new": "NewImage", "old": "OldImage"}
_NEVER_THERE = {"INSERT": "old", "REMOVE": "new", "EXPIRE": "new"}
_PLAIN_KEYS = ("event", *_IMAGES, "table", "expired", "eventID", "awsRegion", "createdAt", "sequenceNumber")


def record_from_images(record: Mapping[str, Any], table: str) -> dict[str, Any]:
    """A DynamoDB Streams record as Lambda would deliver it, of `{event, keys, new, old}` in plain values.

    `event` may also be EXPIRE, a REMOVE by time to live. Besides the images, the other fields of a
    condition's document may be given: `table`, `expired`, `eventID`, `awsRegion`, `createdAt`,
    `sequenceNumber`. Without `eventID` the same content gives the same one.
    """
    for key in record:
        if key not in _PLAIN_KEYS:
            raise RecordError(f"unknown key {key!r} in a record: its keys are {', '.join(_PLAIN_KEYS)}")
    event, expired = _plain_event(record)
    table = _plain_text(record, "table", table)
    region = _plain_text(record, "awsRegion", "us-east-1")
    arn = f"arn:aws:dynamodb:{region}:000000000000:table/{table}/stream/2024-01-01T00:00:00.000"
    data: dict[str, Any] = {"ApproximateCreationDateTime": _plain_seconds(record)}
    for key, name in _IMAGES.items():
        if record.get(key) is not None:
            data[name] = _plain_image(key, record[key])
    data["SequenceNumber"] = _plain_text(record, "sequenceNumber", _DEFAULT_SEQUENCE_NUMBER)
    data["StreamViewType"] = "NEW_AND_OLD_IMAGES" if "NewImage" in data or "OldImage" in data else "KEYS_ONLY"
    content = exact_json.dumps([event, expired, table, data])
    raw = {
        "eventID": _plain_text(record, "eventID", sha256(content.encode()).hexdigest()[:32]),
        "eventName": event,
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": region,
        "dynamodb": data,
        "eventSourceARN": arn,
    }
    if expired:
        raw["userIdentity"] = {"type": "Service", "principalId": TTL_PRINCIPAL}
    parse_record(raw)
    return raw


def _plain_event(record: Mapping[str, Any]) -> tuple[str, bool]:
    event = record.get("event")
    if event not in EVENT_NAMES:
        raise RecordError("'event' of a record must be one of INSERT, MODIFY, REMOVE, EXPIRE")
    absent = _NEVER_THERE.get(event)
    if absent is not None and record.get(absent) is not None:
        raise RecordError(f"'{absent}' is never there in a record of event {event}")
    expired = record.get("expired", event == "EXPIRE")
    if not isinstance(expired, bool):
        raise RecordError("'expired' of a record is neither true nor false")
    if (expired and event not in ("REMOVE", "EXPIRE")) or (event == "EXPIRE" and not expired):
        raise RecordError(f"'expired' of a record does not go together with event {event}")
    return ("REMOVE" if event == "EXPIRE" else event), expired


def _plain_text(record: Mapping[str, Any], key: str, default: str) -> str:
    text = record.get(key, default)
    if isinstance(text, str) and text:
        return text
    raise RecordError(f"'{key}' of a record is not text")


def _plain_seconds(record: Mapping[str, Any]) -> int | float:
    if "createdAt" not in record:
        return _DEFAULT_SECONDS
    try:
        moment = datetime.fromisoformat(record["createdAt"])
    except (TypeError, ValueError):
        moment = None
    if moment is None or moment.utcoffset() is None:
        raise RecordError("'createdAt' of a record is not a time like 2024-07-30T17:20:48Z")
    seconds = moment.timestamp()
    return int(seconds) if seconds.is_integer() else seconds


def _plain_image(key: str, image: Any) -> dict[str, Any]:
    if not isinstance(image, Mapping):
        raise RecordError(f"'{key}' of a record is not a map")
    attributes = {}
    for name, value in image.items():
        if not isinstance(name, str):
            raise RecordError(f"'{key}' of a record has a key that is not text")
        try:
            # By way of JSON, so that the floats of json.loads become the decimals they were written as.
            attributes[name] = encode(exact_json.loads(exact_json.dumps(value)))
        except (AttributeValueError, TypeError, ValueError) as error:
            raise RecordError(f"'{key}.{name}' of a record: {error}") from None
    return attributes
