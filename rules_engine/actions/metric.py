"""Write a CloudWatch metric as a line in the function's log.

```yaml
- type: metric
  namespace: Shop
  name: OrderTotal
  value: "{{ new.total }}"
  unit: None
  dimensions: {country: "{{ new.country || 'unknown' }}"}
```

- `namespace`, `name`: of the metric; `${NAME}` may stand in them, a hole may not.
- `value`: a number, or a hole that gives one. Default: 1, which counts.
- `unit`: one of CloudWatch's units. Default: `Count` where there is no `value`, otherwise `None`.
- `dimensions`: at most 30 names with a text, a number, `true` or `false` each. Every combination of values is
  a metric of its own, and costs as one: a status or a country, never an order or a customer. A dimension
  without a value is an error of the record; give it one with `||`.

The line is in the embedded metric format, from which CloudWatch Logs makes the metric: no call, no waiting,
no permission. Its time is that of the change; what is older than 14 days CloudWatch does not take. Beside the
metric stand `rule_id`, `action_id` and `delivery_id`, for queries over the log. Where a function logs to
something else than CloudWatch there is the line and no metric.

A repeat counts again. A number that must be exact belongs into a `table` action with `mode: once`; here a
repeat is the exception, and a graph does not show it. CloudWatch keeps a value to about 15 digits, and takes
none beyond 2 to the power of 360.
"""

from __future__ import annotations

import re
import time
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar

from rules_engine.actions import ConfigFinding, refuse_errors
from rules_engine.actions.fixed_target import FixedTarget
from rules_engine.actions.rendering import is_one_hole, target, text_of
from rules_engine.errors import SettingsError, TemplateError
from rules_engine.exact_json import dumps
from rules_engine.expression.values import type_name
from rules_engine.light_dataclass import dataclass
from rules_engine.log_line import write_line
from rules_engine.template import compile_template, holes, scan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from rules_engine.actions import Clients, Permission
    from rules_engine.model import ActionSpec, Delivery, Scope
    from rules_engine.template import Template

TYPE = "metric"

UNITS = (
    "None", "Count", "Percent", "Seconds", "Microseconds", "Milliseconds",
    "Bytes", "Kilobytes", "Megabytes", "Gigabytes", "Terabytes",
    "Bits", "Kilobits", "Megabits", "Gigabits", "Terabits",
    "Count/Second", "Bytes/Second", "Kilobytes/Second", "Megabytes/Second", "Gigabytes/Second",
    "Terabytes/Second", "Bits/Second", "Kilobits/Second", "Megabits/Second", "Gigabits/Second",
    "Terabits/Second",
)  # fmt: skip

SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["namespace", "name"],
    "properties": {
        "namespace": {
            "type": "string",
            "minLength": 1,
            "description": "Namespace of the metric; those with `AWS/` are AWS's own.",
            "examples": ["Shop", "${METRICS_NAMESPACE}"],
        },
        "name": {
            "type": "string",
            "minLength": 1,
            "description": "Name of the metric.",
            "examples": ["OrderTotal"],
        },
        "value": {
            "type": ["number", "string"],
            "minLength": 1,
            "default": 1,
            "description": "A number, or a hole that gives one.",
            "examples": ["{{ new.total }}"],
        },
        "unit": {
            "enum": list(UNITS),
            "description": "CloudWatch's unit. Default: `Count` without a `value`, otherwise `None`.",
            "examples": ["Seconds"],
        },
        "dimensions": {
            "type": "object",
            "additionalProperties": {
                "type": ["string", "number", "boolean"],
                "examples": ["{{ new.status }}"],
            },
            "description": "Dimensions by name, each with few different values.",
            "examples": [{"status": "{{ new.status }}"}],
        },
    },
}

TARGETS = ("namespace", "name")
SECRET_FIELDS: tuple[str, ...] = ()
CONNECTION = ("namespace", "name")
MODES = ("at_least_once",)
PAYLOAD: tuple[str, ...] = ()
MOST_BYTES: int | None = None

