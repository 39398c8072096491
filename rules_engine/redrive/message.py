"""What a dead-letter message says is to be done again.

`read_message` takes the text of a queue's message, of an object in a bucket or of a file, and gives one of

- `DeadLetter`: ours, one action on one record;
- `Positions`: Lambda's own, of a batch that the mapping gave up: where its records are in their stream;
- `Batch`: Lambda's own in a bucket, which holds the records themselves.

A message that went through SNS is unwrapped. Anything else is a DeadLetterError.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rules_engine.delivery.dead_letter import DeadLetter, DeadLetterError, dead_letter_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_is_number = re.compile(r"[0-9]{1,128}").fullmatch

DYNAMODB, KINESIS = "DDBStreamBatchInfo", "KinesisBatchInfo"


@dataclass(frozen=True, slots=True)
class Positions:
    """A stretch of one shard, both ends included. `kind` is the name that Lambda gives the stretch."""

    kind: str
    stream_arn: str
    shard_id: str
    start: str
    end: str


@dataclass(frozen=True, slots=True)
class Batch:
    """An event as the function got it."""

    event: Any


Message = DeadLetter | Positions | Batch


def read_message(text: str, fetch: Callable[[str, str], bytes]) -> Message:
    """`fetch` gets the object in a bucket under a key. Raises DeadLetterError."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise DeadLetterError("the message is not JSON") from None
    return message_of(document, fetch)


def sequence_of(text: str) -> int:
    """What orders a message among others before it is read: the sequence number that it names, or 0."""
    try:
        document = json.loads(text)
        info: Any = next((document[kind] for kind in (DYNAMODB, KINESIS) if kind in document), {})
        number = document.get("sequence_number", info.get("startSequenceNumber"))
    except (ValueError, TypeError, AttributeError, RecursionError):
        return 0
    return int(number) if isinstance(number, str) and _is_number(number) else 0


def message_of(document: Any, fetch: Callable[[str, str], bytes]) -> Message:
    """The same of a message that is decoded."""
    if not isinstance(document, dict):
        raise DeadLetterError("the message is no JSON object")
    if document.get("Type") == "Notification" and isinstance(document.get("Message"), str):
        return read_message(document["Message"], fetch)
    if "payload" in document:
        return Batch(_event_of(document["payload"]))
    for kind in (DYNAMODB, KINESIS):
        if kind in document:
            return _positions(kind, document[kind])
    return dead_letter_of(document, fetch)


def _event_of(payload: Any) -> Any:
    """Lambda writes the event as a text inside of its document."""
    try:
        return json.loads(payload) if isinstance(payload, str) else payload
    except (ValueError, RecursionError):
        raise DeadLetterError("the 'payload' of Lambda's message is not JSON") from None


def _positions(kind: str, info: Mapping[str, Any]) -> Positions:
    names = ("streamArn", "shardId", "startSequenceNumber", "endSequenceNumber")
    values = [info.get(name) if isinstance(info, dict) else None for name in names]
    missing = [
        name for name, value in zip(names, values, strict=True) if not isinstance(value, str) or not value
    ]
    if missing:
        raise DeadLetterError(f"Lambda's message has no '{missing[0]}'")
    for name, value in zip(names[2:], values[2:], strict=True):
        if not _is_number(str(value)):
            raise DeadLetterError(f"the '{name}' of Lambda's message is no sequence number")
    return Positions(kind, *map(str, values))
