"""`python -m tests.soak.delivery --seeds 42000 --actions 10000000 --processes 2`: delivery on bad days.

In: over how many seeds, and how many actions are to be owed in all; each seed is one day of one of the six
mixes, in turn. Out: a line for each mix with the totals, and the exit code: 1 if anything was lost, turned
round, stale, or made twice where it may only be made once. Each such day is named with the command that plays
it again. `--seconds` ends it early, and says after how much.
"""

from __future__ import annotations

import argparse
import gc
import multiprocessing
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from math import ceil
from typing import TYPE_CHECKING

from rules_engine.testing import MIXES
from tests.soak.day import play
from tests.soak.outside import Stage

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rules_engine.testing import FaultMix

ACTIONS_PER_CHANGE = 5.1
"""That our rules owe for our changes, at least."""
SEEDS_IN_A_TASK = 30

Task = tuple[range, int, type[Stage]]
"""Seeds, changes of each day, and what the function is."""

STRICT = ("lost", "inversions", "stale", "once_duplicates")
"""What must be zero."""


@dataclass(slots=True)
class Totals:
    """Of one mix."""

    days: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    violations: list[tuple[int, str]] = field(default_factory=list)
    """Seeds and what was wrong."""

    def add(self, other: Totals) -> None:
        self.days += other.days
        self.counts += other.counts
        self.violations += other.violations

    def line(self, name: str) -> str:
        counts = self.counts
        strict = ", ".join(f"{counts[kind]} {kind.replace('_', ' ')}" for kind in STRICT)
        per_thousand = {
            kind: 1000 * counts[kind] / (counts["owed"] or 1)
            for kind in ("duplicates", "dead_letters", "state_writes", "state_reads")
        }
        shares = ", ".join(f"{share:.1f} {kind.replace('_', ' ')}" for kind, share in per_thousand.items())
        result = "FAIL" if self.violations else "ok"
        return (
            f"{name:13} {result:4} {counts['owed']} actions, {self.days} seeds: "
            f"{strict}; for 1,000 actions {shares}; {counts['fifo_duplicates']} late FIFO repeats"
        )


def mix_of(seed: int) -> FaultMix:
    return MIXES[seed % len(MIXES)]


@cache
def _stage(make_stage: type[Stage]) -> Stage:
    """One for each process."""
    return make_stage()


def play_seeds(seeds: range, changes: int, make_stage: type[Stage] = Stage) -> dict[str, Totals]:
    """Totals by the names of mixes."""
    totals = {mix.name: Totals() for mix in MIXES}
    stage = _stage(make_stage)
    for seed in seeds:
        mix = mix_of(seed)
        day = play(stage, mix, seed, changes)
        totals[mix.name].add(Totals(1, day.counts, [(seed, violation) for violation in day.violations]))
    return totals


def _task(task: Task) -> dict[str, Totals]:
    # Each day leaves cycles, and looking for them all the time takes a seventh of it.
    gc.disable()
    try:
        return play_seeds(*task)
    finally:
        gc.collect()
        gc.enable()


def soak(tasks: Sequence[Task], processes: int, seconds: float) -> dict[str, Totals]:
    """Of all tasks, or of those that were done in that time."""
    total = {mix.name: Totals() for mix in MIXES}
    deadline = time.monotonic() + seconds
    for part in _results(tasks, processes):
        for name, totals in part.items():
            total[name].add(totals)
        if time.monotonic() >= deadline:
            break
    return total


def _results(tasks: Sequence[Task], processes: int) -> Iterator[dict[str, Totals]]:
    if processes == 1:
        yield from map(_task, tasks)
        return
    with multiprocessing.Pool(processes) as pool:
        yield from pool.imap_unordered(_task, tasks)


def main(arguments: Sequence[str] | None = None, make_stage: type[Stage] = Stage) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=42_000, help="how many days")
    parser.add_argument("--actions", type=int, default=10_000_000, help="how many actions in all, at least")
    parser.add_argument("--changes", type=int, help="changes of a day, instead of --actions")
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=float("inf"), help="end after that time")
    options = parser.parse_args(arguments)
    changes = options.changes or ceil(options.actions / options.seeds / ACTIONS_PER_CHANGE)
    started = time.monotonic()
    seeds = range(options.seed, options.seed + options.seeds)
    parts = (seeds[start : start + SEEDS_IN_A_TASK] for start in range(0, len(seeds), SEEDS_IN_A_TASK))
    tasks = [(part, changes, make_stage) for part in parts]
    total = soak(tasks, options.processes, options.seconds)
    everything = Totals()
    for name, totals in total.items():
        sys.stdout.write(totals.line(name) + "\n")
        for seed, violation in totals.violations[:5]:
            replay = f"--seed {seed} --seeds 1 --changes {changes}"
            sys.stdout.write(f"  {violation}\n  python -m tests.soak.delivery {replay}\n")
        everything.add(totals)
    seconds = time.monotonic() - started
    sys.stdout.write(everything.line("all") + "\n")
    sys.stdout.write(
        f"{everything.days} of {options.seeds} seeds, {changes} changes each, in {seconds:.0f} s: "
        f"{everything.counts['owed'] / seconds:.0f} actions/s\n"
    )
    return 1 if everything.violations else 0


if __name__ == "__main__":
    raise SystemExit(main())
