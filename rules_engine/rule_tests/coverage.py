"""Which outcomes of a rule's conditions its tests have seen, and which they have not.

In: rules and tests. Out: for each enabled rule its outcomes and whether a test has seen them: that the rule
matches; that its `event` list lets a record through and stops one; that each clause holds and does not; and
the same for each operand of `&&` and `||` in a clause. What an operand gives counts whether or not it decided
the record's fate; a clause that could not be evaluated was seen neither way. A clause that is only reached
when the event is right is not asked about other events.

`table` does not count: a function gets the records of its tables only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rules_engine.engine import compile_rule
from rules_engine.errors import EvaluationError
from rules_engine.expression import Program, compile_expression, is_true
from rules_engine.index import kinds_of
from rules_engine.light_dataclass import dataclass
from rules_engine.model import EVENT_NAMES
from rules_engine.rule_tests.cases import cases_by_rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from rules_engine.engine import Clause
    from rules_engine.expression.node import Node
    from rules_engine.loader import RuleTest
    from rules_engine.model import Rule
    from rules_engine.record import StreamRecord

_JUNCTIONS = ("and_expression", "or_expression")


class Outcome(NamedTuple):
    """One way that something of a rule can go. `text` is the condition; empty for `match` and `event`."""

    clause: str
    text: str
    value: bool


@dataclass(frozen=True, slots=True)
class RuleCoverage:
    """The outcomes of one rule, in the order in which it is read, and whether tests have seen them."""

    rule_id: str
    cases: int
    seen: Mapping[Outcome, bool]

    @property
    def missing(self) -> list[Outcome]:
        return [outcome for outcome, seen in self.seen.items() if not seen]


def cover(rules: Sequence[Rule], tests: Iterable[RuleTest]) -> list[RuleCoverage]:
    """The coverage of every enabled rule, in rule order."""
    cases = cases_by_rule(rules, tests)
    return [
        RuleCoverage(
            rule.id,
            len(cases[rule.id]),
            _cover_rule(rule, [record for case in cases[rule.id] for record in case.records]),
        )
        for rule in rules
        if rule.id in cases
    ]


def _cover_rule(rule: Rule, records: Iterable[StreamRecord]) -> dict[Outcome, bool]:
    compiled = compile_rule(rule)
    parts = [(clause.label, part) for clause in compiled.clauses() for part in _parts(clause)]
    matches = Outcome("match", "", value=True)
    outcomes = [matches]
    if len(kinds_of(rule)) < len(EVENT_NAMES):
        outcomes += [Outcome("event", "", value=True), Outcome("event", "", value=False)]
    outcomes += [Outcome(label, part.text, value) for label, part in parts for value in (True, False)]
    seen: set[Outcome] = set()
    for record in records:
        seen.update(_outcomes_of(record, rule, parts))
        if compiled.explain(record).outcome == "matched":
            seen.add(matches)
    return {outcome: outcome in seen for outcome in outcomes}


def _outcomes_of(record: StreamRecord, rule: Rule, parts: Iterable[tuple[str, Program]]) -> Iterator[Outcome]:
    if record.table not in rule.tables:
        return
    event = record.kind in kinds_of(rule)
    yield Outcome("event", "", event)
    if not event:
        return
    for label, part in parts:
        try:
            yield Outcome(label, part.text, is_true(part(record.document)))
        except EvaluationError:
            continue


def _parts(clause: Clause) -> Iterator[Program]:
    """The clause, and each operand of its `&&` and `||`, however deep."""
    yield clause.program
    for node in _operands(clause.program.node):
        yield compile_expression(node.text, clause.scope)


def _operands(node: Node) -> Iterator[Node]:
    """In the order in which they are written, without those that are junctions themselves."""
    if node.type == "not_expression":
        yield from _operands(node.children[0])
    elif node.type in _JUNCTIONS:
        for child in node.children:
            inner = child.children[0] if child.type == "not_expression" else child
            if inner.type not in _JUNCTIONS:
                yield child
            yield from _operands(child)
