"""A slice of the soak of the patterns, and proof that it finds what it is there to find."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rules_engine.testing import FaultMix
from tests.soak.patterns import INDEX, STATUSES, TOTALS, PatternStage, main, play

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


class _SameVersion:
    """An action whose documents are all of one version."""

    def __init__(self, action: Any) -> None:
        self._action = action

    def __getattr__(self, name: str) -> Any:
        return getattr(self._action, name)

    def render(self, delivery: Any) -> dict[str, Any]:
        return {**self._action.render(delivery), "version": 1}


class _Unversioned(PatternStage):
    def _built(self, spec: Any, scope: Any) -> Any:
        action = super()._built(spec, scope)
        return _SameVersion(action) if spec.type == "opensearch" else action


LATE = FaultMix("late", late_duplicates=0.5)


def test_an_index_that_takes_whatever_comes_last_is_found() -> None:
    assert play(_Unversioned(), 1, CHANGES, LATE).wrong == [INDEX]
    assert play(PatternStage(), 1, CHANGES, LATE).wrong == []


def test_the_command_prints_a_line_for_each_day_and_the_sum(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--changes", "60", "--days", "2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(", ")[0] for line in lines[:2]] == ["seed 0: ok", "seed 1: ok"]
    assert lines[2].startswith("2 of 2 days end exact, 60 changes, in ")


def test_the_command_fails_where_a_day_does_not_end_exact(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--changes", str(CHANGES), "--days", "1"], _Repeating) == 1
    assert capsys.readouterr().out.startswith(f"seed 0: FAIL: {TOTALS}, {STATUSES}, {CHANGES} changes, ")
