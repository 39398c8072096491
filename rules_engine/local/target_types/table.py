"""What `table` actions write to: tables, read back through their streams.

What a write owes is found out by making it on a twin of the table, so that the server itself says which item
comes of an update. Numbers that rules add to are compared by what was added: changes of several items may
reach one counter in any order, and what it stands at in between says nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from rules_engine.actions.rendering import target
from rules_engine.attribute_value import decode
from rules_engine.errors import Superseded
from rules_engine.local.derivation import only_reference, stand_in
from rules_engine.local.effect import Effect
from rules_engine.local.tables import StreamReader, create_table

if TYPE_CHECKING:
    from collections.abc import Collection

    from rules_engine.actions import Action
    from rules_engine.local.derivation import Derivation
    from rules_engine.local.keys import Keys
    from rules_engine.local.ministack import Ministack
    from rules_engine.local.surroundings import Surroundings
    from rules_engine.model import ActionSpec, RuleSet

IN_TABLE = "in table"
PURPOSE = ""


def localise(spec: ActionSpec, derivation: Derivation, where: str) -> dict[str, Any]:
    derivation.need("table")
    return {**spec.config, "table": _local_name(spec.config["table"], derivation)}


def _local_name(text: str, derivation: Derivation) -> str:
    reference = only_reference(text)
    if reference is None:
        return derivation.resolved(text).rpartition("/")[2]
    if reference.default and re.fullmatch(r"[A-Za-z0-9_.-]{3,255}", reference.default):
        name = reference.default
    else:
        name = stand_in(reference.name)
        # `${ORDERS}` need not be the table that the rules watch under the name of orders.
        name = f"{name}-target" if name in derivation.source_tables else name
    derivation.assign(reference, "a table", name)
    return text


class TableTarget:
    """The tables themselves are made with those that rules watch: one may be both."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._aws = surroundings.aws
        self._keys = surroundings.plan.targets
        self._counted = surroundings.plan.counted
        self._streams = surroundings.streams
        self._twins: dict[str, _Twin] = {}

    def arrivals(self) -> list[Effect]:
        return [
            write_effect(table, record, self._counted.get(table, ()))
            for table in self._keys
            for record in self._streams[table].read()
        ]

    def owed(self, action: Action, request: Mapping[str, Any]) -> list[Effect]:
        twin = self._twins[request["TableName"]]
        with suppress(Superseded):
            action.perform({**request, "TableName": twin.name})
        return twin.new_effects()

    def sync(self) -> None:
        """The twins start from what the tables hold now: to begin with, and after deliveries not made."""
        for table, keys in self._keys.items():
            if table not in self._twins:
                self._twins[table] = _Twin(self._aws, table, keys, self._counted.get(table, ()))
            self._twins[table].sync()

    def twin_of(self, table: str) -> _Twin | None:
        """Where writes of others than rules are to be made as well; None for a table no rule writes to."""
        return self._twins.get(table)


def open_target(surroundings: Surroundings) -> TableTarget:
    return TableTarget(surroundings)


def counted_attributes(rule_set: RuleSet, environment: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """By table the names of attributes that rules add numbers to."""
    counted: dict[str, set[str]] = {}
    for rule in rule_set.rules:
        for spec in rule.actions if rule.enabled else ():
            if spec.type == "table" and "add" in spec.config.get("update", {}):
                name = target(spec.config["table"], environment)
                counted.setdefault(name, set()).update(spec.config["update"]["add"])
    return {name: tuple(sorted(attributes)) for name, attributes in counted.items()}


def write_effect(table: str, record: Mapping[str, Any], counted: Collection[str]) -> Effect:
    """A record of a table's stream: the item written, with what was added to numbers that are `counted`, or
    the key of the one deleted."""
    data = record["dynamodb"]
    if "NewImage" not in data:
        return Effect(IN_TABLE, table, {"deleted": _plain(decode({"M": data["Keys"]}))})
    item = _plain(decode({"M": data["NewImage"]}))
    old = decode({"M": data.get("OldImage", {})})
    numbers = [name for name in counted if isinstance(item.get(name), (int, Decimal))]
    added = {name: _plain(Decimal(item.pop(name)) - Decimal(old.get(name, 0))) for name in numbers}
    # Whether a counter was there already is for the changes before to say.
    changed = {name: number for name, number in added.items() if number}
    return Effect(IN_TABLE, table, {"item": item} | ({"added": changed} if changed else {}))


def _plain(value: Any) -> Any:
    """The value with its numbers as DynamoDB writes them: without the zeros at their end that the local
    server keeps."""
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else value.normalize()
    return value


class _Twin:
    """A table to which the same writes are made as must be made to the table it stands for."""

    def __init__(self, aws: Ministack, table: str, keys: Keys, counted: Collection[str]) -> None:
        self.name = f"{table}.expected"
        self._table = table
        self._keys = keys
        self._counted = counted
        self._dynamodb = aws.client("dynamodb")
        self._reader = StreamReader(aws, create_table(aws, self.name, keys))
        self._read = 0

    def sync(self) -> None:
        """The same items as in the table itself, whatever came before."""
        for item in self._items(self.name):
            key = {name: item[name] for name in self._keys.names}
            self._dynamodb.delete_item(TableName=self.name, Key=key)
        for item in self._items(self._table):
            self._dynamodb.put_item(TableName=self.name, Item=item)
        self._read = len(self._reader.read())

    def _items(self, table: str) -> list[dict[str, Any]]:
        pages = self._dynamodb.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
        return [item for page in pages for item in page["Items"]]

    def new_effects(self) -> list[Effect]:
        """What the writes since the last call came to."""
        records = self._reader.read()
        new, self._read = records[self._read :], len(records)
        return [write_effect(self._table, record, self._counted) for record in new]
