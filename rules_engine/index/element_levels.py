"""The kinds of levels that look at the elements of a list: see `levels`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rules_engine.index.levels import SlotTest, meets, rules_below
from rules_engine.index.reader import FAILED, UNEXPECTED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rules_engine.index.levels import Branch, Key, Walk


class SomeEqualsLevel:
    """Some element of a list has this value."""

    __slots__ = ("below", "slot")

    def __init__(self, slot: int, below: Mapping[Key, Branch]) -> None:
        self.slot = slot
        self.below = below

    def visit(self, walk: Walk) -> None:
        values = walk.read(self.slot)
        if type(values) is list:
            below = self.below
            for value in set(values):
                if value in below:
                    walk.go_on(below[value])
        elif values is UNEXPECTED:
            walk.leave_to_evaluation(self)

    def branches(self) -> Iterable[Branch]:
        return self.below.values()


class SomeAnyOfLevel:
    """Some element of a list has one of several values."""

    __slots__ = ("_below", "_slot")

    def __init__(self, slot: int, below: Mapping[frozenset[Key], Branch]) -> None:
        self._slot = slot
        self._below = tuple(below.items())

    def visit(self, walk: Walk) -> None:
        values = walk.read(self._slot)
        if type(values) is list:
            for keys, branch in self._below:
                if not keys.isdisjoint(values):
                    walk.go_on(branch)
        elif values is UNEXPECTED:
            walk.leave_to_evaluation(self)

    def branches(self) -> Iterable[Branch]:
        return (branch for _, branch in self._below)


class SomeElementLevel:
    """One element of a list meets several tests."""

    __slots__ = ("_below",)

    def __init__(self, slot: int, below: Mapping[tuple[SlotTest, ...], Branch]) -> None:
        self._below = tuple(below.items())

    def visit(self, walk: Walk) -> None:
        for tests, branch in self._below:
            lists = [walk.read(slot) for slot, _ in tests]
            if UNEXPECTED in lists:
                walk.undecided += rules_below(branch)
            elif FAILED not in lists and _some_element(tests, lists):
                walk.go_on(branch)

    def branches(self) -> Iterable[Branch]:
        return (branch for _, branch in self._below)


def _some_element(tests: tuple[SlotTest, ...], lists: list[list[Any]]) -> bool:
    (_, first), *others = tests
    for place, value in enumerate(lists[0]):
        if meets(value, first):
            for (_, wanted), values in zip(others, lists[1:], strict=True):
                if not meets(values[place], wanted):
                    break
            else:
                return True
    return False
