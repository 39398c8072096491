"""Records from text to matches on one core: parsing and matching, at 10,000 rules, or 1,000 in the quick run.

The goals are rates of event-ruler and quamina in their best configuration, on a machine on which
`json.loads` took 12.5 us; as multiples of `json.loads` they hold on any machine. Both the standard parser,
which Lambda's runtime uses, and orjson are shown: what orjson gains in parsing, Python 3.11 may lose again in
looking up the dictionaries that it makes. Without orjson its rows are left out.
"""

from __future__ import annotations

import json
from importlib import import_module
from typing import TYPE_CHECKING, Any

from bench.report import Row, Table
from bench.timing import Contender, Timing, time_contenders
from bench.workload import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bench.session import Session
    from bench.workload import Kind

_GOAL_SIZE = 10_000
_YARDSTICK_OF_GOALS = 12.5e-6
_GOAL_RATES = {"A": 75_000, "S": 144_000 / 1.5, "B": 30_000}


def measure(session: Session) -> Table:
    contenders = [_contender(session, kind, *parser) for parser in _parsers() for kind in KINDS]
    found = time_contenders(contenders, session.texts, session.effort)
    rules = session.sizes[-1]
    rows = [
        Row(
            f"{kind}, {rules:,} rules, parsed with {name}",
            timing.ratio,
            "x json.loads",
            at_most=round(1 / _GOAL_RATES[kind] / _YARDSTICK_OF_GOALS, 2) if rules == _GOAL_SIZE else None,
            note=f"{1 / timing.seconds:,.0f}/s here, {_at_goal_speed(timing):,.0f}/s where goals are from",
        )
        for name, _ in _parsers()
        for kind in KINDS
        for timing in [found[f"{kind} {name}"]]
    ]
    return Table("text", "Records from text to matches", rows)


def _parsers() -> list[tuple[str, Callable[[str], Any]]]:
    try:
        return [("json", json.loads), ("orjson", import_module("orjson").loads)]
    except ImportError:
        return [("json", json.loads)]


def _contender(session: Session, kind: Kind, name: str, loads: Callable[[str], Any]) -> Contender:
    match = session.engine(kind, session.sizes[-1]).match

    def match_all(texts: Sequence[str]) -> int:
        matched = 0
        for text in texts:
            matched += len(match(loads(text)))
        return matched

    return Contender(
        f"{kind} {name}",
        lambda text: [found.rule.id for found in match(loads(text))],
        match_all,
        session.expected(kind, session.sizes[-1]),
        prepare=lambda texts, parsed: texts,
    )


def _at_goal_speed(timing: Timing) -> float:
    return 1 / (timing.ratio * _YARDSTICK_OF_GOALS)
