"""The kinds of levels that a tree of rules has, and how a record passes each.

A level looks at one value of the record, its `slot`, and sends the walk on to those of its branches whose
need that value meets. Where it cannot tell, because a list holds other things than maps or an expression
cannot be evaluated, it leaves the rules below to be evaluated one by one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias, cast

from rules_engine.errors import EvaluationError
from rules_engine.expression import is_true
from rules_engine.expression.needs import ABSENT, NULL
from rules_engine.index.ranges import Range, RangeTree
from rules_engine.index.reader import FAILED, UNEXPECTED
from rules_engine.index.words import WordFinder

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from rules_engine.expression import Program
    from rules_engine.index.reader import Reader
    from rules_engine.record import StreamRecord

Key: TypeAlias = "str | float | tuple[str]"


class Level(Protocol):
    def visit(self, walk: Walk) -> None:
        """Sends the walk on to the branches that the record may take."""

    def branches(self) -> Iterable[Branch]: ...


class Node:
    """Several levels below one branch. `sure` rules match, `spared` ones unless an exception is for them."""

    __slots__ = ("levels", "spared", "sure")

    def __init__(self, sure: tuple[int, ...], spared: tuple[int, ...], levels: tuple[Level, ...]) -> None:
        self.sure = sure
        self.spared = spared
        self.levels = levels

    def visit(self, walk: Walk) -> None:
        for level in self.levels:
            level.visit(walk)
        if self.sure:
            walk.sure += self.sure
        if self.spared:
            walk.spared += self.spared

    def branches(self) -> Iterable[Branch]:
        yield self.sure
        yield self.spared
        yield from self.levels


Branch: TypeAlias = "Level | int | tuple[int, ...]"
"""One sure rule, or several, is all that stands below most branches."""

UNREAD: Any = object()
"""Stands for a value that nothing has asked for yet."""


class Context(NamedTuple):
    """What all walks through a tree share: what reads a slot's value, and expressions by number."""

    readers: Sequence[Reader]
    programs: Sequence[Program]


class Walk:
    """One record on its way through a tree, and the rules found so far.

    `sure` match, `spared` match unless an exception is for them, `undecided` are to be evaluated. `values`
    has UNREAD where a reader is to be asked first; levels ask `read` then.
    """

    __slots__ = ("_context", "_known", "nodes", "record", "spared", "sure", "undecided", "values")

    def __init__(
        self, values: list[Any], record: StreamRecord, context: Context, sure: list[int], nodes: list[Level]
    ) -> None:
        self.values = values
        self.record = record
        self.sure = sure
        self.nodes = nodes
        self.spared: list[int] = []
        self.undecided: list[int] = []
        self._context = context
        self._known: dict[int, bool] | None = None
        for node in nodes:  # which grows on the way
            node.visit(self)

    def go_on(self, branch: Branch) -> None:
        kind = type(branch)
        if kind is int:
            self.sure.append(branch)  # type: ignore[arg-type]
        elif kind is tuple:
            self.sure += branch  # type: ignore[arg-type]
        else:
            self.nodes.append(branch)  # type: ignore[arg-type]

    def read(self, slot: int) -> Any:
        """What the record has at a slot, read at most once."""
        value = self.values[slot]
        if value is UNREAD:
            value = self.values[slot] = self._context.readers[slot](self.record)
        return value

    def holds(self, program: int) -> bool:
        """Truth of a program, evaluated at most once a record. Raises EvaluationError."""
        if self._known is None:
            self._known = {}
        holds = self._known.get(program)
        if holds is None:
            holds = self._known[program] = is_true(self._context.programs[program](self.record.document))
        return holds

    def leave_to_evaluation(self, level: Level) -> None:
        for branch in level.branches():
            self.undecided += rules_below(branch)

    def report_wrong_type(self, value: Any, level: Level) -> None:
        """A function given the wrong type is the author's mistake, and evaluation says so. An absent value is
        none: most rules meet records without the attribute, and each would be evaluated only to fail."""
        if value is not ABSENT and value is not NULL:
            self.leave_to_evaluation(level)


