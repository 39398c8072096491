"""Everything an invocation touches, in memory: clock, threads, targets, state table, dead-letter queue."""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any

from rules_engine.delivery.context import InvocationContext
from rules_engine.delivery.dead_letter import DeadLetter, read_dead_letter
from rules_engine.delivery.invocation import Invocation
from rules_engine.delivery.resume import Checkpoint, Outstanding
from rules_engine.delivery.workers import Finished
from rules_engine.engine import Engine
from rules_engine.model import ActionSpec, Rule, RuleSet
from rules_engine.plain_record import record_from_images
from rules_engine.record import parse_event

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rules_engine.model import Delivery
    from rules_engine.record import MalformedRecord, StreamRecord

START = 1_704_067_200.0
"""2024-01-01T00:00:00Z, when all records of these tests were made."""

Fault = Exception | None


class FakeClock:
    """Time passes only where somebody sleeps."""

    def __init__(self, start: float = START) -> None:
        self.time = start
        self.slept: list[float] = []

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds


class InlineWorkers:
    """Runs each job where it is submitted; its result is there at once."""

    most = 32

    def __init__(self) -> None:
        self._results: deque[Finished] = deque()

    def submit(self, job: Any, run: Callable[[], Any]) -> None:
        try:
            value = run()
        except Exception as error:
            value = error
        self._results.append(Finished(job, value))

    def finished(self, timeout_seconds: float | None) -> Finished | None:
        return self._results.popleft()

    def close(self) -> None:
        assert not self._results


@dataclass
class World:
    """What is outside of the function. `fault` says of (event id, action id) and the number of the try what
    goes wrong; `seconds` how long a call takes."""

    clock: FakeClock = field(default_factory=FakeClock)
    fault: Callable[[str, str, int], Fault] = lambda event_id, action_id, number: None
    seconds: Callable[[str, str], float] = lambda event_id, action_id: 0.0
    tried: list[tuple[str, str]] = field(default_factory=list)
    """(event id, action id) of every try, in order."""
    done: list[tuple[str, str]] = field(default_factory=list)
    started: list[tuple[str, str | None]] = field(default_factory=list)
    """Every try, and every dead letter of a queue that is told of this list, in order."""
    calls: list[int] = field(default_factory=list)
    """How many units each call carried."""

    def attempt(self, unit: tuple[str, str]) -> Fault:
        self.tried.append(unit)
        self.started.append(unit)
        self.clock.time += self.seconds(*unit)
        fault = self.fault(*unit, self.tried.count(unit))
        if fault is None:
            self.done.append(unit)
        return fault


@dataclass
class FakeAction:
    """Its request is the unit itself."""

    world: World
    target: str = "somewhere"

    def render(self, delivery: Delivery) -> dict[str, Any]:
        return {"unit": (delivery.match.record.event_id, delivery.action.id)}

    def perform(self, request: Mapping[str, Any]) -> None:
        self.world.calls.append(1)
        fault = self.world.attempt(request["unit"])
        if fault is not None:
            raise fault


@dataclass
class FakeBatchingAction(FakeAction):
    """Takes up to `most_entries` at once; `refuse` is asked whether it refuses a call as a whole."""

    most_entries: int = 10
    most_bytes: int = 1_000
    refuse: Callable[[list[tuple[str, str]]], Fault] = lambda units: None

    @property
    def batch_key(self) -> str:
        return self.target

    def entry_bytes(self, request: Mapping[str, Any]) -> int:
        return 1

    def perform_batch(self, requests: Sequence[Mapping[str, Any]]) -> list[Fault]:
        units = [request["unit"] for request in requests]
        self.world.calls.append(len(units))
        refusal = self.refuse(units)
        if refusal is not None:
            raise refusal
        return [self.world.attempt(unit) for unit in units]


