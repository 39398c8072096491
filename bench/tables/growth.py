"""How much more a record costs when there are 100 times as many rules: the same figures as in `matching`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.report import Row, Table
from bench.session import HUGE
from bench.tables.matching import timings
from bench.workload import KINDS

if TYPE_CHECKING:
    from bench.session import Session

_GOALS = {"A": 1.5, "S": 1.2, "B": 3.0}
_GOAL_SIZE = 10_000


def measure(session: Session) -> Table:
    found = timings(session)
    rows = []
    for kind in KINDS:
        small = found[kind, 100].ratio
        for n in (1_000, 10_000, HUGE):
            if (kind, n) in found:
                goal = _GOALS[kind] if n == _GOAL_SIZE else None
                rows.append(Row(f"{kind}, 100 to {n:,}", found[kind, n].ratio / small, "x", at_most=goal))
    return Table("growth", "Growth of the time for a record with the number of rules", rows)
