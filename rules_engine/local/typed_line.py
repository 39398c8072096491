"""A line typed into a running `dev`: `parse_line(line, tables)`.

    put orders {"order_id": "o-1", "status": "NEW", "total": 12.50}
    delete orders {"order_id": "o-1"}

Out: a `TypedChange`, a `Wish` for something else than a change, or None for an empty line. Items are plain
JSON; numbers keep all their digits. Refused with TypedLineError, in words for who typed it: another word or
table, text that is no JSON object, a key that is not whole or of another type than the table's.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from rules_engine import exact_json
from rules_engine.attribute_value import encode, to_boto
from rules_engine.errors import AttributeValueError, RulesEngineError
from rules_engine.expression.checks.spelling import nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rules_engine.local.keys import Keys

PUT, DELETE = "put", "delete"


class Wish(Enum):
    """What a line may ask for besides a change."""

    HELP = "help"
    QUIT = "quit"


_WORDS = (PUT, DELETE, *(wish.value for wish in Wish))
_KINDS = {"S": "a text", "N": "a number", "B": "a binary, which cannot be typed here"}


class TypedLineError(RulesEngineError):
    """The line cannot be taken. The message says why and what could be typed."""


@dataclass(frozen=True, slots=True)
class TypedChange:
    """`attributes` are in DynamoDB JSON: the whole item to put, or the key of the one to delete."""

    verb: str
    table: str
    attributes: Mapping[str, Any]


def parse_line(line: str, tables: Mapping[str, Keys]) -> TypedChange | Wish | None:
    """What the line asks for. `tables` are those that may be changed, with their keys."""
    word, _, rest = line.strip().partition(" ")
    if not word:
        return None
    if word not in _WORDS:
        raise TypedLineError(_unknown("command", word, _WORDS))
    if word not in (PUT, DELETE):
        return Wish(word)
    table, _, text = rest.strip().partition(" ")
    form = f"{word} TABLE {{...}}"
    if not table:
        raise TypedLineError(f"'{word}' needs a table and its {_noun(word)}: {form}")
    if table not in tables:
        raise TypedLineError(_unknown("table that a rule watches", table, tables))
    if not text.strip():
        raise TypedLineError(f"'{word} {table}' needs the {_noun(word)} as JSON: {form}")
    values = _object(text)
    attributes = {name: _attribute(name, value) for name, value in values.items()}
    _check_key(word, table, attributes, tables[table])
    return TypedChange(word, table, attributes)


def help_lines(tables: Mapping[str, Keys]) -> list[str]:
    """What can be typed, with an example that works for one of the tables."""
    lines = [f"table {name} has the key {each}" for name, each in tables.items()]
    for table, keys in list(tables.items())[:1]:
        key = {name: 1 if kind == "N" else "mine" for name, kind in keys.attributes}
        item = exact_json.dumps({**key, "status": "NEW"})
        lines.append(f"put {table} {item} writes an item, new or changed, given as JSON")
        lines.append(f"delete {table} {exact_json.dumps(key)} deletes the item with that key")
    return [*lines, "quit ends, as Ctrl-C does"]


def _noun(word: str) -> str:
    return "item" if word == PUT else "key"


def _unknown(what: str, name: str, known: Iterable[str]) -> str:
    near = nearest(name, known)
    return f"'{name}' is no {what}: " + (
        f"did you mean '{near}'?" if near else f"there is {', '.join(known)}"
    )


def _object(text: str) -> dict[str, Any]:
    try:
        value = exact_json.loads(text, unique_keys=True)
    except json.JSONDecodeError as error:
        place = text[error.pos : error.pos + 20]
        advice = "names and texts stand in double quotes"
        raise TypedLineError(f"not JSON at '{place}': {error.msg}; {advice}") from None
    except ValueError as error:
        raise TypedLineError(f"not JSON: {error}") from None
    if not isinstance(value, dict):
        raise TypedLineError('what follows the table must be an object, such as {"id": "mine"}')
    return value


def _attribute(name: str, value: Any) -> dict[str, Any]:
    try:
        attribute = encode(value)
        to_boto(attribute)
    except AttributeValueError as error:
        raise TypedLineError(f"'{name}' cannot be an attribute of DynamoDB: {error}") from None
    return attribute


def _check_key(word: str, table: str, attributes: Mapping[str, Any], keys: Keys) -> None:
    for name, kind in keys.attributes:
        if name not in attributes:
            raise TypedLineError(f"the {_noun(word)} has no '{name}': the key of table '{table}' is {keys}")
        if kind not in attributes[name]:
            raise TypedLineError(f"'{name}' must be {_KINDS[kind]}: the key of table '{table}' is {keys}")
        if attributes[name] == {"S": ""}:
            raise TypedLineError(f"'{name}' is empty, which DynamoDB takes for no part of a key")
    more = sorted(set(attributes) - set(keys.names))
    if word == DELETE and more:
        raise TypedLineError(f"'{more[0]}' is no part of the key: the key of table '{table}' is {keys}")
