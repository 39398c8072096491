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
    set: {last_order_id: "{{ keys.order_id }}", address: "{{ new.address }}"}
    add: {orders: 1}
    remove: [draft]
```

- `table`: name or ARN; `${NAME}` may stand in it, a hole may not.
- exactly one of
  - `put`: the whole item; `"{{ new }}"` copies one;
  - `update`: `key`, and any of `set` (path: value), `add` (path: number to add, or set or list whose
    elements join a set), `remove` (paths), none of them in the key. A path is `name`, `map.name` or
    `list[0]`;
  - `delete`: `key`.
  - `sync`: a copy of the item. `key` (default: the record's keys) and `item` (default: the new image).

An update makes the item where there is none, but never the map or list that a path leads through: DynamoDB
refuses `set: {last_order.id: ...}` for an item without `last_order`, and the update becomes a dead letter.
Where that can be, set the whole map, `set: {last_order: {id: ...}}`, or use a name of the top level.

Values that are one hole keep their DynamoDB type: sets, binaries and 38-digit numbers are copied as they
were. A hole without a value writes NULL; in a key it is an error of the record.

`add` counts again when a record is delivered again. With `mode: once` a write of any kind but `sync` takes
place once: it is made in one transaction with a marker in the function's state table, which is kept for 16
days.

A `sync` writes over older versions only, however often and in whatever order records come. Each item carries
its version in `_sequence_number`: the record's, or, where changes come through Kinesis, which does not keep
their order, the time of the change before it. Fill a new copy where the source table was restored or its
stream made anew: versions may begin lower. In place of a removed item stands a tombstone: the key,
`_removed: true` and `_expires_at`, 16 days later; readers leave out what has `_removed`, and time to live on
`_expires_at` clears it away. Let the rule match every change of the items to be copied: one that it does not
match is missing.

Puts and deletes for one table go out up to 25 in a call. Permissions: `dynamodb:PutItem`, `UpdateItem` or
`DeleteItem` on the table, and `BatchWriteItem` with puts and deletes; with `mode: once` also `PutItem` on the
state table. Limit: 400 KiB an item, DynamoDB's own.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from rules_engine.actions import ConfigFinding, Permission, refuse_errors
from rules_engine.actions.document_path import UpdateNames, parse_path
from rules_engine.actions.rendering import target
from rules_engine.actions.table_checks import OPERATIONS, check_table, is_table, update_paths
from rules_engine.actions.table_writes import (
    DeleteAction,
    OnceAction,
    PutAction,
    SyncAction,
    UpdateAction,
)
from rules_engine.errors import SettingsError
from rules_engine.settings import STATE_TABLE
from rules_engine.template import compile_template, field_template

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rules_engine.actions import Clients
    from rules_engine.model import ActionSpec, Scope
    from rules_engine.template import Template

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
                    "examples": [{"last_order_id": "{{ keys.order_id }}"}],
                },
                "add": {
                    "type": "object",
                    "minProperties": 1,
                    "additionalProperties": {"type": ["number", "array", "string"], "examples": [1]},
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
        "sync": {
            "type": "object",
            "additionalProperties": False,
            "description": "Keep a copy of the item, in which no older version ever replaces a newer one.",
            "examples": [{}, {"item": {"status": "{{ new.status }}"}}],
            "properties": {
                "key": {**_KEY, "default": "{{ keys }}"},
                "item": {
                    "type": ["object", "string"],
                    "minProperties": 1,
                    "minLength": 1,
                    "default": "{{ new }}",
                    "description": "What to write of it; the key is added.",
                    "examples": ["{{ new }}", {"status": "{{ new.status }}"}],
                },
            },
        },
    },
}

MODES = ("at_least_once", "once")
PAYLOAD = ("put", "update", "sync")
MOST_BYTES = 400 * 1024

TARGETS = ("table", "update.remove")
SECRET_FIELDS: tuple[str, ...] = ()
CONNECTION = ("table",)


def connect(spec: ActionSpec, environment: Mapping[str, str], clients: Clients) -> Any:
    """The client."""
    table = target(spec.config["table"], environment)
    if not is_table(table):
        raise SettingsError(f"action '{spec.id}': '{table}' is not the name or ARN of a table")
    if spec.mode == "once" and STATE_TABLE not in environment:
        fault = f"'mode: once' needs a state table: set {STATE_TABLE} to its name, or leave 'mode' out"
        raise SettingsError(f"action '{spec.id}': {fault}")
    return clients.client("dynamodb", spec.timeout_seconds)


def permissions(spec: ActionSpec) -> list[Permission]:
    name = str(spec.config["table"])
    operation, action = next(each for each in OPERATIONS.items() if each[0] in spec.config)
    needed = [Permission(action, _arn(name))]
    if spec.mode == "once":
        needed.append(Permission("dynamodb:PutItem", _arn(f"${{{STATE_TABLE}}}")))
    elif operation in ("put", "delete"):
        needed.append(Permission("dynamodb:BatchWriteItem", _arn(name)))
    return needed


def _arn(table: str) -> str:
    if table.startswith("arn:"):
        return table
    return f"arn:${{AWS::Partition}}:dynamodb:${{AWS::Region}}:${{AWS::AccountId}}:table/{table}"


def check(config: Mapping[str, Any], mode: str = "at_least_once") -> list[ConfigFinding]:
    findings = check_table(config)
    if not findings and mode == "once" and "sync" in config:
        message = "'sync' does not go together with 'mode: once'"
        findings.append(ConfigFinding("RE308", ("mode",), message, "leave 'mode' out: repeats do no harm"))
    return findings


def build(
    spec: ActionSpec,
    scope: Scope,
    environment: Mapping[str, str],
    clients: Clients | None,
    clock: Callable[[], float] = time.time,
) -> PutAction | UpdateAction | DeleteAction | OnceAction | SyncAction:
    """`clock` is for tests."""
    config = spec.config
    refuse_errors(spec, check(config, spec.mode))
    table = target(config["table"], environment)
    # Without clients the texts in `environment` may be stand-ins.
    client = None if clients is None else connect(spec, environment, clients)
    if "sync" in config:
        key, item = (
            compile_template(config["sync"][name], scope, environment)
            if name in config["sync"]
            else field_template(default)
            for name, default in (("key", "keys"), ("item", "new"))
        )
        return SyncAction(table, key, item, client)
    write = _build_write(table, config, scope, environment, client)
    if spec.mode != "once":
        return write
    return OnceAction(write, environment.get(STATE_TABLE, f"${{{STATE_TABLE}}}"), client, clock)


def _build_write(
    table: str, config: Mapping[str, Any], scope: Scope, environment: Mapping[str, str], client: Any
) -> PutAction | UpdateAction | DeleteAction:
    if "put" in config:
        return PutAction(table, compile_template(config["put"], scope, environment), client)
    if "delete" in config:
        return DeleteAction(table, compile_template(config["delete"]["key"], scope, environment), client)
    return _build_update(table, config["update"], scope, environment, client)


def _build_update(
    table: str, update: Mapping[str, Any], scope: Scope, environment: Mapping[str, str], client: Any
) -> UpdateAction:
    names = UpdateNames()
    values: dict[str, dict[str, Template]] = {"set": {}, "add": {}}
    written: dict[str, list[str]] = {"set": [], "add": [], "remove": []}
    for place, text in update_paths(update):
        part, path = str(place[1]), names.write(parse_path(text) or ())
        if part == "remove":
            written[part].append(path)
            continue
        placeholder = f":v{len(values['set']) + len(values['add'])}"
        values[part][placeholder] = compile_template(update[part][text], scope, environment)
        written[part].append(f"{path} = {placeholder}" if part == "set" else f"{path} {placeholder}")
    return UpdateAction(
        table=table,
        key=compile_template(update["key"], scope, environment),
        expression=" ".join(f"{part.upper()} {', '.join(paths)}" for part, paths in written.items() if paths),
        names=names.names,
        set_values=values["set"],
        add_values=values["add"],
        client=client,
    )