DIMENSIONS_LIMIT = 30
VALUE_LIMIT = 1024
_LARGEST = Decimal(2**360)
_SMALLEST = 1 / _LARGEST

OUR_FIELDS = ("_aws", "rule_id", "action_id", "delivery_id")
"""What else is in the line, and so no name of a metric or dimension."""

_NAMESPACE = FixedTarget(
    key="namespace",
    kind="a namespace of one's own",
    is_one=re.compile(r"(?!AWS/)(?=.*[^ ])[A-Za-z0-9._/# -][A-Za-z0-9._/#: -]{0,254}").fullmatch,
    hint="write letters, digits and . - _ / # : and spaces, at most 255, not beginning with AWS/ or ':'",
)
_NAME = FixedTarget(
    key="name",
    kind="the name of a metric",
    is_one=re.compile(r"(?=.*[^ ])[ -~]{1,255}").fullmatch,
    hint="write one short line of ASCII, at most 255 characters",
)
_is_dimension_name = re.compile(r"(?!:)(?=.*[^ ])[ -~]{1,255}").fullmatch
_is_dimension_value = re.compile(r"(?=.*[^ ])[ -~]{1,1024}").fullmatch
_is_another_for_each = re.compile(
    r'\s*(?:keys(?:\.(?:\w+|"[^"]*"))+|eventID|sequenceNumber|createdAt)\s*'
).fullmatch
"""Whether a hole gives another value for each item or change."""


@dataclass(frozen=True, slots=True)
class MetricAction:
    """Writes one line for each record."""

    target: ClassVar[str] = ""
    namespace: str
    name: str
    value: Template
    unit: str
    dimensions: Template
    write: Callable[[str], object]
    clock: Callable[[], float]

    def render(self, delivery: Delivery) -> dict[str, Any]:
        record = delivery.match.record
        dimensions = {
            name: _dimension(name, value) for name, value in self.dimensions.render(record.document).items()
        }
        metric = {
            "Namespace": self.namespace,
            "Dimensions": [list(dimensions)],
            "Metrics": [{"Name": self.name, "Unit": self.unit}],
        }
        seconds = record.created_at_seconds
        time_of_it = {} if seconds is None else {"Timestamp": int(seconds * 1000)}
        return {
            "_aws": {**time_of_it, "CloudWatchMetrics": [metric]},
            **dimensions,
            self.name: _value(self.value.render(record.document)),
            "rule_id": delivery.match.rule.id,
            "action_id": delivery.action.id,
            "delivery_id": delivery.id,
        }

    def perform(self, request: Mapping[str, Any]) -> None:
        # Only a record that does not say when its change was made has no time here.
        metadata = {"Timestamp": int(self.clock() * 1000), **request["_aws"]}
        self.write(dumps({**request, "_aws": metadata}))


def connect(spec: ActionSpec, environment: Mapping[str, str], clients: Clients) -> None:
    _NAMESPACE.resolve(spec, environment)
    name = _NAME.resolve(spec, environment)
    if name in OUR_FIELDS:
        raise SettingsError(f"action '{spec.id}': {_taken(name)}")


def permissions(spec: ActionSpec) -> list[Permission]:
    return []


def check(config: Mapping[str, Any], mode: str = "at_least_once") -> list[ConfigFinding]:
    findings = [*_NAMESPACE.check(config), *_NAME.check(config), *_check_value(config.get("value", 1))]
    if config["name"] in OUR_FIELDS:
        findings.append(ConfigFinding("RE109", ("name",), _taken(config["name"]), "write another name"))
    dimensions = config.get("dimensions", {})
    if len(dimensions) > DIMENSIONS_LIMIT:
        message = f"the metric has {len(dimensions)} dimensions: CloudWatch takes at most {DIMENSIONS_LIMIT}"
        findings.append(ConfigFinding("RE109", ("dimensions",), message, "leave some of them out"))
    for name, value in dimensions.items():
        findings += _check_dimension_name(name, config["name"])
        findings += _check_dimension(name, value)
    return findings


