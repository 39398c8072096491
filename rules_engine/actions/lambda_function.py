"""Invoke another Lambda function.

```yaml
- type: lambda
  function: ${INVOICE_FUNCTION}
  payload: {order: "{{ keys.order_id }}", total: "{{ new.total }}"}
```

- `function`: name or ARN, also with a version or alias (`invoices:live`); `${NAME}` may stand in it, a hole
  may not.
- `invocation`: `async` (default) hands the payload to Lambda's own queue, from which Lambda tries the
  function up to three times; what becomes of it there is that function's matter, with its own destination for
  failures. `wait` waits for the function's answer, so the changes of one item reach it one after the other.
- `payload`: always sent as JSON, with exact numbers. Default: the change (`eventID`, `eventName`, `table`,
  `createdAt`, `keys`, `new`, `old`).
- `timeout_seconds`: default 10. With `wait` make it as long as the function may run: after it the function is
  invoked again while it may still be at work. This function's own timeout must be longer still.

A function that fails while somebody waits for it may have stumbled over the record or over something that
passes, and nobody can tell which: the action is tried a few times, then the record becomes a dead letter.
Where more than half of a batch fails like this the function itself is taken to be broken, and the batch comes
again. What the function says is not used and never logged.

A repeat invokes the function again: let the payload hold `{{ eventID }}`, and drop there what is done.

Permissions: `lambda:InvokeFunction` on the function. Limits: 1 MiB for the payload of an `async` invocation,
6 MiB with `wait`; a larger one is an error of the record.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from rules_engine.actions import ConfigFinding, Permission, refuse_errors
from rules_engine.actions.fixed_target import FixedTarget
from rules_engine.actions.rendering import json_of, payload, target
from rules_engine.errors import ActionError, TemplateError
from rules_engine.light_dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rules_engine.actions import Clients
    from rules_engine.model import ActionSpec, Delivery, Scope
    from rules_engine.record import StreamRecord

TYPE = "lambda"

SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["function"],
    "properties": {
        "function": {
            "type": "string",
            "minLength": 1,
            "description": "Name or ARN of the function, also with a version or alias, or a `${NAME}`.",
            "examples": ["${INVOICE_FUNCTION}", "invoices", "invoices:live"],
        },
        "invocation": {
            "enum": ["async", "wait"],
            "default": "async",
            "description": "Whether to hand the payload to Lambda's queue or to wait for the answer.",
            "examples": ["wait"],
        },
        "payload": {
            "description": "The event that the function gets, as JSON. Default: the change.",
            "examples": [{"order": "{{ keys.order_id }}", "total": "{{ new.total }}"}],
        },
    },
}

TARGETS = ("function",)
SECRET_FIELDS: tuple[str, ...] = ()
CONNECTION = ("function",)
MODES = ("at_least_once",)
PAYLOAD = ("payload",)
MOST_BYTES = 1024 * 1024
"""Of an `async` invocation, the default."""

_TYPES = {"async": "Event", "wait": "RequestResponse"}
_LIMITS = {"Event": MOST_BYTES, "RequestResponse": 6 * MOST_BYTES}

_FUNCTION = FixedTarget(
    key="function",
    kind="the name or ARN of a Lambda function",
    is_one=re.compile(
        r"(?:arn:[^:]+:lambda:[a-z0-9-]+:[0-9]{12}:function:|[0-9]{12}:function:)?"
        r"[A-Za-z0-9_-]{1,64}(?::(?:\$LATEST|[A-Za-z0-9_-]{1,128}))?"
    ).fullmatch,
    hint="write a name such as invoices, name:alias, an ARN, or ${NAME}",
)


@dataclass(frozen=True, slots=True)
class LambdaAction:
    """Invokes the function once for each record."""

    function: str
    invocation_type: str
    payload: Callable[[StreamRecord], Any]
    client: Any

    @property
    def target(self) -> str:
        return f"lambda {self.function}"

    def render(self, delivery: Delivery) -> dict[str, Any]:
        text = json_of(self.payload(delivery.match.record))
        size, most = len(text.encode()), _LIMITS[self.invocation_type]
        if size > most:
            raise TemplateError(f"the payload has {size} bytes: Lambda takes at most {most}")
        return {"FunctionName": self.function, "InvocationType": self.invocation_type, "Payload": text}

    def perform(self, request: Mapping[str, Any]) -> None:
        answer = self.client.invoke(**{**request, "Payload": request["Payload"].encode()})
        # Read to its end, so that the connection can be used again.
        answer["Payload"].read()
        if "FunctionError" in answer:
            raise ActionError("FUNCTION_ERROR", "the function failed")


def connect(spec: ActionSpec, environment: Mapping[str, str], clients: Clients) -> Any:
    """The client."""
    _FUNCTION.resolve(spec, environment)
    return clients.client("lambda", spec.timeout_seconds)


def permissions(spec: ActionSpec) -> list[Permission]:
    return [Permission("lambda:InvokeFunction", _arn(spec.config["function"]))]


def _arn(function: str) -> str:
    if function.startswith("arn:"):
        return function
    if ":function:" not in function:
        function = f"${{AWS::AccountId}}:function:{function}"
    return f"arn:${{AWS::Partition}}:lambda:${{AWS::Region}}:{function}"


def check(config: Mapping[str, Any], mode: str = "at_least_once") -> list[ConfigFinding]:
    return list(_FUNCTION.check(config))


def build(
    spec: ActionSpec, scope: Scope, environment: Mapping[str, str], clients: Clients | None
) -> LambdaAction:
    config = spec.config
    refuse_errors(spec, check(config, spec.mode))
    return LambdaAction(
        function=target(config["function"], environment),
        invocation_type=_TYPES[config.get("invocation", "async")],
        payload=payload(spec, "payload", scope, environment),
        # Without clients the texts in `environment` may be stand-ins.
        client=None if clients is None else connect(spec, environment, clients),
    )
