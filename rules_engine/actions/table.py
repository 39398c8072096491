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

import re
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from rules_engine.actions import ConfigFinding, Permission
from rules_engine.actions.document_path import Path, UpdateNames, overlap, parse_path
from rules_engine.actions.rendering import target
from rules_engine.attribute_value import AttributeSet, Binary, encode, to_boto
from rules_engine.errors import AttributeValueError, RuleSetError, SettingsError, TemplateError
from rules_engine.template import compile_template

if TYPE_CHECKING:
    from rules_engine.actions import Clients
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

_OPERATIONS = {
    "put": "dynamodb:PutItem",
    "update": "dynamodb:UpdateItem",
    "delete": "dynamodb:DeleteItem",
}
"""Key of the config -> the one call it makes."""
_KEY_TYPES = ("S", "N", "B")

_is_table = re.compile(
    r"[A-Za-z0-9_.-]{3,255}|arn:[^:]+:dynamodb:[^:]*:[0-9]*:table/[A-Za-z0-9_.-]+"
).fullmatch


@dataclass(frozen=True, slots=True)
class PutAction:
    """Writes one item for each record."""

    table: str
    item: Template
    client: Any

    def render(self, delivery: Delivery) -> dict[str, Any]:
        item = _attributes("put", self.item.render(delivery.match.record.document))
        return {"TableName": self.table, "Item": item}

    def perform(self, request: Mapping[str, Any]) -> None:
        self.client.put_item(TableName=request["TableName"], Item=_to_boto(request["Item"]))


@dataclass(frozen=True, slots=True)
class DeleteAction:
    """Deletes one item for each record."""

    table: str
    key: Template
    client: Any

    def render(self, delivery: Delivery) -> dict[str, Any]:
        key = _key("delete.key", self.key.render(delivery.match.record.document))
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

    def render(self, delivery: Delivery) -> dict[str, Any]:
        document = delivery.match.record.document
        request: dict[str, Any] = {
            "TableName": self.table,
            "Key": _key("update.key", self.key.render(document)),
            "UpdateExpression": self.expression,
            "ExpressionAttributeNames": dict(self.names),
        }
        values = {
            placeholder: _attribute("update.set", template.render(document))
            for placeholder, template in self.set_values.items()
        }
        for placeholder, template in self.add_values.items():
            values[placeholder] = _addend(template.render(document))
        if values:  # DynamoDB refuses an empty map.
            request["ExpressionAttributeValues"] = values
        return request

    def perform(self, request: Mapping[str, Any]) -> None:
        parameters = {**request, "Key": _to_boto(request["Key"])}
        if "ExpressionAttributeValues" in request:
            parameters["ExpressionAttributeValues"] = _to_boto(request["ExpressionAttributeValues"])
        self.client.update_item(**parameters)


def permissions(spec: ActionSpec) -> list[Permission]:
    table = str(spec.config["table"])
    if not table.startswith("arn:"):
        table = f"arn:${{AWS::Partition}}:dynamodb:${{AWS::Region}}:${{AWS::AccountId}}:table/{table}"
    return [
        Permission(action, table) for operation, action in _OPERATIONS.items() if operation in spec.config
    ]


def check(config: Mapping[str, Any]) -> list[ConfigFinding]:
    given = [operation for operation in _OPERATIONS if operation in config]
    if not given:
        message = "a table action needs 'put', 'update' or 'delete'"
        return [ConfigFinding("RE308", (), message, "write the item with put: {name: value}")]
    if len(given) > 1:
        message = f"'{given[1]}' does not go together with '{given[0]}'"
        return [ConfigFinding("RE308", (given[1],), message, "make two actions of it")]
    return _check_update(config["update"]) if given == ["update"] else []


def _check_update(update: Mapping[str, Any]) -> list[ConfigFinding]:
    findings: list[ConfigFinding] = []
    seen: dict[Path, str] = {}
    for place, text in _update_paths(update):
        path = parse_path(text)
        if path is None:
            hint = "write name, map.name or list[0]"
            findings.append(ConfigFinding("RE109", place, f"'{text}' is not a document path", hint))
            continue
        other = next((known for known in seen if overlap(known, path)), None)
        if other is not None:
            message = f"'{text}' does not go together with '{seen[other]}'"
            hint = "DynamoDB changes a path only once in an update; make two actions of it"
            findings.append(ConfigFinding("RE308", place, message, hint))
        seen[path] = text
    if not findings and not seen:
        message = "an update needs 'set', 'add' or 'remove'"
        findings.append(ConfigFinding("RE308", ("update",), message, "write set: {name: value}"))
    return findings


def _update_paths(update: Mapping[str, Any]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    for part in ("set", "add"):
        for text in update.get(part, {}):
            yield ("update", part, text), text
    for number, text in enumerate(update.get("remove", [])):
        yield ("update", "remove", number), text


def build(
    spec: ActionSpec, scope: Scope, environment: Mapping[str, str], clients: Clients | None
) -> PutAction | UpdateAction | DeleteAction:
    findings = check(spec.config)
    if findings:
        raise RuleSetError(f"action '{spec.id}': {findings[0].message}")
    table = target(spec.config["table"], environment)
    # Without clients the texts in `environment` may be stand-ins.
    if clients is not None and not _is_table(table):
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
    for place, text in _update_paths(update):
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


def _attribute(where: str, value: Any) -> dict[str, Any]:
    try:
        return encode(value)
    except AttributeValueError as error:
        raise TemplateError(f"'{where}': {error}") from None


def _attributes(where: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise TemplateError(f"'{where}' is not a map but {_kind(value)}")
    return dict(_attribute(where, value)["M"])


def _key(where: str, value: Any) -> dict[str, Any]:
    key = _attributes(where, value)
    for name, attribute in key.items():
        if not any(attribute.get(tag) for tag in _KEY_TYPES):
            raise TemplateError(
                f"'{where}': attribute '{name}' must be a text, number or binary with a value"
            )
    return key


def _addend(value: Any) -> dict[str, Any]:
    """A number, or a set. A list is taken for the set of its elements: ADD knows no lists."""
    if isinstance(value, list) and not isinstance(value, AttributeSet):
        value = _set_of(value)
    attribute = _attribute("update.add", value)
    if not attribute.keys() & {"N", "SS", "NS", "BS"}:
        raise TemplateError(f"'update.add' takes numbers and sets, not {_kind(value)}")
    return attribute


def _set_of(elements: list[Any]) -> AttributeSet:
    once = dict.fromkeys(elements) if all(isinstance(element, Hashable) for element in elements) else {}
    kinds = {type(element) for element in once}
    if kinds == {Binary}:
        return AttributeSet("BS", once)
    if kinds == {str}:
        return AttributeSet("SS", once)
    if kinds and kinds <= {int, Decimal}:
        return AttributeSet("NS", once)
    raise TemplateError("'update.add': a list must hold texts only, numbers only or binaries only")


def _kind(value: Any) -> str:
    return "null" if value is None else type(value).__name__


def _to_boto(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: to_boto(attribute) for name, attribute in attributes.items()}
