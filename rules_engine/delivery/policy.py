"""What is done about a failure: another quick try, a dead letter, or the lane waits.

`verdict` decides from the failure's class, the tries made and the record's age. It keeps no state: a record
that is too old to be tried on is known by its own time, so the answer is the same in every process.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from rules_engine.light_dataclass import dataclass

if TYPE_CHECKING:
    from random import Random

    from rules_engine.delivery.failure import Failure
    from rules_engine.delivery.unit import Unit

Verdict = Literal["retry", "dead_letter", "hold", "block", "keep"]
"""`hold`: a dead letter too, unless so much fails in the same way that the fault must be ours. `keep`: as
`block`, where it would be a dead letter if there were a queue for it."""

QUICK_RETRIES = {"transient": 2, "unknown": 1}
TRIES_OF_THE_UNKNOWN = 3
HOPELESS = frozenset({"permanent", "gone", "blocked"})

FIRST_WAIT_SECONDS = 0.1
LONGEST_WAIT_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Policy:
    """`has_dead_letters`: without a queue for them nothing is ever given up. `counts_tries`: whether the next
    invocation knows of the tries of this one; if not, all that an unknown failure gets are made now."""

    give_up_seconds: float
    has_dead_letters: bool
    counts_tries: bool = True

    def verdict(self, unit: Unit, failure: Failure, now: float, may_retry: bool) -> Verdict:
        """`may_retry`: whether the target takes calls and there is time for one."""
        is_unknown = failure.error_class == "unknown"
        exhausted = is_unknown and unit.tries + unit.tries_before >= TRIES_OF_THE_UNKNOWN
        if may_retry and not exhausted and unit.tries <= self._quick_retries(failure):
            return "retry"
        hopeless = failure.error_class in HOPELESS or unit.on_error == "dead_letter"
        if not hopeless and not exhausted and not self.is_too_old(unit, now):
            return "block"
        if not self.has_dead_letters:
            return "keep"
        return "dead_letter" if hopeless or self.is_too_old(unit, now) else "hold"

    def _quick_retries(self, failure: Failure) -> int:
        if failure.error_class == "unknown" and not self.counts_tries:
            return TRIES_OF_THE_UNKNOWN - 1
        return QUICK_RETRIES.get(failure.error_class, 0)

    def is_too_old(self, unit: Unit, now: float) -> bool:
        """Of a record that does not say when it was made nothing is known."""
        created = unit.created_at_seconds
        return created is not None and now - created >= self.give_up_seconds


def wait_seconds(tries: int, failure: Failure, random: Random) -> float:
    """How long to wait before the next quick try: full jitter, or the target's wish, at most a second."""
    jitter = random.uniform(0, FIRST_WAIT_SECONDS * 2 ** (tries - 1))
    return min(max(jitter, failure.retry_after_seconds or 0.0), LONGEST_WAIT_SECONDS)
