"""Write to a DynamoDB table.

```yaml
- type: table
  table: ${ORDER_HISTORY_TABLE}
  put: {pk: "{{ keys.order_id }}", sk: "{{ eventID }}", change: "{{ new }}"}
```
```yaml
- type: table
  table: customers
  update:
    key: {customer_id: "{{ new.customer_id }}"}
    set: {last_order.id: "{{ keys.order_id }}", "flags[0]": seen}
    add: {orders: 1}
    remove: [draft]
```

- `table`: name or ARN; `${NAME}` may stand in it, a hole may not.
- exactly one of
  - `put`: the whole item; `"{{ new }}"` copies one;
  - `update`: `key`, and any of `set` (path: value), `add` (path: number to add, or set or list whose
    elements join a set), `remove` (paths). A path is `name`, `map.name` or `list[0]`;
  - `delete`: `key`.

Values that are one hole keep their DynamoDB type: sets, binaries and 38-digit numbers are copied as they
were. A hole without a value writes NULL; in a key it is an error of the record. `add` counts twice when a
record is delivered twice. Permissions: `dynamodb:PutItem`, `UpdateItem` or `DeleteItem` on the table.
Limit: 400 KiB an item, DynamoDB's own.
"""

from __future__ import annotations

from typing import Any

TYPE = "table"

_KEY = {
    # A string is one hole that yields the whole map, such as "{{ keys }}".
    "type": ["object", "string"],
    "minProperties": 1,
    "minLength": 1,
    "description": "The item's key attributes.",
    "examples": ["{{ keys }}", {"customer_id": "{{ new.customer_id }}"}],
}

SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["table"],
    "properties": {
        "table": {
            "type": "string",
            "minLength": 1,
            "description": "Name or ARN of the table, or a `${NAME}` that holds it.",
            "examples": ["${ORDER_HISTORY_TABLE}", "order-history"],
        },
        "put": {
            "type": ["object", "string"],
            "minProperties": 1,
            "minLength": 1,
            "description": "The item to write in place of what is there.",
            "examples": [{"pk": "{{ keys.order_id }}", "sk": "{{ eventID }}"}, "{{ new }}"],
        },
        "update": {
            "type": "object",
            "additionalProperties": False,
            "required": ["key"],
            "description": "Attributes to change in an item, which is made if there is none.",
            "examples": [{"key": "{{ keys }}", "add": {"changes": 1}}],
            "properties": {
                "key": _KEY,
                "set": {
                    "type": "object",
                    "minProperties": 1,
                    "description": "New values by document path.",
                    "examples": [{"last_order.id": "{{ keys.order_id }}"}],
                },
                "add": {
                    "type": "object",
                    "minProperties": 1,
                    "additionalProperties": {"type": ["string", "number", "array"]},
                    "description": "Numbers to add, or elements to put into a set, by document path.",
                    "examples": [{"orders": 1}],
                },
                "remove": {
                    "type": "array",
                    "minItems": 1,
                    "items": {"type": "string", "minLength": 1},
                    "description": "Document paths to remove.",
                    "examples": [["draft"]],
                },
            },
        },
        "delete": {
            "type": "object",
            "additionalProperties": False,
            "required": ["key"],
            "description": "The item to delete.",
            "examples": [{"key": "{{ keys }}"}],
            "properties": {"key": _KEY},
        },
    },
}

TARGETS = ("table", "update.remove")
SECRET_FIELDS: tuple[str, ...] = ()
