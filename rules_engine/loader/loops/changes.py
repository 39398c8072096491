"""The change of an item that a write makes, and whether a rule wants it: certainly, possibly, or never.

In: a rule whose record the write is made for (the source), the write, and a rule for the table written to
(the target). The conditions of both become one formula over named values: the record of the source (`rec`),
the item before the write (`pre`), what is written (`post`) and whatever else the new record holds (`chg`).
What a write leaves alone is the same value before and after it, so `became(&status, 'X')` never holds of an
update of other attributes. A formula that nothing satisfies is a proof; anything else is none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rules_engine.expression.checks.certain import may_fail
from rules_engine.expression.checks.facts import EMPTY, NEVER, OTHER, All, Fact, Facts, Some
from rules_engine.expression.checks.places import IMAGE_FUNCTIONS, path_from, walk
from rules_engine.expression.checks.satisfiable import NO_RULE, Circumstances, Effort
from rules_engine.expression.needs import ABSENT, FALSE, NULL, TRUE, key_of
from rules_engine.expression.syntax import parse
from rules_engine.light_dataclass import dataclass
from rules_engine.loader.conditions import absent_images
from rules_engine.loader.loops.values import Leaf

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from rules_engine.expression.checks.facts import Formula, Names
    from rules_engine.expression.checks.places import Place
    from rules_engine.expression.needs import Key
    from rules_engine.expression.node import Node
    from rules_engine.loader.loops.writes import Write
    from rules_engine.model import Rule

_SAME_EACH_TIME = ("awsRegion", "keys", "lists", "table", "vars")
"""What of the document is the same in each record of an item."""

IMAGE_FACTS = ("changed", "differs", "lt", "lte", "gt", "gte")
"""First names of facts about both images of an attribute."""


class Conditions:
    """The conditions of one rule as formulas."""

    def __init__(self, rule: Rule, facts: Facts) -> None:
        self.rule = rule
        self.absent = frozenset(absent_images(rule.events, rule.view))
        self.when = [parse(text) for text in rule.when]
        self.unless = [[parse(text) for text in unless.when] for unless in rule.unless]
        self.facts = facts
        self.holds = [facts.of(node) for node in self.when]
        for nodes in self.unless:
            if nodes and not self._fails(nodes):  # one that cannot be evaluated does not apply
                self.holds.append(Some(tuple(facts.of(node, holds=False) for node in nodes)))

        self.reads = frozenset(name for formula in self.holds for name in _image_paths(formula))
        """Paths in the images, and `("keys",)` instead where it reads the key."""

    def _fails(self, nodes: Iterable[Node]) -> bool:
        return any(may_fail(node, self.facts.scope) for node in nodes)

    def refusals(self, is_kept: Callable[[Node], bool]) -> list[list[Formula]] | None:
        """What must each be impossible for the rule to match for certain; None if it never is.

        Of clauses that are kept it is known that they let the record through.
        """
        when = [node for node in self.when if not is_kept(node)]
        if self._fails(when):
            return None
        not_so = [[self.facts.of(node, holds=False)] for node in when]
        unless = [nodes for nodes in self.unless if not all(map(is_kept, nodes))]
        return not_so + [[self.facts.of(node) for node in nodes] for nodes in unless]

    def kinds(self) -> tuple[str, ...]:
        """The events of records that it may match; what time to live removes is not looked at."""
        given = [event for event in ("INSERT", "MODIFY", "REMOVE") if event in self.rule.events]
        effort = Effort()
        found = [
            event
            for event in given
            if effort.is_satisfiable(self.holds, Circumstances((event,), self.rule.tables, self.absent))
        ]
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Change:
    """The record of kind `event` that a write makes for a record of kind `source_event` of `source`.

    `is_own` says that it is the record's own item that is written; `key_names` of the table written to are
    None where they are not known.
    """

    source: Conditions
    source_event: str
    source_table: str
    write: Write
    event: str
    is_own: bool
    key_names: frozenset[str] | None

    def seen_by(self, target: Conditions) -> tuple[str, bool]:
        """(what the target sees of the write, whether that has to do with the record it was made for)."""
        there = [self.write.at(path) for path in target.reads]
        of_key = self.event == "INSERT" or _KEYS in target.reads
        copies = any(isinstance(leaf, Leaf) and leaf.reads for leaf in there)
        return repr((self.event, self.is_own, there, of_key and (self.write.key, self.key_names))), (
            copies or of_key
        )

    def may_match(self, target: Conditions, effort: Effort) -> bool:
        """Whether the target may want the new record."""
        of_target = _Target(self, target.absent, alone=False).mapped
        formulas = [*self._of_source(alone=False), *(_map(formula, of_target) for formula in target.holds)]
        return effort.is_satisfiable(formulas, NO_RULE)

    def may_match_alone(self, target: Conditions, effort: Effort) -> bool:
        """The same, by what the target sees of the write, whatever the record it was made for."""
        of_target = _Target(self, target.absent, alone=False).mapped
        return effort.is_satisfiable([_map(formula, of_target) for formula in target.holds], NO_RULE)

    def must_match(self, target: Conditions, effort: Effort) -> bool:
        """Whether the target wants every such record, as long as nobody else writes."""
        is_same = self.is_own and self.event == "MODIFY" and target.rule is self.source.rule
        refusals = target.refusals(self._leaves_alone if is_same else lambda _: False)
        if refusals is None:
            return False
        given = self._of_source(alone=True)
        of_target = _Target(self, target.absent, alone=True).mapped
        return not any(
            effort.is_satisfiable([*given, *(_map(formula, of_target) for formula in formulas)], NO_RULE)
            for formulas in refusals
        )

    def _leaves_alone(self, node: Node) -> bool:
        """Whether a clause reads nothing but attributes of the new image that the write does not touch.

        It says of the new record what it said of the one before, also where it may fail.
        """
        return all(self._is_untouched(place) for place in walk(node))

    def _is_untouched(self, place: Place) -> bool:
        if place.node.type == "function_expression":
            return place.node.value not in IMAGE_FUNCTIONS
        if not place.is_head or place.meaning != "record" or place.node.value in _SAME_EACH_TIME:
            return place.node.type != "current"
        names = path_from(place).names
        return names[0] == "new" and len(names) > 1 and self.write.at(tuple(names[1:])) is None

    def must_differ(self, path: Names, leaf: Leaf, effort: Effort) -> bool:
        """Whether what is written at the path cannot be what was there, as long as nobody else writes."""
        key = ABSENT if leaf.kind == "removed" else key_of(leaf.value)
        if key is None:
            return False
        same = Fact(("pre", *path), lambda value: value == key, (key,))
        return not effort.is_satisfiable([*self._of_source(alone=True), same], NO_RULE)

    def _of_source(self, *, alone: bool) -> list[Formula]:
        """What is known because the source matched. `alone`: the item is still as its record says."""
        return [
            _map(formula, lambda fact: self.of_record(fact, fact.names, alone=alone))
            for formula in self.source.holds
        ]

    def of_record(self, fact: Fact, names: Names, *, alone: bool) -> Formula:
        """The fact, of what stands at `names` of the record of the source."""
        circumstances = Circumstances((self.source_event,), (self.source_table,), self.source.absent)
        domain = circumstances.domain(names, self.source_event)
        if domain:
            return _renamed(fact, ("rec", *names), domain)
        if alone and self.is_own and names[0] == "new":
            return _renamed(fact, ("pre", *names[1:]))
        return _renamed(fact, ("rec", *names))


@dataclass(frozen=True, slots=True)
class _Target:
    """Facts about the new record as facts about what it is made of."""

    change: Change
    absent: frozenset[str]
    """Images that the target's view does not carry."""
    alone: bool

    def mapped(self, fact: Fact) -> Formula:
        names = fact.names
        if names[0] in self.absent:
            return _fixed(fact, ABSENT)
        match names[0]:
            case "eventName" if len(names) == 1:
                return _fixed(fact, self.change.event)
            case "expired" if len(names) == 1:
                return _fixed(fact, FALSE)
            case "table" if len(names) == 1:
                return _fixed(fact, self.change.write.table)
            case "new":
                return self._new(fact, names[1:])
            case "old":
                return self._old(fact, names[1:])
            case "keys" if len(names) > 1:
                return self._key(fact, names[1:])
            case head if head in IMAGE_FACTS and len(names) > 1 and names[-1] != "":
                return self._of_both_images(fact, names[1:])
        return _renamed(fact, ("chg", *names))

    def _new(self, fact: Fact, path: Names) -> Formula:
        if self.change.event == "REMOVE":
            return _fixed(fact, ABSENT)
        if not path:
            return _fixed(fact, OTHER)
        there = self.change.write.at(path)
        if isinstance(there, Leaf):
            return self._leaf(fact, there, ("post", *path))
        if there == "map":
            return _fixed(fact, OTHER)
        if there is None and self.change.event == "MODIFY":
            return _renamed(fact, ("pre", *path))
        if there is None or self.change.write.operation == "sync":
            return self._key(fact, path)  # all else that there is
        return _fixed(fact, ABSENT)

    def _old(self, fact: Fact, path: Names) -> Formula:
        if self.change.event == "INSERT":
            return _fixed(fact, ABSENT)
        return _renamed(fact, ("pre", *path)) if path else _fixed(fact, OTHER)

    def _key(self, fact: Fact, path: Names) -> Formula:
        """An attribute of the key, or one that is not there because it is none."""
        change = self.change
        key = change.write.key if isinstance(change.write.key, dict) else None
        names = change.key_names if key is None else frozenset(key)
        if names is not None and path[0] not in names:
            return _fixed(fact, ABSENT)
        if change.is_own:
            return change.of_record(fact, ("keys", *path), alone=self.alone)
        if key is not None and len(path) == 1:
            return self._leaf(fact, key[path[0]], ("post", *path))
        return _renamed(fact, ("chg", "keys", *path))

    def _of_both_images(self, fact: Fact, path: Names) -> Formula:
        kind, change, name = fact.names[0], self.change, ("chg", *fact.names)
        if change.event != "MODIFY" or self.absent:
            return _renamed(fact, name)
        there = change.write.at(path)
        if there is None:
            unchanged = kind in ("changed", "differs", "lt", "gt")
            return _fixed(fact, FALSE) if unchanged else _renamed(fact, name)
        if isinstance(there, Leaf) and kind in ("changed", "differs"):
            if there.kind in ("fresh", "counter"):
                return _fixed(fact, TRUE)
            if there.kind == "constant" and (key := key_of(there.value)) not in (None, NULL):
                test = fact.test
                return Fact(("pre", *path), lambda value: test(FALSE if value == key else TRUE), (key,))
        return _renamed(fact, name)

    def _leaf(self, fact: Fact, leaf: Leaf, names: Names) -> Formula:
        match leaf.kind:
            case "constant":
                if leaf.value in ([], {}):
                    return _fixed(fact, EMPTY)
                key = key_of(leaf.value)
                return _fixed(fact, OTHER if key is None else key)
            case "part":
                return self.change.of_record(fact, leaf.reads[0], alone=self.alone)
            case "copy":
                test = fact.test
                written = Fact(names, lambda key: test(NULL if key == ABSENT else key), fact.keys, fact.parts)
                return self.change.of_record(written, leaf.reads[0], alone=self.alone)
            case "fixed" | "text":
                return All((_renamed(fact, names), Fact(names, _is_text)))
            case "fresh":
                return All((_renamed(fact, names), Fact(names, lambda key: _is_text(key) and key != "")))
            case "counter":
                return All((_renamed(fact, names), Fact(names, _is_number)))
            case "joined":
                return _fixed(fact, OTHER)
            case "removed":
                return _fixed(fact, ABSENT)
        return _renamed(fact, names)


