"""Changes through rules, counted: what each rule matched, and where two rule sets decide differently.

`Backtest` takes changes one at a time and keeps counts, and of changes no more than `most` of each kind for
a rule, so an archive of any size takes the same memory. Rules of two sets are the same if they have the same
id, or if one is the other under a new id.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from rules_engine.engine import Engine
from rules_engine.model import RuleSet

if TYPE_CHECKING:
    from collections.abc import Container, Mapping
    from decimal import Decimal

    from rules_engine.model import Rule
    from rules_engine.record import StreamRecord

_MOST_UNREADABLE = 10
"""Kept: as many as a person would look at."""


class Change(NamedTuple):
    """One change of the archive, and where it stands there."""

    place: str
    record: StreamRecord


@dataclass(slots=True)
class Found:
    """Changes of one kind: how many, and the first of them."""

    count: int = 0
    first_place: str | None = None
    first: list[Change] = field(default_factory=list)

    def add(self, change: Change, most: int) -> None:
        self.count += 1
        self.first_place = self.first_place or change.place
        if len(self.first) < most:
            self.first.append(change)


@dataclass(slots=True, eq=False)
class Decisions:
    """What came of one rule. `rule` is None of one that is no longer there, `before` of one that was not
    there or without a second rule set. `more` are the changes that only the rule as it is matches, `fewer`
    those that only the rule as it was matched."""

    rule: Rule | None
    before: Rule | None = None
    matched: Found = field(default_factory=Found)
    matched_before: int = 0
    more: Found = field(default_factory=Found)
    fewer: Found = field(default_factory=Found)
    failed: Found = field(default_factory=Found)
    """Changes on which a condition of the rule, as it is, could not be evaluated."""
    failure: str | None = None
    """Clause and reason of the first of them."""

    @property
    def rule_id(self) -> str:
        rule = self.rule or self.before
        assert rule is not None
        return rule.id

    @property
    def has_changed(self) -> bool:
        return bool(self.more.count or self.fewer.count)


class Backtest:
    """`before` is the rule set to compare with, and `renamed` gives the id in it of a rule that has another
    one now. Of each kind of change the first `most` are kept."""

    def __init__(
        self, rule_set: RuleSet, before: RuleSet | None, renamed: Mapping[str, str], most: int
    ) -> None:
        self._most = most
        self._engine = Engine.from_rules(rule_set)
        self._engine_before = Engine.from_rules(before or RuleSet())
        old = {rule.id: rule for rule in self._engine_before.rule_set.rules}
        self._of_rules = [Decisions(rule, old.get(renamed.get(rule.id, rule.id))) for rule in rule_set.rules]
        self._by_id = {rule.id: each for rule, each in zip(rule_set.rules, self._of_rules, strict=True)}
        kept = {each.before.id: each for each in self._of_rules if each.before is not None}
        self._of_rules_before = [kept.get(rule.id) or Decisions(None, rule) for rule in old.values()]
        rules = [*rule_set.rules, *old.values()]
        self._tables = {table for rule in rules for table in rule.tables}
        self.changes = 0
        self.unreadable = 0
        self.first_unreadable: list[tuple[str, str]] = []
        """(place, reason) of the first of them."""
        self.without_rules: Counter[str] = Counter()
        """Of the changes, by table, those of tables for which there is no rule."""
        self.times: list[tuple[Decimal, str]] = []
        """The earliest and the latest, in seconds since 1970 and as text; empty if no change has a time."""

    def decisions_of(self, rule_ids: Container[str]) -> list[Decisions]:
        """Those of the rules with these ids, or of all where there is none: of the rules as they are, in
        their order, then of those that are gone."""
        every = [*self._of_rules, *(each for each in self._of_rules_before if each.rule is None)]
        return [each for each in every if not rule_ids or each.rule_id in rule_ids]

    def refuse(self, place: str, reason: str) -> None:
        """Something in the archive that is no change, or none that can be read."""
        self.unreadable += 1
        if len(self.first_unreadable) < _MOST_UNREADABLE:
            self.first_unreadable.append((place, reason))

    def take(self, place: str, record: StreamRecord) -> None:
        self.changes += 1
        seconds, text = record.created_at_seconds, record.created_at
        if seconds is not None and text is not None:
            times = [*self.times, (seconds, text)]
            self.times = [min(times), max(times)]
        if record.table not in self._tables:
            self.without_rules[record.table] += 1
            return
        change = Change(place, record)
        matches, errors = self._engine.evaluate(record)
        now = {self._of_rules[match.position] for match in matches}
        then = {self._of_rules_before[match.position] for match in self._engine_before.match(record)}
        for decisions in now:
            decisions.matched.add(change, self._most)
        for decisions in then:
            decisions.matched_before += 1
        for decisions in now - then:
            decisions.more.add(change, self._most)
        for decisions in then - now:
            decisions.fewer.add(change, self._most)
        for rule_id, error in {error.rule_id: error for error in reversed(errors)}.items():
            decisions = self._by_id[rule_id]
            decisions.failure = decisions.failure or f"{error.clause}: {error.message}"
            decisions.failed.add(change, self._most)
