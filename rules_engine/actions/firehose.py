"""Write a record to a Firehose stream, such as one that archives to S3.

```yaml
- type: firehose
  delivery_stream: ${ORDER_ARCHIVE_STREAM}
  record: {at: "{{ createdAt }}", order: "{{ keys.order_id }}", item: "{{ new }}"}
```

- `delivery_stream`: name of the stream, which must take records put directly; `${NAME}` may stand in it, a
  hole may not.
- `record`: sent as one JSON document with exact numbers and a newline behind it, so that a file of them can
  be read line by line; a text becomes a JSON string. Default: the change (`eventID`, `eventName`, `table`,
  `createdAt`, `keys`, `new`, `old`).

Firehose keeps no order and may deliver a record twice, and a repeat is another record: `{{ eventID }}` in it
tells them apart when the archive is read.

Records for one stream go out up to 500 in a call of up to 4 MiB in base64. Permissions: `firehose:PutRecord`
and `firehose:PutRecordBatch` on the stream. Limit: 1,000 KiB a record with its newline; a larger one is an
error of the record, not of the stream.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar

from rules_engine.actions import Permission, refuse_errors
from rules_engine.actions.entries import errors_by_place
from rules_engine.actions.fixed_target import FixedTarget
from rules_engine.actions.rendering import json_of, payload, target
from rules_engine.errors import TemplateError
from rules_engine.light_dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rules_engine.actions import Clients, ConfigFinding
    from rules_engine.model import ActionSpec, Delivery, Scope
    from rules_engine.record import StreamRecord

TYPE = "firehose"

SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["delivery_stream"],
    "properties": {
        "delivery_stream": {
            "type": "string",
            "minLength": 1,
            "description": "Name of the Firehose stream, or a `${NAME}` that holds it.",
            "examples": ["${ORDER_ARCHIVE_STREAM}", "order-archive"],
        },
        "record": {
            "description": "What to write, as one line of JSON. Default: the change.",
            "examples": [{"at": "{{ createdAt }}", "item": "{{ new }}"}, "{{ new }}"],
        },
    },
}

TARGETS = ("delivery_stream",)
SECRET_FIELDS: tuple[str, ...] = ()
CONNECTION = ("delivery_stream",)
MODES = ("at_least_once",)
PAYLOAD = ("record",)
MOST_BYTES = 1000 * 1024

CALL_LIMIT_BYTES = 4 * 1024 * 1024

_STREAM = FixedTarget(
    key="delivery_stream",
    kind="the name of a Firehose stream",
    is_one=re.compile(r"[A-Za-z0-9_.-]{1,64}").fullmatch,
    hint="write its name, of an ARN what stands behind deliverystream/, or ${NAME}",
)


@dataclass(frozen=True, slots=True)
class FirehoseAction:
    """Writes one record for each record of the stream, up to 500 in a call."""

    most_entries: ClassVar[int] = 500
    most_bytes: ClassVar[int] = CALL_LIMIT_BYTES
    delivery_stream: str
    record: Callable[[StreamRecord], Any]
    client: Any

    @property
    def target(self) -> str:
        return f"firehose {self.delivery_stream}"

    @property
    def batch_key(self) -> str:
        return self.target

    def render(self, delivery: Delivery) -> dict[str, Any]:
        line = json_of(self.record(delivery.match.record)) + "\n"
        size = len(line.encode())
        if size > MOST_BYTES:
            raise TemplateError(f"the record has {size} bytes: Firehose takes at most {MOST_BYTES}")
        return {"DeliveryStreamName": self.delivery_stream, "Record": {"Data": line}}

    def perform(self, request: Mapping[str, Any]) -> None:
        self.client.put_record(
            DeliveryStreamName=request["DeliveryStreamName"], Record={"Data": _data(request)}
        )

    def entry_bytes(self, request: Mapping[str, Any]) -> int:
        # In base64, as it travels. That the limit counts it before, AWS does not say.
        return (len(_data(request)) + 2) // 3 * 4

    def perform_batch(self, requests: Sequence[Mapping[str, Any]]) -> list[Exception | None]:
        answer = self.client.put_record_batch(
            DeliveryStreamName=self.delivery_stream,
            Records=[{"Data": _data(request)} for request in requests],
        )
        results = answer.get("RequestResponses", ())
        return errors_by_place(results, len(requests), "RecordId", "stream", "record")


def _data(request: Mapping[str, Any]) -> bytes:
    line: str = request["Record"]["Data"]
    return line.encode()


def connect(spec: ActionSpec, environment: Mapping[str, str], clients: Clients) -> Any:
    """The client."""
    _STREAM.resolve(spec, environment)
    return clients.client("firehose", spec.timeout_seconds)


def permissions(spec: ActionSpec) -> list[Permission]:
    name = spec.config["delivery_stream"]
    arn = f"arn:${{AWS::Partition}}:firehose:${{AWS::Region}}:${{AWS::AccountId}}:deliverystream/{name}"
    return [Permission(f"firehose:{call}", arn) for call in ("PutRecord", "PutRecordBatch")]


def check(config: Mapping[str, Any], mode: str = "at_least_once") -> list[ConfigFinding]:
    return list(_STREAM.check(config))


def build(
    spec: ActionSpec, scope: Scope, environment: Mapping[str, str], clients: Clients | None
) -> FirehoseAction:
    refuse_errors(spec, check(spec.config, spec.mode))
    return FirehoseAction(
        delivery_stream=target(spec.config["delivery_stream"], environment),
        record=payload(spec, "record", scope, environment),
        # Without clients the texts in `environment` may be stand-ins.
        client=None if clients is None else connect(spec, environment, clients),
    )
