"""Other rule engines on rule set A, each rule by rule in its own language, beside the engine.

They are those of the package registry. They get the decoded document made beforehand, in the form each takes
fastest; the engine gets the record as Lambda delivers it and decodes what it reads. Every peer's matches are
checked like the engine's. What is not installed (`requirements/bench.txt` has them) is shown as not
measured, with the reason.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bench.peers import PEERS, Peer, contender
from bench.report import Row, Table, number
from bench.session import SIZES
from bench.timing import time_contenders

if TYPE_CHECKING:
    from bench.session import Session
    from bench.timing import Timing

_OURS = "rules-engine"
_RECORDS = 1_000
"""On which peers are timed: decoding every record for them takes longer than what is timed."""
_TOO_SLOW = 3e-3
"""Seconds a record. Who took more gets no larger rule set."""


def measure(session: Session) -> Table:
    sizes = SIZES[:1] if session.quick else SIZES[:3]
    rows: list[Row] = []
    found = time_contenders([session.contender("A", n) for n in sizes], session.texts, session.effort)
    session.peers[_OURS] = {n: found[f"A {n}"] for n in sizes}
    for n in sizes:
        rows.append(_row(_OURS, n, session.peers[_OURS][n]))
    for peer in PEERS:
        try:
            session.peers[peer.name] = _timings(session, peer, sizes)
        except ImportError as error:
            rows.append(Row(peer.name, None, "x json.loads", note=f"not installed: {error}"))
            continue
        rows += [_row(peer.name, n, timing) for n, timing in session.peers[peer.name].items()]
    return Table("peers", "Peers on rule set A, rule by rule", rows)


def _timings(session: Session, peer: Peer, sizes: tuple[int, ...]) -> dict[int, Timing]:
    effort = replace(session.effort, records=min(_RECORDS, session.effort.records))
    timings: dict[int, Timing] = {}
    for n in sizes:
        made = contender(peer, n, session.expected("A", n))
        timings[n] = time_contenders([made], session.texts, effort)[made.name]
        if timings[n].seconds > _TOO_SLOW:
            break
    return timings


def _row(name: str, n: int, timing: Timing) -> Row:
    note = f"{number(timing.seconds * 1e6)} us, {timing.records:,} records"
    return Row(f"{name}, {n:,} rules", timing.ratio, "x json.loads", note=note)
