"""Which rules match a record, without looking at each rule.

In: the rules of a rule set. Out of `Index.find`, for a record: the positions of rules that match, and of
those that only an evaluation can decide. No other rule matches. What the conditions of a rule need
(`expression.needs`) is looked up; the cost follows the paths that rules read and the matches, not the number
of rules.

A condition that cannot be evaluated is noticed only where the rule's other needs hold.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import chain
from typing import TYPE_CHECKING

from rules_engine.expression import compile_expression
from rules_engine.expression.needs import (
    ABSENT,
    NULL,
    TRUE,
    Differs,
    Equals,
    Holds,
    Need,
    SomeElement,
    Source,
    change_of,
    needs,
)
from rules_engine.index.generated import generate
from rules_engine.index.reader import reader_of
from rules_engine.index.tree import Entry, Test, grow

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rules_engine.expression import Program
    from rules_engine.expression.node import Node
    from rules_engine.index.generated import Doubtful, Find
    from rules_engine.index.reader import Reader
    from rules_engine.model import Rule, Scope
    from rules_engine.record import StreamRecord


def kinds_of(rule: Rule) -> frozenset[str]:
    """The kinds of records that the rule's `event` list names. A removal by time to live is a removal too."""
    return frozenset({*rule.events, "EXPIRE"} if "REMOVE" in rule.events else rule.events)


class Index:
    """Built once, then only read. Disabled rules are not in it."""

    __slots__ = ("_finds",)

    def __init__(self, rules: Iterable[tuple[Rule, Sequence[Node], Sequence[Sequence[Node]]]]) -> None:
        """Takes each rule with the trees of its `when` and of each exception."""
        programs = _Programs()
        entries: defaultdict[tuple[str, str], list[tuple[Entry, Scope]]] = defaultdict(list)
        for position, (rule, when, unless) in enumerate(rules):
            if not rule.enabled:
                continue
            entry = _entry(position, rule.scope, when, unless, programs), rule.scope
            # A rule for several events stands in the tree of each: a record walks one tree only.
            for table in dict.fromkeys(rule.tables):
                for kind in kinds_of(rule):
                    entries[table, kind].append(entry)
        self._finds: dict[str, dict[str, Find]] = {}
        for (table, kind), found in entries.items():
            self._finds.setdefault(table, {})[kind] = _find(f"{table}, {kind}", found, programs)

    def find(self, record: StreamRecord) -> tuple[list[int], Doubtful | None]:
        """Positions of rules that match, each once and in no order, and those that may."""
        finds = self._finds.get(record.table)
        find = finds.get(record.kind) if finds else None
        return find(record) if find else ([], None)


class _Programs:
    """Expressions that are evaluated, each compiled once."""

    def __init__(self) -> None:
        self.all: list[Program] = []
        self._numbers: dict[tuple[str, int], int] = {}

    def number(self, text: str, scope: Scope) -> int:
        # Rules of one file share their scope; the rule set keeps it alive, so its id is its name.
        name = (text, id(scope))
        if name not in self._numbers:
            self._numbers[name] = len(self.all)
            self.all.append(compile_expression(text, scope))
        return self._numbers[name]


def _find(name: str, entries: Sequence[tuple[Entry, Scope]], programs: _Programs) -> Find:
    """Looks for the rules for one kind of records of one table."""
    slots = _Slots(programs)
    tree = grow([(entry, slots.of(entry, scope)) for entry, scope in entries])
    positions = [entry.position for entry, _ in entries]
    return generate(name, tree, positions, slots.sources, slots.readers, programs.all)


class _Slots:
    """Numbers for the sources that rules read, and what reads each."""

    def __init__(self, programs: _Programs) -> None:
        self.sources: list[Source] = []
        self.readers: list[Reader] = []
        self._programs = programs
        self._numbers: dict[tuple[Source, int], int] = {}

    def of(self, entry: Entry, scope: Scope) -> dict[Source, int]:
        """The numbers of the sources that a rule reads."""
        every = chain(entry.needs, *entry.exceptions)
        return {source: self._number(source, scope) for source in _sources(every)}

    def _number(self, source: Source, scope: Scope) -> int:
        # What an expression gives depends on its rule file; an attribute is the same for all.
        name = (source, 0 if source.text is None else id(scope))
        if name not in self._numbers:
            self._numbers[name] = len(self.sources)
            self.sources.append(source)
            self.readers.append(reader_of(source, self._program(source, scope)))
        return self._numbers[name]

    def _program(self, source: Source, scope: Scope) -> Program | None:
        if source.text is None:
            return None
        return self._programs.all[self._programs.number(source.text, scope)]


def _sources(found: Iterable[Need | Test]) -> Iterator[Source]:
    for need in found:
        match need:
            case SomeElement(tests):
                yield from (test.source for test in tests)
            case Test() | Holds():
                pass
            case _:
                source = need.source
                yield source
                if source.other is not None:
                    yield Source(source.names)
                    yield Source(source.other)


def _entry(
    position: int, scope: Scope, when: Sequence[Node], unless: Sequence[Sequence[Node]], programs: _Programs
) -> Entry:
    def found(nodes: Sequence[Node]) -> list[Need | Test]:
        return [
            Test(programs.number(need.text, scope)) if isinstance(need, Holds) else need
            for need in _with_changes(needs(nodes, scope))
        ]

    return Entry(position, found(when), [found(nodes) for nodes in unless])


def _with_changes(found: Sequence[Need]) -> Iterator[Need]:
    """`old.x != 'a'` beside `new.x == 'a'` is a change of `x`, which can be looked up."""
    for need in found:
        match need:
            case Differs(Source(("old", *names)) as source, (key,)) if source == Source(source.names):
                changed = Equals(Source(("new", *names)), (key,)) in found and key not in (NULL, ABSENT)
                yield Equals(change_of(names), (TRUE,)) if changed else need
            case _:
                yield need