_KEYS: Names = ("keys",)


def _image_paths(formula: Formula) -> Iterator[Names]:
    if not isinstance(formula, Fact):
        for part in formula.parts:
            yield from _image_paths(part)
    elif formula.names[0] in ("new", "old", *IMAGE_FACTS):
        yield formula.names[1:]
    elif formula.names[0] == "keys":
        yield _KEYS


def _is_text(key: Key) -> bool:
    return isinstance(key, str)


def _is_number(key: Key) -> bool:
    return not isinstance(key, (str, tuple))


def _fixed(fact: Fact, key: Key) -> Formula:
    """The fact of a value that is known."""
    return All(()) if fact.test(key) else NEVER


def _renamed(fact: Fact, names: Names, domain: Sequence[Key] = ()) -> Formula:
    renamed = Fact(names, fact.test, fact.keys, fact.parts)
    if not domain:
        return renamed
    known = frozenset(domain)
    return All((renamed, Fact(names, lambda key: key in known, tuple(domain))))


def _map(formula: Formula, of_fact: Callable[[Fact], Formula]) -> Formula:
    match formula:
        case All(parts):
            return All(tuple(_map(part, of_fact) for part in parts))
        case Some(parts):
            return Some(tuple(_map(part, of_fact) for part in parts))
    return of_fact(formula)
