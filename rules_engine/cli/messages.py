"""What queues, topics and Lambda wrap around records.

In: a JSON document. Out: the events and records in it, or the document itself if it is no message. It knows
what `aws sqs receive-message` prints and one message of it, what SQS and SNS hand to a function, our dead
letters, and Lambda's own with the batch in it. A message that only says where records are is refused with a
RecordError that says how to get them: no command that reads records opens a connection for them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rules_engine import exact_json
from rules_engine.errors import RecordError

if TYPE_CHECKING:
    from collections.abc import Iterator

_LETTER_KEYS = {"v", "record", "encoding", "rules_hash"}
_POSITIONS_KEYS = {"DDBStreamBatchInfo", "KinesisBatchInfo"}
"""Of Lambda's own messages: where its records were."""


def unwrap(document: Any, place: str) -> Iterator[Any]:
    """The events and records in `document`, which stands at `place`. Raises RecordError."""
    texts = _texts(document)
    if texts:
        for number, text in enumerate(texts, start=1):
            inner = place if len(texts) == 1 else f"{place}: message {number}"
            try:
                message = exact_json.loads(text, unique_keys=True)
            except ValueError as error:
                raise RecordError(f"{inner}: the message is not JSON: {error}") from error
            yield from unwrap(message, inner)
    elif isinstance(document, Mapping) and _is_message(document):
        yield _content(document, place)
    else:
        yield document


def _texts(document: Any) -> list[str]:
    """The texts of the messages that a queue or topic handed over; none if it is nothing of that kind."""
    if not isinstance(document, Mapping):
        return []
    if isinstance(document.get("Body"), str):
        return [document["Body"]]
    if document.get("Type") == "Notification" and isinstance(document.get("Message"), str):
        return [document["Message"]]
    found = []
    for each in [*_list(document, "Messages"), *_list(document, "Records")]:
        message = each if isinstance(each, Mapping) else {}
        topic = message.get("Sns")
        texts = [
            message.get("Body"),
            message.get("body"),
            topic.get("Message") if isinstance(topic, Mapping) else None,
        ]
        found += [text for text in texts if isinstance(text, str)]
    return found


def _list(document: Mapping[str, Any], key: str) -> list[Any]:
    value = document.get(key)
    return value if isinstance(value, list) else []


def _is_message(document: Mapping[str, Any]) -> bool:
    by_lambda = "payload" in document and ("requestContext" in document or "responseContext" in document)
    return by_lambda or document.keys() >= _LETTER_KEYS or bool(document.keys() & _POSITIONS_KEYS)


def _content(document: Mapping[str, Any], place: str) -> Any:
    """The record of a dead letter, or the event of Lambda's own."""
    # Not at the top: most records are no letters, and these know how to unpack and sign.
    from rules_engine.delivery.dead_letter import DeadLetterError
    from rules_engine.redrive.message import Batch, Positions, message_of

    def refuse(bucket: str, key: str) -> bytes:
        raise DeadLetterError(
            f"the record is not in the letter: fetch it with 'aws s3 cp s3://{bucket}/{key} record.json', "
            "and give that file"
        )

    try:
        message = message_of(document, refuse)
    except DeadLetterError as error:
        raise RecordError(f"{place}: {error}") from error
    if isinstance(message, Positions):
        raise RecordError(
            f"{place}: Lambda's message holds no records, it says where they were: {message.start} to "
            f"{message.end} of shard {message.shard_id} in {message.stream_arn}; while the stream keeps "
            "them, 'rules-engine redrive --dry-run' with this file or its queue reads them"
        )
    return message.event if isinstance(message, Batch) else message.record
