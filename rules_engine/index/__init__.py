"""Which rules match a record, without looking at each rule.

In: the outlines of rules. Out of `Index.find`, for a record: the positions of rules that match, and of
those that only an evaluation can decide. No other rule matches. What the conditions of a rule need
(`expression.needs`) is looked up; the cost follows the paths that rules read and the matches, not the number
of rules.

A condition that cannot be evaluated is noticed only where the rule's other needs hold.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from rules_engine.expression.compiler import deferred_program
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
)
from rules_engine.index.generated import generate
from rules_engine.index.reader import reader_of
from rules_engine.index.steps import Entry, Test
from rules_engine.index.tree import grow
from rules_engine.on_demand import OnDemand

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rules_engine.expression import Program
    from rules_engine.index.generated import Doubtful, Find
    from rules_engine.index.reader import Reader
    from rules_engine.model import Outline, Rule, Scope
    from rules_engine.record import StreamRecord


def kinds_of(rule: Rule) -> frozenset[str]:
    """The kinds of records that the rule's `event` list names. A removal by time to live is a removal too."""
    return frozenset({*rule.events, "EXPIRE"} if "REMOVE" in rule.events else rule.events)


class Index:
    """Built from outlines. Disabled rules are not in it.

    What finds the rules for one table and kind of record is made when the first such record comes: a function
    starts without paying for tables and events that it may not see for hours.
    """

    __slots__ = ("_tables",)

    def __init__(self, outlines: Iterable[Outline]) -> None:
        """Takes them in rule order: positions are theirs."""
        self._tables: dict[str, _Table] = {}
        for position, outline in enumerate(outlines):
            if outline.enabled:
                for table in dict.fromkeys(outline.tables):
                    if table not in self._tables:
                        self._tables[table] = _Table(table)
                    self._tables[table].rules.append((position, outline))

    def find(self, record: StreamRecord) -> tuple[list[int], Doubtful | None]:
        """Positions of rules that match, each once and in no order, and those that may."""
        table = self._tables.get(record.table)
        return table.finds[record.kind](record) if table else ([], None)


class _Table:
    """The rules of one table, and what finds them for each kind of record."""

    __slots__ = ("finds", "name", "rules")

    def __init__(self, name: str) -> None:
        self.name = name
        self.rules: list[tuple[int, Outline]] = []
        self.finds: OnDemand[str, Find] = OnDemand(self._make)

    def _make(self, kind: str) -> Find:
        # A rule for several events stands in the tree of each: a record walks one tree only.
        wanted = [(position, outline) for position, outline in self.rules if kind in outline.kinds]
        programs = _Programs()
        slots = _Slots(programs)
        entries = [_entry(position, outline, programs) for position, outline in wanted]
        tree = grow(
            (entry, slots.of(entry, outline.scope))
            for entry, (_, outline) in zip(entries, wanted, strict=True)
        )
        positions = [position for position, _ in wanted]
        return generate(f"{self.name}, {kind}", tree, positions, slots.sources, slots.readers, programs.all)


class _Programs:
    """Expressions that are evaluated, each compiled once, when a record first needs it."""

    def __init__(self) -> None:
        self.all: list[Program] = []
        self._numbers: dict[tuple[str, int], int] = {}

    def number(self, text: str, scope: Scope) -> int:
        # Rules of one file share their scope, which its program keeps alive, so its id is its name.
        name = (text, id(scope))
        if name not in self._numbers:
            self._numbers[name] = len(self.all)
            self.all.append(deferred_program(text, scope))
        return self._numbers[name]


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


def _entry(position: int, outline: Outline, programs: _Programs) -> Entry:
    def tests(needs: Sequence[Need]) -> list[Need | Test]:
        return [
            Test(programs.number(need.text, outline.scope)) if isinstance(need, Holds) else need
            for need in _with_changes(needs)
        ]

    return Entry(position, tests(outline.needs), [tests(needs) for needs in outline.exceptions])


def _with_changes(found: Sequence[Need]) -> Iterator[Need]:
    """`old.x != 'a'` beside `new.x == 'a'` is a change of `x`, which can be looked up."""
    for need in found:
        match need:
            # Of an attribute: the image itself has no name below `old`.
            case Differs(Source(("old", *names)) as was, (key,)) if names and was == Source(was.names):
                changed = Equals(Source(("new", *names)), (key,)) in found and key not in (NULL, ABSENT)
                yield Equals(change_of(names), (TRUE,)) if changed else need
            case _:
                yield need
