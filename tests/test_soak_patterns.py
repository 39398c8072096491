"""A slice of the soak of the patterns, and proof that it finds what it is there to find."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tests.soak.patterns import STATUSES, TOTALS, PatternStage, main, play

if TYPE_CHECKING:
    import pytest

CHANGES = 250


def test_a_slice_of_the_soak_ends_exact() -> None:
    stage = PatternStage()
    days = [play(stage, seed, CHANGES) for seed in range(2)]
    assert [(day.changes, day.wrong) for day in days] == [(CHANGES, [])] * 2
    assert all(day.faults > 3 for day in days)


class _Repeating(PatternStage):
    """Counts without a marker."""

    def _built(self, spec: Any, scope: Any) -> Any:
        return super()._built(replace(spec, mode="at_least_once"), scope)


def test_counters_that_count_repeats_are_found() -> None:
    day = play(_Repeating(), 0, CHANGES)
    assert day.wrong == [TOTALS, STATUSES]


def test_a_copy_that_takes_whatever_comes_last_is_found() -> None:
    day = play(_LastWins(), 0, CHANGES)
    assert day.wrong == ["mirror"]


class _LastWins(PatternStage):
    """Puts what it gets, whatever the table holds."""

    def _built(self, spec: Any, scope: Any) -> Any:
        if spec.config.get("sync") == {}:
            spec = replace(spec, config={"table": spec.config["table"], "put": "{{ new || keys }}"})
        return super()._built(spec, scope)


def test_the_command_prints_a_line_for_each_day_and_the_sum(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--changes", "60", "--days", "2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(", ")[0] for line in lines[:2]] == ["seed 0: ok", "seed 1: ok"]
    assert lines[2].startswith("2 of 2 days end exact, 60 changes, in ")


def test_the_command_fails_where_a_day_does_not_end_exact(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--changes", str(CHANGES), "--days", "1"], _Repeating) == 1
    assert capsys.readouterr().out.startswith(f"seed 0: FAIL: {TOTALS}, {STATUSES}, {CHANGES} changes, ")
