"""What `stepfunctions` actions start: state machines that pass their input on, every execution read back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from rules_engine.local.effect import Effect, decoded
from rules_engine.local.ministack import ACCOUNT_ID, REGION

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rules_engine.actions import Action
    from rules_engine.local.derivation import Derivation
    from rules_engine.local.surroundings import Surroundings
    from rules_engine.model import ActionSpec

IN_EXECUTIONS = "in the executions of"
PURPOSE = "starts state machine {}"

_PASS = json.dumps({"StartAt": "Pass", "States": {"Pass": {"Type": "Pass", "End": True}}})


def localise(spec: ActionSpec, derivation: Derivation, where: str) -> dict[str, Any]:
    name, state_machine_arn = derivation.target(
        spec.config["state_machine_arn"], "a state machine", _name_of, _arn_of
    )
    derivation.need("stepfunctions", name)
    return {**spec.config, "state_machine_arn": state_machine_arn}


def _name_of(arn: str) -> str:
    """Without a version or alias, which the machine here has none of."""
    return arn.partition(":stateMachine:")[2].partition(":")[0]


def _arn_of(name: str) -> str:
    return f"arn:aws:states:{REGION}:{ACCOUNT_ID}:stateMachine:{name}"


class StateMachineTarget:
    def __init__(self, surroundings: Surroundings) -> None:
        self._states = surroundings.aws.client("stepfunctions")
        self._names = surroundings.plan.needs["stepfunctions"]
        self._read: dict[str, Effect] = {}
        for name in self._names:
            role = f"arn:aws:iam::{ACCOUNT_ID}:role/local-state-machine"
            self._states.create_state_machine(name=name, definition=_PASS, roleArn=role)

    def arrivals(self) -> list[Effect]:
        for name in self._names:
            pages = self._states.get_paginator("list_executions").paginate(stateMachineArn=_arn_of(name))
            for found in [execution for page in pages for execution in page["executions"]]:
                arn = found["executionArn"]
                if arn not in self._read:
                    given = self._states.describe_execution(executionArn=arn)["input"]
                    self._read[arn] = _effect(name, found["name"], given)
        return list(self._read.values())

    def owed(self, action: Action, request: Mapping[str, Any]) -> list[Effect]:
        return [_effect(_name_of(request["stateMachineArn"]), request["name"], request["input"])]


def open_target(surroundings: Surroundings) -> StateMachineTarget:
    return StateMachineTarget(surroundings)


def _effect(name: str, execution: str, given: str) -> Effect:
    return Effect(IN_EXECUTIONS, name, {"name": execution, "input": decoded(given)})
