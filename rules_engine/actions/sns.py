"""Publish a message to an SNS topic.

```yaml
- type: sns
  topic_arn: ${ORDER_EVENTS_TOPIC_ARN}
  subject: "Order {{ keys.order_id }} shipped"
  message: {order: "{{ keys.order_id }}", total: "{{ new.total }}"}
  attributes: {status: "{{ new.status }}"}
```

- `topic_arn`: the topic; `${NAME}` may stand in it, a hole may not.
- `message`: a text is sent as it is, anything else as JSON with exact numbers. Default: the change
  (`eventID`, `eventName`, `table`, `createdAt`, `keys`, `new`, `old`).
- `subject`: for e-mail subscribers; printable ASCII, one line, at most 100 characters.
- `attributes`: for subscription filters. A text becomes `String`, a number `Number`, a list or a DynamoDB set
  `String.Array`, a DynamoDB binary `Binary`, `true` and `false` the text. What is null is left out.

Text that users write belongs in the message, not in the subject: a name such as `Zoë`, a line end or a long
text makes the subject impossible, and the message becomes a dead letter. Ids and states of your own, as in
the example, are safe.

A topic whose name ends in `.fifo` gets the item's key as message group, so the messages of one item stay in
order, and the delivery id as deduplication id, so a repeat within five minutes is dropped. `mode: once` can
be had with such a topic only.

Messages for one topic go out up to ten in a call. Permissions: `sns:Publish` on the topic. Limit: 256 KiB for
message and attributes together; a larger one is an error of the record, not of the topic.
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
from rules_engine.actions.rendering import payload, target, text_of
from rules_engine.errors import SettingsError, TemplateError
from rules_engine.light_dataclass import dataclass
from rules_engine.template import compile_template, references, scan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from rules_engine.actions import Clients
    from rules_engine.model import ActionSpec, Delivery, Scope
    from rules_engine.record import StreamRecord
    from rules_engine.template import Template

TYPE = "sns"

SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["topic_arn"],
    "properties": {
        "topic_arn": {
            "type": "string",
            "minLength": 1,
            "description": "ARN of the topic, or a `${NAME}` that holds it.",
            "examples": ["${ORDER_EVENTS_TOPIC_ARN}", "arn:aws:sns:eu-west-1:123456789012:orders"],
        },
        "subject": {
            "type": "string",
            "minLength": 1,
            "description": "Subject of e-mails made of the message: ASCII, one line, at most 100 characters.",
            "examples": ["Order {{ keys.order_id }} shipped"],
        },
        "message": {
            "description": "What to send: a text as it is, anything else as JSON. Default: the change.",
            "examples": [{"order": "{{ keys.order_id }}"}, "Order {{ keys.order_id }} shipped"],
        },
        "attributes": {
            "type": "object",
            # The names that SNS takes: no dot at either end or twice, at most 256 characters.
            "propertyNames": {"pattern": r"^(?=.{1,256}$)[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$"},
            "additionalProperties": {
                "type": ["string", "number", "boolean", "array"],
                "examples": ["{{ new.status }}"],
            },
            "description": "Message attributes by name, for the filters of subscriptions.",
            "examples": [{"status": "{{ new.status }}", "total": "{{ new.total }}"}],
        },
    },
}

TARGETS = ("topic_arn",)
SECRET_FIELDS: tuple[str, ...] = ()
CONNECTION = ("topic_arn",)
MODES = ("at_least_once", "once")
PAYLOAD = ("message", "attributes")
MOST_BYTES = 256 * 1024

SUBJECT_LIMIT = 100

_TOPIC = FixedTarget(
    key="topic_arn",
    kind="the ARN of an SNS topic",
    is_one=re.compile(r"arn:[^:]+:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}(?:\.fifo)?").fullmatch,
    hint="write arn:aws:sns:<region>:<account>:<name>, or ${NAME} for a variable of the function",
)


@dataclass(frozen=True, slots=True)
class SnsAction:
    """Publishes one message for each record, up to ten in a call."""

    most_entries: ClassVar[int] = 10
    most_bytes: ClassVar[int] = MOST_BYTES
    topic_arn: str
    message: Callable[[StreamRecord], Any]
    subject: Template | None
    attributes: Template
    client: Any

    @property
    def target(self) -> str:
        return f"sns {self.topic_arn}"

    @property
    def batch_key(self) -> str:
        return self.target

    def render(self, delivery: Delivery) -> dict[str, Any]:
        record = delivery.match.record
        message = text_of(self.message(record))
        if not message:
            raise TemplateError("the message is empty, which SNS does not take")
        request: dict[str, Any] = {"TopicArn": self.topic_arn, "Message": message}
        if self.subject is not None:
            request["Subject"] = _subject(text_of(self.subject.render(record.document)))
        attributes = message_attributes(self.attributes.render(record.document), "SNS")
        if attributes:
            request["MessageAttributes"] = attributes
        _check_size(message, attributes)
        if self.topic_arn.endswith(".fifo"):
            request["MessageGroupId"] = message_group_id(record)
            request["MessageDeduplicationId"] = delivery.id
        return request

    def perform(self, request: Mapping[str, Any]) -> None:
        self.client.publish(**with_bytes(request))

    def entry_bytes(self, request: Mapping[str, Any]) -> int:
        return message_bytes(request["Message"], request.get("MessageAttributes", {}))

    def perform_batch(self, requests: Sequence[Mapping[str, Any]]) -> list[Exception | None]:
        entries = []
        for number, request in enumerate(requests):
            entry = {"Id": str(number), **with_bytes(request)}
            del entry["TopicArn"]
            entries.append(entry)
        answer = self.client.publish_batch(TopicArn=self.topic_arn, PublishBatchRequestEntries=entries)
        return errors_by_id(answer, len(requests), "topic")


def connect(spec: ActionSpec, environment: Mapping[str, str], clients: Clients) -> Any:
    """The client."""
    topic_arn = _TOPIC.resolve(spec, environment)
    if spec.mode == "once" and not topic_arn.endswith(".fifo"):
        fault = f"'mode: once' needs a FIFO topic, and '{topic_arn}' is none"
        mend = "name one that ends in .fifo, or leave 'mode' out"
        raise SettingsError(f"action '{spec.id}': {fault}: {mend}")
    return clients.client("sns", spec.timeout_seconds)


def permissions(spec: ActionSpec) -> list[Permission]:
    return [Permission("sns:Publish", spec.config["topic_arn"])]


def check(config: Mapping[str, Any], mode: str = "at_least_once") -> list[ConfigFinding]:
    findings = [*_TOPIC.check(config), *_check_subject(config), *_check_empty(config)]
    topic_arn = config["topic_arn"]
    if not findings and mode == "once" and not references(topic_arn) and not topic_arn.endswith(".fifo"):
        hint = "leave 'mode' out, or publish to a topic whose name ends in .fifo"
        findings.append(ConfigFinding("RE308", ("mode",), "'mode: once' needs a FIFO topic", hint))
    return findings


def _check_subject(config: Mapping[str, Any]) -> Iterator[ConfigFinding]:
    subject = config.get("subject")
    if subject is None:
        return
    fixed = "".join(part for part in scan(subject) if isinstance(part, str))
    fault = _subject_fault(fixed, is_whole=fixed == subject)
    if fault is not None:
        hint = "write one short line of ASCII; any other text has its place in 'message'"
        yield ConfigFinding("RE109", ("subject",), fault, hint)


def _check_empty(config: Mapping[str, Any]) -> Iterator[ConfigFinding]:
    if config.get("message") == "":
        message, hint = "the message is empty, which SNS does not take", "write a text, or remove the key"
        yield ConfigFinding("RE109", ("message",), message, hint)
    yield from check_attributes(config.get("attributes", {}), "SNS")


def build(
    spec: ActionSpec, scope: Scope, environment: Mapping[str, str], clients: Clients | None
) -> SnsAction:
    config = spec.config
    refuse_errors(spec, check(config, spec.mode))
    return SnsAction(
        topic_arn=target(config["topic_arn"], environment),
        message=payload(spec, "message", scope, environment),
        subject=compile_template(config["subject"], scope, environment) if "subject" in config else None,
        attributes=compile_template(config.get("attributes", {}), scope, environment),
        # Without clients the texts in `environment` may be stand-ins.
        client=None if clients is None else connect(spec, environment, clients),
    )


def _subject(text: str) -> str:
    """SNS refuses the whole message for a bad subject, so it is found here, by name."""
    fault = _subject_fault(text, is_whole=True)
    if fault is not None:
        raise TemplateError(fault)
    return text


def _subject_fault(text: str, *, is_whole: bool) -> str | None:
    """What is wrong with a subject, or with those parts of one that are the same for every record."""
    if len(text) > SUBJECT_LIMIT or (is_whole and not text):
        return f"the subject has {len(text)} characters: SNS takes 1 to {SUBJECT_LIMIT}"
    if not text.isascii() or not text.isprintable() or (is_whole and text[0] == " "):
        return "the subject must be one line of printable ASCII that does not start with a space"
    return None


def _check_size(message: str, attributes: Mapping[str, Mapping[str, str]]) -> None:
    size = message_bytes(message, attributes)
    if size > MOST_BYTES:
        raise TemplateError(f"the message has {size} bytes: SNS takes at most {MOST_BYTES}")
