"""Send a message to an SQS queue.

```yaml
- type: sqs
  queue_url: ${ORDER_WORK_QUEUE_URL}
  message: {order: "{{ keys.order_id }}", total: "{{ new.total }}"}
  attributes: {status: "{{ new.status }}"}
```

- `queue_url`: URL of the queue; `${NAME}` may stand in it, a hole may not.
- `message`: a text is sent as it is, anything else as JSON with exact numbers. Default: the change
  (`eventID`, `eventName`, `table`, `createdAt`, `keys`, `new`, `old`).
- `attributes`: at most ten message attributes. A text becomes `String`, a number `Number`, a list or a
  DynamoDB set `String.Array`, a DynamoDB binary `Binary`, `true` and `false` the text. What is null is left
  out.

A queue whose name ends in `.fifo` gets the item's key as message group, so the messages of one item stay in
order, and the delivery id as deduplication id, so a repeat within five minutes is dropped. `mode: once` can
be had with such a queue only. Any other queue may give a message twice, and in another order.

SQS takes the characters of XML: of the control characters only tab, line feed and carriage return. In JSON
the others are escaped; a text or an attribute that holds one is an error of the record, for SQS would put
another character in its place.

Messages for one queue go out up to ten in a call. Permissions: `sqs:SendMessage` on the queue. Limit: 1 MiB
for message and attributes together, or what the queue's own `MaximumMessageSize` says; a larger one is an
error of the record, not of the queue.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar

from rules_engine.actions import ConfigFinding, Permission, refuse_errors
from rules_engine.actions.entries import errors_by_id
from rules_engine.actions.fifo import message_group_id
from rules_engine.actions.fixed_target import FixedTarget
from rules_engine.actions.message_attributes import (
    check_attributes,
    message_attributes,
    message_bytes,
    with_bytes,
)
from rules_engine.actions.rendering import json_of, payload, target
from rules_engine.errors import SettingsError, TemplateError
from rules_engine.light_dataclass import dataclass
from rules_engine.template import compile_template, references, scan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from rules_engine.actions import Clients
    from rules_engine.model import ActionSpec, Delivery, Scope
    from rules_engine.record import StreamRecord
    from rules_engine.template import Template

TYPE = "sqs"

SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["queue_url"],
    "properties": {
        "queue_url": {
            "type": "string",
            "minLength": 1,
            "description": "URL of the queue, or a `${NAME}` that holds it.",
            "examples": [
                "${ORDER_WORK_QUEUE_URL}",
                "https://sqs.eu-west-1.amazonaws.com/123456789012/orders",
            ],
        },
        "message": {
            "description": "What to send: a text as it is, anything else as JSON. Default: the change.",
            "examples": [{"order": "{{ keys.order_id }}"}, "Order {{ keys.order_id }} shipped"],
        },
        "attributes": {
            "type": "object",
            # The names that SQS takes: no dot at either end or twice, and AWS's own beginnings not at all.
            "propertyNames": {
                "pattern": r"^(?=.{1,256}$)(?![Aa][Ww][Ss]\.|[Aa][Mm][Aa][Zz][Oo][Nn]\.)"
                r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$"
            },
            "additionalProperties": {
                "type": ["string", "number", "boolean", "array"],
                "examples": ["{{ new.status }}"],
            },
            "description": "Message attributes by name, at most ten.",
            "examples": [{"status": "{{ new.status }}", "total": "{{ new.total }}"}],
        },
    },
}

TARGETS = ("queue_url",)
SECRET_FIELDS: tuple[str, ...] = ()
CONNECTION = ("queue_url",)
MODES = ("at_least_once", "once")
PAYLOAD = ("message", "attributes")
MOST_BYTES = 1024 * 1024

ATTRIBUTES_LIMIT = 10

_QUEUE = FixedTarget(
    key="queue_url",
    kind="the URL of an SQS queue",
    is_one=re.compile(
        r"https?://[A-Za-z0-9.-]+(?::[0-9]{1,5})?/[0-9]{12}/(?=[^/]{1,80}$)[A-Za-z0-9_-]+(?:\.fifo)?"
    ).fullmatch,
    hint="write https://sqs.<region>.amazonaws.com/<account>/<name>, or ${NAME}, a variable of the function",
)
_region_account_name = re.compile(r"https://sqs\.([^/.]+)\.amazonaws\.com(?:\.cn)?/([^/]+)/([^/]+)").fullmatch
_not_taken = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class SqsAction:
    """Sends one message for each record, up to ten in a call."""

    most_entries: ClassVar[int] = 10
    most_bytes: ClassVar[int] = MOST_BYTES
    queue_url: str
    message: Callable[[StreamRecord], Any]
    attributes: Template
    client: Any

    @property
    def target(self) -> str:
        return f"sqs {self.queue_url}"

    @property
    def batch_key(self) -> str:
        return self.target

    def render(self, delivery: Delivery) -> dict[str, Any]:
        record = delivery.match.record
        message = _message(self.message(record))
        attributes = message_attributes(self.attributes.render(record.document), "SQS")
        for name, attribute in attributes.items():
            _check_characters(f"the message attribute '{name}'", attribute.get("StringValue", ""))
        size = message_bytes(message, attributes)
        if size > MOST_BYTES:
            raise TemplateError(f"the message has {size} bytes: SQS takes at most {MOST_BYTES}")
        request: dict[str, Any] = {"QueueUrl": self.queue_url, "MessageBody": message}
        if attributes:
            request["MessageAttributes"] = attributes
        if self.queue_url.endswith(".fifo"):
            request["MessageGroupId"] = message_group_id(record)
            request["MessageDeduplicationId"] = delivery.id
        return request

    def perform(self, request: Mapping[str, Any]) -> None:
        self.client.send_message(**with_bytes(request))

    def entry_bytes(self, request: Mapping[str, Any]) -> int:
        return message_bytes(request["MessageBody"], request.get("MessageAttributes", {}))

    def perform_batch(self, requests: Sequence[Mapping[str, Any]]) -> list[Exception | None]:
        entries = []
        for number, request in enumerate(requests):
            entry = {"Id": str(number), **with_bytes(request)}
            del entry["QueueUrl"]
            entries.append(entry)
        answer = self.client.send_message_batch(QueueUrl=self.queue_url, Entries=entries)
        return errors_by_id(answer, len(requests), "queue")


def connect(spec: ActionSpec, environment: Mapping[str, str], clients: Clients) -> Any:
    """The client."""
    queue_url = _QUEUE.resolve(spec, environment)
    if spec.mode == "once" and not queue_url.endswith(".fifo"):
        fault = f"'mode: once' needs a FIFO queue, and '{queue_url}' is none"
        mend = "name one that ends in .fifo, or leave 'mode' out"
        raise SettingsError(f"action '{spec.id}': {fault}: {mend}")
    return clients.client("sqs", spec.timeout_seconds)


def permissions(spec: ActionSpec) -> list[Permission]:
    return [Permission("sqs:SendMessage", queue_arn(spec.config["queue_url"]))]


def queue_arn(url: str) -> str:
    """The ARN of the queue with this URL; the URL itself where a variable hides what it is."""
    found = _region_account_name(url)
    return url if found is None else f"arn:${{AWS::Partition}}:sqs:{':'.join(found.groups())}"


def check(config: Mapping[str, Any], mode: str = "at_least_once") -> list[ConfigFinding]:
    queue_url, attributes = config["queue_url"], config.get("attributes", {})
    findings = [*_QUEUE.check(config), *_check_message(config), *check_attributes(attributes, "SQS")]
    if len(attributes) > ATTRIBUTES_LIMIT:
        message = f"the message has {len(attributes)} attributes: SQS takes at most {ATTRIBUTES_LIMIT}"
        findings.append(ConfigFinding("RE109", ("attributes",), message, "put some of them into 'message'"))
    if not findings and mode == "once" and not references(queue_url) and not queue_url.endswith(".fifo"):
        hint = "leave 'mode' out, or send to a queue whose name ends in .fifo"
        findings.append(ConfigFinding("RE308", ("mode",), "'mode: once' needs a FIFO queue", hint))
    return findings


def _check_message(config: Mapping[str, Any]) -> Iterator[ConfigFinding]:
    message = config.get("message")
    if message == "":
        text, hint = "the message is empty, which SQS does not take", "write a text, or remove the key"
        yield ConfigFinding("RE109", ("message",), text, hint)
    elif isinstance(message, str):
        for part in scan(message):
            if isinstance(part, str) and (fault := _fault_of("the message", part)) is not None:
                yield ConfigFinding("RE109", ("message",), fault, "send a map, which is escaped as JSON")


def build(
    spec: ActionSpec, scope: Scope, environment: Mapping[str, str], clients: Clients | None
) -> SqsAction:
    config = spec.config
    refuse_errors(spec, check(config, spec.mode))
    return SqsAction(
        queue_url=target(config["queue_url"], environment),
        message=payload(spec, "message", scope, environment),
        attributes=compile_template(config.get("attributes", {}), scope, environment),
        # Without clients the texts in `environment` may be stand-ins.
        client=None if clients is None else connect(spec, environment, clients),
    )


def _message(value: Any) -> str:
    """The text to send. Raises TemplateError."""
    if not isinstance(value, str):
        # JSON leaves two characters as they are that XML, and so SQS, does not have.
        return json_of(value).replace("\ufffe", "\\ufffe").replace("\uffff", "\\uffff")
    if not value:
        raise TemplateError("the message is empty, which SQS does not take")
    _check_characters("the message", value)
    return str(value)


def _check_characters(where: str, text: str) -> None:
    fault = _fault_of(where, text)
    if fault is not None:
        raise TemplateError(fault)


def _fault_of(where: str, text: str) -> str | None:
    found = _not_taken.search(text)
    return None if found is None else f"{where} holds U+{ord(found[0]):04X}, which SQS does not take"
