"""Start an execution of a Step Functions state machine.

```yaml
- type: stepfunctions
  state_machine_arn: ${REFUND_STATE_MACHINE_ARN}
  input: {order: "{{ keys.order_id }}", total: "{{ new.total }}"}
  mode: once
```

- `state_machine_arn`: ARN of the state machine, also of a version or alias; `${NAME}` may stand in it, a hole
  may not.
- `input`: always sent as JSON, with exact numbers. Default: the change (`eventID`, `eventName`, `table`,
  `createdAt`, `keys`, `new`, `old`).

The name of the execution is the delivery id. A standard state machine starts only one execution of a name
within 90 days, so a repeat starts nothing and counts as done: `mode: once` says that a rule relies on it. An
express state machine starts another execution for each repeat, whatever its name, and its ARN does not tell
that it is one: leave `mode` out there, and let the first state drop what it has seen.

An execution that was started is the state machine's matter; that it fails later is not seen here. Executions
of one item start in the order of its changes and may run side by side.

Permissions: `states:StartExecution` on the state machine. Limit: 256 KiB for the input; a larger one is an
error of the record.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from rules_engine.actions import Permission, refuse_errors
from rules_engine.actions.fixed_target import FixedTarget
from rules_engine.actions.rendering import json_of, payload, target
from rules_engine.errors import TemplateError
from rules_engine.light_dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rules_engine.actions import Clients, ConfigFinding
    from rules_engine.model import ActionSpec, Delivery, Scope
    from rules_engine.record import StreamRecord

TYPE = "stepfunctions"

SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["state_machine_arn"],
    "properties": {
        "state_machine_arn": {
            "type": "string",
            "minLength": 1,
            "description": "ARN of the state machine, of a version or alias of it, or a `${NAME}`.",
            "examples": [
                "${REFUND_STATE_MACHINE_ARN}",
                "arn:aws:states:eu-west-1:123456789012:stateMachine:refunds",
            ],
        },
        "input": {
            "description": "The input of the execution, as JSON. Default: the change.",
            "examples": [{"order": "{{ keys.order_id }}", "total": "{{ new.total }}"}],
        },
    },
}

TARGETS = ("state_machine_arn",)
SECRET_FIELDS: tuple[str, ...] = ()
CONNECTION = ("state_machine_arn",)
MODES = ("at_least_once", "once")
PAYLOAD = ("input",)
MOST_BYTES = 256 * 1024


_STATE_MACHINE = FixedTarget(
    key="state_machine_arn",
    kind="the ARN of a state machine",
    is_one=re.compile(
        r"arn:[^:]+:states:[a-z0-9-]+:[0-9]{12}:stateMachine:"
        r"[^\s<>{}\[\]?*\"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f]{1,80}(?::[A-Za-z0-9_.-]{1,80})?"
    ).fullmatch,
    hint="write arn:aws:states:<region>:<account>:stateMachine:<name>, or ${NAME}",
)


@dataclass(frozen=True, slots=True)
class StepFunctionsAction:
    """Starts one execution for each record."""

    state_machine_arn: str
    input: Callable[[StreamRecord], Any]
    client: Any

    @property
    def target(self) -> str:
        return f"stepfunctions {self.state_machine_arn}"

    def render(self, delivery: Delivery) -> dict[str, Any]:
        text = json_of(self.input(delivery.match.record))
        size = len(text.encode())
        if size > MOST_BYTES:
            raise TemplateError(f"the input has {size} bytes: Step Functions takes at most {MOST_BYTES}")
        return {"stateMachineArn": self.state_machine_arn, "name": delivery.id, "input": text}

    def perform(self, request: Mapping[str, Any]) -> None:
        from botocore.exceptions import ClientError

        try:
            self.client.start_execution(**request)
        except ClientError as error:
            # One of that name that has ended, or has the input of older rules, was started for this delivery.
            if error.response.get("Error", {}).get("Code") != "ExecutionAlreadyExists":
                raise


def connect(spec: ActionSpec, environment: Mapping[str, str], clients: Clients) -> Any:
    """The client."""
    _STATE_MACHINE.resolve(spec, environment)
    return clients.client("stepfunctions", spec.timeout_seconds)


def permissions(spec: ActionSpec) -> list[Permission]:
    return [Permission("states:StartExecution", spec.config["state_machine_arn"])]


def check(config: Mapping[str, Any], mode: str = "at_least_once") -> list[ConfigFinding]:
    return list(_STATE_MACHINE.check(config))


def build(
    spec: ActionSpec, scope: Scope, environment: Mapping[str, str], clients: Clients | None
) -> StepFunctionsAction:
    refuse_errors(spec, check(spec.config, spec.mode))
    return StepFunctionsAction(
        state_machine_arn=target(spec.config["state_machine_arn"], environment),
        input=payload(spec, "input", scope, environment),
        # Without clients the texts in `environment` may be stand-ins.
        client=None if clients is None else connect(spec, environment, clients),
    )
