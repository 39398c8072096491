"""Invocations of Lambda functions: what is rendered and refused, and what a function that fails means."""

from __future__ import annotations

import io
import json
import time
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from rules_engine.actions import ConfigFinding, Permission, lambda_function
from rules_engine.aws import Clients
from rules_engine.delivery.failure import classify
from rules_engine.errors import ActionError, RuleSetError, SettingsError, TemplateError
from rules_engine.model import EMPTY_SCOPE
from rules_engine.testing import FakeAws
from tests.units import SHIPPED_CHANGE, action_spec, delivery_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from rules_engine.local.ministack import Ministack


def built(clients: Any, **config: Any) -> lambda_function.LambdaAction:
    spec = action_spec("lambda", **{"function": "invoices", **config})
    return lambda_function.build(spec, EMPTY_SCOPE, {"FUNCTION": "invoices:live"}, clients)


def render(**config: Any) -> dict[str, Any]:
    return built(None, **config).render(delivery_of(action_spec("lambda")))


def test_without_a_payload_the_function_gets_the_change() -> None:
    assert render() == {"FunctionName": "invoices", "InvocationType": "Event", "Payload": SHIPPED_CHANGE}


def test_the_payload_is_json_with_exact_numbers() -> None:
    payload = {"order": "{{ keys.order_id }}", "total": "{{ new.total }}"}
    assert render(payload=payload, invocation="wait", function="${FUNCTION}") == {
        "FunctionName": "invoices:live",
        "InvocationType": "RequestResponse",
        "Payload": '{"order":"o-1","total":12.5}',
    }
    assert render(payload="Order {{ keys.order_id }}")["Payload"] == '"Order o-1"'


@pytest.mark.parametrize(("invocation", "most"), [("async", 1_048_576), ("wait", 6_291_456)])
def test_a_payload_may_be_as_large_as_the_invocation_takes(invocation: str, most: int) -> None:
    assert len(render(payload="x" * (most - 2), invocation=invocation)["Payload"]) == most
    with pytest.raises(TemplateError) as failure:
        render(payload="x" * (most - 1), invocation=invocation)
    assert str(failure.value) == f"the payload has {most + 1} bytes: Lambda takes at most {most}"


FINDING = ConfigFinding(
    "RE109",
    ("function",),
    "'function' is not the name or ARN of a Lambda function",
    "write a name such as invoices, name:alias, an ARN, or ${NAME}",
)


@pytest.mark.parametrize(
    "function",
    ["my function", "arn:aws:sns:eu-west-1:123456789012:orders", "x" * 65, "a:b:c", "invoices\n", "a:$LATER"],
)
def test_what_is_no_function_is_found(function: str) -> None:
    assert lambda_function.check({"function": function}) == [FINDING]
    with pytest.raises(RuleSetError) as refusal:
        built(None, function=function)
    assert str(refusal.value) == f"action 'lambda': {FINDING}"
    with pytest.raises(SettingsError) as late:
        lambda_function.connect(action_spec("lambda", function="${F}"), {"F": function}, FakeAws())
    assert str(late.value) == f"action 'lambda': '{function}' is not the name or ARN of a Lambda function"


ARN = "arn:aws:lambda:eu-west-1:123456789012:function:invoices"


@pytest.mark.parametrize(
    ("function", "resource"),
    [
        ("invoices", "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:invoices"),
        ("in_v-2:live", "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:in_v-2:live"),
        (
            "invoices:$LATEST",
            "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:invoices:$LATEST",
        ),
        (
            "123456789012:function:invoices",
            "arn:${AWS::Partition}:lambda:${AWS::Region}:123456789012:function:invoices",
        ),
        (ARN, ARN),
        (f"{ARN}:7", f"{ARN}:7"),
        ("${F}", "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:${F}"),
    ],
)
def test_invoking_is_allowed_on_the_function_alone(function: str, resource: str) -> None:
    assert lambda_function.check({"function": function}) == []
    permission = Permission("lambda:InvokeFunction", resource)
    assert lambda_function.permissions(action_spec("lambda", function=function)) == [permission]


