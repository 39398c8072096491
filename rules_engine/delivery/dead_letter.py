"""A dead letter: one unit that was given up, with the whole record, as the text of a queue's message.

`DeadLetter.message` gives the text in one of three encodings: the record as it is, compressed, or a pointer
to where it was spilled. `read_dead_letter` gives the letter back, with a record equal to what Lambda handed
over. Texts are ASCII: SQS refuses some characters that an item may hold. There is no payload, no header and
no secret in it: what is to be done is rendered anew from the record.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from decimal import Decimal
from types import NoneType
from typing import TYPE_CHECKING, Any

from rules_engine.errors import RulesEngineError
from rules_engine.light_dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

VERSION = 1
JSON, GZIP, S3 = "json", "gzip", "s3"


class DeadLetterError(RulesEngineError):
    """A message that is no dead letter of ours, or whose record cannot be got back."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """`done` names the actions of the same rule that are done for this record. `rule` and `action` are None
    where no rule could be asked: then the whole record is to be tried again."""

    id: str
    record: Any
    rule: str | None
    action: str | None
    rules_hash: str
    done: tuple[str, ...]
    error: Mapping[str, str | None]
    attempts: int
    first_seen: str
    last_try: str
    sequence_number: str
    source_arn: str | None
    function: str | None
    request_id: str | None

    def message(self) -> str:
        """With the record as it is."""
        return self._text(self.record, JSON)

    def compressed_message(self) -> str:
        """With the record's JSON compressed, as base64."""
        # No time in the header: the same letter is the same text.
        packed = gzip.compress(record_text(self.record).encode(), 6, mtime=0)
        return self._text(base64.b64encode(packed).decode("ascii"), GZIP)

    def pointing_message(self, bucket: str, key: str, data: bytes) -> str:
        """With the place where `data`, the record's JSON, was put."""
        pointer = {
            "bucket": bucket,
            "key": key,
            "sha256": hashlib.sha256(data).hexdigest(),
            "bytes": len(data),
        }
        return self._text(pointer, S3)

    def _text(self, record: Any, encoding: str) -> str:
        fields = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return record_text({"v": VERSION, **fields, "record": record, "encoding": encoding})


def record_text(value: Any) -> str:
    """Compact ASCII JSON. Of a record's own numbers only a time may have a fraction."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False, default=_number)


def _number(value: Any) -> float:
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"a value of type {type(value).__name__} has no JSON form")


FIELDS = ("v", *DeadLetter.__dataclass_fields__, "encoding")


def read_dead_letter(message: str, fetch: Callable[[str, str], bytes]) -> DeadLetter:
    """The letter that a message holds. `fetch` gets bucket and key. Raises DeadLetterError."""
    try:
        fields = json.loads(message)
    except (ValueError, RecursionError):
        raise DeadLetterError("the message is not JSON") from None
    return dead_letter_of(fields, fetch)


def dead_letter_of(fields: Any, fetch: Callable[[str, str], bytes]) -> DeadLetter:
    """The same of a message that is decoded."""
    if not isinstance(fields, dict) or not {"v", "id", "record", "encoding"} <= fields.keys():
        raise DeadLetterError("the message is not a dead letter of the rules engine")
    if fields["v"] != VERSION:
        raise DeadLetterError(f"the dead letter has version {fields['v']!r}: this program reads {VERSION}")
    if sorted(fields) != sorted(FIELDS):
        raise DeadLetterError("the message is not a dead letter of the rules engine")
    _check(fields)
    record = _record_of(fields["encoding"], fields["record"], fetch)
    kept = {name: fields[name] for name in DeadLetter.__dataclass_fields__}
    return DeadLetter(**{**kept, "record": record, "done": tuple(fields["done"])})


def _check(fields: Mapping[str, Any]) -> None:
    """A letter may have been edited by hand. Raises DeadLetterError naming the field."""
    for name in ("id", "sequence_number", "last_try"):
        if not isinstance(fields[name], str):
            raise DeadLetterError(f"the dead letter's '{name}' is not a text")
    for name in ("rule", "action"):
        if not isinstance(fields[name], (str, NoneType)):
            raise DeadLetterError(f"the dead letter's '{name}' is neither a text nor null")
    if not isinstance(fields["done"], list):
        raise DeadLetterError("the dead letter's 'done' is not a list")
    if not isinstance(fields["error"], dict) or not {"class", "code"} <= fields["error"].keys():
        raise DeadLetterError("the dead letter's 'error' has no 'class' and 'code'")


def _record_of(encoding: Any, record: Any, fetch: Callable[[str, str], bytes]) -> Any:
    if encoding == JSON:
        return record
    try:
        if encoding == GZIP:
            return json.loads(gzip.decompress(base64.b64decode(record, validate=True)))
        if encoding == S3:
            data = fetch(record["bucket"], record["key"])
            if hashlib.sha256(data).hexdigest() != record["sha256"]:
                raise DeadLetterError(
                    "the spilled record is not the one that was put there: its SHA-256 differs"
                )
            return json.loads(data)
    except (ValueError, TypeError, KeyError, OSError, EOFError, RecursionError):
        raise DeadLetterError("the dead letter's record cannot be read") from None
    raise DeadLetterError(f"the dead letter has an unknown encoding {encoding!r}")
