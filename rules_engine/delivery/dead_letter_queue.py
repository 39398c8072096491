"""Where dead letters go: an SQS queue, and a bucket for records that no message can hold.

A message may have 1 MiB, or less where the queue is set up so. A letter is sent as it is, else compressed,
else with a pointer to an object that holds the record; an object is written before the message that names it.
Raises ActionError where a record fits nowhere, and what boto3 raises.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Protocol

from botocore.exceptions import ClientError

from rules_engine.delivery.dead_letter import record_text
from rules_engine.errors import ActionError
from rules_engine.light_dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rules_engine.delivery.dead_letter import DeadLetter

MESSAGE_LIMIT_BYTES = 1_048_576
"""SQS's own since 2025; a queue's MaximumMessageSize may be smaller."""
TOO_LONG = frozenset({"InvalidParameterValue", "InvalidMessageContents", "MessageTooLong", "413"})


class DeadLetterQueue(Protocol):
    def send(self, letter: DeadLetter) -> None: ...


@dataclass(frozen=True, slots=True)
class SqsDeadLetterQueue:
    """`sqs` and `s3` are boto3 clients; without a bucket there is nothing to spill to."""

    sqs: Any
    url: str
    s3: Any = None
    bucket: str | None = None

    def send(self, letter: DeadLetter) -> None:
        refusal: ClientError | None = None
        for message in self._messages(letter):
            if len(message) > MESSAGE_LIMIT_BYTES:
                continue
            try:
                self.sqs.send_message(QueueUrl=self.url, MessageBody=message, **self._fifo(letter))
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") not in TOO_LONG:
                    raise
                refusal = error
            else:
                return
        if refusal is not None:
            raise refusal
        raise ActionError("TOO_LARGE", "the record is too large for a message, and there is no spill bucket")

    def _messages(self, letter: DeadLetter) -> Iterator[str]:
        """Each form of the letter, made only when the one before it cannot be sent."""
        yield letter.message()
        yield letter.compressed_message()
        if self.bucket is not None:
            data = record_text(letter.record).encode()
            key = f"dead-letters/{letter.id}.json"
            self.s3.put_object(Bucket=self.bucket, Key=key, Body=data, ContentType="application/json")
            yield letter.pointing_message(self.bucket, key, data)

    def _fifo(self, letter: DeadLetter) -> dict[str, str]:
        if not self.url.endswith(".fifo"):
            return {}
        return {"MessageGroupId": _group_of(letter), "MessageDeduplicationId": letter.id}


def _group_of(letter: DeadLetter) -> str:
    """The lane: a FIFO queue gives nothing of a group while a message of it is held, and a letter that fails
    again must keep back only what has to wait for it."""
    change = letter.record.get("dynamodb") if isinstance(letter.record, dict) else None
    keys = change.get("Keys") if isinstance(change, dict) else None
    if letter.rule is None or keys is None:
        return letter.id
    name = json.dumps([letter.rule, letter.source_arn, keys], sort_keys=True)
    return hashlib.sha256(name.encode()).hexdigest()
