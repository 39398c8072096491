"""One target of actions: what waits for it, how many calls it gets at once, and its breaker.

A target that has answered gets up to 16 calls at a time, one that has not yet two: endpoints that hang must
not take all threads. The breaker opens at the first failure that concerns the target itself (no access, not
there), at the third in a row that may pass, or at once when a failed call took a second. While it is open a
few single units are tried, chosen at random within the first second and not where calls hang, since what
failed may have been the fault of one record (a webhook that answers 404 for one order); a success closes it.
It may also have been the fault of one action: one host has the webhooks of many rules. So actions that have
not failed themselves are tried first, `is_unheard` says that of a unit, and `hear` lets one more call through
for those that would be given up otherwise. An answer that something is gone (410) opens nothing.
`refusal` is what stands against any further call in this invocation.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from random import Random

    from rules_engine.delivery.failure import Failure
    from rules_engine.delivery.unit import Unit

CALLS = 16
CALLS_BEFORE_AN_ANSWER = 2
FAILURES_THAT_OPEN = 3
PROBES = 5
CONFLICTS = frozenset({"ConditionalRequestConflict", "TransactionConflict", "TransactionConflictException"})
"""Two writes of one item or object at the same time: the target is well."""
PATIENCE_SECONDS = 1.0
"""How long a target in trouble is given more tries, and how long a failing call may take to count as one."""


class Target:
    """Used by the thread that schedules, only."""

    def __init__(self, name: str, random: Random) -> None:
        self.name = name
        self.ready: deque[Unit] = deque()
        self.in_flight = 0
        self._random = random
        self._answered = False
        self._failures = 0
        self._open: Failure | None = None
        self._opened_at = 0.0
        self._probes = 0
        self._failed_actions: set[tuple[str | None, str | None]] = set()
        self._is_slow = False

    def is_open(self) -> bool:
        """Whether the breaker is."""
        return self._open is not None

    def refusal(self, now: float) -> Failure | None:
        """Why nothing more is sent to this target in this invocation; None while something may be."""
        if self._open is not None and (self._probes == 0 or now - self._opened_at >= PATIENCE_SECONDS):
            return self._open
        return None

    def has_room(self, now: float) -> bool:
        """Whether a call may start."""
        if self.refusal(now) is not None:
            return False
        if self._open is not None:
            return self.in_flight == 0
        return self.in_flight < (CALLS if self._answered else CALLS_BEFORE_AN_ANSWER)

    def take(self) -> Unit:
        """The next unit that waits; while the breaker is open any of them, as a probe."""
        if self._open is not None:
            self._probes -= 1
            places = range(len(self.ready))
            unheard = [place for place in places if self._is_of_unheard_action(self.ready[place])]
            self.ready.rotate(-self._random.choice(unheard or places))
        return self.ready.popleft()

    def is_unheard(self, unit: Unit) -> bool:
        """Whether only other actions have failed here, and that quickly: one more call costs little."""
        return not self._is_slow and self._is_of_unheard_action(unit)

    def _is_of_unheard_action(self, unit: Unit) -> bool:
        return (unit.rule_id, unit.action_id) not in self._failed_actions

    def hear(self, units: Iterable[Unit], now: float) -> None:
        """Puts back what waited; one of them may be tried."""
        self.ready.extend(units)
        self._opened_at, self._probes = now, 1

    def settled(self, unit: Unit, failure: Failure | None) -> None:
        """After a call with this unit in it."""
        action = (unit.rule_id, unit.action_id)
        if failure is None:
            self._failed_actions.discard(action)
        elif failure.error_class in ("systemic", "transient") and failure.code not in CONFLICTS:
            self._failed_actions.add(action)

    @property
    def most_in_a_call(self) -> int | None:
        """1 while the breaker is open; None for as many as the action likes."""
        return None if self._open is None else 1

    def succeeded(self) -> None:
        self._answered = True
        self._failures = 0
        self._open = None

    def failed(self, failure: Failure, now: float, took_seconds: float) -> None:
        """After a unit's failure. A refusal of one record is an answer as good as any."""
        self._is_slow = took_seconds >= PATIENCE_SECONDS
        if failure.error_class == "systemic":
            self._trip(failure, now)
        elif failure.error_class == "transient" and failure.code not in CONFLICTS:
            self._failures += 1
            if self._is_slow or self._failures >= FAILURES_THAT_OPEN:
                self._trip(failure, now)
            if self._is_slow:
                self._probes = 0
        else:
            self._answered = True

    def _trip(self, failure: Failure, now: float) -> None:
        if self._open is None:
            self._opened_at, self._probes = now, PROBES
        self._open = failure
