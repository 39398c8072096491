"""What Lambda hands over -> `StreamRecord`, one shape for all sources.

In come DynamoDB Streams records, Kinesis Data Streams records that carry DynamoDB changes (base64 JSON), and
the bare arrays of EventBridge Pipes with either of them (a Pipe flattens a Kinesis record). Out come records
whose images are decoded attribute by attribute when something reads them, and `MalformedRecord` where only
the failure id can be read. RecordError: the event is of no known shape, or a record has no failure id to
report it under, so nothing but failing the whole batch is safe.

Lambda's json.loads has made floats of times with a fraction; they are taken by their shortest decimal form.
Decoding the images here was left: it costs three times what matching a record may.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import ROUND_DOWN, Context, Decimal
from typing import Any

from rules_engine import exact_json
from rules_engine.attribute_value import Image
from rules_engine.errors import RecordError
from rules_engine.light_dataclass import dataclass

RECORD_EVENT_NAMES = ("INSERT", "MODIFY", "REMOVE")
"""What `eventName` of a record can be. A rule may also name EXPIRE, which no record does."""
_MOST_DIGITS = 128
"""Of a sequence number: DynamoDB's have 21 to 40, those of Kinesis 56, and int() must be able to read it."""
MOST_DIGITS_OF_DYNAMODB = 40
"""A longer one is of Kinesis, and promises nothing of the order of an item's changes."""
_TEXT_OR_NONE = (str, type(None))
_MAP = (dict, Mapping)  # dict first: the check of an abstract class takes ten times as long
_MAP_OR_NONE = (dict, type(None), Mapping)
TTL_PRINCIPAL = "dynamodb.amazonaws.com"

_SECONDS, _MILLISECONDS, _MICROSECONDS = 0, -3, -6
_END_OF_TIME = 253_402_300_800  # 10000-01-01T00:00:00Z in seconds: beyond it there is no four-digit year
_LATEST = {unit: _END_OF_TIME * 10**-unit for unit in (_SECONDS, _MILLISECONDS, _MICROSECONDS)}
_TIMES = Context(prec=40)
_NANOSECOND = Decimal("1e-9")

_match_table_arn = re.compile(r"arn:[^:]+:dynamodb:[^:]*:[^:]*:table/([A-Za-z0-9_.-]+)(?:/.*)?").fullmatch


