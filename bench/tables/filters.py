"""What the filter patterns of the orders table's mapping keep from the function: records that no rule wants.

The patterns are judged by our own reading of Lambda's filters, which tests compare with an emulator's.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from bench.orders import TABLE
from bench.report import Row, Table
from bench.session import rule_set
from bench.workload import records
from rules_engine import bundle
from rules_engine.deploy.pushdown import MOST_PATTERNS, filter_patterns
from rules_engine.engine import Engine
from rules_engine.poller import compile_filters

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.session import Session
    from bench.workload import Kind

RECORDS = 1_000


def measure(session: Session) -> Table:
    rows = [row for number in (10, 100) for row in _rows("A", number)]
    return Table("filters", "Records that a mapping's filter keeps from the function", rows)


def _rows(kind: Kind, number: int) -> Iterator[Row]:
    rules = rule_set(kind, number)
    patterns = filter_patterns(bundle.load(bundle.dump(rules)).outlines or (), TABLE)
    wanted = compile_filters([json.loads(each) for each in patterns]) or (lambda record: True)
    engine = Engine.from_rules(rules)
    judged = [(wanted(record), bool(engine.match(record))) for record in records(number=RECORDS)]
    unmatched = sum(not matches for _, matches in judged)
    dropped = sum(not passes and not matches for passes, matches in judged)
    label, note = (
        f"{kind}, {number} rules",
        f"{dropped} of {unmatched}, {len(patterns)} of {MOST_PATTERNS} patterns",
    )
    yield Row(f"{label}: unmatched records dropped", 100 * dropped / max(unmatched, 1), "%", note=note)
    wrong = sum(matches and not passes for passes, matches in judged)
    yield Row(f"{label}: matched records dropped", wrong, "records", at_most=0)
