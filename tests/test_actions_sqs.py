"""Messages to SQS queues: what is rendered, what is refused, and what arrives."""

from __future__ import annotations

import dataclasses
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from rules_engine.actions import ConfigFinding, Permission, sqs
from rules_engine.aws import Clients
from rules_engine.delivery.failure import classify
from rules_engine.errors import ActionError, RuleSetError, SettingsError, TemplateError
from rules_engine.model import EMPTY_SCOPE
from tests.test_actions_sns import messages_in
from tests.units import SHIPPED_CHANGE, action_spec, delivery_of, raw_record, requests_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from rules_engine.local.ministack import Ministack

QUEUE = "https://sqs.eu-central-1.amazonaws.com/123456789012/orders"
KEY = {"id": {"S": "1"}}


def render(record: dict[str, Any] | None = None, **config: Any) -> dict[str, Any]:
    spec = action_spec("sqs", **{"queue_url": QUEUE, **config})
    return sqs.build(spec, EMPTY_SCOPE, {}, None).render(delivery_of(spec, record))


# The request


def test_without_a_message_the_change_is_sent() -> None:
    assert render() == {"QueueUrl": QUEUE, "MessageBody": SHIPPED_CHANGE}


def test_a_text_is_sent_as_it_is_and_anything_else_as_exact_json() -> None:
    assert render(message="{{ new.status }}")["MessageBody"] == "SHIPPED"
    assert render(message="Order {{ keys.order_id }}")["MessageBody"] == "Order o-1"
    message = {"order": "{{ keys.order_id }}", "total": "{{ new.total }}"}
    assert render(message=message)["MessageBody"] == '{"order":"o-1","total":12.5}'


def test_attributes_are_those_of_the_rule() -> None:
    new = {"binary": {"B": "3q2+7w=="}, "texts": {"SS": ["b", "a"]}, "nothing": {"NULL": True}}
    attributes = {"binary": "{{ new.binary }}", "texts": "{{ new.texts }}", "nothing": "{{ new.nothing }}"}
    attributes |= {"total": "{{ `12.5` }}", "gift": "{{ `true` }}"}
    request = render(raw_record(new, KEY), message="m", attributes=attributes)
    assert request["MessageAttributes"] == {
        "binary": {"DataType": "Binary", "BinaryValue": "3q2+7w=="},
        "texts": {"DataType": "String.Array", "StringValue": '["a","b"]'},
        "total": {"DataType": "Number", "StringValue": "12.5"},
        "gift": {"DataType": "String", "StringValue": "true"},
    }


def test_a_fifo_queue_gets_the_item_as_group_and_the_delivery_as_deduplication() -> None:
    spec = action_spec("sqs", queue_url=f"{QUEUE}.fifo", message="m")
    delivery = delivery_of(spec)
    assert sqs.build(spec, EMPTY_SCOPE, {}, None).render(delivery) == {
        "QueueUrl": f"{QUEUE}.fifo",
        "MessageBody": "m",
        "MessageGroupId": 'orders/{"order_id":{"S":"o-1"}}',
        "MessageDeduplicationId": delivery.id,
    }


def test_what_xml_does_not_have_is_escaped_in_json() -> None:
    text = "a\x00\x1f\ufffe\uffff\x7f\U0010ffff"
    sent = render(raw_record({"name": {"S": text}}, KEY), message={"name": "{{ new.name }}"})["MessageBody"]
    assert sent == '{"name":"a\\u0000\\u001f\\ufffe\\uffff\x7f\U0010ffff"}'
    assert json.loads(sent) == {"name": text}


@given(st.text())
def test_json_holds_only_what_sqs_takes_and_loses_nothing(text: str) -> None:
    sent = render(raw_record({"name": {"S": text}}, KEY), message={"name": "{{ new.name }}"})["MessageBody"]
    assert re.fullmatch("[\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]*", sent)
    assert json.loads(sent) == {"name": text}


