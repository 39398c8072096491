"""What goes wrong, and when: plans of faults for the fake services, and named mixes for whole simulations.

A plan is any function from a `Call` to a `Fault` or None. `ScriptedFaults` says it for the n-th call, which
is how a crash at every boundary is tried one by one; `RandomFaults` draws from a `FaultMix`, always the same
for the same seed. A mix also says what befalls whole invocations; those shares are StreamSim's to apply.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, NamedTuple

Kind = Literal["error", "lost", "entries", "crash_before", "crash_after", "slow"]

TRANSIENT_CODES = ("InternalServerError", "ServiceUnavailable", "ThrottlingException")


class Call(NamedTuple):
    """One call to a fake service. `number` counts all calls from 0."""

    service: str
    operation: str
    request: Mapping[str, Any]
    number: int
    time: float


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens instead of a plain success. Made by the functions below."""

    kind: Kind
    code: str = ""
    entries: frozenset[int] = frozenset()
    seconds: float = 0.0

    @classmethod
    def error(cls, code: str = "InternalServerError") -> Fault:
        """The service refuses with this error code; nothing took effect."""
        return cls("error", code)

    @classmethod
    def lost(cls, seconds: float = 0.0) -> Fault:
        """The call takes effect, and the caller gets no answer after waiting so long."""
        return cls("lost", seconds=seconds)

    @classmethod
    def some(cls, entries: Collection[int], code: str = "InternalServerError") -> Fault:
        """Of a batch call, the entries at these positions fail and the others take effect."""
        return cls("entries", code, frozenset(entries))

    @classmethod
    def crash(cls, after: bool = False) -> Fault:
        """The function's process dies, before or after the call takes effect."""
        return cls("crash_after" if after else "crash_before")

    @classmethod
    def slow(cls, seconds: float) -> Fault:
        """The call succeeds after so much more time, if the function lives to see it."""
        return cls("slow", seconds=seconds)


FaultPlan = Callable[[Call], Fault | None]


@dataclass(frozen=True, slots=True)
class FaultMix:
    """Shares between 0 and 1 of what goes wrong."""

    name: str
    lost_answers: float = 0.0
    """Of invocations: the function did its work and Lambda never hears of it."""
    transient_errors: float = 0.0
    """Of calls to targets: refused, nothing took effect."""
    lost_responses: float = 0.0
    """Of calls to targets: took effect, and the function gets no answer."""
    poison_records: float = 0.0
    """Of records: targets refuse them for ever."""
    crashes: float = 0.0
    """Of calls of any kind: the process dies, before or after the effect."""
    store_failures: float = 0.0
    """Of calls to the function's own table: fail, with or without effect."""
    queue_failures: float = 0.0
    """Of calls to the dead-letter queue: fail, with or without effect."""
    slow_calls: float = 0.0
    """Of calls to targets: take `SLOW_SECONDS` more."""
    poller_restarts: float = 0.0
    """Of invocations: after it the poller starts anew a little before its checkpoint."""
    late_duplicates: float = 0.0
    """Of invocations: after it an earlier batch comes once more, which may be older than what is done."""

    def __post_init__(self) -> None:
        for each in fields(self)[1:]:
            if not 0 <= getattr(self, each.name) <= 1:
                raise ValueError(f"{each.name} must be a share from 0 to 1")


SLOW_SECONDS = 5.0

CALM = FaultMix("calm")
"""Nothing goes wrong."""

TYPICAL = FaultMix(
    "typical",
    lost_answers=0.02,
    transient_errors=0.06,
    poison_records=0.02,
    crashes=0.002,
    store_failures=0.05,
    queue_failures=0.05,
)
"""A little of everything."""

REDELIVERY = FaultMix("redelivery", lost_answers=0.2, poller_restarts=0.1, transient_errors=0.02)
"""Whole batches come again, also ones that were done."""

