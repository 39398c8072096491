"""Which of many number ranges hold a number.

A `RangeTree` is a segment tree over the bounds that occur: a range is kept at the few nodes that together
cover it, and a number meets the nodes on the way from its leaf to the root. Looking up costs the logarithm of
the number of bounds plus what is found, also for ranges that overlap; sorted bounds alone would have to look
at every range that begins below.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from decimal import Decimal

    from rules_engine.expression.needs import Within

T = TypeVar("T")


class RangeTree(Generic[T]):
    """Built once from ranges and what each stands for."""

    __slots__ = ("_bounds", "_leaves", "_nodes")

    def __init__(self, ranges: Mapping[Within, T]) -> None:
        self._bounds = sorted(
            {bound for each in ranges for bound in (each.low, each.high) if bound is not None}
        )
        # Leaf 2i+1 is the bound i itself, leaf 2i the numbers between the bounds before it and it.
        self._leaves = 2 * len(self._bounds) + 1
        nodes: list[list[T]] = [[] for _ in range(2 * self._leaves)]
        for each, payload in ranges.items():
            for number in self._cover(*self._span(each)):
                nodes[number].append(payload)
        self._nodes = [tuple(node) for node in nodes]

    def find(self, number: int | Decimal) -> list[T]:
        """What stands for the ranges that hold `number`, each once."""
        bounds = self._bounds
        position = bisect_left(bounds, number)
        on_bound = position < len(bounds) and bounds[position] == number
        node = self._leaves + 2 * position + on_bound
        found: list[T] = []
        nodes = self._nodes
        while node:
            found += nodes[node]
            node >>= 1
        return found

    def everything(self) -> set[T]:
        """What stands for any of the ranges."""
        return {payload for node in self._nodes for payload in node}

    def _span(self, each: Within) -> tuple[int, int]:
        """First leaf of a range, and the one after its last."""
        first, last = 0, self._leaves - 1
        if each.low is not None:
            first = 2 * bisect_left(self._bounds, each.low) + 1 + each.low_open
        if each.high is not None:
            last = 2 * bisect_left(self._bounds, each.high) + 1 - each.high_open
        return first, last + 1

    def _cover(self, first: int, end: int) -> Iterable[int]:
        """The fewest nodes whose leaves are those from `first` up to `end`."""
        first += self._leaves
        end += self._leaves
        while first < end:
            if first & 1:
                yield first
                first += 1
            if end & 1:
                end -= 1
                yield end
            first >>= 1
            end >>= 1
