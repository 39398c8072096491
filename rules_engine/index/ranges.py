"""Which of many number ranges hold a number.

The bounds that occur cut the line into pieces; every range is a run of pieces, and one binary search finds
the piece of a number. Ranges with one bound are kept in the order of their bounds, so those that hold a
number are a slice. Ranges with two are listed for each piece, or, where they overlap so much that the lists
would be long, in a segment tree: at the few nodes that together cover a range. Where few ranges overlap at
all, every one is listed. Looking up costs the logarithm of the number of bounds plus what is found.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from math import inf
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from rules_engine.index.numbers import LongNumber

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

T = TypeVar("T")

_LISTED_A_PIECE = 4
"""Ranges listed for a piece, on average, from which on a segment tree is smaller."""


class Range(NamedTuple):
    """Numbers between two bounds, None for no bound; an open bound does not belong."""

    low: float | None = None
    low_open: bool = False
    high: float | None = None
    high_open: bool = False

    def holds(self, number: float) -> bool:
        low, low_open, high, high_open = self
        if low is not None and (number < low or (low_open and number == low)):
            return False
        return high is None or number < high or (number == high and not high_open)


class RangeTree(Generic[T]):
    """Built once from ranges and what each stands for."""

    __slots__ = (
        "_bounds",
        "_falling",
        "_falling_from",
        "_listed",
        "_nodes",
        "_one_bound",
        "_pieces",
        "_rising",
        "_rising_to",
    )

    def __init__(self, ranges: Iterable[tuple[Range, T]]) -> None:
        ranges = list(ranges)
        bounds = sorted({bound for each, _ in ranges for bound in (each.low, each.high) if bound is not None})
        if not any(isinstance(bound, LongNumber) for bound in bounds):
            # New ones, side by side: a search through objects all over the memory takes twice as long.
            bounds = array("d", bounds).tolist()
        self._bounds = bounds
        # Piece 2i+1 is the bound i itself, piece 2i the numbers between the bounds before it and it.
        self._pieces = 2 * len(self._bounds) + 1
        spans = [(self._span(each), payload) for each, payload in ranges]
        self._listed: list[tuple[T, ...]] | None = None
        self._nodes: list[tuple[T, ...]] | None = None
        self._one_bound = not self._are_few(spans)
        if not self._one_bound:
            self._listed = self._list(spans)
            return
        rising = sorted(
            ((span[0], payload) for span, payload in spans if span[1] == self._pieces), key=_place
        )
        falling = sorted(
            ((span[1], payload) for span, payload in spans if span[0] == 0 and span[1] < self._pieces),
            key=_place,
        )
        starts, ends = [place for place, _ in rising], [place for place, _ in falling]
        self._rising = [payload for _, payload in rising]
        self._rising_to = array("L", (bisect_right(starts, piece) for piece in range(self._pieces)))
        self._falling = [payload for _, payload in falling]
        self._falling_from = array("L", (bisect_right(ends, piece) for piece in range(self._pieces)))
        bands = [(span, payload) for span, payload in spans if span[0] > 0 and span[1] < self._pieces]
        if self._are_few(bands):
            self._listed = self._list(bands)
        else:
            self._nodes = self._tree(bands)

    def _are_few(self, spans: list[tuple[tuple[int, int], T]]) -> bool:
        return sum(max(end - first, 0) for (first, end), _ in spans) <= _LISTED_A_PIECE * self._pieces

    def find(self, number: float) -> Sequence[T]:
        """What stands for the ranges that hold `number`, each once."""
        bounds = self._bounds
        position = bisect_left(bounds, number)
        piece = 2 * position
        if position < len(bounds) and bounds[position] == number:
            piece += 1
        if not self._one_bound:
            return self._listed[piece]  # type: ignore[index]
        found = self._rising[: self._rising_to[piece]]
        if self._falling:
            found += self._falling[self._falling_from[piece] :]
        if self._listed is not None:
            found += self._listed[piece]
        elif self._nodes is not None:
            node = self._pieces + piece
            while node:
                found += self._nodes[node]
                node >>= 1
        return found

    def listed(self) -> tuple[list[float], list[tuple[T, ...]], list[tuple[T, ...]]] | None:
        """The bounds and infinity, and for each of them what stands for the ranges that hold the numbers just
        below it, and for those that hold it; None where that is not listed."""
        if self._listed is None or self._one_bound:
            return None
        return [*self._bounds, inf], self._listed[::2], [*self._listed[1::2], ()]

    def everything(self) -> Iterable[T]:
        """What stands for any of the ranges."""
        if self._one_bound:
            yield from self._rising
            yield from self._falling
        listed = self._listed if self._listed is not None else self._nodes or []
        yield from {id(payload): payload for piece in listed for payload in piece}.values()

    def _span(self, each: Range) -> tuple[int, int]:
        """First piece of a range, and the one after its last."""
        first, last = 0, self._pieces - 1
        if each.low is not None:
            first = 2 * bisect_left(self._bounds, each.low) + 1 + each.low_open
        if each.high is not None:
            last = 2 * bisect_left(self._bounds, each.high) + 1 - each.high_open
        return first, last + 1

    def _list(self, bands: list[tuple[tuple[int, int], T]]) -> list[tuple[T, ...]]:
        pieces: list[list[T]] = [[] for _ in range(self._pieces)]
        for (first, end), payload in bands:
            for piece in range(first, end):
                pieces[piece].append(payload)
        return [tuple(piece) for piece in pieces]

    def _tree(self, bands: list[tuple[tuple[int, int], T]]) -> list[tuple[T, ...]]:
        nodes: list[list[T]] = [[] for _ in range(2 * self._pieces)]
        for (first, end), payload in bands:
            for number in self._cover(first, end):
                nodes[number].append(payload)
        return [tuple(node) for node in nodes]

    def _cover(self, first: int, end: int) -> Iterable[int]:
        """The fewest nodes whose pieces are those from `first` up to `end`."""
        first += self._pieces
        end += self._pieces
        while first < end:
            if first & 1:
                yield first
                first += 1
            if end & 1:
                end -= 1
                yield end
            first >>= 1
            end >>= 1


def _place(entry: tuple[int, object]) -> int:
    return entry[0]