class StreamRecord:
    """One change of one item. Made by `parse_record`; nothing is set afterwards but its own caches.

    `failure_id` is what a partial batch response must name. `kind` is `event_name`, or EXPIRE where time to
    live removed the item. `new_raw` and `old_raw` are the DynamoDB JSON that `new` and `old` read from, for a
    reader that needs no decoding.
    """

    raw: Mapping[str, Any]
    table: str
    kind: str
    failure_id: str
    sequence_number: str | None
    new_raw: Mapping[str, Any] | None
    old_raw: Mapping[str, Any] | None
    _change: Mapping[str, Any]
    _time_unit: int

    __slots__ = (
        "_change",
        "_document",
        "_keys",
        "_new",
        "_old",
        "_time_unit",
        "failure_id",
        "kind",
        "new_raw",
        "old_raw",
        "raw",
        "sequence_number",
        "table",
    )

    @property
    def event_name(self) -> str:
        return "REMOVE" if self.kind == "EXPIRE" else self.kind

    @property
    def expired(self) -> bool:
        return self.kind == "EXPIRE"

    @property
    def event_id(self) -> str:
        event_id: str = self._change["eventID"]
        return event_id

    @property
    def aws_region(self) -> str | None:
        return self._change.get("awsRegion")

    @property
    def source_arn(self) -> str | None:
        return self.raw.get("eventSourceARN")

    @property
    def keys_raw(self) -> Mapping[str, Any] | None:
        keys: Mapping[str, Any] | None = self._change["dynamodb"].get("Keys")
        return keys

    @property
    def keys(self) -> Image | None:
        try:
            return self._keys
        except AttributeError:
            raw = self.keys_raw
            self._keys: Image | None = None if raw is None else Image(raw)
            return self._keys

    @property
    def new(self) -> Image | None:
        try:
            return self._new
        except AttributeError:
            self._new: Image | None = None if self.new_raw is None else Image(self.new_raw)
            return self._new

    @property
    def old(self) -> Image | None:
        try:
            return self._old
        except AttributeError:
            self._old: Image | None = None if self.old_raw is None else Image(self.old_raw)
            return self._old

    @property
    def sequence(self) -> int | None:
        """The sequence number as what orders it: `9` comes before `10`."""
        return None if self.sequence_number is None else int(self.sequence_number)

    @property
    def created_at_seconds(self) -> Decimal | None:
        """Seconds since 1970, exact down to nanoseconds."""
        time = self._change["dynamodb"].get("ApproximateCreationDateTime")
        if time is None:
            return None
        exact = Decimal(float.__repr__(time)) if isinstance(time, float) else Decimal(time)
        seconds = exact.scaleb(self._time_unit, _TIMES)
        cut = seconds.quantize(_NANOSECOND, ROUND_DOWN, _TIMES)
        return seconds if seconds == cut else cut

    @property
    def created_at(self) -> str | None:
        """ISO 8601 UTC text, as precise as its source, so that the texts of one stream sort as its times do.

        A change in Kinesis has 3 or 6 digits of a second, zeros too. One in a DynamoDB stream has whole
        seconds, and a fraction only where the record gives one that is not zero.
        """
        seconds = self.created_at_seconds
        if seconds is None:
            return None
        fraction = f"{seconds:f}".partition(".")[2]
        if self._time_unit:
            fraction = fraction[: -self._time_unit].ljust(-self._time_unit, "0")
        elif not fraction.strip("0"):
            fraction = ""
        moment = datetime.fromtimestamp(int(seconds), UTC).replace(tzinfo=None).isoformat()
        return f"{moment}.{fraction}Z" if fraction else f"{moment}Z"

    @property
    def document(self) -> dict[str, Any]:
        """What a condition sees. Built once; not to be changed."""
        try:
            return self._document
        except AttributeError:
            self._document: dict[str, Any] = {
                "eventName": self.event_name,
                "eventID": self.event_id,
                "awsRegion": self.aws_region,
                "table": self.table,
                "keys": self.keys,
                "new": self.new,
                "old": self.old,
                "expired": self.expired,
                "createdAt": self.created_at,
                "sequenceNumber": self.sequence_number,
            }
            return self._document

    def __repr__(self) -> str:
        return f"<StreamRecord {self.event_name} {self.table} {self.event_id}>"


@dataclass(frozen=True, slots=True)
class MalformedRecord:
    """A record that can be reported but not read. `reason` names no value of it."""

    failure_id: str
    reason: str
    raw: Mapping[str, Any]


def parse_event(event: Any) -> list[StreamRecord | MalformedRecord]:
    """The records of a Lambda event, in its order."""
    if isinstance(event, list):
        return [_parse_or_mark(raw, piped=True) for raw in event]
    records = event.get("Records") if isinstance(event, Mapping) else None
    if not isinstance(records, list):
        raise RecordError("the event is neither a list nor has a list of 'Records'")
    return [_parse_or_mark(raw, piped=False) for raw in records]


def parse_record(raw: Any) -> StreamRecord:
    """One record as Lambda delivers it inside `Records`, or a Kinesis record flattened by a Pipe."""
    return _parse_usual(raw, piped=False) or _parse(raw, piped=False)


def _parse_or_mark(raw: Any, piped: bool) -> StreamRecord | MalformedRecord:
    try:
        return _parse_usual(raw, piped) or _parse(raw, piped)
    except RecordError as error:
        return MalformedRecord(_failure_id(raw, piped), str(error), raw)


