"""Levels that try needs one by one, where there are few: below a look-up mostly each at a value of its own.

`tried(below, freeze)` takes what stands below a look-up by place, as `tree` grows it, and gives the levels
made of it and what is left for others. A level for each value costs a call and a search, a need that is tried
a comparison. Where a value has another type than expected, a function looks closer; what only an evaluation
can tell is left to it.
"""

from __future__ import annotations

from functools import lru_cache
from math import inf, nan, nextafter
from typing import TYPE_CHECKING, Any, TypeAlias

from rules_engine.expression.needs import ABSENT, NULL
from rules_engine.index.levels import UNREAD, rules_below
from rules_engine.index.numbers import LongNumber
from rules_engine.index.ranges import Range
from rules_engine.index.reader import UNEXPECTED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from rules_engine.index.levels import Branch, Key, Level, Walk
    from rules_engine.index.steps import Place

MAX_TRIED = 6
"""Branches that are tried at one place; a search takes as long as so many comparisons."""

TriedRange: TypeAlias = "tuple[int, float, float, Branch]"
"""A slot, the lowest and the highest number wanted there, and what stands below."""

TriedPart: TypeAlias = "tuple[int, str, Branch]"
"""A slot, the element of a set or list or the part of a text wanted there, and what stands below."""

TriedElement: TypeAlias = "tuple[int, Key, int, float, float, Branch]"
"""The slots of two lists, the value wanted in the first, lowest and highest number in the second, and what
stands below."""

TriedException: TypeAlias = "tuple[int, frozenset[Key], Branch]"
"""A slot, the values there that are spared, and what stands below."""


class RangesLevel:
    """Numbers are in ranges."""

    __slots__ = ("_tried",)

    def __init__(self, tried: tuple[TriedRange, ...]) -> None:
        self._tried = tried

    def visit(self, walk: Walk) -> None:
        values = walk.values
        for slot, low, high, branch in self._tried:
            value = values[slot]
            if type(value) is not float:
                value = _short_number(walk, slot, branch)
            if low <= value <= high:
                walk.go_on(branch)

    def branches(self) -> Iterable[Branch]:
        return (branch for *_, branch in self._tried)


class PartsLevel:
    """Sets, lists or texts have elements or parts."""

    __slots__ = ("_tried",)

    def __init__(self, tried: tuple[TriedPart, ...]) -> None:
        self._tried = tried

    def visit(self, walk: Walk) -> None:
        values = walk.values
        for slot, part, branch in self._tried:
            value = values[slot]
            if type(value) is not str and type(value) is not frozenset:
                value = _text_or_set(walk, slot, branch)
            if part in value:
                walk.go_on(branch)

    def branches(self) -> Iterable[Branch]:
        return (branch for *_, branch in self._tried)


class ElementsLevel:
    """An element of a list has a value and a number in a range."""

    __slots__ = ("_tried",)

    def __init__(self, tried: tuple[TriedElement, ...]) -> None:
        self._tried = tried

    def visit(self, walk: Walk) -> None:
        for one, wanted, other, low, high, branch in self._tried:
            values, numbers = walk.read(one), walk.read(other)
            if type(values) is list and type(numbers) is list:
                # A number that only an evaluation can compare settles it too.
                for value, number in zip(values, numbers, strict=True):
                    if value == wanted and isinstance(number, float):
                        if type(number) is not float:
                            walk.undecided += rules_below(branch)
                            break
                        if low <= number <= high:
                            walk.go_on(branch)
                            break
            elif values is UNEXPECTED or numbers is UNEXPECTED:
                walk.undecided += rules_below(branch)

    def branches(self) -> Iterable[Branch]:
        return (branch for *_, branch in self._tried)


