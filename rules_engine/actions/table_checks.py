"""What is wrong with a `table` action whatever the record: keys, paths, and values that are written out.

In: a config that the schema accepts, templates unrendered. Out: findings. Only what must fail for every
record is one: a text with a hole or a reference is judged only by being a text, and a value that is one hole
not at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from rules_engine.actions import ConfigFinding
from rules_engine.actions.document_path import Path, overlap, parse_path
from rules_engine.actions.item import addend_of, key_of
from rules_engine.actions.rendering import is_one_hole
from rules_engine.errors import TemplateError
from rules_engine.template import holes, references

OPERATIONS = {
    "put": "dynamodb:PutItem",
    "update": "dynamodb:UpdateItem",
    "delete": "dynamodb:DeleteItem",
    "sync": "dynamodb:PutItem",
}
"""Key of the config -> the call it makes for one record."""

ConfigPath = tuple[str | int, ...]

is_table = re.compile(
    r"[A-Za-z0-9_.-]{3,255}|arn:[^:]+:dynamodb:[^:]*:[0-9]*:table/[A-Za-z0-9_.-]+"
).fullmatch
_is_number = re.compile(r"-?[0-9]+(\.[0-9]+)?").fullmatch


def check_table(config: Mapping[str, Any]) -> list[ConfigFinding]:
    """Everything against the whole action, or, where it is not clear what it does, only that."""
    given = [operation for operation in OPERATIONS if operation in config]
    if not given:
        message = "a table action needs 'put', 'update', 'delete' or 'sync'"
        return [ConfigFinding("RE308", (), message, "write the item with put: {name: value}")]
    if len(given) > 1:
        message = f"'{given[1]}' does not go together with '{given[0]}'"
        return [ConfigFinding("RE308", (given[1],), message, "make two actions of it")]
    findings = list(_check_name(config["table"]))
    if given == ["put"]:
        findings += _check_put(config["put"])
    elif given == ["delete"]:
        findings += _check_key("delete", config["delete"]["key"])
    elif given == ["sync"]:
        if "key" in config["sync"]:
            findings += _check_key("sync", config["sync"]["key"])
        findings += _check_sync_item(config["sync"].get("item"))
    else:
        findings += _check_key("update", config["update"]["key"])
        findings += _check_paths(config["update"])
        findings += _check_addends(config["update"])
    return findings


def update_paths(update: Mapping[str, Any]) -> Iterator[tuple[ConfigPath, str]]:
    """(where it stands, document path) of everything that an update changes."""
    for part in ("set", "add"):
        for text in update.get(part, {}):
            yield ("update", part, text), text
    for number, text in enumerate(update.get("remove", [])):
        yield ("update", "remove", number), text


def _check_name(table: str) -> Iterator[ConfigFinding]:
    if not holes(table) and not references(table) and not is_table(table):
        hint = "a name has 3 to 255 of A-Z, a-z, 0-9, '_', '.' and '-'; an ARN ends with table/ and the name"
        yield ConfigFinding("RE109", ("table",), f"'{table}' is not the name or ARN of a table", hint)


def _check_put(put: Any) -> Iterator[ConfigFinding]:
    if _is_text(put):
        hint = 'write name: value lines, or one hole and nothing else, such as: put: "{{ new }}"'
        yield ConfigFinding("RE109", ("put",), "'put' is always text, never an item", hint)
    elif isinstance(put, Mapping):
        # Every value that YAML can say is an attribute: the reader refuses the numbers that are none.
        yield from _without_name("put", ("put",), put)


def _check_sync_item(item: Any) -> Iterator[ConfigFinding]:
    path = ("sync", "item")
    if _is_text(item):
        hint = 'write name: value lines, or one hole and nothing else, such as: item: "{{ new }}"'
        yield ConfigFinding("RE109", path, "'sync.item' is always text, never an item", hint)
    elif isinstance(item, Mapping):
        yield from _without_name("sync.item", path, item)


def _check_key(operation: str, key: Any) -> Iterator[ConfigFinding]:
    where, path = f"{operation}.key", (operation, "key")
    if _is_text(key):
        hint = 'write name: value lines, or one hole and nothing else, such as: key: "{{ keys }}"'
        yield ConfigFinding("RE109", path, f"'{where}' is always text, never a key", hint)
    if not isinstance(key, Mapping):
        return
    if len(key) > 2:
        hint = "write the partition key and, where the table has one, the sort key"
        yield ConfigFinding("RE109", path, f"'{where}' has {len(key)} attributes: a key has 1 or 2", hint)
    yield from _without_name(where, path, key)
    for name, value in key.items():
        if isinstance(value, str) and value:
            continue
        try:
            key_of(where, {name: value})
        except TemplateError as error:
            hint = "write a text, a number, or a hole that gives one"
            yield ConfigFinding("RE109", (*path, name), str(error), hint)


def _check_paths(update: Mapping[str, Any]) -> list[ConfigFinding]:
    findings: list[ConfigFinding] = []
    seen: dict[Path, str] = {}
    key = update["key"] if isinstance(update["key"], Mapping) else {}
    for place, text in update_paths(update):
        path = parse_path(text)
        if path is None:
            hint = "write name, map.name or list[0]"
            findings.append(ConfigFinding("RE109", place, f"'{text}' is not a document path", hint))
            continue
        if path[0] in key:
            message = f"'{text}' is in 'key', and an update cannot change a key"
            hint = "leave it out here: the item has it from 'key'"
            findings.append(ConfigFinding("RE308", place, message, hint))
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


def _check_addends(update: Mapping[str, Any]) -> Iterator[ConfigFinding]:
    for text, value in update.get("add", {}).items():
        path = ("update", "add", text)
        if _is_text(value):
            hint = "write a number, or a list of what is to join a set"
            if _is_number(value):
                hint = f"remove the quotes: {value}"
            yield ConfigFinding("RE109", path, "'update.add' takes numbers and sets, not text", hint)
        elif not isinstance(value, str):
            yield from _not_addable(path, value)


def _not_addable(path: ConfigPath, value: Any) -> Iterator[ConfigFinding]:
    if isinstance(value, list):
        # What else will be in the set is not known, but it must be of one type with what is.
        known = ["text" if _is_text(each) else each for each in value if not is_one_hole(each)]
        if value and not known:
            return
        value = known
    try:
        addend_of(value)
    except TemplateError as error:
        yield ConfigFinding("RE109", path, str(error), "write for example: [a, b] or [1, 2]")


def _without_name(where: str, path: ConfigPath, attributes: Mapping[str, Any]) -> Iterator[ConfigFinding]:
    if "" in attributes:
        message, hint = f"'{where}' has an attribute without a name", "write its name before the colon"
        yield ConfigFinding("RE109", path, message, hint)


def _is_text(value: Any) -> bool:
    """Whether a value is a text for every record."""
    return isinstance(value, str) and not is_one_hole(value)
