"""What the tests say of one rule: its cases, each a record and what must come of it.

A test of the whole rule set is a case of every rule that is for its record's table. Tests that are skipped
are no cases.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rules_engine.loader import RuleTest
    from rules_engine.model import Rule
    from rules_engine.record import StreamRecord


class Case(NamedTuple):
    """The records of a test as one rule sees them. `match` is None where the test does not say."""

    records: tuple[StreamRecord, ...]
    match: bool | None
    stopped_by: str | None


def cases_by_rule(rules: Iterable[Rule], tests: Iterable[RuleTest]) -> Mapping[str, list[Case]]:
    """The cases of each enabled rule, by its id; none for one without tests."""
    enabled = {rule.id: rule for rule in rules if rule.enabled}
    of_table: dict[str, list[Rule]] = defaultdict(list)
    for rule in enabled.values():
        for table in rule.tables:
            of_table[table].append(rule)
    cases: dict[str, list[Case]] = {rule_id: [] for rule_id in enabled}
    for test in tests:
        if test.rule_id is None:
            about = {rule.id for record in test.records for rule in of_table[record.table]}
            for rule_id in about:
                cases[rule_id].append(Case(test.records, rule_id in test.matches, None))
        elif test.rule_id in enabled:
            match = True if test.actions is not None else test.match
            cases[test.rule_id].append(Case(test.records, match, test.stopped_by))
    return cases