def test_the_function_gets_what_was_rendered() -> None:
    aws = FakeAws()
    action = built(aws, payload={"total": "{{ new.total }}"})
    action.perform(action.render(delivery_of(action_spec("lambda"))))
    assert aws.functions.payloads("invoices") == [{"total": 12.5}]


def test_a_function_that_fails_while_somebody_waits_is_a_failure_that_nobody_knows() -> None:
    def fails(_payload: Any) -> None:
        raise ValueError("canary")

    aws = FakeAws()
    aws.functions.handlers["invoices"] = fails
    waiting, leaving = built(aws, invocation="wait"), built(aws)
    with pytest.raises(ActionError) as failure:
        waiting.perform(waiting.render(delivery_of(action_spec("lambda"))))
    error = failure.value
    assert (error.code, str(error), error.error_class) == ("FUNCTION_ERROR", "the function failed", "unknown")
    leaving.perform(leaving.render(delivery_of(action_spec("lambda"))))
    assert len(aws.effects) == 1


# On a real server

SOURCE = """
import json, os

def handler(event, context):
    if event.get("fails"):
        raise ValueError("canary")
    import boto3
    boto3.client("sqs", endpoint_url=os.environ["AWS_ENDPOINT_URL"]).send_message(
        QueueUrl=os.environ["QUEUE"], MessageBody=json.dumps(event))
    return {"secret": "canary"}
"""


def new_function(aws: Ministack, name: str, queue_url: str) -> None:
    """A function that sends its event to a queue, ready to be invoked."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as package:
        package.writestr("index.py", SOURCE)
    aws.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.11",
        Role="arn:aws:iam::000000000000:role/any",
        Handler="index.handler",
        Code={"ZipFile": archive.getvalue()},
        Timeout=30,
        Environment={"Variables": {"QUEUE": queue_url, "AWS_ENDPOINT_URL": aws.endpoint_url}},
    )
    aws.client("lambda").get_waiter("function_active_v2").wait(FunctionName=name)


@pytest.fixture
def function(aws: Ministack, unique_name: Callable[[str], str]) -> tuple[str, str]:
    """The name of a function, and the URL of the queue to which it sends."""
    name = unique_name("invoices")
    url = aws.client("sqs").create_queue(QueueName=name)["QueueUrl"]
    new_function(aws, name, url)
    return name, url


def received(aws: Ministack, url: str, count: int) -> list[Any]:
    """What the function was invoked with, as soon as it is so many times."""
    found: list[Any] = []
    deadline = time.monotonic() + 60
    while len(found) < count and time.monotonic() < deadline:
        answer = aws.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1)
        found += [json.loads(message["Body"]) for message in answer.get("Messages", [])]
    return found


@pytest.mark.local
def test_a_real_function_is_invoked_either_way(aws: Ministack, function: tuple[str, str]) -> None:
    name, url = function
    for invocation in ("async", "wait"):
        action = built(Clients(), function=name, invocation=invocation, payload={"how": invocation})
        action.perform(action.render(delivery_of(action_spec("lambda"))))
    assert sorted(each["how"] for each in received(aws, url, 2)) == ["async", "wait"]


@pytest.mark.local
def test_a_real_function_that_fails_is_a_failure_for_who_waits(
    aws: Ministack, function: tuple[str, str]
) -> None:
    action = built(Clients(), function=function[0], invocation="wait", payload={"fails": True})
    with pytest.raises(ActionError) as failure:
        action.perform(action.render(delivery_of(action_spec("lambda"))))
    assert (failure.value.code, str(failure.value)) == ("FUNCTION_ERROR", "the function failed")


@pytest.mark.local
def test_a_function_that_is_not_there_is_an_error_of_the_service(aws: Ministack) -> None:
    action = built(Clients(), function="not-there")
    with pytest.raises(ClientError) as refusal:
        action.perform(action.render(delivery_of(action_spec("lambda"))))
    failure = classify(refusal.value)
    assert (failure.error_class, failure.code) == ("systemic", "ResourceNotFoundException")
