"""How long matching a record takes, as a multiple of `json.loads` of its text, for 10 to 100,000 rules.

A record comes in parsed, as Lambda's runtime hands it over; out come its matches. Sizes of one kind are
timed in turn; 100,000 rules alone. The quick run ends with 1,000.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.report import Row, Table, number
from bench.session import HUGE
from bench.timing import Timing, time_contenders
from bench.workload import KINDS

if TYPE_CHECKING:
    from bench.session import Session
    from bench.workload import Kind

_GOALS = {("A", 10_000): 0.35, ("B", 10_000): 1.0}


def measure(session: Session) -> Table:
    found = timings(session)
    rows = [
        Row(
            f"{kind}, {n:,} rules",
            timing.ratio,
            "x json.loads",
            at_most=_GOALS.get((kind, n)),
            note=_note(timing),
        )
        for (kind, n), timing in found.items()
    ]
    [yardstick] = {min(timing.yardstick for timing in found.values())}
    title = f"Matching a parsed record (json.loads takes {yardstick * 1e6:.1f} us here)"
    return Table("matching", title, rows)


def timings(session: Session) -> dict[tuple[Kind, int], Timing]:
    """Measured once for a session."""
    if not session.timings:
        for kind in KINDS:
            found = time_contenders(
                [session.contender(kind, n) for n in session.sizes], session.texts, session.effort
            )
            session.timings |= {(kind, n): found[f"{kind} {n}"] for n in session.sizes}
            if not session.quick:
                huge = time_contenders([session.contender(kind, HUGE)], session.texts, session.effort)
                session.timings[kind, HUGE] = huge[f"{kind} {HUGE}"]
                session.forget(kind, HUGE)
    return session.timings


def _note(timing: Timing) -> str:
    return (
        f"{number(timing.seconds * 1e6)} us, {timing.matches:.3g} matches a record, "
        f"{timing.records:,} records checked and timed"
    )