@dataclass
class FakeResumeStore:
    """Of one stream. `fault` is raised by the operation of its name; `reads` are the records asked for, and
    `writes` what was forgotten and what was kept."""

    items: dict[str, Checkpoint] = field(default_factory=dict)
    reads: list[str] = field(default_factory=list)
    writes: list[tuple[list[str], str | None]] = field(default_factory=list)
    fault: Callable[[str], Fault] = lambda operation: None
    size_bytes: int = 0
    unreadable: tuple[str, ...] = ()

    def read(self, stream: str, start: str, now: float) -> Outstanding:
        self.reads.append(start)
        if (fault := self.fault("read")) is not None:
            raise fault
        return Outstanding(dict(self.items), (), self.size_bytes, self.unreadable)

    def write(
        self,
        stream: str,
        before: Outstanding,
        forgotten: Sequence[str],
        kept: tuple[str, Checkpoint] | None,
        now: float,
    ) -> None:
        self.writes.append((list(forgotten), kept and kept[0]))
        if (fault := self.fault("write")) is not None:
            raise fault
        for name in forgotten:
            del self.items[name]
        if kept is not None:
            self.items[kept[0]] = kept[1]


@dataclass
class FakeDeadLetters:
    """Keeps what was sent, as it would be read again."""

    letters: list[DeadLetter] = field(default_factory=list)
    fault: Callable[[], Fault] = lambda: None
    started: list[tuple[str, str | None]] = field(default_factory=list)

    def send(self, letter: DeadLetter) -> None:
        if (fault := self.fault()) is not None:
            raise fault
        self.letters.append(read_dead_letter(letter.message(), lambda bucket, key: b""))
        self.started.append((letter.record["eventID"], letter.action))

    @property
    def units(self) -> list[tuple[str, str | None]]:
        """(event id, action id) of each."""
        return [(letter.record["eventID"], letter.action) for letter in self.letters]


@dataclass
class Bench:
    """An invocation with everything around it."""

    rules: RuleSet
    world: World = field(default_factory=World)
    actions: dict[tuple[str, str], Any] = field(default_factory=dict)
    resume: Any = field(default_factory=FakeResumeStore)
    dead_letters: FakeDeadLetters | None = field(default_factory=FakeDeadLetters)
    log: list[dict[str, Any]] = field(default_factory=list)
    options: dict[str, Any] = field(default_factory=dict)

    def deliver(self, *raws: Mapping[str, Any], remaining: Callable[[], float] | None = None) -> str | None:
        """What is reported for one batch."""
        actions = {
            (rule.id, spec.id): self.actions.get((rule.id, spec.id)) or FakeAction(self.world)
            for rule in self.rules.rules
            for spec in rule.actions
        }
        invocation = Invocation(
            engine=Engine.from_rules(self.rules),
            log=lambda line: self.log.append(json.loads(line)),
            resume=self.resume,
            dead_letters=self.dead_letters,
            clock=self.world.clock,
            **{"actions": actions, "workers": InlineWorkers, "random": Random(7), **self.options},
        )
        context = None if remaining is None else InvocationContext(remaining, "rules", "r-1")
        return invocation.deliver(batch(*raws), context)

    def lines(self, message: str) -> list[dict[str, Any]]:
        return [line for line in self.log if line["message"] == message]


def change(number: int, item: str | None = None, **new: Any) -> dict[str, Any]:
    """A new order; `item` is its id where it is not a different one for each number."""
    key = {"order_id": item or f"o-{number}"}
    plain = {
        "event": "INSERT",
        "eventID": f"e-{number}",
        "sequenceNumber": f"{number}00",
        "keys": key,
        "new": {**key, **new},
    }
    return record_from_images(plain, "orders")


def malformed(number: int) -> dict[str, Any]:
    raw = change(number)
    raw["eventName"] = "canary"
    return raw


def batch(*raws: Mapping[str, Any]) -> list[StreamRecord | MalformedRecord]:
    return parse_event({"Records": list(raws)})


def rules_of(**rules: str) -> RuleSet:
    """A rule for each name, with an action for each letter of its text."""
    return RuleSet(
        tuple(
            Rule(name, ("orders",), tuple(ActionSpec(letter, "fake") for letter in letters))
            for name, letters in rules.items()
        )
    )
