"""Executions of state machines: what is rendered and refused, and that a repeat starts nothing."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from rules_engine.actions import ConfigFinding, Permission, stepfunctions
from rules_engine.aws import Clients
from rules_engine.delivery.failure import classify
from rules_engine.errors import RuleSetError, SettingsError, TemplateError
from rules_engine.model import EMPTY_SCOPE
from rules_engine.testing import FakeAws
from tests.units import SHIPPED_CHANGE, action_spec, delivery_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from rules_engine.local.ministack import Ministack

ARN = "arn:aws:states:eu-central-1:000000000000:stateMachine:refunds"


def built(clients: Any, **config: Any) -> stepfunctions.StepFunctionsAction:
    spec = action_spec("stepfunctions", **{"state_machine_arn": ARN, **config})
    return stepfunctions.build(dataclasses.replace(spec, mode="once"), EMPTY_SCOPE, {}, clients)


def render(**config: Any) -> dict[str, Any]:
    return built(None, **config).render(delivery_of(action_spec("stepfunctions")))


def test_an_execution_has_the_delivery_as_its_name_and_the_change_as_its_input() -> None:
    name = delivery_of(action_spec("stepfunctions")).id
    assert render() == {"stateMachineArn": ARN, "name": name, "input": SHIPPED_CHANGE}


def test_the_input_is_json_with_exact_numbers() -> None:
    given = {"order": "{{ keys.order_id }}", "total": "{{ new.total }}"}
    assert render(input=given)["input"] == '{"order":"o-1","total":12.5}'
    assert render(input="Order {{ keys.order_id }}")["input"] == '"Order o-1"'


def test_an_input_may_be_as_large_as_step_functions_takes() -> None:
    assert len(render(input="x" * 262_142)["input"]) == 262_144
    with pytest.raises(TemplateError) as failure:
        render(input="ü" * 131_072)
    assert str(failure.value) == "the input has 262146 bytes: Step Functions takes at most 262144"


FINDING = ConfigFinding(
    "RE109",
    ("state_machine_arn",),
    "'state_machine_arn' is not the ARN of a state machine",
    "write arn:aws:states:<region>:<account>:stateMachine:<name>, or ${NAME}",
)


@pytest.mark.parametrize(
    "arn",
    [
        "refunds",
        "arn:aws:states:eu-west-1:123456789012:execution:refunds:1",
        f"{ARN}{'x' * 74}",
        f"{ARN} b",
        f"{ARN}/label",
        f"{ARN}\n",
    ],
)
def test_what_is_no_state_machine_is_found(arn: str) -> None:
    assert stepfunctions.check({"state_machine_arn": arn}) == [FINDING]
    with pytest.raises(RuleSetError) as refusal:
        built(None, state_machine_arn=arn)
    assert str(refusal.value) == f"action 'stepfunctions': {FINDING}"
    spec = action_spec("stepfunctions", state_machine_arn="${ARN}")
    with pytest.raises(SettingsError) as late:
        stepfunctions.connect(spec, {"ARN": arn}, FakeAws())
    assert str(late.value) == f"action 'stepfunctions': '{arn}' is not the ARN of a state machine"


@pytest.mark.parametrize("arn", [ARN, f"{ARN}:live", f"{ARN}:7", f"{ARN}{'x' * 73}", "${ARN}"])
def test_starting_is_allowed_on_the_state_machine_alone(arn: str) -> None:
    assert stepfunctions.check({"state_machine_arn": arn}, "once") == []
    permission = Permission("states:StartExecution", arn)
    assert stepfunctions.permissions(action_spec("stepfunctions", state_machine_arn=arn)) == [permission]


def test_a_repeat_starts_nothing_and_is_done() -> None:
    aws = FakeAws()
    action = built(aws, input={"a": 1})
    request = action.render(delivery_of(action_spec("stepfunctions")))
    action.perform(request)
    action.perform(request)
    action.perform({**request, "input": '{"a":2}'})  # as after a change of the rules
    assert aws.stepfunctions.executions == {(ARN, request["name"]): '{"a":1}'}
    assert aws.calls == {("stepfunctions", "StartExecution"): 3}


# On a real server

DEFINITION = {"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}}


@pytest.fixture
def state_machine(aws: Ministack, unique_name: Callable[[str], str]) -> str:
    return str(
        aws.client("stepfunctions").create_state_machine(
            name=unique_name("refunds"),
            definition=json.dumps(DEFINITION),
            roleArn="arn:aws:iam::000000000000:role/any",
        )["stateMachineArn"]
    )


@pytest.mark.local
def test_a_repeat_starts_one_execution_on_a_real_server(aws: Ministack, state_machine: str) -> None:
    action = built(Clients(), state_machine_arn=state_machine, input={"order": "{{ keys.order_id }}"})
    request = action.render(delivery_of(action_spec("stepfunctions")))
    for _ in range(3):
        action.perform(request)
    client = aws.client("stepfunctions")
    (execution,) = client.list_executions(stateMachineArn=state_machine)["executions"]
    assert execution["name"] == request["name"]
    described = client.describe_execution(executionArn=execution["executionArn"])
    assert json.loads(described["input"]) == {"order": "o-1"}


@pytest.mark.local
def test_a_state_machine_that_is_not_there_is_an_error_of_the_service(aws: Ministack) -> None:
    action = built(Clients(), state_machine_arn=f"{ARN}-not-there")
    with pytest.raises(ClientError) as refusal:
        action.perform(action.render(delivery_of(action_spec("stepfunctions"))))
    failure = classify(refusal.value)
    assert (failure.error_class, failure.code) == ("systemic", "StateMachineDoesNotExist")
