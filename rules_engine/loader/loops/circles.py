"""Circles of a directed graph.

In: for each node those that it leads to. Out: the strongly connected parts that hold a circle, and the
shortest circle through a node. No recursion: there may be as many nodes as rules.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

N = TypeVar("N")


def circles(ways: Mapping[N, Collection[N]]) -> list[list[N]]:
    """The parts of which each node leads to each other and back to itself."""
    search = _Search(ways)
    for root in ways:
        if root not in search.number:
            search.from_root(root)
    return [part for part in search.parts if len(part) > 1 or part[0] in ways.get(part[0], ())]


class _Search(Generic[N]):
    """Tarjan's search for strongly connected parts, with a stack of its own."""

    def __init__(self, ways: Mapping[N, Collection[N]]) -> None:
        self.ways = ways
        self.number: dict[N, int] = {}
        self.low: dict[N, int] = {}
        self.waiting: dict[N, None] = {}
        self.parts: list[list[N]] = []

    def from_root(self, root: N) -> None:
        below = [(root, self._open(root))]
        while below:
            node, further = below[-1]
            other = next((other for other in further if other not in self.number), None)
            if other is not None:
                below.append((other, self._open(other)))
                continue
            below.pop()
            known = [self.low[other] for other in self.ways.get(node, ()) if other in self.waiting]
            self.low[node] = min([self.low[node], *known])
            if self.low[node] == self.number[node]:
                self._close(node)

    def _open(self, node: N) -> Iterator[N]:
        self.number[node] = self.low[node] = len(self.number)
        self.waiting[node] = None
        return iter(self.ways.get(node, ()))

    def _close(self, node: N) -> None:
        part = [self.waiting.popitem()[0]]
        while part[-1] != node:
            part.append(self.waiting.popitem()[0])
        self.parts.append(part[::-1])


def shortest_circle(node: N, ways: Mapping[N, Collection[N]]) -> list[N] | None:
    """The nodes of a shortest circle from `node` on; None if there is none."""
    came_from: dict[N, N] = {}
    todo = deque([node])
    while todo:
        at = todo.popleft()
        for other in ways.get(at, ()):
            if other == node:
                back = [at]
                while back[-1] != node:
                    back.append(came_from[back[-1]])
                return back[::-1]
            if other not in came_from:
                came_from[other] = at
                todo.append(other)
    return None