# What is refused


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"message": "{{ new.none || '' }}"}, "the message is empty, which SQS does not take"),
        ({"message": "a{{ '\x01' }}"}, "the message holds U+0001, which SQS does not take"),
        ({"message": "{{ '\uffff' }}"}, "the message holds U+FFFF, which SQS does not take"),
        (
            {"attributes": {"status": "{{ 'a\x0b' }}"}},
            "the message attribute 'status' holds U+000B, which SQS does not take",
        ),
        (
            {"attributes": {"status": "{{ new }}"}},
            "the message attribute 'status' is a map, which SQS does not take",
        ),
        (
            {"attributes": {"status": "{{ new.none || '' }}"}},
            "the message attribute 'status' is empty, which SQS does not take",
        ),
        ({"message": "ü" * 524_289}, "the message has 1048578 bytes: SQS takes at most 1048576"),
        (
            {"message": "x" * 1_048_569, "attributes": {"a": "b"}},
            "the message has 1048577 bytes: SQS takes at most 1048576",
        ),
    ],
)
def test_what_sqs_would_refuse_is_found_before_it_is_sent(config: dict[str, Any], message: str) -> None:
    with pytest.raises(TemplateError) as failure:
        render(**config)
    assert str(failure.value) == message


def test_the_largest_message_is_taken() -> None:
    request = render(message="x" * 1_048_568, attributes={"a": "b"})
    assert len(request["MessageBody"]) == 1_048_568


QUEUE_FINDING = ConfigFinding(
    "RE109",
    ("queue_url",),
    "'queue_url' is not the URL of an SQS queue",
    "write https://sqs.<region>.amazonaws.com/<account>/<name>, or ${NAME}, a variable of the function",
)


@pytest.mark.parametrize(
    ("config", "finding"),
    [
        *(
            ({"queue_url": url}, QUEUE_FINDING)
            for url in (
                "orders",
                "arn:aws:sqs:eu-central-1:123456789012:orders",
                "https://sqs.eu-central-1.amazonaws.com/orders",
                "https://sqs.eu-central-1.amazonaws.com/1234/orders",
                f"{QUEUE}/",
                f"{QUEUE}?a=b",
                f"{QUEUE}.fif",
                f"{QUEUE}{'x' * 75}",
                f"{QUEUE}\n",
            )
        ),
        (
            {"message": ""},
            ConfigFinding(
                "RE109",
                ("message",),
                "the message is empty, which SQS does not take",
                "write a text, or remove the key",
            ),
        ),
        (
            {"message": "a\x01{{ new.a }}"},
            ConfigFinding(
                "RE109",
                ("message",),
                "the message holds U+0001, which SQS does not take",
                "send a map, which is escaped as JSON",
            ),
        ),
        (
            {"attributes": {"a": "b", "status": ""}},
            ConfigFinding(
                "RE109",
                ("attributes", "status"),
                "the message attribute 'status' is empty, which SQS does not take",
                "write a value, or remove the key",
            ),
        ),
        (
            {"attributes": {f"a{number}": 1 for number in range(11)}},
            ConfigFinding(
                "RE109",
                ("attributes",),
                "the message has 11 attributes: SQS takes at most 10",
                "put some of them into 'message'",
            ),
        ),
    ],
)
def test_what_sqs_would_refuse_for_every_record_is_found(
    config: dict[str, Any], finding: ConfigFinding
) -> None:
    config = {"queue_url": QUEUE, **config}
    assert sqs.check(config) == [finding]
    with pytest.raises(RuleSetError) as refusal:
        sqs.build(action_spec("sqs", **config), EMPTY_SCOPE, {}, None)
    assert str(refusal.value) == f"action 'sqs': {finding}"


@pytest.mark.parametrize(
    "config",
    [
        {"queue_url": "${QUEUE_URL}"},
        {"queue_url": "https://sqs.${AWS_REGION}.amazonaws.com/${ACCOUNT}/orders"},
        {"queue_url": "https://sqs.cn-north-1.amazonaws.com.cn/123456789012/Orders_2-b.fifo"},
        {"queue_url": "http://127.0.0.1:4566/000000000000/orders"},
        {"queue_url": f"{QUEUE}{'x' * 74}"},
        {"message": {"control": "\x01"}, "attributes": {f"a{number}": 1 for number in range(10)}},
        {"message": "{{ new.text }}"},
    ],
)
def test_a_config_that_can_work_has_no_findings(config: dict[str, Any]) -> None:
    assert sqs.check({"queue_url": QUEUE, **config}) == []


def test_a_queue_is_never_chosen_by_a_record() -> None:
    with pytest.raises(RuleSetError, match="must not hold a hole"):
        sqs.build(action_spec("sqs", queue_url="{{ new.queue }}"), EMPTY_SCOPE, {}, None)