def rules_below(branch: Branch) -> Iterator[int]:
    """Positions of every rule below."""
    if isinstance(branch, int):
        yield branch
        return
    if isinstance(branch, tuple):
        yield from branch
        return
    for each in branch.branches():
        yield from rules_below(each)


class EqualsLevel:
    """The value is this one."""

    __slots__ = ("_below", "_slot")

    def __init__(self, slot: int, below: Mapping[Key, Branch]) -> None:
        self._slot = slot
        self._below = below

    def visit(self, walk: Walk) -> None:
        # As `walk.read` does it, here and in other levels that most records pass, without the call.
        value = walk.values[self._slot]
        if value is UNREAD:
            value = walk.read(self._slot)
        branch = self._below.get(value)
        if branch is not None:
            walk.go_on(branch)
        elif value is UNEXPECTED:
            walk.leave_to_evaluation(self)

    def branches(self) -> Iterable[Branch]:
        return self._below.values()


class AnyOfLevel:
    """The value is one of many."""

    __slots__ = ("_below", "_slot")

    def __init__(self, slot: int, below: Mapping[frozenset[Key], Branch]) -> None:
        self._slot = slot
        self._below = tuple(below.items())

    def visit(self, walk: Walk) -> None:
        value = walk.read(self._slot)
        if value is UNEXPECTED:
            walk.leave_to_evaluation(self)
            return
        for keys, branch in self._below:
            if value in keys:
                walk.go_on(branch)

    def branches(self) -> Iterable[Branch]:
        return (branch for _, branch in self._below)


class DiffersLevel:
    """The value is another one."""

    __slots__ = ("_below", "_slot")

    def __init__(self, slot: int, below: Mapping[tuple[Key, ...], Branch]) -> None:
        self._slot = slot
        self._below = tuple(below.items())

    def visit(self, walk: Walk) -> None:
        value = walk.values[self._slot]
        if value is UNREAD:
            value = walk.read(self._slot)
        if value is UNEXPECTED:
            walk.leave_to_evaluation(self)
        elif value is not FAILED:
            for keys, branch in self._below:
                if value not in keys:
                    walk.go_on(branch)

    def branches(self) -> Iterable[Branch]:
        return (branch for _, branch in self._below)


class PrefixLevel:
    """The value is a text that starts so."""

    __slots__ = ("by_length", "slot")

    def __init__(self, slot: int, below: Mapping[str, Branch]) -> None:
        self.slot = slot
        self.by_length = tuple(
            (length, {prefix: branch for prefix, branch in below.items() if len(prefix) == length})
            for length in sorted({len(prefix) for prefix in below})
        )

    def visit(self, walk: Walk) -> None:
        value = walk.values[self.slot]
        if value is UNREAD:
            value = walk.read(self.slot)
        if not isinstance(value, str):
            walk.report_wrong_type(value, self)
            return
        for length, below in self.by_length:
            beginning = value[:length]
            if beginning in below:
                walk.go_on(below[beginning])

    def branches(self) -> Iterable[Branch]:
        return (branch for _, below in self.by_length for branch in below.values())


class HasLevel:
    """The value is a set or list with this element, or a text with this part."""

    __slots__ = ("below", "slot", "words")

    def __init__(self, slot: int, below: Mapping[Key, Branch]) -> None:
        self.slot = slot
        self.below = below
        self.words = WordFinder(key for key in below if isinstance(key, str))

    def visit(self, walk: Walk) -> None:
        value = walk.values[self.slot]
        if value is UNREAD:
            value = walk.read(self.slot)
        below = self.below
        if isinstance(value, str):
            for word in self.words.find(value):
                walk.go_on(below[word])
        elif type(value) is frozenset:
            for key in value:
                if key in below:
                    walk.go_on(below[key])
        else:
            walk.report_wrong_type(value, self)

    def branches(self) -> Iterable[Branch]:
        return self.below.values()


class WithinLevel:
    """The value is a number in a range."""

    __slots__ = ("slot", "tree")

    def __init__(self, slot: int, below: Mapping[Range, Branch]) -> None:
        self.slot = slot
        self.tree = RangeTree((each, branch) for each, branch in below.items())

    def visit(self, walk: Walk) -> None:
        value = walk.values[self.slot]
        if value is UNREAD:
            value = walk.read(self.slot)
        if isinstance(value, float):
            for branch in self.tree.find(value):
                walk.go_on(branch)
        elif value is UNEXPECTED:
            walk.leave_to_evaluation(self)

    def branches(self) -> Iterable[Branch]:
        return self.tree.everything()


