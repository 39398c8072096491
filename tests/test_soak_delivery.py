"""A slice of the soak of delivery, and proof that the soak finds what it is there to find."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from rules_engine.actions import table
from rules_engine.delivery.identity import deliveries_of
from rules_engine.delivery.resume_table import TableResumeStore
from rules_engine.errors import Superseded
from rules_engine.record import StreamRecord, parse_event
from rules_engine.testing import (
    CALM,
    CRASHES,
    FLAKY_TARGETS,
    MIXES,
    REDELIVERY,
    STORES_DOWN,
    TYPICAL,
    FaultMix,
)
from tests.soak.day import play
from tests.soak.delivery import STRICT, main, play_seeds
from tests.soak.outside import Stage
from tests.soak.rules import RULES

if TYPE_CHECKING:
    from rules_engine.delivery.resume import Checkpoint, Outstanding

Handler = Callable[[Any, Any], Any]
DAYS, CHANGES = 10 * len(MIXES), 45
TRANSIENT = FaultMix("transient", transient_errors=0.1)
RESTARTS = FaultMix(
    "restarts", lost_answers=0.1, transient_errors=0.2, lost_responses=0.05, poller_restarts=0.3
)


@pytest.fixture(scope="module")
def stage() -> Stage:
    return Stage()


def test_a_slice_of_the_soak_of_all_mixes_loses_nothing_and_turns_nothing_round() -> None:
    totals = play_seeds(range(DAYS), CHANGES)
    assert {name: (each.days, each.violations) for name, each in totals.items()} == {
        mix.name: (10, []) for mix in MIXES
    }
    typical = totals[TYPICAL.name].counts
    assert all(each.counts["owed"] > 2_000 for each in totals.values())
    assert 0 < typical["duplicates"] < 0.13 * typical["owed"]
    assert typical["state_writes"] < 0.03 * typical["owed"]


def test_on_a_calm_day_everything_arrives_once_and_nothing_is_written_to_the_state_table(
    stage: Stage,
) -> None:
    day = play(stage, CALM, 1, CHANGES)
    owed, invocations = day.counts["owed"], day.counts["invocations"]
    assert (day.violations, owed > 200) == ([], True)
    assert +day.counts == {
        "owed": owed,
        "effects": owed,
        "invocations": invocations,
        "state_reads": invocations,
    }


def test_a_seed_is_the_same_day_each_time(stage: Stage) -> None:
    one, two = (play(stage, STORES_DOWN, 3, CHANGES) for _ in range(2))
    assert one == two


def test_the_command_prints_a_line_for_each_mix_and_the_sum(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--seeds", "6", "--actions", "600"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line[:13].strip() for line in lines[:7]] == [*(mix.name for mix in MIXES), "all"]
    assert [line.split()[-3:] for line in lines[:7]] == [["late", "FIFO", "repeats"]] * 7
    assert lines[7].startswith("6 of 6 seeds, 20 changes each, in ")


# Planted mistakes


class _Batches(Stage):
    """The usual batch helper: each record by itself, and all that failed are reported."""

    def function(self, seed: int) -> Handler:
        def deliver(record: Any) -> None:
            assert isinstance(record, StreamRecord)
            for match in self.engine.evaluate(record).matches:
                for delivery in deliveries_of(match):
                    action = self.actions[match.rule.id, delivery.action.id]
                    with suppress(Superseded):
                        action.perform(action.render(delivery))

        def handler(event: Any, _context: Any) -> Any:
            failures = []
            for record in parse_event(event):
                try:
                    deliver(record)
                except Exception:
                    failures.append({"itemIdentifier": record.failure_id})
            return {"batchItemFailures": failures}

        return handler


class _Hasty(Stage):
    """Names the record after the one that is unresolved."""

    def function(self, seed: int) -> Handler:
        function = super().function(seed)

        def handler(event: Any, context: Any) -> Any:
            answer = function(event, context)
            numbers = [record["dynamodb"]["SequenceNumber"] for record in event["Records"]]
            for failure in answer["batchItemFailures"]:
                place = numbers.index(failure["itemIdentifier"])
                failure["itemIdentifier"] = numbers[min(place + 1, len(numbers) - 1)]
            return answer

        return handler


class _Twice(Stage):
    """Counts without a marker."""

    def __init__(self) -> None:
        super().__init__()
        (spec,) = next(rule for rule in RULES.rules if rule.id == "counted").actions
        self.actions["counted", "count"] = table.build(
            replace(spec, mode="at_least_once"), RULES.rules[0].scope, {}, self
        )


class _Trusting(Stage):
    """Takes nothing back of what is said to be done behind a change that is made again."""

    def function(self, seed: int) -> Handler:
        return self.function_with(seed, _Stubborn(self.client("dynamodb"), "state"))


class _Stubborn(TableResumeStore):
    def write(
        self,
        stream: str,
        before: Outstanding,
        forgotten: Sequence[str],
        kept: tuple[str, Checkpoint] | None,
        now: float,
    ) -> None:
        if kept is not None:
            super().write(stream, before, forgotten, kept, now)


@pytest.mark.parametrize(
    ("wrong", "mix", "seed", "found"),
    [
        (_Batches, TRANSIENT, 0, {"inversions", "stale"}),
        (_Hasty, FLAKY_TARGETS, 0, {"lost"}),
        (_Twice, REDELIVERY, 0, {"once_duplicates"}),
        (_Twice, CRASHES, 0, {"once_duplicates"}),
        (_Trusting, RESTARTS, 15, {"stale"}),
    ],
)
def test_a_planted_mistake_is_found(wrong: type[Stage], mix: FaultMix, seed: int, found: set[str]) -> None:
    day = play(wrong(), mix, seed, CHANGES)
    assert {kind for kind in STRICT if day.counts[kind]} == found
    assert day.violations


def test_the_command_fails_and_says_how_to_play_the_day_again(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--seed", "19", "--seeds", "1", "--changes", "20"], _Twice) == 1
    lines = capsys.readouterr().out.splitlines()
    assert "redelivery    FAIL" in "\n".join(lines)
    assert "  python -m tests.soak.delivery --seed 19 --seeds 1 --changes 20" in lines
