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

from typing import Any

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

TARGETS: tuple[str, ...] = ()
SECRET_FIELDS: tuple[str, ...] = ()
