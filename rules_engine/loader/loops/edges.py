"""Which rules a rule sets off by what it writes: the steps of which loops are made.

In: the rules of a rule set. Out: a `Step` for each kind of record that a rule may see, each of its writes,
and each rule that may want the change. Only tables from which writes lead back to themselves are looked at,
so most rule sets cost nothing here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rules_engine.actions.document_path import overlap
from rules_engine.expression.checks.facts import Facts
from rules_engine.expression.checks.satisfiable import Effort
from rules_engine.loader.loops.changes import Change, Conditions
from rules_engine.loader.loops.circles import circles
from rules_engine.loader.loops.values import Leaf
from rules_engine.loader.loops.writes import Write, key_names, tables_by_core, writes_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rules_engine.actions.document_path import Path
    from rules_engine.expression.checks.facts import Names
    from rules_engine.model import Rule

MOST_STEPS = 100_000
"""Pairs of a write and a rule that may want its change: 220 rules that all write to their own table."""

MOST_PROOFS = 5_000
"""Questions whether a step is taken each time; one takes 0.3 ms. Without an answer a loop is a warning."""


class Node(NamedTuple):
    """A rule that sees a record of a kind from a table. `rule` is its position."""

    rule: int
    table: str
    event: str


class Step(NamedTuple):
    """From a record that a rule wants, by one of its writes, to a record that a rule may want.

    `needed` are the events of which the change must have one.
    """

    source: Node
    made: Made
    target: Node
    needed: tuple[str, ...]
    change: Change


class Made(NamedTuple):
    """A write as a rule makes it for records of a table. `key` is what names the item, if that is known."""

    source: str
    write: Write
    is_own: bool
    key: Mapping[str, Leaf] | None


class Steps:
    """All steps between the rules of a rule set, of which those that are switched off take none."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.rules = rules
        self._returning = _writes_that_return(rules)
        facts = {id(rule.scope): Facts(rule.scope) for rule in rules if self._returning}
        self._conditions = {
            number: Conditions(rules[number], facts[id(rules[number].scope)]) for number in self._returning
        }
        self._kinds = {number: conditions.kinds() for number, conditions in self._conditions.items()}
        every = [write for found in self._returning.values() for _, write in found]
        self._keys = key_names(rules, every) if every else {}
        self._emptied = {write.table for write in every if write.operation == "delete"}
        self.made: dict[tuple[int, str], list[Made]] = {}
        """By the position of a rule and a table that it sees records of: its writes."""
        self._readers: dict[str, list[int]] = {}
        for number, found in self._returning.items():
            for table, write in found:
                self.made.setdefault((number, table), []).append(self._make(table, write))
            for table in dict.fromkeys(table for table, _ in found):
                self._readers.setdefault(table, []).append(number)
        self._left = MOST_STEPS
        self._proofs_left = MOST_PROOFS
        self._known: dict[tuple[int, str], bool] = {}
        self._changes: dict[int, bool] = {}
        self.steps = tuple(
            step
            for (number, table), writes in self.made.items()
            for one in writes
            for event in self._kinds[number]
            for step in self._find(Node(number, table, event), one)
        )

    @property
    def is_cut(self) -> bool:
        """Whether there were too many to look at all of them."""
        return self._left < 0

    def _make(self, table: str, write: Write) -> Made:
        names = self._keys.get(write.table)
        is_own = write.table == table and _names_own_item(write, names)
        return Made(table, write, is_own, key_leaves_of(write, names))

    def _find(self, source: Node, made: Made) -> Iterator[Step]:
        write, is_own = made.write.of_event(source.event), made.is_own
        names, conditions = self._keys.get(write.table), self._conditions[source.rule]
        is_new = any(leaf.kind == "fresh" for leaf in (made.key or {}).values())
        needed, further = _events(write, source.event, is_own=is_own, is_new=is_new)
        if write.table in self._emptied:
            further = tuple(event for event in ("INSERT", "MODIFY") if event not in needed) + further
        effort = Effort()
        for event in (*needed, *further):
            change = Change(conditions, source.event, source.table, write, event, is_own, names)
            seen: dict[frozenset[Names], tuple[str, bool]] = {}
            for number in self._readers.get(write.table, ()):
                if event not in self._kinds[number]:
                    continue
                self._left -= 1
                if self._left < 0:
                    return
                target = self._conditions[number]
                if target.reads not in seen:
                    seen[target.reads] = change.seen_by(target)
                if self._may_match(change, number, *seen[target.reads], effort):
                    yield Step(source, made, Node(number, write.table, event), needed, change)

    def _may_match(self, change: Change, target: int, seen: str, depends: bool, effort: Effort) -> bool:
        conditions = self._conditions[target]
        known = self._known.get((target, seen))
        if known is None:
            known = self._known[target, seen] = change.may_match_alone(conditions, effort)
        return known and (not depends or change.may_match(conditions, effort))

    def is_sure(self, step: Step) -> bool:
        """Whether there is a change each time, and the target wants it if it is of this event."""
        change = step.change
        if change.event not in step.needed or not step.made.write.is_table_sure or self._proofs_left <= 0:
            return False
        self._proofs_left -= 1
        if id(change) not in self._changes:  # the steps keep it
            self._changes[id(change)] = _surely_changes(change, Effort())
        return self._changes[id(change)] and change.must_match(self._conditions[step.target.rule], Effort())


