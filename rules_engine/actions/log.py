"""Write one structured line to the function's log.

```yaml
- type: log
  level: warning
  message: "Order {{ keys.order_id }} is large"
  fields: {total: "{{ new.total }}"}
```

- `level`: `debug`, `info` (default), `warning` or `error`.
- `message`: text of the line. Default: the rule's id.
- `fields`: what to log with it, by name. Without `message` and `fields` the change is logged (`eventID`,
  `eventName`, `table`, `createdAt`, `keys`, `new`, `old`).

The line is JSON on standard output: `level`, `message`, `rule_id`, `action_id`, `delivery_id`, `fields`. It
shows item values to everyone who may read the log: name the fields you need. Permissions: none. Limit: 8
KiB a line; in a longer one `fields` is cut to a text and the line has `"truncated": true`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from rules_engine import exact_json
from rules_engine.actions.rendering import json_of, payload, text_of
from rules_engine.light_dataclass import dataclass
from rules_engine.log_line import log_line, write_line
from rules_engine.template import compile_template

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rules_engine.actions import Clients, ConfigFinding, Permission
    from rules_engine.model import ActionSpec, Delivery, Scope
    from rules_engine.record import StreamRecord
    from rules_engine.template import Template

TYPE = "log"

SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": [],
    "properties": {
        "level": {
            "enum": ["debug", "info", "warning", "error"],
            "default": "info",
            "description": "Level of the line.",
            "examples": ["warning"],
        },
        "message": {
            "type": "string",
            "minLength": 1,
            "description": "Text of the line. Default: the rule's id.",
            "examples": ["Order {{ keys.order_id }} is large"],
        },
        "fields": {
            "type": "object",
            "description": "Values to log with it, by name.",
            "examples": [{"total": "{{ new.total }}"}],
        },
    },
}

MODES = ("at_least_once",)
PAYLOAD = ("message", "fields")
MOST_BYTES: int | None = None
TARGETS: tuple[str, ...] = ()
SECRET_FIELDS: tuple[str, ...] = ()
CONNECTION: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LogAction:
    """Writes one line for each record."""

    target: ClassVar[str] = ""
    level: str
    message: Template | None
    fields: Callable[[StreamRecord], Any] | None
    write: Callable[[str], object]

    def render(self, delivery: Delivery) -> dict[str, Any]:
        record = delivery.match.record
        rule_id = delivery.match.rule.id
        message = rule_id if self.message is None else text_of(self.message.render(record.document))
        request = {
            "level": self.level,
            "message": message,
            "rule_id": rule_id,
            "action_id": delivery.action.id,
            "delivery_id": delivery.id,
        }
        if self.fields is not None:
            # There and back: a value that cannot be written is to be found before anything is performed.
            request["fields"] = exact_json.loads(json_of(self.fields(record)))
        return request

    def perform(self, request: Mapping[str, Any]) -> None:
        self.write(log_line(**request))


def connect(spec: ActionSpec, environment: Mapping[str, str], clients: Clients) -> None:
    pass


def permissions(spec: ActionSpec) -> list[Permission]:
    return []


def check(config: Mapping[str, Any], mode: str = "at_least_once") -> list[ConfigFinding]:
    return []


def build(
    spec: ActionSpec,
    scope: Scope,
    environment: Mapping[str, str],
    clients: Clients | None,
    write: Callable[[str], object] = write_line,
) -> LogAction:
    """`write` takes the finished line; what it should do with it is the caller's choice."""
    config = spec.config
    message = compile_template(config["message"], scope, environment) if "message" in config else None
    fields = payload(spec, "fields", scope, environment) if message is None or "fields" in config else None
    return LogAction(str(config.get("level", "info")).upper(), message, fields, write)