def test_a_queue_that_the_environment_names_wrongly_is_found_when_the_function_starts() -> None:
    spec = action_spec("sqs", queue_url="${QUEUE}")
    with pytest.raises(SettingsError) as refusal:
        sqs.connect(spec, {"QUEUE": "orders"}, Clients())
    assert str(refusal.value) == "action 'sqs': 'orders' is not the URL of an SQS queue"


def test_once_needs_a_fifo_queue() -> None:
    hint = "leave 'mode' out, or send to a queue whose name ends in .fifo"
    finding = ConfigFinding("RE308", ("mode",), "'mode: once' needs a FIFO queue", hint)
    assert sqs.check({"queue_url": QUEUE}, "once") == [finding]
    assert sqs.check({"queue_url": f"{QUEUE}.fifo"}, "once") == []
    assert sqs.check({"queue_url": "${QUEUE}"}, "once") == []
    spec = dataclasses.replace(action_spec("sqs", queue_url="${QUEUE}"), mode="once")
    with pytest.raises(SettingsError) as refusal:
        sqs.connect(spec, {"QUEUE": QUEUE}, Clients())
    assert str(refusal.value) == (
        f"action 'sqs': 'mode: once' needs a FIFO queue, and '{QUEUE}' is none: "
        "name one that ends in .fifo, or leave 'mode' out"
    )


@pytest.mark.parametrize(
    ("url", "resource"),
    [
        (QUEUE, "arn:${AWS::Partition}:sqs:eu-central-1:123456789012:orders"),
        (
            "https://sqs.cn-north-1.amazonaws.com.cn/123456789012/orders.fifo",
            "arn:${AWS::Partition}:sqs:cn-north-1:123456789012:orders.fifo",
        ),
        (
            "https://sqs.${AWS_REGION}.amazonaws.com/${ACCOUNT}/orders",
            "arn:${AWS::Partition}:sqs:${AWS_REGION}:${ACCOUNT}:orders",
        ),
        ("${QUEUE_URL}", "${QUEUE_URL}"),
    ],
)
def test_sending_is_allowed_on_the_queue_alone(url: str, resource: str) -> None:
    assert sqs.permissions(action_spec("sqs", queue_url=url)) == [Permission("sqs:SendMessage", resource)]


# Several in one call


@dataclass
class Queue:
    """Answers a batch with what it was made with, and keeps the request."""

    answer: dict[str, Any]
    requests: list[dict[str, Any]] = field(default_factory=list)

    def client(self, service: str, timeout_seconds: float | None = None) -> Queue:
        assert service == "sqs"
        return self

    def send_message_batch(self, **request: Any) -> dict[str, Any]:
        self.requests.append(request)
        return self.answer


def test_each_entry_gets_what_was_said_of_it() -> None:
    refused = {"Id": "1", "Code": "InvalidMessageContents", "SenderFault": True, "Message": "canary"}
    queue = Queue({"Successful": [{"Id": "0"}], "Failed": [refused]})
    action = sqs.build(action_spec("sqs", queue_url=QUEUE), EMPTY_SCOPE, {}, queue)
    taken, *errors = action.perform_batch(requests_of(action, "sqs", 3))
    assert taken is None
    assert [(type(each), str(each)) for each in errors] == [
        (ActionError, "the queue refused the message"),
        (ActionError, "the queue said nothing of this message"),
    ]


def test_an_entry_is_the_request_of_a_single_message() -> None:
    queue = Queue({"Successful": [{"Id": "0"}]})
    spec = action_spec("sqs", queue_url=f"{QUEUE}.fifo", attributes={"binary": "{{ new.binary }}"})
    action = sqs.build(spec, EMPTY_SCOPE, {}, queue)
    delivery = delivery_of(spec, raw_record({"binary": {"B": "3q2+7w=="}}, KEY))
    request = action.render(delivery)
    assert action.perform_batch([request]) == [None]
    entry = {
        "Id": "0",
        "MessageBody": request["MessageBody"],
        "MessageAttributes": {"binary": {"DataType": "Binary", "BinaryValue": bytes.fromhex("deadbeef")}},
        "MessageGroupId": 'orders/{"id":{"S":"1"}}',
        "MessageDeduplicationId": delivery.id,
    }
    assert queue.requests == [{"QueueUrl": f"{QUEUE}.fifo", "Entries": [entry]}]


def test_an_entry_counts_with_its_attributes_in_bytes() -> None:
    spec = action_spec("sqs", queue_url=QUEUE, message="ü", attributes={"é": "x"})
    action = sqs.build(spec, EMPTY_SCOPE, {}, None)
    assert action.entry_bytes(action.render(delivery_of(spec))) == len("üé".encode()) + len("Stringx")


