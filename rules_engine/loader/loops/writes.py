"""What the actions of rules write into tables, without a record.

In: rules. Out: a `Write` for each action that writes an item of a table, and what is known of the tables'
keys. The only type that does is `table`; another one gets its reading here. A table that is named by
`${NAME}` is known when the function starts: it is taken for a source table that it is called after
(`${ORDERS_TABLE}` for `orders`), but nothing counts as certain then.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rules_engine.actions.document_path import overlap, parse_path
from rules_engine.actions.table_checks import OPERATIONS
from rules_engine.actions.table_writes import EXPIRY, VERSION
from rules_engine.actions.table_writes import REMOVED as REMOVED_NAME
from rules_engine.expression.checks.places import path_from, walk
from rules_engine.expression.syntax import parse
from rules_engine.light_dataclass import dataclass
from rules_engine.loader.loops.values import (
    REMOVED,
    UNKNOWN_LEAF,
    Leaf,
    addend_leaf,
    key_leaves,
    leaves_of,
)
from rules_engine.template import holes, references

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from rules_engine.actions.document_path import Path
    from rules_engine.model import ActionSpec, Rule, Scope

    _Parts = tuple[Mapping[str, Leaf] | Leaf | None, tuple[Path, ...], Mapping[Path, Leaf]]

_COPY_OF_KEYS = Leaf("copy", reads=(("keys",),))
_COPY_OF_NEW = Leaf("copy", reads=(("new",),))

_OF_TOMBSTONE: dict[Path, Leaf] = {
    (VERSION,): Leaf("fresh", field="sequenceNumber"),
    (REMOVED_NAME,): Leaf("any"),
    (EXPIRY,): Leaf("any"),
}


@dataclass(frozen=True, slots=True)
class Write:
    """What one action does to one item.

    `replaced` are the paths that it writes anew, `()` for the whole item; `leaves` is what it writes there.
    `key` is what names the item; None where that is to be looked for in `leaves`.
    """

    action: ActionSpec
    operation: str
    table: str
    is_table_sure: bool
    key: Mapping[str, Leaf] | Leaf | None
    replaced: tuple[Path, ...]
    leaves: Mapping[Path, Leaf]

    def at(self, path: Path) -> Leaf | str | None:
        """What is at a path of names afterwards: a leaf, `map`, `absent`, or None if the write leaves it."""
        over = [each for each in self.replaced if overlap(each, path)]
        if not over:
            return None
        if len(over[0]) > len(path):
            return UNKNOWN_LEAF
        for end in range(len(path), len(over[0]) - 1, -1):
            leaf = self.leaves.get(path[:end])
            if leaf is not None:
                return _inside(leaf, path[end:])
        below = any(each[: len(path)] == path for each in self.leaves)
        return "map" if below or not path else "absent"

    def of_event(self, event: str) -> Write:
        """The write for a record of this event."""
        tombstone = self.operation == "sync" and event == "REMOVE"
        return replace(self, leaves=_OF_TOMBSTONE) if tombstone else self

    @property
    def field(self) -> str | None:
        """A field of the record that makes what is written another one each time, or `add`."""
        if any(leaf.kind == "counter" for leaf in self.leaves.values()):
            return "add"
        of_key = self.key.values() if isinstance(self.key, dict) else ()
        return next((leaf.field for leaf in (*self.leaves.values(), *of_key) if leaf.field), None)


def _inside(leaf: Leaf, path: Path) -> Leaf:
    if not path:
        return leaf
    if leaf.kind == "copy" and all(isinstance(step, str) for step in path):
        return Leaf("part", reads=((*leaf.reads[0], *map(str, path)),))
    return REMOVED if leaf.kind == "removed" else UNKNOWN_LEAF


def writes_of(rule: Rule, sources: Collection[str], named_after: Mapping[str, str]) -> list[Write]:
    """The writes of a rule into tables that are among the sources."""
    return [
        _write(action, rule.scope, *table)
        for action in rule.actions
        if action.type == "table" and (table := _table(action.config["table"], sources, named_after))
    ]


def _table(written: str, sources: Collection[str], named_after: Mapping[str, str]) -> tuple[str, bool] | None:
    """(table, whether it is surely that one) of what stands under `table`."""
    if written in sources:
        return written, True
    arn = re.fullmatch(r"arn:[^:]+:dynamodb:[^:]*:[^:]*:table/([^/]+)", written)
    if arn and arn[1] in sources:
        return arn[1], False  # a table of this name may be in several regions
    found = references(written)
    if len(found) != 1 or written != f"${{{found[0].text}}}":
        return None
    if found[0].default in sources:
        return str(found[0].default), False
    meant = named_after.get(_core(found[0].name))
    return (meant, False) if meant else None


def tables_by_core(sources: Iterable[str]) -> dict[str, str]:
    """The source tables by what the name of a variable would have of theirs."""
    return {_core(table): table for table in sources}


def _core(name: str) -> str:
    """`ORDERS_TABLE`, `OrdersTableName` and `orders-table` are one."""
    plain = re.sub(r"[^a-z0-9]", "", name.lower())
    return re.sub(r"^(?:ddb|dynamodb)|(?:table)?(?:name|arn)?$", "", plain)


def _write(action: ActionSpec, scope: Scope, table: str, is_sure: bool) -> Write:
    config = action.config
    operation = next(name for name in OPERATIONS if name in config)
    key, replaced, leaves = _READ[operation](config[operation], scope)
    return Write(action, operation, table, is_sure, key, replaced, leaves)


def _read_put(put: Any, scope: Scope) -> _Parts:
    return None, ((),), dict(leaves_of(put, scope))


def _read_update(update: Mapping[str, Any], scope: Scope) -> _Parts:
    leaves: dict[Path, Leaf] = {}
    replaced = []
    for text, value in update.get("set", {}).items():
        path = parse_path(text) or ()
        replaced.append(path)
        leaves.update(leaves_of(value, scope, path))
    for text, value in update.get("add", {}).items():
        path = parse_path(text) or ()
        replaced.append(path)
        leaves[path] = addend_leaf(value, scope)
    for text in update.get("remove", ()):
        path = parse_path(text) or ()
        replaced.append(path)
        leaves[path] = REMOVED
    return key_leaves(update["key"], scope), tuple(replaced), leaves


def _read_delete(delete: Mapping[str, Any], scope: Scope) -> _Parts:
    return key_leaves(delete["key"], scope), ((),), {}


def _read_sync(sync: Mapping[str, Any], scope: Scope) -> _Parts:
    key = key_leaves(sync["key"], scope) if "key" in sync else _COPY_OF_KEYS
    leaves: dict[Path, Leaf] = {(): _COPY_OF_NEW}
    if "item" in sync:
        leaves = dict(leaves_of(sync["item"], scope))
    return key, ((),), {**leaves, **_OF_TOMBSTONE}


_READ: dict[str, Callable[[Any, Scope], _Parts]] = {
    "put": _read_put,
    "update": _read_update,
    "delete": _read_delete,
    "sync": _read_sync,
}


# Keys


def key_names(rules: Iterable[Rule], writes: Iterable[Write]) -> dict[str, frozenset[str]]:
    """The names of the key attributes of tables, as far as rules and their tests show them."""
    whole: dict[str, frozenset[str]] = {}
    for write in writes:
        if write.is_table_sure and isinstance(write.key, dict):
            whole.setdefault(write.table, frozenset(write.key))
    mentioned: dict[str, set[str]] = {}
    for rule in rules:
        if len(rule.tables) != 1:
            continue
        for test in rule.tests:
            record = test.get("record")
            keys = record.get("keys") if isinstance(record, dict) else None
            if isinstance(keys, dict) and keys:
                whole.setdefault(rule.tables[0], frozenset(keys))
        mentioned.setdefault(rule.tables[0], set()).update(_keys_mentioned(rule))
    return {table: frozenset(names) for table, names in mentioned.items() if names} | whole


def _keys_mentioned(rule: Rule) -> Iterator[str]:
    texts = [*rule.when, *(text for unless in rule.unless for text in unless.when)]
    texts += [hole.expression for action in rule.actions for hole in holes(action.config)]
    for text in texts:
        if "keys" in text:
            for place in walk(parse(text)):
                if place.is_head and place.node.value == "keys" and place.meaning == "record":
                    yield from path_from(place).names[1:2]