FLAKY_TARGETS = FaultMix(
    "flaky targets", transient_errors=0.25, lost_responses=0.1, slow_calls=0.02, poison_records=0.005
)
"""Targets that refuse, answer late, or take effect and do not say so."""

POISON = FaultMix("poison", poison_records=0.2, transient_errors=0.02, queue_failures=0.1)
"""Many records that no target will ever take."""

CRASHES = FaultMix("crashes", crashes=0.03, lost_answers=0.02, transient_errors=0.02)
"""A process that dies all the time."""

STORES_DOWN = FaultMix(
    "stores down", store_failures=0.4, queue_failures=0.4, transient_errors=0.1, poison_records=0.05
)
"""The function's own table and dead-letter queue fail most when they are needed."""

MIXES = (TYPICAL, REDELIVERY, FLAKY_TARGETS, POISON, CRASHES, STORES_DOWN)


class ScriptedFaults:
    """The fault for the call of each number; all others succeed."""

    def __init__(self, faults: Mapping[int, Fault]) -> None:
        self._faults = dict(faults)

    def __call__(self, call: Call) -> Fault | None:
        return self._faults.get(call.number)


class RandomFaults:
    """Draws from `mix`. A call is to the store if it names one of `store_tables`, to the dead-letter queue if
    it names one of `queue_urls`, else to a target. `is_poison` says of a call to a target that it never
    works: it is refused with a ValidationException."""

    def __init__(
        self,
        mix: FaultMix,
        seed: int = 0,
        *,
        store_tables: Collection[str] = (),
        queue_urls: Collection[str] = (),
        is_poison: Callable[[Call], bool] | None = None,
    ) -> None:
        self.mix = mix
        self._random = random.Random(f"faults {seed}")  # noqa: S311 - repeatable, not secret
        self._store_tables, self._queue_urls = frozenset(store_tables), frozenset(queue_urls)
        self._is_poison = is_poison

    def __call__(self, call: Call) -> Fault | None:
        draw, mix = self._random.random, self.mix
        if mix.crashes and draw() < mix.crashes:
            return Fault.crash(after=draw() < 0.5)
        if call.request.get("QueueUrl") in self._queue_urls:
            return self._own(mix.queue_failures)
        if self._store_tables and not self._store_tables.isdisjoint(_tables(call.request)):
            return self._own(mix.store_failures)
        if self._is_poison is not None and self._is_poison(call):
            return Fault.error("ValidationException")
        return self._target(call)

    def _own(self, share: float) -> Fault | None:
        if not share or self._random.random() >= share:
            return None
        return Fault.lost() if self._random.random() < 0.3 else self._error()

    def _target(self, call: Call) -> Fault | None:
        mix, drawn = self.mix, self._random.random()
        if drawn < mix.transient_errors:
            entries = _entry_count(call.request)
            if entries > 1 and self._random.random() < 0.5:
                return Fault.some(self._random.sample(range(entries), self._random.randint(1, entries - 1)))
            return self._error()
        drawn -= mix.transient_errors
        if drawn < mix.lost_responses:
            return Fault.lost()
        drawn -= mix.lost_responses
        return Fault.slow(SLOW_SECONDS) if drawn < mix.slow_calls else None

    def _error(self) -> Fault:
        return Fault.error(self._random.choice(TRANSIENT_CODES))


def _tables(request: Mapping[str, Any]) -> set[str]:
    """The tables that a DynamoDB call names."""
    if "TableName" in request:
        return {request["TableName"]}
    if "RequestItems" in request:
        return set(request["RequestItems"])
    operations = request.get("TransactItems", ())
    return {operation["TableName"] for item in operations for operation in item.values()}


def _entry_count(request: Mapping[str, Any]) -> int:
    """How many entries a batch call has; 0 for any other."""
    entries = request.get("Entries") or request.get("PublishBatchRequestEntries") or request.get("Records")
    if entries is not None:
        return len(entries)
    return sum(len(writes) for writes in request.get("RequestItems", {}).values())
