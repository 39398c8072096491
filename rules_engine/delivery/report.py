"""What an invocation tells its operator: log lines, and counts by rule.

Everything that ends is told to a `Report` once. A line has only the fields of `FIELDS`: item values,
payloads, URLs and headers have no way in. What a service said may quote the request, so it is shown only
where the function may show values. One dead target with a thousand units waiting for it is one line.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rules_engine.log_line import log_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from rules_engine.delivery.failure import Failure
    from rules_engine.delivery.policy import Verdict
    from rules_engine.delivery.unit import Unit
    from rules_engine.engine import ConditionError

FIELDS = (
    "rule_id",
    "action_id",
    "clause",
    "delivery_id",
    "record",
    "target",
    "class",
    "code",
    "error",
    "tries",
    "then",
    "count",
)
"""All that a line may have beside `level` and `message`, in this order."""

_THEN = {"dead_letter": "dead letter", "hold": "dead letter", "block": "comes again", "keep": "comes again"}


@dataclass(slots=True)
class RuleCounts:
    """Of one rule in one invocation."""

    matched: int = 0
    condition_errors: int = 0
    delivered: int = 0
    retried: int = 0
    superseded: int = 0
    skipped: int = 0
    dead_lettered: int = 0
    unresolved: int = 0
    lag_seconds: float = 0.0


@dataclass(slots=True)
class Report:
    """`now` is the time in seconds since 1970; `log` takes finished lines."""

    log: Callable[[str], object]
    now: Callable[[], float]
    debug_values: bool = False
    rules: dict[str, RuleCounts] = field(default_factory=dict)
    classes: Counter[str] = field(default_factory=Counter)
    """Failed tries by class."""
    kinds: Counter[tuple[str, str, bool]] = field(default_factory=Counter)
    """Records by table, event name, and whether time to live removed the item."""
    unreadable: int = 0
    not_buried: int = 0
    not_given_up: int = 0
    is_failed: bool = False
    """Whether the batch is to come again as a whole."""

    def of(self, rule_id: str) -> RuleCounts:
        if rule_id not in self.rules:
            self.rules[rule_id] = RuleCounts()
        return self.rules[rule_id]

    def resolved(self, unit: Unit) -> None:
        """After a unit has got its outcome."""
        if unit.rule_id is None or unit.outcome is None:
            return
        counts = self.of(unit.rule_id)
        setattr(counts, unit.outcome, getattr(counts, unit.outcome) + 1)
        created = unit.created_at_seconds
        if unit.outcome == "delivered" and created is not None:
            counts.lag_seconds = max(counts.lag_seconds, self.now() - created)

    def failed(self, unit: Unit, failure: Failure, verdict: Verdict) -> None:
        """After a try that failed, or in place of one that is not made any more."""
        if unit.tries:
            self.classes[failure.error_class] += 1
        if verdict == "retry":
            if unit.rule_id is not None:
                self.of(unit.rule_id).retried += 1
            return
        self.not_given_up += verdict == "keep"
        if not unit.tries and verdict in ("block", "keep"):
            return  # said once for all that wait for the target
        message = "action failed" if unit.rule_id is not None else "record cannot be read"
        target = None if unit.action is None else unit.action.target or None
        self._unit_line(message, unit, failure, _THEN[verdict], target)

    def could_not_bury(self, unit: Unit, failure: Failure) -> None:
        """After a dead letter that could not be written."""
        self.not_buried += 1
        self._unit_line("dead letter cannot be written", unit, failure, "comes again")

    def short_of_time(self, unit: Unit, seconds: float) -> None:
        """Before what may be cut off in the middle; then there is no line any more."""
        error = f"the invocation has {seconds:.3g} s, and this action may take {unit.timeout_seconds:g} s"
        self.line(
            "WARNING",
            "function may be ended too early",
            rule_id=unit.rule_id,
            action_id=unit.action_id,
            error=error,
        )

    def refused(self, target: str, failure: Failure, count: int) -> None:
        """Instead of calls to a target that is in trouble."""
        code, kind = failure.code, failure.error_class
        self.line("ERROR", "target is left alone", target=target, code=code, count=count, **{"class": kind})

    def condition_errors(self, errors: Iterable[ConditionError]) -> None:
        """One line for each rule."""
        first: dict[str, ConditionError] = {}
        for error in errors:
            first.setdefault(error.rule_id, error)
            self.of(error.rule_id).condition_errors += 1
        for rule_id, error in first.items():
            self.line(
                "WARNING",
                "condition cannot be evaluated",
                rule_id=rule_id,
                clause=error.clause,
                error=error.message,
                count=self.of(rule_id).condition_errors,
            )

    def _unit_line(
        self, message: str, unit: Unit, failure: Failure, then: str, target: str | None = None
    ) -> None:
        self.line(
            "ERROR",
            message,
            rule_id=unit.rule_id,
            action_id=unit.action_id,
            delivery_id=unit.id if unit.rule_id is not None else None,
            record=unit.record.failure_id,
            target=target,
            code=failure.code,
            error=failure.message or (failure.said if self.debug_values else None),
            tries=unit.tries,
            then=then,
            **{"class": failure.error_class},
        )

    def line(self, level: str, message: str, **fields: Any) -> None:
        """A line with those of the fields that are not None. Raises ValueError for one that is unknown."""
        unknown = fields.keys() - set(FIELDS)
        if unknown:
            raise ValueError(f"no log line has the field '{min(unknown)}'")
        shown = {name: fields[name] for name in FIELDS if fields.get(name) is not None}
        if isinstance(shown.get("error"), str):
            # Half a surrogate pair has no JSON form, and a log line must not fail.
            shown["error"] = shown["error"].encode("utf-8", "backslashreplace").decode()
        self.log(log_line(level, message, **shown))