def _parse(raw: Any, piped: bool) -> StreamRecord:
    if not isinstance(raw, _MAP):
        raise RecordError("a record is not an object")
    data = raw.get("dynamodb")
    if data is None:
        return _parse_kinesis(raw, piped)
    if not isinstance(data, _MAP):
        raise RecordError("'dynamodb' is not an object")
    number = data.get("SequenceNumber")
    if number is not None or not piped:
        _check_sequence_number(number)
    arn = raw.get("eventSourceARN")
    table = _TABLES[arn] if isinstance(arn, str) else _table_name(raw)
    failure_id: Any = raw.get("eventID") if piped else number
    _check(raw, raw, _SECONDS)
    kind = "EXPIRE" if _is_expired(raw) else raw["eventName"]
    return _record(raw, raw, table, kind, failure_id, number, _SECONDS)


def _parse_usual(raw: Any, piped: bool) -> StreamRecord | None:
    """The record, if there is nothing out of the ordinary about it.

    Checks what `_check` does, in one expression: one by one the checks take as long as all look-ups.
    """
    try:
        data = raw["dynamodb"]
        number = data["SequenceNumber"]
        time = data["ApproximateCreationDateTime"]
        event_id = raw["eventID"]
        kind = raw["eventName"]
        table = _TABLES[raw["eventSourceARN"]]
        new = data.get("NewImage")
        old = data.get("OldImage")
        if not (
            type(event_id) is type(raw["awsRegion"]) is type(number) is str
            and event_id
            and number.isdigit()
            and number.isascii()
            and len(number) <= _MOST_DIGITS
            and kind in RECORD_EVENT_NAMES
            and type(data["Keys"]) is type(raw) is dict
            and (new is None or type(new) is dict)
            and (old is None or type(old) is dict)
            and (type(time) is float or type(time) is int)
            and 0 <= time < _END_OF_TIME
        ):
            return None
    except (LookupError, TypeError):
        return None
    # Not by `_record`: a call takes as long as half of the checks.
    record = _new_object(StreamRecord)
    record.raw = record._change = raw
    record.table = table
    record.kind = "EXPIRE" if "userIdentity" in raw and _is_expired(raw) else kind
    record.failure_id = event_id if piped else number
    record.sequence_number = number
    record._time_unit = _SECONDS
    record.new_raw = new
    record.old_raw = old
    return record


def _record(
    raw: Mapping[str, Any],
    change: Mapping[str, Any],
    table: str,
    kind: str,
    failure_id: str,
    sequence_number: str | None,
    time_unit: int,
) -> StreamRecord:
    record = _new_object(StreamRecord)
    record.raw = raw
    record._change = change
    record.table = table
    record.kind = kind
    record.failure_id = failure_id
    record.sequence_number = sequence_number
    record._time_unit = time_unit
    data = change["dynamodb"]
    record.new_raw = data.get("NewImage")
    record.old_raw = data.get("OldImage")
    return record


_new_object = object.__new__


def _parse_kinesis(raw: Mapping[str, Any], piped: bool) -> StreamRecord:
    failure_id = _failure_id(raw, piped)
    envelope = raw.get("kinesis", raw)
    if not isinstance(envelope, _MAP):
        raise RecordError("'kinesis' is not an object")
    number = envelope.get("sequenceNumber")
    _check_sequence_number(number)
    change = _kinesis_body(envelope.get("data"))
    time_unit = _time_unit(change["dynamodb"].get("ApproximateCreationDateTimePrecision"))
    _check(raw, change, time_unit)
    kind = "EXPIRE" if _is_expired(change) else change["eventName"]
    return _record(raw, change, _table_name(change), kind, failure_id, number, time_unit)


def _failure_id(raw: Any, piped: bool) -> str:
    """What a partial response must name. An empty or unknown name would mean complete failure."""
    if not isinstance(raw, _MAP):
        raise RecordError("a record is not an object")
    if piped or "data" in raw:
        event_id = raw.get("eventID")
        if isinstance(event_id, str) and event_id:
            return event_id
        raise RecordError("a record of a pipe has no 'eventID'")
    for part, name in (("dynamodb", "SequenceNumber"), ("kinesis", "sequenceNumber")):
        body = raw.get(part)
        if isinstance(body, _MAP):
            number = body.get(name)
            _check_sequence_number(number)
            return str(number)
    raise RecordError("a record is neither of a DynamoDB nor of a Kinesis stream")


