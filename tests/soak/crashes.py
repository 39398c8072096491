"""`python -m tests.soak.crashes --random 20000`: the function's process dies at every boundary of its work.

A batch of twelve records goes to the real delivery: several rules and lanes, a record that every target
refuses, one that cannot be read, and one whose webhook fails until the batch has come again (so there is a
resume item). Each call to anything outside has three boundaries: before it, after its effect, after its
answer. A crash plan is a list of them, each counted from the start of the process, so a second crash meets
the process that follows. After each crash the simulated poller delivers again, in halves as Lambda does,
until all is quiet; then the history must be clean.

In: how many random double and triple crashes, and the first seed. Out: the number of boundaries and of runs,
and each plan that left anything lost, turned round, stale or twice; exit code 1 if there was one.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, NamedTuple

from rules_engine.testing import Fault, StreamSim
from tests.soak.day import MAPPING, Day, judge, spoil
from tests.soak.outside import Outside, Stage
from tests.soak.rules import posted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rules_engine.testing import Call, Change

KINDS = ("before", "after its effect", "after its answer")
FLAKY_TRIES = 4
"""Three tries of one invocation, and the first of the next."""

WRITES = (
    ("o-1", "OPEN", 1),
    ("o-2", "OPEN", 5),
    ("o-1", "SHIPPED", 5),
    ("o-3", "NEW", 1),
    ("o-2", "OPEN", 6),
    ("o-3", "OPEN", 2),
    ("o-1", "OPEN", 7),
    ("o-4", "OPEN", 1),
    ("o-2", None, 0),
    ("o-3", "OPEN", 8),
    ("o-1", "OPEN", 3),
    ("o-2", "OPEN", 4),
)
"""Item, status (None removes it) and size."""
POISON, UNREADABLE = 5, 7
"""Which of these no target takes, and which cannot be read."""
FLAKY = (1, 4, 6, 9, 11)
"""Those whose webhook may be made to fail: each makes another checkpoint."""


class Crash(NamedTuple):
    """Of the process that is running then, at its `call`-th call."""

    call: int
    kind: str


Plan = tuple[Crash, ...]


class CrashingOutside(Outside):
    """Follows a plan; `calls` are those of each process so far."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(self._planned)
        self.flaky_id = ""
        self.calls = [0]
        self._tries = 0
        self._left = list(plan)

    def _planned(self, call: Call) -> Fault | None:
        number = self.calls[-1]
        self.calls[-1] += 1
        if self._left and self._left[0].call == number:
            kind = self._left.pop(0).kind
            self.calls.append(0)
            if kind != "after its answer":
                return Fault.crash(after=kind == "after its effect")
            self.dies_when_answered = True
        if call.service == "webhook" and posted(call.request["url"])[1:] == ("second", self.flaky_id):
            self._tries += 1
            if self._tries <= FLAKY_TRIES:
                return Fault.error("ServiceUnavailable")
        return None

    @property
    def is_over(self) -> bool:
        """Whether all crashes of the plan took place."""
        return not self._left


@dataclass(frozen=True, slots=True)
class Run:
    """`calls` are those of each process; `is_whole` says whether all crashes of the plan took place."""

    day: Day
    calls: list[int]
    is_whole: bool


def run(stage: Stage, plan: Plan, flaky: int = FLAKY[0]) -> Run:
    """The batch with the record at position `flaky` failing for a while, and these crashes."""
    outside = stage.outside = CrashingOutside(plan)
    sim = StreamSim(
        stage.function(flaky),
        mapping=MAPPING,
        sandbox=outside.sandbox,
        fresh_events=False,
        new_process=lambda: stage.function(flaky),
    )
    changes = [_write(sim, *write) for write in WRITES]
    outside.flaky_id = changes[flaky].event_id
    spoil(changes[POISON], outside, unreadable=False)
    spoil(changes[UNREADABLE], outside, unreadable=True)
    sim.run()
    return Run(judge(sim, outside), outside.calls, outside.is_over)


def _write(sim: StreamSim, item: str, status: str | None, size: int) -> Change:
    if status is None:
        change = sim.remove({"id": item})
    else:
        change = sim.put_raw({"id": {"S": item}, "status": {"S": status}, "size": {"N": str(size)}})
    assert change is not None
    return change


def single_crashes(stage: Stage, flaky: int) -> list[Plan]:
    """One for each boundary of a run in which nothing crashes."""
    (calls,) = run(stage, (), flaky).calls
    return [(Crash(number, kind),) for number in range(calls) for kind in KINDS]


def random_crashes(singles: Sequence[Plan], seed: int) -> Iterator[Plan]:
    """Two or three crashes each, without end. A later one may come too late to take place."""
    random = Random(seed)
    while True:
        yield tuple(random.choice(singles)[0] for _ in range(random.choice((2, 3))))


@dataclass(slots=True)
class Explored:
    boundaries: int = 0
    runs: dict[int, int] = field(default_factory=lambda: dict.fromkeys((1, 2, 3), 0))
    """By the number of crashes that took place."""
    repeats: int = 0
    violations: list[str] = field(default_factory=list)

    def add(self, plan: Plan, flaky: int, found: Run) -> None:
        self.runs[len(found.calls) - 1] += 1
        self.repeats += found.day.counts["duplicates"]
        if found.day.violations:
            self.violations.append(f"record {flaky} fails, crashes {plan}: {found.day.violations[0]}")


def explore(stage: Stage, random_runs: int, seed: int, positions: Sequence[int] = FLAKY) -> Explored:
    """Every single crash with each of these records failing for a while, then random ones."""
    explored = Explored()
    for flaky in positions:
        singles = single_crashes(stage, flaky)
        explored.boundaries += len(singles)
        for plan in singles:
            explored.add(plan, flaky, run(stage, plan, flaky))
        plans = random_crashes(singles, seed + flaky)
        for _ in range(random_runs // len(positions)):
            plan = next(plans)
            explored.add(plan, flaky, run(stage, plan, flaky))
    return explored


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--random", type=int, default=20_000, help="how many double and triple crashes")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--flaky", type=int, nargs="+", default=FLAKY, help="positions of failing records")
    options = parser.parse_args(arguments)
    started = time.monotonic()
    explored = explore(Stage(), options.random, options.seed, options.flaky)
    for violation in explored.violations[:20]:
        sys.stdout.write(violation + "\n")
    runs = ", ".join(f"{count} with {number}" for number, count in explored.runs.items())
    sys.stdout.write(
        f"{explored.boundaries} boundaries; runs by crashes: {runs}; {explored.repeats} repeats; "
        f"{len(explored.violations)} violations; {time.monotonic() - started:.0f} s\n"
    )
    return 1 if explored.violations else 0


if __name__ == "__main__":
    raise SystemExit(main())
