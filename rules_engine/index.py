"""Which rules can concern a record at all.

In: the rules of a rule set. Out: for a record, the positions of its candidate rules, in rule order. A rule
that is not a candidate can never match; a candidate still has to be evaluated.

The index of today asks two things that every rule states: its tables and its events. Disabled rules are
never candidates.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rules_engine.model import Rule
    from rules_engine.record import StreamRecord

_EVENTS_OF_EXPIRED = ("REMOVE", "EXPIRE")
"""A removal by time to live is a removal too, so both kinds of rule want it."""


def accepts_event(rule: Rule, record: StreamRecord) -> bool:
    """Whether the rule's `event` list names what happened to the item."""
    if record.expired:
        return any(event in rule.events for event in _EVENTS_OF_EXPIRED)
    return record.event_name in rule.events


class Index:
    """Candidates by (table, event name, expired). Built once, then only read."""

    __slots__ = ("_candidates",)

    def __init__(self, rules: Sequence[Rule]) -> None:
        found: defaultdict[tuple[str, str, bool], list[int]] = defaultdict(list)
        for position, rule in enumerate(rules):
            if not rule.enabled:
                continue
            for table in dict.fromkeys(rule.tables):
                for event, expired in _kinds(rule.events):
                    found[table, event, expired].append(position)
        self._candidates = {key: tuple(positions) for key, positions in found.items()}

    def candidates(self, record: StreamRecord) -> tuple[int, ...]:
        """Positions of the rules that may match `record`, ascending."""
        return self._candidates.get((record.table, record.event_name, record.expired), ())


def _kinds(events: Sequence[str]) -> list[tuple[str, bool]]:
    """The (event name, expired) pairs of records that a rule for `events` accepts, each once."""
    kinds = [(event, False) for event in dict.fromkeys(events) if event != "EXPIRE"]
    if any(event in events for event in _EVENTS_OF_EXPIRED):
        kinds.append(("REMOVE", True))
    return kinds
