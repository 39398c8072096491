"""One change in any form that people and archives have -> the record as Lambda would deliver it.

In: a JSON document. Besides the record itself, which needs nothing done, and the short form of `plain_record`
these are known, in which archives hold changes:

- the change that our actions send where a rule names no payload (`eventID`, `eventName`, `table`,
  `createdAt`, `keys`, `new`, `old` in plain values), perhaps with `expired` and keys of the rule's own;
- what DynamoDB writes to a Kinesis data stream, as Firehose archives it, without the envelope of Kinesis;
- a line of DynamoDB's incremental export to S3: the net change of one item in the time of the export.

Plain values do not say what was a set: it comes back as a list, and binary as text. Neither of the last two
has a sequence number, and an export names no table, no event id and no expiry.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from decimal import Decimal
from hashlib import sha256
from typing import Any

from rules_engine import exact_json
from rules_engine.errors import RecordError
from rules_engine.plain_record import record_from_images

_IMAGES = ("keys", "new", "old")
_RECORD_KEYS = {"dynamodb", "kinesis", "partitionKey"}
_COPIED = ("eventID", "table", "createdAt", "expired", "awsRegion", "sequenceNumber", *_IMAGES)
_MICROSECONDS = Decimal(1_000_000)
_REGION_AND_ACCOUNT = "us-east-1:000000000000"


def record_of(document: Mapping[str, Any], table: str | None) -> Mapping[str, Any] | None:
    """The record, or None where `document` is of no known form, or in the short form and without a table.

    `table` is the table of what names none. Raises RecordError as `record_from_archive` does.
    """
    archived = record_from_archive(document, table)
    if archived is not None:
        return archived
    if document.keys() & _RECORD_KEYS:
        return document
    if is_short_form(document) and ("table" in document or table is not None):
        return record_from_images(document, table or "")
    return None


def is_short_form(document: Mapping[str, Any]) -> bool:
    return bool(document.keys() & {"event", *_IMAGES})


def record_from_archive(document: Mapping[str, Any], table: str | None) -> Mapping[str, Any] | None:
    """The record, or None where `document` is in none of the forms of archives.

    `table` is the table of what names none; where that is None too, RecordError says so, as it does of a
    value that cannot be what its name says.
    """
    if "dynamodb" in document:
        return _from_kinesis(document) if "tableName" in document else None
    if "eventName" in document and any(name in document for name in _IMAGES):
        return _from_change(document, table)
    if "Metadata" in document and "Keys" in document:
        return _from_export(document, table)
    if document.keys() == {"Item"}:
        raise RecordError("a full export holds items, not changes: export incrementally, with both images")
    return None


def is_without_images(document: Mapping[str, Any]) -> bool:
    """Whether it is the line of an export for an item that was made and removed within its time."""
    return document.keys() == {"Metadata", "Keys"}


def _from_change(document: Mapping[str, Any], table: str | None) -> Mapping[str, Any]:
    plain = {name: document[name] for name in _COPIED if document.get(name) is not None}
    plain["event"] = document["eventName"]
    record = record_from_images(plain, plain.get("table") or _named(table))
    if "createdAt" not in plain:
        del record["dynamodb"]["ApproximateCreationDateTime"]
    return record


def _from_kinesis(document: Mapping[str, Any]) -> Mapping[str, Any]:
    data = b64encode(exact_json.dumps(document).encode()).decode()
    return {"eventSource": "aws:kinesis", "kinesis": {"sequenceNumber": "0", "data": data}}


def _from_export(document: Mapping[str, Any], table: str | None) -> Mapping[str, Any]:
    new, old = document.get("NewImage"), document.get("OldImage")
    if is_without_images(document):
        raise RecordError("the item was made and removed within the time of the export: it has no images")
    written = _written_micros(document["Metadata"])
    images = {name: image for name, image in (("NewImage", new), ("OldImage", old)) if image is not None}
    data = {
        "ApproximateCreationDateTime": Decimal(written) / _MICROSECONDS,
        "Keys": document["Keys"],
        **images,
        "SequenceNumber": written,
        "StreamViewType": "NEW_AND_OLD_IMAGES",
    }
    name = _named(table)
    return {
        "eventID": sha256(exact_json.dumps([name, data]).encode()).hexdigest()[:32],
        "eventName": "REMOVE" if new is None else "INSERT" if old is None else "MODIFY",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "dynamodb": data,
        "eventSourceARN": f"arn:aws:dynamodb:{_REGION_AND_ACCOUNT}:table/{name}/stream/export",
    }


def _written_micros(metadata: Any) -> str:
    """The digits of `{"WriteTimestampMicros": {"N": "1701385200000000"}}`."""
    found = metadata.get("WriteTimestampMicros") if isinstance(metadata, Mapping) else None
    digits = found.get("N") if isinstance(found, Mapping) else None
    if isinstance(digits, str) and digits.isascii() and digits.isdigit():
        return digits
    raise RecordError("'Metadata.WriteTimestampMicros' of an export is not a number")


def _named(table: str | None) -> str:
    if table is None:
        raise RecordError("the change names no table, and the rules are for several: backtest takes --table")
    return table
