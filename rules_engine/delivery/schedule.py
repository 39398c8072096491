"""Runs lanes: many at a time, each in its own order, within the time and memory that there are.

In go lanes of units; when `run` returns, every unit has an outcome or is unresolved, and no thread of this
invocation is left. One thread decides everything here; the effects, and the writing of dead letters, take
place in workers. What an action can send together goes out in one call, made of units of different lanes:
one lane never has two units under way, so no batch can reorder it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any, TypeGuard

from rules_engine.actions.size import size_of
from rules_engine.delivery.failure import Failure, classify
from rules_engine.delivery.policy import wait_seconds
from rules_engine.delivery.target import Target
from rules_engine.errors import Superseded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from random import Random

    from rules_engine.actions import BatchingAction
    from rules_engine.delivery.clock import Clock
    from rules_engine.delivery.context import Deadline
    from rules_engine.delivery.policy import Policy
    from rules_engine.delivery.report import Report
    from rules_engine.delivery.unit import Lane, Unit
    from rules_engine.delivery.workers import Workers
    from rules_engine.model import Outcome

MOST_BYTES_IN_FLIGHT = 16 * 1024 * 1024
"""Of rendered requests and dead letters together; the smallest function has 128 MB."""
IN_PLACE = ""
"""Target of actions that reach nothing outside of the function: they need no thread."""
DEAD_LETTERS = "dead letters"


@dataclass(slots=True, eq=False)
class _Call:
    """Units whose fate one call decides."""

    units: list[Unit]
    target: Target
    size: int
    started: float
    requests: list[Any] = field(default_factory=list)
    """Empty for a dead letter."""


class Schedule:
    """See the module. `bury` writes a unit's dead letter; it runs in a worker and may raise."""

    def __init__(
        self,
        *,
        workers: Workers,
        clock: Clock,
        random: Random,
        deadline: Deadline,
        policy: Policy,
        bury: Callable[[Unit], None],
        report: Report,
    ) -> None:
        self._workers, self._clock, self._random = workers, clock, random
        self._deadline, self._policy, self._report = deadline, policy, report
        self._bury_unit = bury
        self._targets: dict[str, Target] = {}
        self._busy: dict[str, Target] = {}
        """Targets for which something waits, the one that was served last at the end."""
        self._graves = self._target(DEAD_LETTERS)
        self._retries: list[tuple[float, int, Unit]] = []
        self._held: list[Unit] = []
        self._in_flight = 0
        self._bytes = 0
        self._tried = 0
        self._unknown: set[Unit] = set()

    def run(self, lanes: Iterable[Lane]) -> None:
        """Until nothing can be done any more in this invocation."""
        try:
            for lane in lanes:
                self._advance(lane)
            self._drain()
            while self._held and not self.is_flooded:
                held, self._held = self._held, []
                for unit in held:
                    self._wait_for(self._graves, unit)
                self._drain()
        finally:
            self._workers.close()

    @property
    def is_flooded(self) -> bool:
        """Whether more than half of what was tried fails in ways that nobody knows: then the fault is rather
        ours than the records', and giving them up one by one would be wrong."""
        records = {unit.position for unit in self._unknown}
        return len(records) > 1 and 2 * len(self._unknown) > self._tried

    # Lanes

    def _advance(self, lane: Lane) -> None:
        """Puts the lane's head, if it has one, where it waits for its turn."""
        unit = lane.head
        if unit is None:
            return
        if unit.action is None:
            unit.tries += 1
            self._tried += 1
            self._fail(unit, unit.failure or Failure("unknown", "Unreadable"), may_retry=False)
        else:
            self._wait_for(self._target(unit.action.target), unit)

    def _wait_for(self, target: Target, unit: Unit) -> None:
        target.ready.append(unit)
        self._busy[target.name] = target

    def _resolve(self, unit: Unit, outcome: Outcome) -> None:
        unit.outcome = outcome
        self._unknown.discard(unit)
        self._report.resolved(unit)
        self._advance(unit.lane)

    def _block(self, unit: Unit) -> None:
        unit.lane.block()
        self._advance(unit.lane)

    def _fail(self, unit: Unit, failure: Failure, *, may_retry: bool) -> None:
        unit.failure = failure
        if failure.error_class == "unknown":
            self._unknown.add(unit)
        verdict = self._policy.verdict(unit, failure, self._clock.now(), may_retry)
        self._report.failed(unit, failure, verdict)
        if verdict == "retry":
            due = self._clock.monotonic() + wait_seconds(unit.tries, failure, self._random)
            heappush(self._retries, (due, id(unit), unit))
        elif verdict == "dead_letter":
            self._wait_for(self._graves, unit)
        elif verdict == "hold":
            self._held.append(unit)
        else:
            self._block(unit)

    # The loop

    def _drain(self) -> None:
        while True:
            self._start_all()
            if self._in_flight:
                finished = self._workers.finished(self._seconds_to_retry())
                if finished is not None:
                    self._settle(finished.job, finished.value)
            elif self._retries:
                self._clock.sleep(self._seconds_to_retry() or 0.0)
            else:
                return
            self._wake()

    def _seconds_to_retry(self) -> float | None:
        return max(0.0, self._retries[0][0] - self._clock.monotonic()) if self._retries else None

    def _wake(self) -> None:
        """Units whose wait is over. Where there is no time left, or the breaker has opened, they wait on."""
        now = self._clock.monotonic()
        while self._retries and self._retries[0][0] <= now:
            unit = heappop(self._retries)[2]
            assert unit.action is not None
            target = self._target(unit.action.target)
            if target.is_open() or not self._deadline.covers(unit.timeout_seconds):
                self._fail(unit, unit.failure or Failure("unknown", "Unreadable"), may_retry=False)
            else:
                self._wait_for(target, unit)
                target.ready.rotate(1)  # it has waited longer than all others

    def _start_all(self) -> None:
        """Starts what can start, one call for each target in turn, and concludes what cannot any more."""
        going = True
        while going:
            going = False
            for target in list(self._busy.values()):
                if self._in_flight >= self._workers.most:
                    return
                going = self._refuse(target) or going
                if target.ready and self._may_start(target):
                    self._busy[target.name] = self._busy.pop(target.name)
                    self._start(target)
                    going = True
                if not target.ready:
                    self._busy.pop(target.name, None)

    def _refuse(self, target: Target) -> bool:
        """Concludes all that waits for a target to which nothing more is sent."""
        refusal = target.refusal(self._clock.monotonic())
        if refusal is None or not target.ready or target.in_flight:
            return False
        waiting: list[Unit] = []
        unheard: list[Unit] = []
        for unit in target.ready:
            is_due = target is not self._graves and target.is_unheard(unit)
            (unheard if is_due and self._would_give_up(unit, refusal) else waiting).append(unit)
        target.ready.clear()
        if unheard:
            target.hear(unheard, self._clock.monotonic())
        if waiting:
            self._report.refused(target.name, refusal, len(waiting))
        for unit in waiting:
            if target is self._graves:
                self._block(unit)
            else:
                self._fail(unit, refusal._replace(retry_after_seconds=None), may_retry=False)
        return True

    def _would_give_up(self, unit: Unit, failure: Failure) -> bool:
        verdict = self._policy.verdict(unit, failure, self._clock.now(), may_retry=False)
        return verdict in ("dead_letter", "hold")

    def _may_start(self, target: Target) -> bool:
        if not target.has_room(self._clock.monotonic()):
            return False
        if self._bytes >= MOST_BYTES_IN_FLIGHT:
            return False
        # The first unit is always tried: a batch that only ever ran out of time would never end.
        timeout = 0.0 if target is self._graves else target.ready[0].timeout_seconds
        return self._deadline.covers(timeout) or (self._tried == 0 and self._in_flight == 0)

    # Calls

    def _start(self, target: Target) -> None:
        call = _Call([], target, 0, self._clock.monotonic())
        if target is self._graves:
            unit = target.take()
            call.units, call.size = [unit], size_of(unit.record.raw)
            self._submit(call, lambda: self._bury_unit(unit))
            return
        self._gather(call)
        if not call.units:
            return
        for unit in call.units:
            unit.tries += 1
            self._tried += unit.tries == 1
        action = call.units[0].action
        if len(call.units) > 1:
            assert _batches(action)
            self._submit(call, lambda: action.perform_batch(call.requests))
        else:
            assert action is not None
            self._submit(call, lambda: action.perform(call.requests[0]))

    def _gather(self, call: _Call) -> None:
        """Renders the next unit, and those of the same target that can go out with it."""
        target = call.target
        first = target.take()
        self._add(call, first)
        action = first.action
        if not call.units or first.alone or target.most_in_a_call == 1 or not _batches(action):
            return
        size = action.entry_bytes(call.requests[0])
        passed: list[Unit] = []
        while target.ready and len(call.units) < action.most_entries and len(passed) < action.most_entries:
            unit = target.ready.popleft()
            if unit.alone or not _batches(unit.action) or unit.action.batch_key != action.batch_key:
                passed.append(unit)
                continue
            if not self._add(call, unit):
                continue
            size += action.entry_bytes(call.requests[-1])
            if size > action.most_bytes:
                self._put_back(call)
                break
        target.ready.extendleft(reversed(passed))

    def _add(self, call: _Call, unit: Unit) -> bool:
        """Renders a unit into a call; whether that could be done."""
        assert unit.action is not None
        assert unit.delivery is not None
        try:
            request = unit.action.render(unit.delivery)
        except Exception as error:  # noqa: BLE001 - one record must not hide the others' fate
            unit.tries += 1
            self._tried += unit.tries == 1
            self._fail(unit, classify(error), may_retry=False)
            return False
        call.units.append(unit)
        call.requests.append(request)
        call.size += size_of(request)
        return True

    def _put_back(self, call: _Call) -> None:
        request = call.requests.pop()
        call.size -= size_of(request)
        call.target.ready.appendleft(call.units.pop())

    def _submit(self, call: _Call, run: Callable[[], Any]) -> None:
        call.target.in_flight += 1
        self._in_flight += 1
        self._bytes += call.size
        if call.target.name != IN_PLACE:
            self._workers.submit(call, run)
            return
        try:
            value = run()
        except Exception as error:  # noqa: BLE001 - as from a worker
            value = error
        self._settle(call, value)

    def _settle(self, call: _Call, value: Any) -> None:
        """`value` is what the call returned, or the exception it raised."""
        call.target.in_flight -= 1
        self._in_flight -= 1
        self._bytes -= call.size
        if isinstance(value, BaseException) and not isinstance(value, Exception):
            raise value
        if not call.requests:
            self._settle_dead_letter(call, value)
        elif len(call.units) == 1 and not isinstance(value, list):
            self._settle_units(call, [value])
        elif isinstance(value, Exception):
            self._settle_refused_batch(call, value)
        else:
            self._settle_units(call, value)

    def _settle_dead_letter(self, call: _Call, error: Exception | None) -> None:
        (unit,) = call.units
        if error is None:
            call.target.succeeded()
            self._resolve(unit, "dead_lettered")
        else:
            failure = classify(error)
            self._note(call, failure)
            self._report.could_not_bury(unit, failure)
            self._block(unit)

    def _settle_refused_batch(self, call: _Call, error: Exception) -> None:
        failure = classify(error)
        if failure.error_class not in ("permanent", "unknown"):
            self._settle_units(call, [error] * len(call.units))
            return
        # One of them may be the reason: each is asked about alone.
        for unit in call.units:
            unit.alone = True
            unit.tries -= 1
            self._tried -= unit.tries == 0
        call.target.ready.extendleft(reversed(call.units))
        self._busy[call.target.name] = call.target

    def _settle_units(self, call: _Call, errors: Sequence[Exception | None]) -> None:
        failures = [
            classify(error) if error is not None and not isinstance(error, Superseded) else None
            for error in errors
        ]
        if None in failures:
            call.target.succeeded()
        else:
            # One call is one failure, however many it carried.
            self._note(call, next(failure for failure in failures if failure is not None))
        for unit, error, failure in zip(call.units, errors, failures, strict=True):
            call.target.settled(unit, failure)
            if failure is None:
                self._resolve(unit, "delivered" if error is None else "superseded")
            else:
                in_time = self._deadline.covers(unit.timeout_seconds)
                self._fail(unit, failure, may_retry=in_time and not call.target.is_open())

    def _note(self, call: _Call, failure: Failure) -> None:
        now = self._clock.monotonic()
        call.target.failed(failure, now, now - call.started)

    def _target(self, name: str) -> Target:
        if name not in self._targets:
            self._targets[name] = Target(name, self._random)
        return self._targets[name]


def _batches(action: Any) -> TypeGuard[BatchingAction]:
    # isinstance() of a protocol looks at every member, each time.
    return getattr(action, "most_entries", 1) > 1
