"""Put an event on an EventBridge bus.

```yaml
- type: eventbridge
  event_bus: ${ORDER_EVENTS_BUS}
  source: example.orders
  detail_type: Order shipped
  detail: {order: "{{ keys.order_id }}", total: "{{ new.total }}"}
```

- `event_bus`: name or ARN of the bus, or `default`; `${NAME}` may stand in it, a hole may not.
- `source`: who says it, such as `example.orders`; never beginning with `aws.`, which is AWS's own. `${NAME}`
  may stand in it, a hole may not.
- `detail_type`: what happened, at most 128 characters, for the patterns of rules; a hole may stand in it.
- `detail`: a map, sent as JSON with exact numbers. Default: the change (`eventID`, `eventName`, `table`,
  `createdAt`, `keys`, `new`, `old`).

The event's time is that of the change. EventBridge keeps no order, and a repeat is another event: put
`{{ eventID }}` into the detail, and let the receiver drop what it has. Whole numbers of more than 64 bits are
beyond what EventBridge promises to keep; send them as text, `{{ to_string(new.number) }}`.

EventBridge takes events for a bus that does not exist, and for a detail type that is too long, and drops them
without a word. So the bus is asked for before the first event and every five minutes, which needs a
permission of its own: without it nothing is asked.

Events for one bus go out up to ten in a call, also those of several rules. Permissions: `events:PutEvents`
and, but for the default bus, `events:DescribeEventBus` on the bus. Limit: 1 MiB an event, counted as
EventBridge does (time, source, detail type and detail), and ten events together; a larger one is an error of
the record.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from rules_engine.actions import ConfigFinding, Permission, refuse_errors
from rules_engine.actions.entries import errors_by_place
from rules_engine.actions.event_bus import DEFAULT_BUS, EventBus
from rules_engine.actions.fixed_target import FixedTarget
from rules_engine.actions.rendering import is_one_hole, json_of, payload, target, text_of
from rules_engine.errors import TemplateError
from rules_engine.light_dataclass import dataclass
from rules_engine.template import compile_template, scan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from rules_engine.actions import Clients
    from rules_engine.model import ActionSpec, Delivery, Scope
    from rules_engine.record import StreamRecord
    from rules_engine.template import Template

TYPE = "eventbridge"

SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["event_bus", "source", "detail_type"],
    "properties": {
        "event_bus": {
            "type": "string",
            "minLength": 1,
            "description": "Name or ARN of the bus, `default`, or a `${NAME}` that holds it.",
            "examples": ["${ORDER_EVENTS_BUS}", "order-events", "default"],
        },
        "source": {
            "type": "string",
            "minLength": 1,
            "description": "Who says it, for the patterns of rules; never beginning with `aws.`.",
            "examples": ["example.orders"],
        },
        "detail_type": {
            "type": "string",
            "minLength": 1,
            "description": "What happened, for the patterns of rules: at most 128 characters.",
            "examples": ["Order shipped", "Order {{ new.status }}"],
        },
        "detail": {
            # A string is one hole that yields the whole map, such as "{{ new }}".
            "type": ["object", "string"],
            "minLength": 1,
            "description": "What to say of it, a map, sent as JSON. Default: the change.",
            "examples": [{"order": "{{ keys.order_id }}"}, "{{ new }}"],
        },
    },
}

TARGETS = ("event_bus", "source")
SECRET_FIELDS: tuple[str, ...] = ()
CONNECTION = ("event_bus", "source")
MODES = ("at_least_once",)
PAYLOAD = ("detail",)
MOST_BYTES = 1024 * 1024

DETAIL_TYPE_LIMIT = 128
TIME_BYTES = 14
"""What EventBridge counts for a time."""

_BUS = FixedTarget(
    key="event_bus",
    kind="the name or ARN of an event bus",
    is_one=re.compile(
        r"(?:arn:[^:]+:events:[a-z0-9-]+:[0-9]{12}:event-bus/)?[A-Za-z0-9._-]{1,256}"
    ).fullmatch,
    hint="write its name of letters, digits, '.', '_' and '-', its ARN, 'default', or ${NAME}",
)
_SOURCE = FixedTarget(
    key="source",
    kind="a source of events of one's own",
    is_one=re.compile(r"(?![Aa][Ww][Ss](?:\.|$))\S(?:.{0,254}\S)?").fullmatch,
    hint="write a name such as example.orders, at most 256 characters; those with aws. are AWS's own",
)


@dataclass(frozen=True, slots=True)
class EventBridgeAction:
    """Puts one event for each record, up to ten in a call. A request is an entry of PutEvents."""

    most_entries: ClassVar[int] = 10
    most_bytes: ClassVar[int] = MOST_BYTES
    bus: EventBus
    source: str
    detail_type: Template
    detail: Callable[[StreamRecord], Any]
    client: Any

    @property
    def target(self) -> str:
        return f"eventbridge {self.bus.name}"

    @property
    def batch_key(self) -> str:
        return self.target

    def render(self, delivery: Delivery) -> dict[str, Any]:
        record = delivery.match.record
        request = {
            "EventBusName": self.bus.name,
            "Source": self.source,
            "DetailType": _detail_type(text_of(self.detail_type.render(record.document))),
            "Detail": _detail(self.detail(record)),
        }
        if record.created_at is not None:
            request["Time"] = record.created_at
        size = self.entry_bytes(request)
        if size > MOST_BYTES:
            raise TemplateError(f"the event has {size} bytes: EventBridge takes at most {MOST_BYTES}")
        return request

    def perform(self, request: Mapping[str, Any]) -> None:
        (error,) = self.perform_batch([request])
        if error is not None:
            raise error

    def entry_bytes(self, request: Mapping[str, Any]) -> int:
        size = sum(len(request[name].encode()) for name in ("Source", "DetailType", "Detail"))
        return size + TIME_BYTES if "Time" in request else size

    def perform_batch(self, requests: Sequence[Mapping[str, Any]]) -> list[Exception | None]:
        self.bus.make_sure()
        answer = self.client.put_events(Entries=[dict(request) for request in requests])
        return errors_by_place(answer.get("Entries", ()), len(requests), "EventId", "bus", "event")


def connect(spec: ActionSpec, environment: Mapping[str, str], clients: Clients) -> Any:
    """The client."""
    _BUS.resolve(spec, environment)
    _SOURCE.resolve(spec, environment)
    return clients.client("events", spec.timeout_seconds)


def permissions(spec: ActionSpec) -> list[Permission]:
    bus = spec.config["event_bus"]
    arn = bus
    if not bus.startswith("arn:"):
        arn = f"arn:${{AWS::Partition}}:events:${{AWS::Region}}:${{AWS::AccountId}}:event-bus/{bus}"
    needed = [Permission("events:PutEvents", arn)]
    if bus.rpartition("/")[2] != DEFAULT_BUS:
        needed.append(Permission("events:DescribeEventBus", arn))
    return needed


def check(config: Mapping[str, Any], mode: str = "at_least_once") -> list[ConfigFinding]:
    return [
        *_BUS.check(config),
        *_SOURCE.check(config),
        *_check_detail_type(config["detail_type"]),
        *_check_detail(config.get("detail")),
    ]


def _check_detail_type(text: str) -> Iterator[ConfigFinding]:
    size = sum(len(part) for part in scan(text) if isinstance(part, str))
    if size > DETAIL_TYPE_LIMIT:
        hint = "write a few words that rules can match, and the rest in 'detail'"
        yield ConfigFinding("RE109", ("detail_type",), _too_long(size), hint)


def _check_detail(detail: Any) -> Iterator[ConfigFinding]:
    if isinstance(detail, str) and not is_one_hole(detail):
        hint = 'write name: value lines, or one hole and nothing else, such as: detail: "{{ new }}"'
        yield ConfigFinding("RE109", ("detail",), "'detail' is always text, never a map", hint)


def build(
    spec: ActionSpec,
    scope: Scope,
    environment: Mapping[str, str],
    clients: Clients | None,
    clock: Callable[[], float] = time.monotonic,
) -> EventBridgeAction:
    """`clock` is for tests."""
    config = spec.config
    refuse_errors(spec, check(config, spec.mode))
    # Without clients the texts in `environment` may be stand-ins.
    client = None if clients is None else connect(spec, environment, clients)
    return EventBridgeAction(
        bus=EventBus(target(config["event_bus"], environment), client, clock),
        source=target(config["source"], environment),
        detail_type=compile_template(config["detail_type"], scope, environment),
        detail=payload(spec, "detail", scope, environment),
        client=client,
    )


def _detail_type(text: str) -> str:
    """EventBridge takes one that is too long, and drops the event: so it is found here."""
    if not text:
        raise TemplateError("the detail type is empty, which EventBridge does not take")
    if len(text) > DETAIL_TYPE_LIMIT:
        raise TemplateError(_too_long(len(text)))
    return text


def _too_long(size: int) -> str:
    return f"the detail type has {size} characters: EventBridge takes at most {DETAIL_TYPE_LIMIT}"


def _detail(value: Any) -> str:
    if not isinstance(value, Mapping):
        raise TemplateError("the detail is no map, and EventBridge takes nothing else")
    return json_of(value)