class LeavesWithinLevel:
    """The value is a number in a range, and that is all the rules below need."""

    __slots__ = ("slot", "tree")

    def __init__(self, slot: int, below: Mapping[Range, int | tuple[int, ...]]) -> None:
        self.slot = slot
        self.tree = RangeTree(
            (each, rule)
            for each, leaf in below.items()
            for rule in (leaf if isinstance(leaf, tuple) else (leaf,))
        )

    def visit(self, walk: Walk) -> None:
        value = walk.values[self.slot]
        if value is UNREAD:
            value = walk.read(self.slot)
        if isinstance(value, float):
            walk.sure += self.tree.find(value)
        elif value is UNEXPECTED:
            walk.leave_to_evaluation(self)

    def branches(self) -> Iterable[Branch]:
        return self.tree.everything()


class OneRangeLevel:
    """The value is a number in the only range that there is."""

    __slots__ = ("branch", "range", "slot")

    def __init__(self, slot: int, range_: Range, branch: Branch) -> None:
        self.slot = slot
        self.range = range_
        self.branch = branch

    def visit(self, walk: Walk) -> None:
        value = walk.values[self.slot]
        if value is UNREAD:
            value = walk.read(self.slot)
        if isinstance(value, float):
            if self.range.holds(value):
                walk.go_on(self.branch)
        elif value is UNEXPECTED:
            walk.leave_to_evaluation(self)

    def branches(self) -> Iterable[Branch]:
        return (self.branch,)


def within_level(slot: int, below: Mapping[Range, Branch]) -> Level:
    """Below a look-up there is mostly one rule with a range."""
    if len(below) == 1:
        ((range_, branch),) = below.items()
        return OneRangeLevel(slot, range_, branch)
    if all(isinstance(branch, (int, tuple)) for branch in below.values()):
        return LeavesWithinLevel(slot, cast("Mapping[Range, int | tuple[int, ...]]", below))
    return WithinLevel(slot, below)


SlotTest: TypeAlias = "tuple[int, frozenset[Key] | Range]"
"""The values wanted at a slot."""


def meets(value: Any, wanted: frozenset[Key] | Range) -> bool:
    if type(wanted) is frozenset:
        return value in wanted
    return isinstance(value, float) and wanted.holds(value)  # type: ignore[union-attr]


class UnlessLevel:
    """No exception is for the record: for none do all of its tests hold."""

    __slots__ = ("_below",)

    def __init__(self, slot: int, below: Mapping[tuple[tuple[SlotTest, ...], ...], Branch]) -> None:
        self._below = tuple(below.items())

    def visit(self, walk: Walk) -> None:
        for exceptions, branch in self._below:
            verdicts = [_is_for(walk, tests) for tests in exceptions]
            if None in verdicts:
                walk.spared += rules_below(branch)
            elif True not in verdicts:
                walk.go_on(branch)

    def branches(self) -> Iterable[Branch]:
        return (branch for _, branch in self._below)


def _is_for(walk: Walk, tests: tuple[SlotTest, ...]) -> bool | None:
    """Whether an exception is for the record; None where only an evaluation can tell."""
    verdict: bool | None = True
    for slot, wanted in tests:
        value = walk.read(slot)
        if value is UNEXPECTED:
            verdict = None
        elif not meets(value, wanted):
            return False
    return verdict


class HoldsLevel:
    """A program, evaluated at most once a record for all rules that share it, gives something true."""

    __slots__ = ("_branch", "_program")

    def __init__(self, program: int, below: Mapping[None, Branch]) -> None:
        self._program = program
        (self._branch,) = below.values()

    def visit(self, walk: Walk) -> None:
        try:
            holds = walk.holds(self._program)
        except EvaluationError:
            walk.leave_to_evaluation(self)
            return
        if holds:
            walk.go_on(self._branch)

    def branches(self) -> Iterable[Branch]:
        return (self._branch,)