def _check(raw: Mapping[str, Any], change: Mapping[str, Any], time_unit: int) -> None:
    """Raises RecordError for whatever outside of the images a reader would have to doubt."""
    if change.get("eventName") not in RECORD_EVENT_NAMES:
        raise RecordError("'eventName' is none of INSERT, MODIFY, REMOVE")
    event_id = change.get("eventID")
    if not isinstance(event_id, str) or not event_id:
        raise RecordError("'eventID' is missing or not text")
    data = change["dynamodb"]
    for name in ("Keys", "NewImage", "OldImage"):
        if not isinstance(data.get(name), _MAP_OR_NONE):
            raise RecordError(f"'{name}' is not an object")
    time = data.get("ApproximateCreationDateTime")
    if time is not None and not _is_time(time, time_unit):
        raise RecordError("'ApproximateCreationDateTime' is not a time")
    if not isinstance(change.get("awsRegion"), _TEXT_OR_NONE) or not isinstance(
        raw.get("eventSourceARN"), _TEXT_OR_NONE
    ):
        raise RecordError("'awsRegion' or 'eventSourceARN' is not text")


def _is_time(time: Any, time_unit: int) -> bool:
    if isinstance(time, bool) or not isinstance(time, (int, float, Decimal)):
        return False
    if isinstance(time, Decimal) and not time.is_finite():
        return False
    # A float NaN is in no range.
    return bool(0 <= time < _LATEST[time_unit])


def _check_sequence_number(number: Any) -> None:
    if not (
        isinstance(number, str) and number.isdigit() and number.isascii() and len(number) <= _MOST_DIGITS
    ):
        raise RecordError("a record has no sequence number of digits")


def _is_expired(change: Mapping[str, Any]) -> bool:
    """Whether time to live removed the item: the only removals that DynamoDB makes in its own name."""
    identity = change.get("userIdentity")
    if change["eventName"] != "REMOVE" or not isinstance(identity, Mapping):
        return False
    # Lambda writes both members in lower case, the streams API itself with a capital.
    kind = identity.get("type", identity.get("Type"))
    principal = identity.get("principalId", identity.get("PrincipalId"))
    return bool(kind == "Service" and principal == TTL_PRINCIPAL)


class _Tables(dict[str, str]):
    """Table names by stream ARN, kept: there are a few, and each comes with every record."""

    def __missing__(self, arn: str) -> str:
        found = _match_table_arn(arn)
        if found is None:
            raise RecordError("'eventSourceARN' names no DynamoDB table")
        if len(self) >= _MOST_TABLES:
            self.clear()
        self[arn] = found[1]
        return found[1]


_TABLES = _Tables()
_MOST_TABLES = 256


def _table_name(change: Mapping[str, Any]) -> str:
    name = change.get("tableName")
    if isinstance(name, str) and name:
        return name
    raise RecordError("the record names no table")


def _kinesis_body(data: Any) -> Mapping[str, Any]:
    if not isinstance(data, str):
        raise RecordError("the Kinesis 'data' is not text")
    try:
        body = exact_json.loads(b64decode(data, validate=True).decode())
    except ValueError:
        # Not chained: the original error carries the body.
        raise RecordError("the Kinesis 'data' is not base64 of JSON") from None
    if not isinstance(body, dict) or not isinstance(body.get("dynamodb"), dict):
        raise RecordError("the Kinesis 'data' is no change of a DynamoDB item")
    return body


def _time_unit(precision: Any) -> int:
    if precision is None or precision == "MILLISECOND":
        return _MILLISECONDS
    if precision == "MICROSECOND":
        return _MICROSECONDS
    raise RecordError("'ApproximateCreationDateTimePrecision' is neither MILLISECOND nor MICROSECOND")
