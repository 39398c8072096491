"""What a loaded rule set holds in memory.

Counted with tracemalloc: the rules of a bundle and the engine made of them. The goal is for what comes on
top of the rule's own text, which is its share of the bundle.
"""

from __future__ import annotations

import gc
import tracemalloc
from typing import TYPE_CHECKING

from bench.report import Row, Table, number
from bench.session import rule_set
from rules_engine import bundle
from rules_engine.engine import Engine

if TYPE_CHECKING:
    from bench.session import Session
    from bench.workload import Kind


def measure(session: Session) -> Table:
    n = 1_000 if session.quick else 10_000
    return Table("memory", "Memory", [_row(kind, n) for kind in ("A", "B")])


def _row(kind: Kind, n: int) -> Row:
    data = bundle.dump(rule_set(kind, n))
    gc.collect()
    tracemalloc.start()
    engine = Engine.from_rules(bundle.load(data))
    gc.collect()
    held, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    a_rule, text = held / len(engine.rule_set.rules), len(data) / n
    note = f"{number(a_rule)} bytes in all, {number(text)} of text; peak while loading {peak / n:,.0f}"
    return Row(f"{kind}, a rule of {n:,}", a_rule - text, "bytes beyond its text", at_most=2_048, note=note)