def _check_value(value: Any) -> Iterator[ConfigFinding]:
    if not isinstance(value, str):
        fault = _fault_of_value(value)
    elif is_one_hole(value):
        fault = None
    else:
        fault = "the value of the metric is always text, never a number"
    if fault is not None:
        hint = "write a number, or one hole and nothing else, such as {{ new.total }}"
        yield ConfigFinding("RE109", ("value",), fault, hint)


def _check_dimension_name(name: str, metric: str) -> Iterator[ConfigFinding]:
    if name in (*OUR_FIELDS, metric):
        yield ConfigFinding("RE109", ("dimensions", name), _taken(name), "write another name")
    elif not _is_dimension_name(name):
        hint = "write a short name of ASCII that does not begin with ':'"
        yield ConfigFinding("RE109", ("dimensions", name), f"'{name}' is no name of a dimension", hint)


def _check_dimension(name: str, value: Any) -> Iterator[ConfigFinding]:
    """A text that is wrong whatever its holes give, and one that is another for each change."""
    path = ("dimensions", name)
    found = holes(value)
    if any(_is_another_for_each(hole.expression) for hole in found):
        message = f"the dimension '{name}' has another value for each item or change"
        hint = "each value is a metric that is paid for: take one of few values, and log the rest"
        yield ConfigFinding("RE455", path, message, hint, severity="warning")
    if not isinstance(value, str):
        return
    fixed = "".join(part for part in scan(value) if isinstance(part, str))
    # Letters stand in for what a hole or a reference gives.
    if not _is_dimension_value(fixed if fixed == value else f"x{fixed}"):
        hint = f"write one line of ASCII, 1 to {VALUE_LIMIT} characters"
        yield ConfigFinding("RE109", path, _wrong_dimension(name), hint)


def build(
    spec: ActionSpec,
    scope: Scope,
    environment: Mapping[str, str],
    clients: Clients | None,
    write: Callable[[str], object] = write_line,
    clock: Callable[[], float] = time.time,
) -> MetricAction:
    """`write` takes the finished line; `clock`, in seconds since 1970, is for changes without a time."""
    config = spec.config
    refuse_errors(spec, check(config, spec.mode))
    if clients is not None:
        connect(spec, environment, clients)
    return MetricAction(
        namespace=target(config["namespace"], environment),
        name=target(config["name"], environment),
        value=compile_template(config.get("value", 1), scope, environment),
        unit=config.get("unit", "None" if "value" in config else "Count"),
        dimensions=compile_template(config.get("dimensions", {}), scope, environment),
        write=write,
        clock=clock,
    )


def _value(value: Any) -> Any:
    fault = _fault_of_value(value)
    if fault is not None:
        raise TemplateError(fault)
    return value


def _fault_of_value(value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        return f"the value of the metric is of type {type_name(value)}, not a number"
    if value and not _SMALLEST <= Decimal(value).copy_abs() <= _LARGEST:
        return "the value of the metric is beyond what CloudWatch takes, 2 to the power of 360"
    return None


def _dimension(name: str, value: Any) -> str:
    kind = type_name(value)
    if kind not in ("string", "number", "boolean", "null"):
        raise TemplateError(f"the dimension '{name}' is of type {kind}, which CloudWatch does not take")
    text = "" if value is None else text_of(value)
    if not _is_dimension_value(text):
        raise TemplateError(_wrong_dimension(name))
    return text


def _wrong_dimension(name: str) -> str:
    return f"the dimension '{name}' is empty, too long, or has characters that are not printable ASCII"


def _taken(name: str) -> str:
    return f"'{name}' is another field of the same line"
