"""Connections between two requests: few, young, and each for the endpoint that it was made for.

`take` gives the one used last that is still usable, and `put` keeps one. What is too many or has rested too
long is closed: receivers close after some 60 s, and a function that was frozen does not see them do it.
"""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

MOST_IDLE = 64
MOST_IDLE_SECONDS = 30.0


class Closeable(Protocol):
    def is_usable(self) -> bool: ...

    def close(self) -> None: ...


C = TypeVar("C", bound=Closeable)


class IdleConnections(Generic[C]):
    """Used by several threads."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = Lock()
        self._kept: list[tuple[Hashable, float, C]] = []
        """Endpoint, since when, connection; the one that rested longest first."""

    def take(self, endpoint: Hashable) -> C | None:
        while (connection := self._newest(endpoint)) is not None:
            if connection.is_usable():
                return connection
            connection.close()
        return None

    def _newest(self, endpoint: Hashable) -> C | None:
        with self._lock:
            self._drop_old()
            for place in reversed(range(len(self._kept))):
                if self._kept[place][0] == endpoint:
                    return self._kept.pop(place)[2]
        return None

    def put(self, endpoint: Hashable, connection: C) -> None:
        with self._lock:
            self._kept.append((endpoint, self._clock(), connection))
            if len(self._kept) > MOST_IDLE:
                self._kept.pop(0)[2].close()

    def close(self) -> None:
        """All that are kept."""
        with self._lock:
            while self._kept:
                self._kept.pop()[2].close()

    def _drop_old(self) -> None:
        oldest = self._clock() - MOST_IDLE_SECONDS
        while self._kept and self._kept[0][1] < oldest:
            self._kept.pop(0)[2].close()
