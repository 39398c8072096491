"""Several messages in one call: what SNS says of each, and what arrives."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from rules_engine.actions import sns
from rules_engine.aws import Clients
from rules_engine.errors import ActionError
from rules_engine.model import EMPTY_SCOPE
from tests.test_actions_sns import TOPIC, messages_in, subscribed
from tests.units import action_spec, delivery_of, raw_record, requests_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from rules_engine.local.ministack import Ministack


@dataclass
class Topic:
    """Answers a batch with what it was made with, and keeps the request."""

    answer: dict[str, Any]
    requests: list[dict[str, Any]] = field(default_factory=list)

    def client(self, service: str, timeout_seconds: float | None = None) -> Topic:
        return self

    def publish_batch(self, **request: Any) -> dict[str, Any]:
        self.requests.append(request)
        return self.answer


def test_each_entry_gets_what_was_said_of_it() -> None:
    failed = [
        {"Id": "1", "Code": "InvalidParameter", "SenderFault": True, "Message": "canary"},
        {"Id": "2", "Code": "Throttled", "SenderFault": True},
        {"Id": "3", "Code": "SomethingNew", "SenderFault": True},
        {"Id": "4", "Code": "SomethingNew", "SenderFault": False},
        {"Id": "5", "Code": "AuthorizationError", "SenderFault": True},
    ]
    topic = Topic({"Successful": [{"Id": "0"}], "Failed": failed})
    action = sns.build(action_spec("sns", topic_arn=TOPIC), EMPTY_SCOPE, {}, topic)
    errors = action.perform_batch(requests_of(action, "sns", 7))
    assert errors[0] is None
    assert [(error.code, error.error_class) for error in errors[1:] if isinstance(error, ActionError)] == [
        ("InvalidParameter", "permanent"),
        ("Throttled", "transient"),
        ("SomethingNew", "permanent"),
        ("SomethingNew", "transient"),
        ("AuthorizationError", "systemic"),
        ("NO_ANSWER", "transient"),
    ]
    assert "canary" not in str(errors)


def test_an_entry_is_the_request_of_a_single_message() -> None:
    topic = Topic({"Successful": [{"Id": "0"}]})
    spec = action_spec(
        "sns", topic_arn=f"{TOPIC}.fifo", subject="S", attributes={"binary": "{{ new.binary }}"}
    )
    action = sns.build(spec, EMPTY_SCOPE, {}, topic)
    delivery = delivery_of(spec, raw_record({"binary": {"B": "3q2+7w=="}}, {"id": {"S": "1"}}))
    request = action.render(delivery)
    assert action.perform_batch([request]) == [None]
    (sent,) = topic.requests
    (entry,) = sent["PublishBatchRequestEntries"]
    assert sent["TopicArn"] == f"{TOPIC}.fifo"
    assert entry == {
        "Id": "0",
        "Message": request["Message"],
        "Subject": "S",
        "MessageAttributes": {"binary": {"DataType": "Binary", "BinaryValue": bytes.fromhex("deadbeef")}},
        "MessageGroupId": request["MessageGroupId"],
        "MessageDeduplicationId": delivery.id,
    }


def test_an_entry_counts_with_its_attributes_in_bytes() -> None:
    spec = action_spec("sns", topic_arn=TOPIC, message="ü", attributes={"é": "x"})
    action = sns.build(spec, EMPTY_SCOPE, {}, None)
    assert action.entry_bytes(action.render(delivery_of(spec))) == len("üé".encode()) + len("Stringx")


def test_actions_of_one_topic_go_out_together_and_no_others() -> None:
    one, same, other = (
        sns.build(action_spec("sns", topic_arn=arn), EMPTY_SCOPE, {}, None)
        for arn in (TOPIC, TOPIC, f"{TOPIC}2")
    )
    assert one.batch_key == same.batch_key != other.batch_key


@pytest.mark.local
def test_every_message_of_a_call_arrives(aws: Ministack, unique_name: Callable[[str], str]) -> None:
    topic, url = subscribed(aws, unique_name("orders"))
    action = sns.build(action_spec("sns", topic_arn=topic), EMPTY_SCOPE, {}, Clients())
    assert action.perform_batch(requests_of(action, "sns", 10)) == [None] * 10
    arrived = [json.loads(message["Body"])["eventID"] for message in messages_in(aws, url)]
    assert sorted(arrived) == [f"e-{number}" for number in range(10)]
