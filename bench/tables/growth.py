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


def measure(session: Session) -> Table:
    found = timings(session)
    rows = []
    for kind in KINDS:
        small = found[kind, 100].ratio
        rows.append(
            Row(f"{kind}, 100 to 10,000", found[kind, 10_000].ratio / small, "x", at_most=_GOALS[kind])
        )
        if (kind, HUGE) in found:
            rows.append(Row(f"{kind}, 100 to 100,000", found[kind, HUGE].ratio / small, "x"))
    return Table("growth", "Growth of the time for a record with the number of rules", rows)
