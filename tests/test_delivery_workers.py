"""Real threads: what is under way at a time, and that none of it outlives the invocation."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from rules_engine.delivery.schedule import MOST_BYTES_IN_FLIGHT
from rules_engine.delivery.target import CALLS, CALLS_BEFORE_AN_ANSWER
from rules_engine.delivery.workers import MOST_THREADS, Finished, ThreadWorkers
from tests.delivery_fakes import Bench, FakeAction, InlineWorkers, change, rules_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rules_engine.model import Delivery


def test_a_job_s_result_or_its_exception_comes_back() -> None:
    workers = ThreadWorkers()
    workers.submit("good", lambda: 7)
    assert workers.finished(10) == Finished("good", 7)
    error = KeyboardInterrupt()

    def fail() -> None:
        raise error

    workers.submit("bad", fail)
    assert workers.finished(10) == Finished("bad", error)
    assert workers.finished(0) is None
    workers.close()


def test_closing_waits_for_what_is_under_way() -> None:
    workers, released, ended = ThreadWorkers(), threading.Event(), threading.Event()

    def slow() -> None:
        released.wait(10)
        ended.set()

    workers.submit("slow", slow)
    closing = threading.Thread(target=workers.close)
    closing.start()
    assert not ended.is_set()
    released.set()
    closing.join(10)
    assert ended.is_set()


@dataclass
class Crowd:
    """Counts how many calls are under way together; each waits until `size` are, or no more can come."""

    size: int
    most: int = 0
    now: int = 0
    changed: threading.Condition = field(default_factory=threading.Condition)

    def enter(self) -> None:
        with self.changed:
            self.now += 1
            self.most = max(self.most, self.now)
            self.changed.notify_all()
            self.changed.wait_for(lambda: self.most >= self.size, timeout=10)
            self.now -= 1


@dataclass
class Crowded(FakeAction):
    crowd: Crowd = field(default_factory=lambda: Crowd(1))

    def perform(self, request: Mapping[str, Any]) -> None:
        self.crowd.enter()
        super().perform(request)


def test_calls_run_side_by_side_and_no_thread_is_left() -> None:
    bench = Bench(rules_of(first="a"), options={"workers": ThreadWorkers})
    crowd = Crowd(CALLS)
    first = FakeAction(bench.world)

    class Opening(Crowded):
        def perform(self, request: Mapping[str, Any]) -> None:
            if request["unit"][0] in ("e-1", "e-2"):
                first.perform(request)  # the target answers, and may then be given more
            else:
                super().perform(request)

    bench.actions["first", "a"] = Opening(bench.world, crowd=crowd)
    assert bench.deliver(*map(change, range(1, 101))) is None
    assert sorted(bench.world.done) == sorted((f"e-{number}", "a") for number in range(1, 101))
    assert crowd.most == CALLS
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("delivery")] == []


def test_a_target_that_has_not_answered_holds_few_threads() -> None:
    """Sixteen endpoints that hang are two threads each, which leaves none idle and none needed."""
    assert CALLS_BEFORE_AN_ANSWER * 16 <= MOST_THREADS
    assert CALLS <= MOST_THREADS // 2


def test_an_unexpected_end_of_a_worker_ends_the_invocation() -> None:
    bench = Bench(rules_of(first="a"), options={"workers": ThreadWorkers})
    bench.world.fault = _interrupt
    with pytest.raises(KeyboardInterrupt):
        bench.deliver(change(1))


def _interrupt(event_id: str, action_id: str, number: int) -> Exception | None:
    raise KeyboardInterrupt


# Bytes


class CountingWorkers(InlineWorkers):
    """Keeps the most bytes that were under way together."""

    def __init__(self, sizes: Callable[[Any], int], most: list[int]) -> None:
        super().__init__()
        self._sizes, self._most, self._now = sizes, most, 0

    def submit(self, job: Any, run: Callable[[], Any]) -> None:
        self._now += self._sizes(job)
        self._most[0] = max(self._most[0], self._now)
        super().submit(job, run)

    def finished(self, timeout_seconds: float | None) -> Finished | None:
        found = super().finished(timeout_seconds)
        assert found is not None
        self._now -= self._sizes(found.job)
        return found


class Heavy(FakeAction):
    """Requests of 3 MiB, each for a target of its own."""

    def render(self, delivery: Delivery) -> dict[str, Any]:
        return {**super().render(delivery), "body": "x" * 3 * 1024 * 1024}


def test_bytes_under_way_are_capped() -> None:
    letters = "abcdefghijkl"
    bench = Bench(rules_of(**{f"rule-{letter}": letter for letter in letters}))
    for letter in letters:
        bench.actions[f"rule-{letter}", letter] = Heavy(bench.world, f"target {letter}")
    most = [0]
    bench.options["workers"] = lambda: CountingWorkers(lambda job: job.size, most)
    assert bench.deliver(change(1), change(2)) is None
    assert len(bench.world.done) == 24
    assert 3 * 1024 * 1024 < most[0] < MOST_BYTES_IN_FLIGHT + 4 * 1024 * 1024


def test_no_more_calls_are_under_way_than_there_are_threads_and_every_target_gets_its_turn() -> None:
    letters = "abcdefgh"
    bench = Bench(rules_of(**{f"rule-{letter}": letter for letter in letters}))
    for letter in letters:
        bench.actions[f"rule-{letter}", letter] = FakeAction(bench.world, f"target {letter}")
    most = [0]

    class Four(CountingWorkers):
        most = 4

    bench.options["workers"] = lambda: Four(lambda job: 1, most)
    assert bench.deliver(*map(change, range(1, 11))) is None
    assert most == [4]
    turns = [unit[1] for unit in bench.world.done]
    assert len(turns) == 80
    assert {len(set(turns[start : start + 8])) for start in range(0, 80, 8)} == {8}
