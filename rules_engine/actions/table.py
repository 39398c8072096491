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

An update makes the item where there is none, but never the map or list that a path leads through: DynamoDB
refuses `set: {last_order.id: ...}` for an item without `last_order`, and the update becomes a dead letter.
Where that can be, set the whole map, `set: {last_order: {id: ...}}`, or use a name of the top level.

Values that are one hole keep their DynamoDB type: sets, binaries and 38-digit numbers are copied as they
were. A hole without a value writes NULL; in a key it is an error of the record. `add` counts twice when a
record is delivered twice. Permissions: `dynamodb:PutItem`, `UpdateItem` or `DeleteItem` on the table.
Limit: 400 KiB an item, DynamoDB's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rules_engine.actions import Permission
from rules_engine.actions.document_path import UpdateNames, parse_path
from rules_engine.actions.item import addend_of, attribute_of, item_of, key_of
from rules_engine.actions.rendering import target
from rules_engine.actions.table_checks import OPERATIONS, check_table, is_table, update_paths
from rules_engine.attribute_value import to_boto
from rules_engine.errors import RuleSetError, SettingsError
from rules_engine.template import compile_template

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rules_engine.actions import Clients, ConfigFinding
    from rules_engine.model import ActionSpec, Delivery, Scope
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
    },
}

TARGETS = ("table", "update.remove")
SECRET_FIELDS: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PutAction:
    """Writes one item for each record."""

    table: str
    item: Template
    client: Any

    @property
    def target(self) -> str:
        return target_name(self.table)

    def render(self, delivery: Delivery) -> dict[str, Any]:
        item = item_of("put", self.item.render(delivery.match.record.document))
        return {"TableName": self.table, "Item": item}

    def perform(self, request: Mapping[str, Any]) -> None:
        self.client.put_item(TableName=request["TableName"], Item=_to_boto(request["Item"]))


@dataclass(frozen=True, slots=True)
class DeleteAction:
    """Deletes one item for each record."""

    table: str
    key: Template
    client: Any

    @property
    def target(self) -> str:
        return target_name(self.table)

    def render(self, delivery: Delivery) -> dict[str, Any]:
        key = key_of("delete.key", self.key.render(delivery.match.record.document))
        return {"TableName": self.table, "Key": key}

    def perform(self, request: Mapping[str, Any]) -> None:
        self.client.delete_item(TableName=request["TableName"], Key=_to_boto(request["Key"]))


@dataclass(frozen=True, slots=True)
class UpdateAction:
    """Changes attributes of one item for each record. All but the values is written when it is built."""

    table: str
    key: Template
    expression: str
    names: Mapping[str, str]
    set_values: Mapping[str, Template]
    add_values: Mapping[str, Template]
    client: Any

    @property
    def target(self) -> str:
        return target_name(self.table)

    def render(self, delivery: Delivery) -> dict[str, Any]:
        document = delivery.match.record.document
        request: dict[str, Any] = {
            "TableName": self.table,
            "Key": key_of("update.key", self.key.render(document)),
            "UpdateExpression": self.expression,
            "ExpressionAttributeNames": dict(self.names),
        }
        values = {
            placeholder: attribute_of("update.set", template.render(document))
            for placeholder, template in self.set_values.items()
        }
        for placeholder, template in self.add_values.items():
            values[placeholder] = addend_of(template.render(document))
        if values:  # DynamoDB refuses an empty map.
            request["ExpressionAttributeValues"] = values
        return request

    def perform(self, request: Mapping[str, Any]) -> None:
        parameters = {**request, "Key": _to_boto(request["Key"])}
        if "ExpressionAttributeValues" in request:
            parameters["ExpressionAttributeValues"] = _to_boto(request["ExpressionAttributeValues"])
        self.client.update_item(**parameters)


def target_name(table: str) -> str:
    return f"table {table}"


def permissions(spec: ActionSpec) -> list[Permission]:
    table = str(spec.config["table"])
    if not table.startswith("arn:"):
        table = f"arn:${{AWS::Partition}}:dynamodb:${{AWS::Region}}:${{AWS::AccountId}}:table/{table}"
    return [Permission(action, table) for operation, action in OPERATIONS.items() if operation in spec.config]


def check(config: Mapping[str, Any]) -> list[ConfigFinding]:
    return check_table(config)


def build(
    spec: ActionSpec, scope: Scope, environment: Mapping[str, str], clients: Clients | None
) -> PutAction | UpdateAction | DeleteAction:
    findings = check(spec.config)
    if findings:
        raise RuleSetError(f"action '{spec.id}': {findings[0].message}")
    table = target(spec.config["table"], environment)
    # Without clients the texts in `environment` may be stand-ins.
    if clients is not None and not is_table(table):
        raise SettingsError(f"action '{spec.id}': '{table}' is not the name or ARN of a table")
    client = None if clients is None else clients.client("dynamodb", spec.timeout_seconds)
    if "put" in spec.config:
        return PutAction(table, compile_template(spec.config["put"], scope, environment), client)
    if "delete" in spec.config:
        return DeleteAction(table, compile_template(spec.config["delete"]["key"], scope, environment), client)
    return _build_update(table, spec.config["update"], scope, environment, client)


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


def _to_boto(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: to_boto(attribute) for name, attribute in attributes.items()}
