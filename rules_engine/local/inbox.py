"""`Inbox`: a queue of the local server that is read to its end, as often as asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rules_engine.local.ministack import ACCOUNT_ID, REGION

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rules_engine.local.ministack import Ministack

FIFO = ".fifo"
"""How the names of queues and topics end that are first in, first out; only those take a message once."""


def attribute_values(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """The values of message attributes by name, of a request and of a message alike."""
    return {name: each.get("StringValue", each.get("BinaryValue")) for name, each in attributes.items()}


class Inbox:
    """Makes the queue `name`, first in first out if its name says so. `messages` is all it has held."""

    def __init__(self, aws: Ministack, name: str) -> None:
        self.name = name
        self.arn = f"arn:aws:sqs:{REGION}:{ACCOUNT_ID}:{name}"
        self._sqs = aws.client("sqs")
        fifo = {"FifoQueue": "true"} if name.endswith(FIFO) else {}
        self.url = self._sqs.create_queue(QueueName=name, Attributes=fifo)["QueueUrl"]
        self._messages: list[dict[str, Any]] = []

    def read(self) -> list[dict[str, Any]]:
        """Every message until now, in the order of their arrival, as `ReceiveMessage` gives them."""
        while found := self._sqs.receive_message(
            QueueUrl=self.url,
            MaxNumberOfMessages=10,
            MessageAttributeNames=["All"],
            MessageSystemAttributeNames=["All"],
        ).get("Messages"):
            for message in found:
                self._sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
                self._messages.append(message)
        return list(self._messages)
