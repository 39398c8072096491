"""The kinds of levels that a tree of rules has besides equality, and how a record passes each.

A level looks at one value of the record, its `slot`, and sends the walk on to those of its branches whose
need that value meets. Where it cannot tell, because a list holds other things than maps or an operand cannot
be evaluated, it leaves the rules below to be evaluated one by one.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from rules_engine.errors import EvaluationError
from rules_engine.expression import is_true
from rules_engine.expression.closures import ORDERS
from rules_engine.expression.needs import NULL, Key, Within
from rules_engine.index.ranges import RangeTree
from rules_engine.index.reader import UNEXPECTED, Elements

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from rules_engine.expression import Program
    from rules_engine.record import StreamRecord


class Level(Protocol):
    def visit(self, walk: Walk) -> None:
        """Sends the walk on to the branches that the record may take."""

    def branches(self) -> Iterable[Branch]: ...


class Node:
    """What stands below a branch. `sure` rules match; `unsure` ones have exceptions to be evaluated."""

    __slots__ = ("equals", "levels", "sure", "unsure")

    def __init__(
        self,
        sure: tuple[int, ...],
        unsure: tuple[int, ...],
        equals: tuple[tuple[int, dict[Key, Branch]], ...],
        levels: tuple[Level, ...],
    ) -> None:
        self.sure = sure
        self.unsure = unsure
        self.equals = equals
        self.levels = levels


Branch: TypeAlias = "Node | tuple[int, ...]"
"""A tuple is a leaf of sure rules only, which most are."""


class Walk:
    """One record on its way: the values at its slots, and the rules found so far."""

    __slots__ = ("_known", "_programs", "_record", "nodes", "sure", "unsure", "values")

    def __init__(self, values: list[Any], record: StreamRecord, programs: Sequence[Program]) -> None:
        self.values = values
        self.sure: list[int] = []
        self.unsure: list[int] = []
        self._record = record
        self._programs = programs
        self._known: dict[int, bool] = {}

    def run(self, root: Branch) -> None:
        values, sure = self.values, self.sure
        self.nodes = nodes = [root]
        for node in nodes:  # which grows on the way
            if isinstance(node, tuple):
                sure += node
                continue
            for slot, branches in node.equals:
                branch = branches.get(values[slot])
                if branch is not None:
                    if isinstance(branch, tuple):
                        sure += branch
                    else:
                        nodes.append(branch)
            if node.levels:
                for level in node.levels:
                    level.visit(self)
            sure += node.sure
            if node.unsure:
                self.unsure += node.unsure

    def holds(self, program: int) -> bool:
        """Truth of a program, evaluated at most once a record. Raises EvaluationError."""
        holds = self._known.get(program)
        if holds is None:
            holds = self._known[program] = is_true(self._programs[program](self._record.document))
        return holds

    def report_wrong_type(self, value: Any, branches: Iterable[Branch]) -> None:
        """A function given the wrong type is the author's mistake, and evaluation says so. An absent value is
        none: most rules meet records without the attribute, and each would be evaluated only to fail."""
        if value != NULL:
            self.leave_to_evaluation(branches)

    def leave_to_evaluation(self, branches: Iterable[Branch]) -> None:
        for branch in branches:
            self.unsure += rules_below(branch)


def rules_below(branch: Branch) -> Iterator[int]:
    """Positions of every rule below."""
    if isinstance(branch, tuple):
        yield from branch
        return
    yield from branch.sure
    yield from branch.unsure
    for _, branches in branch.equals:
        for each in branches.values():
            yield from rules_below(each)
    for level in branch.levels:
        for each in level.branches():
            yield from rules_below(each)


class AnyOfLevel:
    """The value is one of many."""

    __slots__ = ("_below", "_slot")

    def __init__(self, slot: int, below: Mapping[frozenset[Key], Branch]) -> None:
        self._slot = slot
        self._below = tuple(below.items())

    def visit(self, walk: Walk) -> None:
        value = walk.values[self._slot]
        walk.nodes.extend(branch for keys, branch in self._below if value in keys)

    def branches(self) -> Iterable[Branch]:
        return (branch for _, branch in self._below)


class DiffersLevel:
    """The value is another one."""

    __slots__ = ("_below", "_slot")

    def __init__(self, slot: int, below: Mapping[Key, Branch]) -> None:
        self._slot = slot
        self._below = tuple(below.items())

    def visit(self, walk: Walk) -> None:
        value = walk.values[self._slot]
        for key, branch in self._below:
            if value != key:
                walk.nodes.append(branch)

    def branches(self) -> Iterable[Branch]:
        return (branch for _, branch in self._below)


class PrefixLevel:
    """The value is a text that starts so."""

    __slots__ = ("_below", "_lengths", "_slot")

    def __init__(self, slot: int, below: Mapping[str, Branch]) -> None:
        self._slot = slot
        self._below = dict(below)
        self._lengths = sorted({len(prefix) for prefix in below})

    def visit(self, walk: Walk) -> None:
        value = walk.values[self._slot]
        if not isinstance(value, str):
            walk.report_wrong_type(value, self.branches())
            return
        for length in self._lengths:
            if length > len(value):
                break
            branch = self._below.get(value[:length])
            if branch is not None:
                walk.nodes.append(branch)

    def branches(self) -> Iterable[Branch]:
        return self._below.values()


class HasLevel:
    """The value is a set or list with this element, or a text with this part."""

    __slots__ = ("_below", "_slot")

    def __init__(self, slot: int, below: Mapping[Key, Branch]) -> None:
        self._slot = slot
        self._below = dict(below)

    def visit(self, walk: Walk) -> None:
        value = walk.values[self._slot]
        below = self._below
        if isinstance(value, Elements):
            walk.nodes.extend(below[key] for key in value.keys if key in below)
        elif isinstance(value, str):
            for key, branch in below.items():
                if isinstance(key, str) and key in value:
                    walk.nodes.append(branch)
        else:
            walk.report_wrong_type(value, self.branches())

    def branches(self) -> Iterable[Branch]:
        return self._below.values()


class WithinLevel:
    """The value is a number in a range."""

    __slots__ = ("_slot", "_tree")

    def __init__(self, slot: int, below: Mapping[Within, Branch]) -> None:
        self._slot = slot
        self._tree = RangeTree(below)

    def visit(self, walk: Walk) -> None:
        value = walk.values[self._slot]
        if isinstance(value, (int, Decimal)):
            walk.nodes += self._tree.find(value)

    def branches(self) -> Iterable[Branch]:
        return self._tree.everything()


class OrderedLevel:
    """Two values are numbers, and one is larger."""

    __slots__ = ("_below", "_slot")

    def __init__(self, slot: int, below: Mapping[tuple[str, int], Branch]) -> None:
        self._slot = slot
        self._below = [(ORDERS[order], other, branch) for (order, other), branch in below.items()]

    def visit(self, walk: Walk) -> None:
        values = walk.values
        left = values[self._slot]
        if isinstance(left, (int, Decimal)):
            for compare, slot, branch in self._below:
                right = values[slot]
                if isinstance(right, (int, Decimal)) and compare(left, right):
                    walk.nodes.append(branch)

    def branches(self) -> Iterable[Branch]:
        return (branch for _, _, branch in self._below)


class SomeEqualsLevel:
    """Some element of a list has this value."""

    __slots__ = ("_below", "_slot")

    def __init__(self, slot: int, below: Mapping[Key, Branch]) -> None:
        self._slot = slot
        self._below = dict(below)

    def visit(self, walk: Walk) -> None:
        keys = walk.values[self._slot]
        if keys is UNEXPECTED:
            walk.leave_to_evaluation(self.branches())
        else:
            below = self._below
            walk.nodes.extend(below[key] for key in keys if key in below)

    def branches(self) -> Iterable[Branch]:
        return self._below.values()


class SomeWithinLevel:
    """Some element of a list is a number in a range."""

    __slots__ = ("_slot", "_tree")

    def __init__(self, slot: int, below: Mapping[Within, Branch]) -> None:
        self._slot = slot
        self._tree = RangeTree(below)

    def visit(self, walk: Walk) -> None:
        keys = walk.values[self._slot]
        if keys is UNEXPECTED:
            walk.leave_to_evaluation(self.branches())
            return
        for key in keys:
            if isinstance(key, (int, Decimal)):
                walk.nodes += self._tree.find(key)

    def branches(self) -> Iterable[Branch]:
        return self._tree.everything()


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
            walk.leave_to_evaluation(self.branches())
            return
        if holds:
            walk.nodes.append(self._branch)

    def branches(self) -> Iterable[Branch]:
        return (self._branch,)
