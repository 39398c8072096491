"""Units and lanes: what there is to do, and what of it must wait for what.

A unit is one action of one rule on one record. The units of one rule for one item are a lane: they start in
the order of the changes, each when the one before is resolved. Lanes know nothing of each other. `Lane.head`
is the unit that may start now; `block` leaves it unresolved. A blocked lane has no head any more: what is
left in it comes again. After a blocked unit whose action says `on_error: continue`, the other actions of that
record still run, and only then the lane is blocked.

A record that no rule could be asked about (it cannot be read, or its evaluation failed) is a unit without a
delivery, in a lane of its own, that has failed before it starts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rules_engine.record import StreamRecord

if TYPE_CHECKING:
    from rules_engine.actions import Action
    from rules_engine.delivery.failure import Failure
    from rules_engine.model import Delivery, Outcome
    from rules_engine.record import MalformedRecord

DEFAULT_TIMEOUT_SECONDS = 10.0


@dataclass(slots=True, eq=False)
class Unit:
    """`position` is the record's in the batch; `tries` are those of this invocation."""

    id: str
    record: StreamRecord | MalformedRecord
    position: int
    lane: Lane
    delivery: Delivery | None = None
    action: Action | None = None
    outcome: Outcome | None = None
    tries: int = 0
    tries_before: int = 0
    failure: Failure | None = None
    """Of its last try."""
    alone: bool = False
    """Not to share a call: one that held it was refused as a whole."""

    @property
    def rule_id(self) -> str | None:
        return None if self.delivery is None else self.delivery.match.rule.id

    @property
    def action_id(self) -> str | None:
        return None if self.delivery is None else self.delivery.action.id

    @property
    def on_error(self) -> str:
        return "retry" if self.delivery is None else self.delivery.action.on_error

    @property
    def timeout_seconds(self) -> float:
        seconds = None if self.delivery is None else self.delivery.action.timeout_seconds
        return float(seconds or DEFAULT_TIMEOUT_SECONDS)

    @property
    def sequence(self) -> int | None:
        """What orders the changes of its lane, if the record says so."""
        return self.record.sequence if isinstance(self.record, StreamRecord) else None

    @property
    def created_at_seconds(self) -> float | None:
        """When the change was made, if the record says so."""
        seconds = self.record.created_at_seconds if isinstance(self.record, StreamRecord) else None
        return None if seconds is None else float(seconds)


@dataclass(slots=True, eq=False)
class Lane:
    """Units in the order in which they must start. `name` is the same for the same rule and item."""

    name: str
    units: list[Unit] = field(default_factory=list)
    _at: int = 0
    _continuing: int | None = None
    """Position of a record of which a unit is blocked while its other actions may run."""
    _blocked: bool = False

    @property
    def head(self) -> Unit | None:
        """The unit that may start, or is under way."""
        while self._at < len(self.units) and self.units[self._at].outcome is not None:
            self._at += 1
        if self._blocked or self._at == len(self.units):
            return None
        unit = self.units[self._at]
        return unit if self._continuing in (None, unit.position) else None

    def of_record_under_way(self) -> list[Unit]:
        """All units of the record of the head; a lane may have ten thousand others."""
        position = self.units[self._at].position
        start, end = self._at, self._at + 1
        while start > 0 and self.units[start - 1].position == position:
            start -= 1
        while end < len(self.units) and self.units[end].position == position:
            end += 1
        return self.units[start:end]

    def block(self) -> None:
        """The head stays unresolved."""
        unit = self.units[self._at]
        if unit.on_error == "continue":
            self._continuing = unit.position
            self._at += 1
        else:
            self._blocked = True
