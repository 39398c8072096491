"""The fake of Step Functions: `start_execution`, of standard state machines whose executions end at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rules_engine.testing.fake_service import FakeService, raise_error

if TYPE_CHECKING:
    from rules_engine.testing.fake_aws import FakeAws
    from rules_engine.testing.faults import Fault

INPUT_BYTES = 262_144


class FakeStepFunctions(FakeService):
    """`executions` holds the input of each by state machine and name."""

    service = "stepfunctions"

    def __init__(self, aws: FakeAws) -> None:
        super().__init__(aws)
        self.executions: dict[tuple[str, str], str] = {}

    def start_execution(self, **request: Any) -> dict[str, Any]:
        arn, name = request["stateMachineArn"], request["name"]

        def effect(_fault: Fault | None) -> dict[str, Any]:
            if len(request["input"].encode()) > INPUT_BYTES:
                raise_error("StartExecution", "InvalidExecutionInput", "the input is too large")
            if (arn, name) in self.executions:
                raise_error("StartExecution", "ExecutionAlreadyExists", "the name has been used")
            self.executions[arn, name] = request["input"]
            self._took_effect("StartExecution", request)
            return {"executionArn": f"{arn.replace(':stateMachine:', ':execution:')}:{name}"}

        return self._perform("StartExecution", request, effect)