def test_actions_of_one_queue_go_out_together_and_no_others() -> None:
    one, same, other = (
        sqs.build(action_spec("sqs", queue_url=url), EMPTY_SCOPE, {}, None)
        for url in (QUEUE, QUEUE, f"{QUEUE}2")
    )
    assert one.batch_key == same.batch_key != other.batch_key


# On a real server


def new_queue(aws: Ministack, name: str) -> str:
    attributes = {"FifoQueue": "true"} if name.endswith(".fifo") else {}
    return str(aws.client("sqs").create_queue(QueueName=name, Attributes=attributes)["QueueUrl"])


@pytest.mark.local
def test_what_was_rendered_arrives(aws: Ministack, unique_name: Callable[[str], str]) -> None:
    url = new_queue(aws, unique_name("orders"))
    attributes = {"status": "{{ new.status }}", "binary": "{{ new.binary }}", "total": 12, "all": ["a"]}
    spec = action_spec("sqs", queue_url=url, message={"a": "ü\x01"}, attributes=attributes)
    action = sqs.build(spec, EMPTY_SCOPE, {}, Clients())
    record = raw_record({"status": {"S": "SHIPPED"}, "binary": {"B": "3q2+7w=="}}, KEY)
    action.perform(action.render(delivery_of(spec, record)))
    (message,) = messages_in(aws, url)
    assert json.loads(message["Body"]) == {"a": "ü\x01"}
    assert {
        name: (value["DataType"], value.get("StringValue", value.get("BinaryValue")))
        for name, value in message["MessageAttributes"].items()
    } == {
        "status": ("String", "SHIPPED"),
        "total": ("Number", "12"),
        "binary": ("Binary", bytes.fromhex("deadbeef")),
        "all": ("String.Array", '["a"]'),
    }


@pytest.mark.local
def test_every_message_of_a_call_arrives(aws: Ministack, unique_name: Callable[[str], str]) -> None:
    url = new_queue(aws, unique_name("orders"))
    action = sqs.build(action_spec("sqs", queue_url=url), EMPTY_SCOPE, {}, Clients())
    assert action.perform_batch(requests_of(action, "sqs", 10)) == [None] * 10
    arrived = [json.loads(message["Body"])["eventID"] for message in messages_in(aws, url)]
    assert sorted(arrived) == [f"e-{number}" for number in range(10)]


@pytest.mark.local
def test_a_repeat_on_a_fifo_queue_arrives_once(aws: Ministack, unique_name: Callable[[str], str]) -> None:
    url = new_queue(aws, f"{unique_name('orders')}.fifo")
    spec = dataclasses.replace(action_spec("sqs", queue_url=url, message="shipped"), mode="once")
    action = sqs.build(spec, EMPTY_SCOPE, {}, Clients())
    request = action.render(delivery_of(spec))
    action.perform(request)
    assert action.perform_batch([request]) == [None]
    (message,) = messages_in(aws, url)
    assert message["Body"] == "shipped"
    assert message["Attributes"]["MessageGroupId"] == 'orders/{"order_id":{"S":"o-1"}}'


@pytest.mark.local
def test_one_message_too_large_for_its_queue_is_refused_alone(
    aws: Ministack, unique_name: Callable[[str], str]
) -> None:
    url = new_queue(aws, unique_name("orders"))
    aws.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"MaximumMessageSize": "1024"})
    action = sqs.build(action_spec("sqs", queue_url=url, message="m"), EMPTY_SCOPE, {}, Clients())
    small = action.render(delivery_of(action_spec("sqs")))
    with pytest.raises(ClientError) as refusal:
        action.perform({**small, "MessageBody": "x" * 1025})
    failure = classify(refusal.value)
    assert (failure.error_class, failure.code) == ("permanent", "InvalidParameterValue")


@pytest.mark.local
def test_a_queue_that_is_not_there_is_an_error_of_the_service(aws: Ministack) -> None:
    spec = action_spec("sqs", queue_url=f"{aws.endpoint_url}/000000000000/not-there", message="m")
    action = sqs.build(spec, EMPTY_SCOPE, {}, Clients())
    with pytest.raises(ClientError) as refusal:
        action.perform(action.render(delivery_of(spec)))
    failure = classify(refusal.value)
    assert (failure.error_class, failure.code) == ("systemic", "AWS.SimpleQueueService.NonExistentQueue")
