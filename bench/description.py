"""What a rule of the workload means, as data beside its text.

In: nothing. Out: `Clause` and `Description`, from which `bench.reference` decides in plain Python what a rule
matches, without reading its text. Whoever writes a rule writes both; nothing derives one from the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Clause:
    """One thing that must hold. `test` is a name in `bench.reference.TESTS`, `operand` is hashable.

    `path` starts with `new.` or `old.`, except for tests that look at both images.
    """

    test: str
    path: str
    operand: Any = None


@dataclass(frozen=True, slots=True)
class Description:
    """A rule: any of `events`, all `clauses`, and none of `exceptions` (all clauses of one must hold)."""

    events: tuple[str, ...]
    clauses: tuple[Clause, ...]
    exceptions: tuple[tuple[Clause, ...], ...] = ()
