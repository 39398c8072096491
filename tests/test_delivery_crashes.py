"""A process that dies anywhere in its work: every single crash, and a sample of double and triple ones."""

from __future__ import annotations

from itertools import islice

import pytest

from tests.soak.crashes import FLAKY, KINDS, Crash, explore, random_crashes, run, single_crashes
from tests.soak.outside import Stage


@pytest.fixture(scope="module")
def stage() -> Stage:
    return Stage()


def test_without_a_crash_the_batch_comes_twice_and_everything_happens_once(stage: Stage) -> None:
    found = run(stage, ())
    (calls,) = found.calls
    assert found.day.violations == []
    assert +found.day.counts == {
        "owed": 73,
        "effects": 64,
        "dead_letters": 9,
        "invocations": 2,
        "state_reads": 2,
        "state_writes": 1,
    }
    assert calls == len(single_crashes(stage, FLAKY[0])) / len(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_crash_takes_place_where_the_plan_says(stage: Stage, kind: str) -> None:
    found = run(stage, (Crash(3, kind), Crash(0, kind)))
    assert (found.is_whole, found.calls[:2]) == (True, [4, 1])


def test_after_any_single_crash_nothing_is_lost_turned_round_stale_or_twice(stage: Stage) -> None:
    explored = explore(stage, 0, 0, FLAKY[:1])
    assert explored.violations == []
    assert (explored.boundaries, explored.runs) == (222, {1: 222, 2: 0, 3: 0})


def test_after_two_or_three_crashes_neither(stage: Stage) -> None:
    singles = single_crashes(stage, FLAKY[2])
    runs = [run(stage, plan, FLAKY[2]) for plan in islice(random_crashes(singles, 1), 150)]
    assert [each.day.violations for each in runs if each.day.violations] == []
    assert sum(each.is_whole for each in runs) > 60