class ExceptionsLevel:
    """No exception is for the record, each of one value."""

    __slots__ = ("_tried",)

    def __init__(self, tried: tuple[TriedException, ...]) -> None:
        self._tried = tried

    def visit(self, walk: Walk) -> None:
        values = walk.values
        for slot, spared, branch in self._tried:
            value = values[slot]
            if value is UNREAD:
                value = walk.read(slot)
            if value is UNEXPECTED:
                walk.spared += rules_below(branch)
            elif value not in spared:
                walk.go_on(branch)

    def branches(self) -> Iterable[Branch]:
        return (branch for *_, branch in self._tried)


def _short_number(walk: Walk, slot: int, branch: Branch) -> float:
    """The number at a slot; NaN, which is in no range, where there is none that a float stands for."""
    value = walk.read(slot)
    if type(value) is float:
        return value
    if value is UNEXPECTED or isinstance(value, float):
        walk.undecided += rules_below(branch)
    return nan


def _text_or_set(walk: Walk, slot: int, branch: Branch) -> str | frozenset[Key]:
    """The text or set at a slot, or an empty set."""
    value = walk.read(slot)
    if isinstance(value, (str, frozenset)):
        return value
    if value is not ABSENT and value is not NULL:
        walk.undecided += rules_below(branch)
    return frozenset()


def tried(
    below: Mapping[Place, Mapping[Any, Any]], freeze: Callable[[Any], Branch]
) -> tuple[list[Level], dict[Place, Mapping[Any, Any]]]:
    """The values of `below` are sprouts by what a record must have; `freeze` makes a branch of one."""
    found: dict[str, list[tuple[Any, ...]]] = {kind: [] for kind in _KINDS}
    rest = {}
    for (kind, slot), sprouts in below.items():
        trial = _KINDS[kind][0] if kind in _KINDS else None
        each_tried = [trial and trial(slot, wanted) for wanted in sprouts]
        if len(each_tried) <= MAX_TRIED and None not in each_tried:
            branches = map(freeze, sprouts.values())
            found[kind] += (
                (*each, branch) for each, branch in zip(each_tried, branches, strict=True) if each
            )
        else:
            rest[kind, slot] = sprouts
    return [_KINDS[kind][1](tuple(every)) for kind, every in found.items() if every], rest


def _range(slot: int, wanted: Range) -> tuple[Any, ...] | None:
    closed = _closed(wanted)
    return closed and (slot, *closed)


def _part(slot: int, wanted: Key) -> tuple[Any, ...] | None:
    return (slot, wanted) if isinstance(wanted, str) else None


def _element(slot: int, wanted: Any) -> tuple[Any, ...] | None:
    match wanted:
        case ((one, frozenset() as keys), (other, Range() as numbers)) if len(keys) == 1:
            closed = _closed(numbers)
            return closed and (one, *keys, other, *closed)
    return None


def _exception(slot: int, wanted: Any) -> tuple[Any, ...] | None:
    match wanted:
        case (((of, frozenset() as keys),),):
            return of, keys
    return None


_KINDS: dict[str, tuple[Callable[[int, Any], tuple[Any, ...] | None], Callable[[Any], Level]]] = {
    "within": (_range, RangesLevel),
    "has": (_part, PartsLevel),
    "some_element": (_element, ElementsLevel),
    "unless": (_exception, ExceptionsLevel),
}
"""What is tried of a need, None where only a level of its own can tell, and the level that tries it."""


def _closed(each: Range) -> tuple[float, float] | None:
    """Lowest and highest number of a range. No float is between a bound and the next float."""
    if isinstance(each.low, LongNumber) or isinstance(each.high, LongNumber):
        return None
    return _lowest(each.low, each.low_open), _highest(each.high, each.high_open)


# Cached to have one object for all rules with a bound, so that a record touches less memory.


@lru_cache(1_000)
def _lowest(low: float | None, is_open: bool) -> float:
    return -inf if low is None else nextafter(low, inf) if is_open else low


@lru_cache(1_000)
def _highest(high: float | None, is_open: bool) -> float:
    return inf if high is None else nextafter(high, -inf) if is_open else high
