"""Which rules match a record, without looking at each rule.

In: the outlines of rules. Out of `Index.find`, for a record: the positions of rules that match, and of
those that only an evaluation can decide. No other rule matches. What the conditions of a rule need
(`expression.needs`) is looked up in a tree; the cost follows the paths that rules read and the matches, not
the number of rules.

A condition that cannot be evaluated is noticed only where the rule's other needs hold.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from rules_engine.errors import AttributeValueError
from rules_engine.expression import deferred_program
from rules_engine.expression.needs import Holds, Need, Ordered, Source
from rules_engine.index.levels import Walk, rules_below
from rules_engine.index.reader import SourceReader
from rules_engine.index.tree import Entry, Test, grow

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rules_engine.expression import Program
    from rules_engine.model import Outline, Rule, Scope
    from rules_engine.record import StreamRecord

Kind = tuple[str, bool]
"""Event name of a record, and whether time to live removed the item."""

_EXPIRED = ("REMOVE", True)


def kinds_of(rule: Rule) -> frozenset[Kind]:
    """The kinds of records that the rule's `event` list names. A removal by time to live is a removal too."""
    kinds = {(event, False) for event in rule.events if event != "EXPIRE"}
    if "REMOVE" in rule.events or "EXPIRE" in rule.events:
        kinds.add(_EXPIRED)
    return frozenset(kinds)


class Index:
    """Built once, then only read. Disabled rules are not in it."""

    __slots__ = ("_trees",)

    def __init__(self, outlines: Iterable[Outline]) -> None:
        """Takes them in rule order: positions are theirs."""
        programs = _Programs()
        entries: defaultdict[tuple[str, str, bool], list[Entry]] = defaultdict(list)
        for position, outline in enumerate(outlines):
            if not outline.enabled:
                continue
            entry = _entry(position, outline, programs)
            # A rule for several events stands in the tree of each: a record walks one tree only.
            for table in dict.fromkeys(outline.tables):
                for kind in outline.kinds:
                    event_name, expired = _EXPIRED if kind == "EXPIRE" else (kind, False)
                    entries[table, event_name, expired].append(entry)
        self._trees = {key: _Tree(found, programs.all) for key, found in entries.items()}

    def find(self, record: StreamRecord) -> tuple[list[int], list[int]]:
        """(positions that match, positions to be evaluated), in no order and some of them twice."""
        tree = self._trees.get((record.table, record.event_name, record.expired))
        return tree.find(record) if tree else ([], [])


class _Programs:
    """Operands that are evaluated, each compiled once, when a record first needs it."""

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


class _Tree:
    """The rules for one kind of records of one table."""

    __slots__ = ("_programs", "_reader", "_root")

    def __init__(self, entries: Sequence[Entry], programs: Sequence[Program]) -> None:
        slots: dict[Source, int] = {}
        for entry in entries:
            for source in _sources(entry.needs):
                slots.setdefault(source, len(slots))
        self._programs = programs
        self._reader = SourceReader(list(slots))
        self._root = grow(entries, slots)

    def find(self, record: StreamRecord) -> tuple[list[int], list[int]]:
        try:
            values = self._reader.read(record)
        except AttributeValueError:
            # Only the rules that read the damaged attribute may notice, and they are found by evaluation.
            return [], list(rules_below(self._root))
        walk = Walk(values, record, self._programs)
        walk.run(self._root)
        return walk.sure, walk.unsure


def _sources(found: Iterable[Need | Test]) -> Iterator[Source]:
    for need in found:
        if isinstance(need, Ordered):
            yield need.left
            yield need.right
        elif not isinstance(need, (Test, Holds)):
            yield need.source


def _entry(position: int, outline: Outline, programs: _Programs) -> Entry:
    found = [
        Test(programs.number(need.text, outline.scope)) if isinstance(need, Holds) else need
        for need in outline.needs
    ]
    return Entry(position, found, conditional=bool(outline.exceptions))
