"""Messages to SNS topics: what is rendered, what is refused, and what arrives."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from rules_engine.actions import ConfigFinding, Permission, sns
from rules_engine.aws import Clients
from rules_engine.errors import ActionError, RuleSetError, SettingsError, TemplateError
from rules_engine.model import EMPTY_SCOPE
from tests.units import SHIPPED_CHANGE, action_spec, delivery_of, raw_record, requests_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from rules_engine.local.ministack import Ministack

TOPIC = "arn:aws:sns:eu-central-1:000000000000:orders"


def render(record: dict[str, Any] | None = None, **config: Any) -> dict[str, Any]:
    spec = action_spec("sns", **{"topic_arn": TOPIC, **config})
    return sns.build(spec, EMPTY_SCOPE, {}, None).render(delivery_of(spec, record))


def test_without_a_message_the_change_is_sent() -> None:
    assert render() == {"TopicArn": TOPIC, "Message": SHIPPED_CHANGE}


def test_a_text_is_sent_as_it_is_and_anything_else_as_exact_json() -> None:
    assert render(message="{{ new.status }}")["Message"] == "SHIPPED"
    assert render(message="Order {{ keys.order_id }}")["Message"] == "Order o-1"
    message = {"order": "{{ keys.order_id }}", "total": "{{ new.total }}"}
    assert render(message=message)["Message"] == '{"order":"o-1","total":12.5}'


def test_the_topic_may_come_from_the_environment() -> None:
    spec = action_spec("sns", topic_arn="${TOPIC}", message="m")
    action = sns.build(spec, EMPTY_SCOPE, {"TOPIC": TOPIC}, None)
    assert action.render(delivery_of(spec)) == {"TopicArn": TOPIC, "Message": "m"}


def test_a_topic_that_the_environment_does_not_have_is_refused_when_it_is_built() -> None:
    with pytest.raises(SettingsError, match="TOPIC"):
        sns.build(action_spec("sns", topic_arn="${TOPIC}"), EMPTY_SCOPE, {}, None)


def test_a_topic_is_never_chosen_by_a_record() -> None:
    with pytest.raises(RuleSetError, match="must not hold a hole"):
        sns.build(action_spec("sns", topic_arn="{{ new.topic }}"), EMPTY_SCOPE, {}, None)


def test_each_kind_of_value_has_its_kind_of_attribute() -> None:
    new = {
        "text": {"S": "a b"},
        "number": {"N": "12345678901234567890123456789012345678"},
        "yes": {"BOOL": True},
        "nothing": {"NULL": True},
        "binary": {"B": "3q2+7w=="},
        "texts": {"SS": ["b", "a"]},
        "numbers": {"NS": ["2.50", "10"]},
        "list": {"L": [{"S": "a"}, {"N": "1"}, {"BOOL": False}, {"NULL": True}]},
    }
    names = [*new, "absent"]
    request = render(
        raw_record(new, {"id": {"S": "1"}}),
        message="m",
        attributes={name: f"{{{{ new.{name} }}}}" for name in names} | {"fixed": 1, "written": ["a"]},
    )
    assert request["MessageAttributes"] == {
        "text": {"DataType": "String", "StringValue": "a b"},
        "number": {"DataType": "Number", "StringValue": "12345678901234567890123456789012345678"},
        "yes": {"DataType": "String", "StringValue": "true"},
        "binary": {"DataType": "Binary", "BinaryValue": "3q2+7w=="},
        "texts": {"DataType": "String.Array", "StringValue": '["a","b"]'},
        "numbers": {"DataType": "String.Array", "StringValue": "[2.50,10]"},
        "list": {"DataType": "String.Array", "StringValue": '["a",1,false,null]'},
        "fixed": {"DataType": "Number", "StringValue": "1"},
        "written": {"DataType": "String.Array", "StringValue": '["a"]'},
    }


def test_a_fifo_topic_gets_the_item_as_group_and_the_delivery_as_deduplication() -> None:
    spec = action_spec("sns", topic_arn=f"{TOPIC}.fifo", message="m")
    delivery = delivery_of(spec)
    assert sns.build(spec, EMPTY_SCOPE, {}, None).render(delivery) == {
        "TopicArn": f"{TOPIC}.fifo",
        "Message": "m",
        "MessageGroupId": 'orders/{"order_id":{"S":"o-1"}}',
        "MessageDeduplicationId": delivery.id,
    }


SUBJECT_TEXT = "the subject must be one line of printable ASCII that does not start with a space"


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"subject": "{{ new.none || '' }}"}, "the subject has 0 characters: SNS takes 1 to 100"),
        ({"subject": "x" * 93 + " {{ new.status }}"}, "the subject has 101 characters: SNS takes 1 to 100"),
        ({"subject": "{{ 'one\ntwo' }}"}, SUBJECT_TEXT),
        ({"subject": "Order of {{ 'Zoë' }}"}, SUBJECT_TEXT),
        ({"subject": "{{ ' indented' }}"}, SUBJECT_TEXT),
        ({"message": "{{ new.none || '' }}"}, "the message is empty, which SNS does not take"),
        (
            {"attributes": {"status": "{{ new }}"}},
            "the message attribute 'status' is a map, which SNS does not take",
        ),
        (
            {"attributes": {"status": "{{ new.none || '' }}"}},
            "the message attribute 'status' is empty, which SNS does not take",
        ),
        ({"message": "ü" * 131_073}, "the message has 262146 bytes: SNS takes at most 262144"),
        (
            {"message": "x" * 262_137, "attributes": {"a": "b"}},
            "the message has 262145 bytes: SNS takes at most 262144",
        ),
    ],
)
def test_what_sns_would_refuse_is_found_before_it_is_sent(config: dict[str, Any], message: str) -> None:
    with pytest.raises(TemplateError) as failure:
        render(**config)
    assert str(failure.value) == message


SUBJECT_HINT = "write one short line of ASCII; any other text has its place in 'message'"
TOPIC_FINDING = ConfigFinding(
    "RE109",
    ("topic_arn",),
    "'topic_arn' is not the ARN of an SNS topic",
    "write arn:aws:sns:<region>:<account>:<name>, or ${NAME} for a variable of the function",
)
TOO_LONG = "the subject has 101 characters: SNS takes 1 to 100"


@pytest.mark.parametrize(
    ("config", "finding"),
    [
        ({"subject": "x" * 101}, ConfigFinding("RE109", ("subject",), TOO_LONG, SUBJECT_HINT)),
        (
            {"subject": "x" * 101 + "{{ new.a }}"},
            ConfigFinding("RE109", ("subject",), TOO_LONG, SUBJECT_HINT),
        ),
        *(
            ({"subject": subject}, ConfigFinding("RE109", ("subject",), SUBJECT_TEXT, SUBJECT_HINT))
            for subject in ("one\ntwo", "Größe", " indented", "für {{ new.name }}", "{{ new.a }}\n", "${A}\t")
        ),
        *(
            ({"topic_arn": topic}, TOPIC_FINDING)
            for topic in (
                "orders",
                f"{TOPIC}:8f7d2c1e-0000-4000-8000-000000000001",
                "arn:aws:sqs:eu-central-1:000000000000:orders",
                "arn:aws:sns:eu-central-1:0:orders",
                f"{TOPIC}.fif",
                f"{TOPIC}\n",
            )
        ),
        (
            {"message": ""},
            ConfigFinding(
                "RE109",
                ("message",),
                "the message is empty, which SNS does not take",
                "write a text, or remove the key",
            ),
        ),
        (
            {"attributes": {"a": "b", "status": ""}},
            ConfigFinding(
                "RE109",
                ("attributes", "status"),
                "the message attribute 'status' is empty, which SNS does not take",
                "write a value, or remove the key",
            ),
        ),
    ],
)
def test_what_sns_would_refuse_for_every_record_is_found(
    config: dict[str, Any], finding: ConfigFinding
) -> None:
    config = {"topic_arn": TOPIC, **config}
    assert sns.check(config) == [finding]
    with pytest.raises(RuleSetError) as refusal:
        sns.build(action_spec("sns", **config), EMPTY_SCOPE, {"A": "a"}, None)
    assert str(refusal.value) == f"action 'sns': {finding}"


@pytest.mark.parametrize(
    "config",
    [
        {"topic_arn": "arn:aws:sns:${AWS_REGION}:${ACCOUNT}:orders"},
        {"topic_arn": "arn:aws-cn:sns:cn-north-1:123456789012:Orders_2-b.fifo"},
        {"subject": "{{ new.name }}", "message": "{{ new.text }}", "attributes": {"a": "{{ new.a }}"}},
        {"subject": " {{ new.name }}${NAME}", "message": {}},
        {"subject": "x" * 100 + "{{ new.a || '' }}", "attributes": {"a": 0, "b": False, "c": []}},
    ],
)
def test_a_config_that_can_work_has_no_findings(config: dict[str, Any]) -> None:
    assert sns.check({"topic_arn": TOPIC, **config}) == []


def test_the_largest_subject_and_message_are_taken() -> None:
    request = render(subject="x" * 100, message="x" * 262_136, attributes={"a": "b"})
    assert (len(request["Subject"]), len(request["Message"])) == (100, 262_136)


def test_publishing_is_allowed_on_the_topic_alone() -> None:
    spec = action_spec("sns", topic_arn="${ORDER_EVENTS_TOPIC_ARN}")
    assert sns.permissions(spec) == [Permission("sns:Publish", "${ORDER_EVENTS_TOPIC_ARN}")]


def subscribed(ministack: Ministack, name: str) -> tuple[str, str]:
    """A topic and the URL of a queue that gets its messages as they were published."""
    topics, queues = ministack.client("sns"), ministack.client("sqs")
    fifo = name.endswith(".fifo")
    topic = topics.create_topic(Name=name, Attributes={"FifoTopic": "true"} if fifo else {})["TopicArn"]
    url = queues.create_queue(QueueName=name, Attributes={"FifoQueue": "true"} if fifo else {})["QueueUrl"]
    queue = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    raw = {"RawMessageDelivery": "true"}
    topics.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue, Attributes=raw)
    return topic, url


def messages_in(ministack: Ministack, url: str) -> list[dict[str, Any]]:
    answer = ministack.client("sqs").receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["All"], MessageAttributeNames=["All"]
    )
    return list(answer.get("Messages", []))


@pytest.mark.local
def test_a_subscriber_gets_what_was_rendered(aws: Ministack, unique_name: Callable[[str], str]) -> None:
    topic, url = subscribed(aws, unique_name("orders"))
    attributes = {"status": "{{ new.status }}", "binary": "{{ new.binary }}", "total": 12}
    spec = action_spec("sns", topic_arn=topic, subject="S", message={"a": 1}, attributes=attributes)
    action = sns.build(spec, EMPTY_SCOPE, {}, Clients())
    record = raw_record({"status": {"S": "SHIPPED"}, "binary": {"B": "3q2+7w=="}}, {"id": {"S": "1"}})
    action.perform(action.render(delivery_of(spec, record)))
    (message,) = messages_in(aws, url)
    assert json.loads(message["Body"]) == {"a": 1}
    assert {
        name: (value["DataType"], value.get("StringValue", value.get("BinaryValue")))
        for name, value in message["MessageAttributes"].items()
    } == {
        "status": ("String", "SHIPPED"),
        "total": ("Number", "12"),
        "binary": ("Binary", bytes.fromhex("deadbeef")),
    }


@pytest.mark.local
def test_a_repeat_on_a_fifo_topic_arrives_once(aws: Ministack, unique_name: Callable[[str], str]) -> None:
    topic, url = subscribed(aws, f"{unique_name('orders')}.fifo")
    spec = action_spec("sns", topic_arn=topic, message="shipped")
    action = sns.build(spec, EMPTY_SCOPE, {}, Clients())
    for _ in range(2):
        action.perform(action.render(delivery_of(spec)))
    (message,) = messages_in(aws, url)
    assert message["Body"] == "shipped"
    assert message["Attributes"]["MessageGroupId"] == 'orders/{"order_id":{"S":"o-1"}}'


@pytest.mark.local
def test_a_topic_that_is_not_there_is_an_error_of_the_service(aws: Ministack) -> None:
    spec = action_spec("sns", topic_arn=f"{TOPIC}-not-there", message="m")
    action = sns.build(spec, EMPTY_SCOPE, {}, Clients())
    with pytest.raises(ClientError) as failure:
        action.perform(action.render(delivery_of(spec)))
    assert failure.value.response["Error"]["Code"] == "NotFound"


def test_once_needs_a_fifo_topic() -> None:
    hint = "leave 'mode' out, or publish to a topic whose name ends in .fifo"
    finding = ConfigFinding("RE308", ("mode",), "'mode: once' needs a FIFO topic", hint)
    assert sns.check({"topic_arn": TOPIC}, "once") == [finding]
    assert sns.check({"topic_arn": f"{TOPIC}.fifo"}, "once") == []
    assert sns.check({"topic_arn": "${TOPIC}"}, "once") == []
    spec = dataclasses.replace(action_spec("sns", topic_arn="${TOPIC}"), mode="once")
    with pytest.raises(SettingsError) as refusal:
        sns.build(spec, EMPTY_SCOPE, {"TOPIC": TOPIC}, Clients())
    assert str(refusal.value) == (
        f"action 'sns': 'mode: once' needs a FIFO topic, and '{TOPIC}' is none: "
        "name one that ends in .fifo, or leave 'mode' out"
    )


# Several in one call


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
    refused = {"Id": "1", "Code": "InvalidParameter", "SenderFault": True, "Message": "canary"}
    topic = Topic({"Successful": [{"Id": "0"}], "Failed": [refused]})
    action = sns.build(action_spec("sns", topic_arn=TOPIC), EMPTY_SCOPE, {}, topic)
    taken, *errors = action.perform_batch(requests_of(action, "sns", 3))
    assert taken is None
    assert [(type(each), str(each)) for each in errors] == [
        (ActionError, "the topic refused the message"),
        (ActionError, "the topic said nothing of this message"),
    ]


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
