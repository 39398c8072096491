"""Values that are made when they are first asked for, and then kept.

`OnDemand(make)[key]` is `make(key)`. A dictionary, because finding what is there then costs no more than in
any dictionary: the engine does it for every match. Two threads may make one value; both get the one that
was kept first, so what `make` gives must depend on its key alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

K = TypeVar("K")
V = TypeVar("V")


class OnDemand(dict[K, V]):
    """Holds what was asked for so far."""

    __slots__ = ("_make",)

    def __init__(self, make: Callable[[K], V]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, key: K) -> V:
        return self.setdefault(key, self._make(key))
