"""What a loaded rule set holds in memory.

Counted with tracemalloc: the rules of a bundle and the engine made of them, with look-ups for every kind. The
goal is for what comes on
top of the rule's own text as its author writes it. A rule takes more once a record matched it: the second row
of each kind is after the workload's records.
"""

from __future__ import annotations

import gc
import tracemalloc
from typing import TYPE_CHECKING

from bench.report import Row, Table, number
from bench.session import one_of_each_kind, rule_set
from bench.workload import records, rule_text_bytes, rules
from rules_engine import bundle
from rules_engine.engine import Engine

if TYPE_CHECKING:
    from bench.session import Session
    from bench.workload import Kind


def measure(session: Session) -> Table:
    n = 250 if session.quick else 10_000
    return Table("memory", "Memory", [row for kind in ("A", "B") for row in _rows(kind, n, session)])


def _rows(kind: Kind, n: int, session: Session) -> list[Row]:
    data = bundle.dump(rule_set(kind, n))
    given, every_kind = records()[: session.effort.records], one_of_each_kind()
    gc.collect()
    tracemalloc.start()
    engine = Engine.from_rules(bundle.load(data))
    for record in every_kind:
        engine.match(record)
    gc.collect()
    held, peak = tracemalloc.get_traced_memory()
    for record in given:
        engine.match(record)
    gc.collect()
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    text, unit = rule_text_bytes(rules(kind, n)) / n, "bytes beyond its text"
    note = f"{number(held / n)} bytes in all, {number(text)} of text; peak while loading {peak / n:,.0f}"
    return [
        Row(f"{kind}, a rule of {n:,}", held / n - text, unit, at_most=2_048, note=note),
        Row(f"{kind}, after {len(given):,} records", used / n - text, unit),
    ]
