"""What one run of the benchmarks shares between its tables: texts, answers, engines, and how long to measure.

In: `quick`. Out: a `Session`. Engines and expected matches are made when a table first asks for them.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from bench.reference import Reference
from bench.timing import Contender, Effort, Timing
from bench.workload import Kind, record_texts, records, rules
from rules_engine.engine import Engine
from rules_engine.model import RuleSet
from rules_engine.record import parse_record

if TYPE_CHECKING:
    from collections.abc import Sequence

SIZES = (10, 100, 1_000, 10_000)
HUGE = 100_000
_FULL = Effort(seconds=0.5, rounds=7, records=5_000)
_QUICK = Effort(seconds=0.1, rounds=3, records=500)
_RECORDS_AT_HUGE = 1_000


class Session:
    def __init__(self, quick: bool) -> None:
        self.quick = quick
        self.sizes = SIZES[:-1] if quick else SIZES
        """Numbers of rules; making 10,000 of each kind takes half of a quick run's minute."""
        self.effort = _QUICK if quick else _FULL
        self.texts = record_texts()[: self.effort.records]
        self.timings: dict[tuple[Kind, int], Timing] = {}
        """What the table of matching found: growth and the chart are drawn from it."""
        self.peers: dict[str, dict[int, Timing]] = {}
        self._engines: dict[tuple[Kind, int], Engine] = {}
        self._expected: dict[tuple[Kind, int], list[list[str]]] = {}

    @cached_property
    def reference(self) -> Reference:
        return Reference(records()[: self.effort.records])

    def engine(self, kind: Kind, n: int) -> Engine:
        if (kind, n) not in self._engines:
            engine = self._engines[kind, n] = Engine.from_rules(rule_set(kind, n))
            for record in one_of_each_kind():
                engine.match(record)
        return self._engines[kind, n]

    def expected(self, kind: Kind, n: int) -> list[list[str]]:
        """For every record, or the first thousand at 100,000 rules, the ids of the rules that match it."""
        if (kind, n) not in self._expected:
            asked = self.reference if n < HUGE else Reference(records()[:_RECORDS_AT_HUGE])
            described = rules(kind, n)
            found = asked.matches(entry.description for entry in described)
            self._expected[kind, n] = [[described[place].rule.id for place in places] for places in found]
        return self._expected[kind, n]

    def forget(self, kind: Kind, n: int) -> None:
        """So that 100,000 rules of each kind need not be held at once."""
        self._engines.pop((kind, n), None)
        self._expected.pop((kind, n), None)

    def contender(self, kind: Kind, n: int) -> Contender:
        """The engine with the first `n` rules of `kind`, given parsed records."""
        match = self.engine(kind, n).match

        def match_all(batch: Sequence[Any]) -> int:
            matched = 0
            for record in batch:
                matched += len(match(record))
            return matched

        return Contender(
            f"{kind} {n}",
            lambda record: [found.rule.id for found in match(record)],
            match_all,
            self.expected(kind, n),
        )


def one_of_each_kind() -> list[dict[str, Any]]:
    """A record of every kind of event: an engine makes its look-ups for a kind when the first one comes."""
    found = {parse_record(record).kind: record for record in records(number=200)}
    return list(found.values())


def rule_set(kind: Kind, n: int) -> RuleSet:
    return RuleSet(tuple(entry.rule for entry in rules(kind, n)))