def _writes_that_return(rules: Sequence[Rule]) -> dict[int, list[tuple[str, Write]]]:
    """By the position of the rule: its writes with the source table, where one leads back to the other."""
    writers = [number for number, rule in enumerate(rules) if rule.enabled and _has_tables(rule)]
    if not writers:
        return {}
    sources = {table for rule in rules if rule.enabled for table in rule.tables}
    named_after = tables_by_core(sources)
    found = {number: writes_of(rules[number], sources, named_after) for number in writers}
    ways: dict[str, set[str]] = {table: set() for table in sources}
    for number, writes in found.items():
        for table in rules[number].tables:
            ways[table].update(write.table for write in writes)
    circle = {table: number for number, tables in enumerate(circles(ways)) for table in tables}
    kept = {}
    for number, writes in found.items():
        returning = [
            (table, write)
            for table in rules[number].tables
            for write in writes
            if table in circle and circle[table] == circle.get(write.table)
        ]
        if returning:
            kept[number] = returning
    return kept


def _has_tables(rule: Rule) -> bool:
    return any(action.type == "table" for action in rule.actions)


def _events(
    write: Write, event: str, *, is_own: bool, is_new: bool
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(events of which the change has one, those that it has only where somebody else wrote meanwhile)."""
    if write.operation == "delete":
        return ((), ("REMOVE",)) if is_own and event == "REMOVE" else (("REMOVE",), ())
    if is_own:
        return (("INSERT",), ("MODIFY",)) if event == "REMOVE" else (("MODIFY",), ())
    return (("INSERT",), ()) if is_new else (("MODIFY", "INSERT"), ())


def key_leaves_of(write: Write, key_names: frozenset[str] | None) -> Mapping[str, Leaf] | None:
    """What the key attributes of the item are made of; None where that is not known."""
    if isinstance(write.key, dict):
        return write.key
    if write.key is None and key_names is not None:
        found = {name: write.at((name,)) for name in key_names}
        leaves = {name: leaf for name, leaf in found.items() if isinstance(leaf, Leaf)}
        return leaves if len(leaves) == len(found) else None
    return None


def _names_own_item(write: Write, key_names: frozenset[str] | None) -> bool:
    """Whether the key is that of the record."""
    whole = write.key if write.key is not None else write.leaves.get(())
    if isinstance(whole, Leaf):
        images = (("keys",),) if write.key is not None else (("new",), ("old",), ("keys",))
        return whole.kind == "copy" and whole.reads[0] in images
    leaves = key_leaves_of(write, key_names)
    images_of = ("keys", "new", "old")  # the images hold the key too
    return bool(leaves) and all(
        leaf.kind == "copy" and leaf.reads[0] in {(image, name) for image in images_of}
        for name, leaf in (leaves or {}).items()
    )


def _surely_changes(change: Change, effort: Effort) -> bool:
    """Whether the write takes place for every record, and leaves the item other than it was."""
    write = change.write
    key = list((key_leaves_of(write, change.key_names) or {}).values())
    if not change.is_own and not (key and all(map(_is_sure_of_key, key))):
        return False
    if any(leaf.kind == "unknown" or _nests(path, leaf, change) for path, leaf in write.leaves.items()):
        return False
    if write.operation in ("delete", "sync"):
        return change.is_own
    # Of what a path leads through, an update makes nothing: it fails.
    if write.operation == "update" and any(len(path) > 1 for path in write.replaced):
        return False
    leaves = write.leaves.values()
    if any(leaf.kind in ("fresh", "counter") for leaf in (*leaves, *key)):
        return True
    if not change.is_own or change.event == "INSERT":
        return change.is_own
    return any(
        leaf.kind in ("constant", "removed") and change.must_differ(tuple(map(str, path)), leaf, effort)
        for path, leaf in write.leaves.items()
    )


def _nests(path: Path, leaf: Leaf, change: Change) -> bool:
    """Whether it may put a value into itself, which ends at 32 levels."""
    if leaf.kind != "copy" or leaf.reads[0][0] not in ("new", "old"):
        return False
    read = leaf.reads[0][1:]
    returns = not change.is_own or any(overlap(read, written) for written in change.write.replaced)
    return returns and len(read) < len(path)


def _is_sure_of_key(leaf: Leaf) -> bool:
    if leaf.kind in ("copy", "text"):
        return all(names[0] == "keys" for names in leaf.reads)
    return leaf.kind in ("constant", "fixed", "fresh")
