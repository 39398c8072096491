"""The fakes of SQS and SNS: single and batch sends, FIFO deduplication for five minutes, size limits.

`FakeSqs.messages(url)` and `FakeSns.messages(arn)` are what arrived, in order. A queue's message stays in
flight after `receive_message` until it is deleted or its visibility timeout ends.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from rules_engine.testing.fake_service import NOTHING, FakeService, raise_error

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rules_engine.testing.fake_aws import FakeAws
    from rules_engine.testing.faults import Fault

DEDUPLICATION_SECONDS = 300
VISIBILITY_SECONDS = 30
BATCH_ENTRIES = 10
SQS_BYTES = 1_048_576
SNS_BYTES = 262_144

_Messages = list[dict[str, Any]]


class _Messaging(FakeService):
    """A service whose targets take messages. `_target` names the parameter that names one."""

    _target = ""
    _body = ""
    _limit_bytes = 0
    _too_long = ("", "")
    """Error codes for one message and for a batch over the limit."""

    def __init__(self, aws: FakeAws) -> None:
        super().__init__(aws)
        self._messages: defaultdict[str, _Messages] = defaultdict(list)
        self._deduplicated: dict[tuple[str, str], tuple[float, str]] = {}

    def messages(self, target: str) -> _Messages:
        """What a target took, oldest first: the parameters of each message, with its `MessageId`."""
        return self._messages[target]

    def _send(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        def effect(_fault: Fault | None) -> dict[str, Any]:
            if self._size(request) > self._limit_bytes:
                raise_error(operation, self._too_long[0], "the message is too long")
            return self._take(operation, request[self._target], request)

        return self._perform(operation, request, effect)

    def _send_batch(
        self, operation: str, request: Mapping[str, Any], entries: Sequence[Mapping[str, Any]]
    ) -> dict[str, Any]:
        def effect(fault: Fault | None) -> dict[str, Any]:
            self._check_batch(operation, entries)
            failing = NOTHING if fault is None else fault.entries
            answer: dict[str, Any] = {"Successful": [], "Failed": []}
            for position, entry in enumerate(entries):
                if fault is not None and position in failing:
                    answer["Failed"].append(
                        {
                            "Id": entry["Id"],
                            "Code": fault.code,
                            "Message": f"made to fail with {fault.code}",
                            "SenderFault": False,
                        }
                    )
                else:
                    message = {self._target: request[self._target], **entry}
                    taken = self._take(operation, request[self._target], message)
                    answer["Successful"].append({"Id": entry["Id"], **taken})
            return answer

        return self._perform(operation, request, effect)

    def _check_batch(self, operation: str, entries: Sequence[Mapping[str, Any]]) -> None:
        if not entries:
            raise_error(operation, "EmptyBatchRequest", "a batch has at least one entry")
        if len(entries) > BATCH_ENTRIES:
            raise_error(
                operation, "TooManyEntriesInBatchRequest", f"a batch has at most {BATCH_ENTRIES} entries"
            )
        if len({entry["Id"] for entry in entries}) < len(entries):
            raise_error(operation, "BatchEntryIdsNotDistinct", "two entries have the same Id")
        if sum(map(self._size, entries)) > self._limit_bytes:
            raise_error(operation, self._too_long[1], "the batch is too long")

    def _size(self, message: Mapping[str, Any]) -> int:
        size = len(message[self._body].encode())
        for name, attribute in message.get("MessageAttributes", {}).items():
            value = attribute.get("StringValue", attribute.get("BinaryValue", ""))
            size += len(name) + len(attribute["DataType"]) + len(value)
        return size

    def _take(self, operation: str, target: str, message: Mapping[str, Any]) -> dict[str, Any]:
        """The answer for one message; a repeat within five minutes is answered as the first was."""
        now = self._aws.sandbox.now
        message_id = f"{self.service}-{len(self._aws.effects)}"
        if target.endswith(".fifo"):
            if "MessageGroupId" not in message:
                raise_error(operation, "MissingParameter", "a FIFO target needs a MessageGroupId")
            content = hashlib.sha256(message[self._body].encode()).hexdigest()
            place = (target, str(message.get("MessageDeduplicationId", content)))
            before = self._deduplicated.get(place)
            if before is not None and now - before[0] < DEDUPLICATION_SECONDS:
                return self._answer(before[1], message)
            self._deduplicated[place] = (now, message_id)
        self._messages[target].append({**message, "MessageId": message_id})
        self._took_effect(operation, message)
        return self._answer(message_id, message)

    def _answer(self, message_id: str, message: Mapping[str, Any]) -> dict[str, Any]:
        return {"MessageId": message_id}


class FakeSns(_Messaging):
    """`publish` and `publish_batch`."""

    service = "sns"
    _target = "TopicArn"
    _body = "Message"
    _limit_bytes = SNS_BYTES
    _too_long = ("InvalidParameter", "BatchRequestTooLong")

    def publish(self, **request: Any) -> dict[str, Any]:
        return self._send("Publish", request)

    def publish_batch(self, **request: Any) -> dict[str, Any]:
        return self._send_batch("PublishBatch", request, request["PublishBatchRequestEntries"])


class FakeSqs(_Messaging):
    """`send_message`, `send_message_batch`, `receive_message` and `delete_message`."""

    service = "sqs"
    _target = "QueueUrl"
    _body = "MessageBody"
    _limit_bytes = SQS_BYTES
    _too_long = ("InvalidParameterValue", "BatchRequestTooLong")

    def __init__(self, aws: FakeAws) -> None:
        super().__init__(aws)
        self._visible_at: dict[str, float] = {}
        self._receives: dict[str, int] = {}

    def send_message(self, **request: Any) -> dict[str, Any]:
        return self._send("SendMessage", request)

    def send_message_batch(self, **request: Any) -> dict[str, Any]:
        return self._send_batch("SendMessageBatch", request, request["Entries"])

    def receive_message(self, **request: Any) -> dict[str, Any]:
        def effect(_fault: Fault | None) -> dict[str, Any]:
            now = self._aws.sandbox.now
            found: list[dict[str, Any]] = []
            for message in self._messages[request["QueueUrl"]]:
                message_id = message["MessageId"]
                if len(found) < request.get("MaxNumberOfMessages", 1) and (
                    self._visible_at.get(message_id, now) <= now
                ):
                    self._visible_at[message_id] = now + request.get("VisibilityTimeout", VISIBILITY_SECONDS)
                    self._receives[message_id] = self._receives.get(message_id, 0) + 1
                    found.append(self._received(message))
            return {"Messages": found} if found else {}

        return self._perform("ReceiveMessage", request, effect)

    def _received(self, message: Mapping[str, Any]) -> dict[str, Any]:
        message_id = message["MessageId"]
        received = {
            "MessageId": message_id,
            "ReceiptHandle": message_id,
            "Body": message["MessageBody"],
            "MD5OfBody": _md5(message["MessageBody"]),
            "Attributes": {"ApproximateReceiveCount": str(self._receives[message_id])},
        }
        if "MessageAttributes" in message:
            received["MessageAttributes"] = message["MessageAttributes"]
        return received

    def delete_message(self, **request: Any) -> dict[str, Any]:
        def effect(_fault: Fault | None) -> dict[str, Any]:
            url, handle = request["QueueUrl"], request["ReceiptHandle"]
            left = [message for message in self._messages[url] if message["MessageId"] != handle]
            self._messages[url][:] = left
            self._took_effect("DeleteMessage", request)
            return {}

        return self._perform("DeleteMessage", request, effect)

    def _answer(self, message_id: str, message: Mapping[str, Any]) -> dict[str, Any]:
        return {"MessageId": message_id, "MD5OfMessageBody": _md5(message["MessageBody"])}


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
