"""Laws of StreamSim that hold for any handler, and handlers with planted mistakes, which are found."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules_engine.testing import MIXES, FakeAws, FaultMix, MappingSettings, RandomFaults, Sandbox, StreamSim
from tests.copier import PARTIAL, QUEUE, copied, copy_changes, write_changes

ANY_MIX = st.sampled_from(MIXES)
SEEDS = st.integers(0, 2**32)

# Planted mistakes

TRANSIENT = FaultMix("transient", transient_errors=0.1)


@pytest.mark.parametrize(
    ("mistake", "found"),
    [
        ("", set()),
        ("skips a record", {"lost"}),
        # What stands before the one that failed is then not done, and the checkpoint says it is.
        ("turns records round", {"lost", "inversions", "stale"}),
        ("answers success for a failure", {"lost"}),
        ("reports the record after the failed one", {"lost"}),
        ("misspells the key", {"lost"}),
        ("goes on after a failure", {"lost"}),
    ],
)
def test_a_planted_mistake_is_found_and_a_sound_handler_is_clean(mistake: str, found: set[str]) -> None:
    _, _, report = copy_changes(1, TRANSIENT, mistake)
    kinds = ("lost", "inversions", "stale", "unexpected")
    assert {kind for kind in kinds if getattr(report, kind)} == found, str(report)


def test_two_changes_of_an_item_that_swap_are_found() -> None:
    def handler(event: Any, _context: Any) -> None:
        numbers = [record["dynamodb"]["SequenceNumber"] for record in event["Records"]]
        for number in (numbers[1], numbers[0], *numbers[2:]):
            aws.sqs.send_message(QueueUrl=QUEUE, MessageBody=number)

    aws = FakeAws()
    sim = StreamSim(handler, sandbox=aws.sandbox)
    for number in range(3):
        sim.put({"id": 1, "n": number})
    sim.run()
    report = copied(sim, aws)
    first, second, _ = (change.sequence for change in sim.changes)
    assert [(each.late.sequence, each.after) for each in report.inversions] == [(first, second)]
    assert (report.lost, report.stale) == ([], [])


def test_a_handler_that_goes_on_and_reports_afterwards_turns_changes_round() -> None:
    """The usual batch helper: each record by itself, all failed ones reported."""

    def handler(event: Any, _context: Any) -> Any:
        failures = []
        for record in event["Records"]:
            number = record["dynamodb"]["SequenceNumber"]
            try:
                aws.sqs.send_message(QueueUrl=QUEUE, MessageBody=number)
            except Exception:
                failures.append({"itemIdentifier": number})
        return {"batchItemFailures": failures}

    sandbox = Sandbox()
    aws = FakeAws(sandbox, faults=RandomFaults(TRANSIENT, 1))
    sim = StreamSim(handler, sandbox=sandbox, seed=1, mapping=PARTIAL)
    write_changes(sim, 1, 120, 8)
    sim.run()
    report = copied(sim, aws)
    assert report.lost == []
    assert report.inversions
    assert report.duplicates


# Laws


@given(seed=SEEDS, mix=ANY_MIX, shards=st.integers(1, 3))
@settings(max_examples=40, deadline=None)
def test_the_same_seed_gives_the_same_history(seed: int, mix: FaultMix, shards: int) -> None:
    one, two = (copy_changes(seed, mix, changes=40, shards=shards) for _ in range(2))
    assert one[0].changes == two[0].changes
    assert one[0].invocations == two[0].invocations
    assert one[1].effects == two[1].effects


@given(seed=SEEDS, mix=ANY_MIX, shards=st.integers(1, 3))
@settings(max_examples=60, deadline=None)
def test_a_sound_handler_loses_nothing_and_turns_nothing_round_under_any_mix(
    seed: int, mix: FaultMix, shards: int
) -> None:
    _, _, report = copy_changes(seed, mix, changes=60, shards=shards)
    assert report.is_clean, str(report)


@st.composite
def mappings(draw: st.DrawFn) -> MappingSettings:
    return MappingSettings(
        batch_size=draw(st.integers(1, 20)),
        batching_window_seconds=draw(st.sampled_from([0, 5])),
        parallelization_factor=draw(st.integers(1, 4)),
        report_batch_item_failures=draw(st.booleans()),
        bisect_batch_on_function_error=draw(st.booleans()),
        maximum_retry_attempts=draw(st.sampled_from([-1, 0, 3])),
        maximum_record_age_seconds=draw(st.sampled_from([-1, 60, 600])),
    )


class Moody:
    """Does some of a batch, and says so in any of the ways in which a handler can."""

    def __init__(self, seed: int, partial: bool) -> None:
        self._draw, self._partial = random.Random(seed), partial
        self.claimed: set[str] = set()
        """The records that Lambda was told are done."""

    def __call__(self, event: Any, _context: Any) -> Any:
        numbers = [record["dynamodb"]["SequenceNumber"] for record in event["Records"]]
        mood = self._draw.random()
        if mood < 0.3:
            raise ValueError("bad mood")
        if mood < 0.6 and self._partial:
            failed = self._draw.sample(range(len(numbers)), self._draw.randint(1, len(numbers)))
            self.claimed.update(numbers[: min(failed)])
            return {"batchItemFailures": [{"itemIdentifier": numbers[place]} for place in failed]}
        self.claimed.update(numbers)
        return None


@given(seed=SEEDS, mapping=mappings(), shards=st.integers(1, 3), split_after=st.none() | st.integers(0, 5))
@settings(max_examples=150, deadline=None)
def test_with_any_mapping_and_any_answers_every_record_is_done_or_given_up(
    seed: int, mapping: MappingSettings, shards: int, split_after: int | None
) -> None:
    handler = Moody(seed, mapping.report_batch_item_failures)
    sim = StreamSim(handler, mapping=mapping, seed=seed, shards=shards)
    write_changes(sim, seed, 60, 6)
    if split_after is not None:
        for _ in range(split_after):
            sim.step()
        sim.split_shards()
    sim.run()
    given_up = [str(entry.sequence) for each in sim.given_up for entry in each.discard.entries]
    assert len(given_up) == len(set(given_up))
    assert handler.claimed | set(given_up) == {str(change.sequence) for change in sim.changes}
    assert handler.claimed & set(given_up) == set()
    assert_first_deliveries_are_in_order(sim)


def assert_first_deliveries_are_in_order(sim: StreamSim) -> None:
    items = {change.sequence: change.item for change in sim.changes}
    newest: dict[str, int] = {}
    seen: set[int] = set()
    for invocation in sim.invocations:
        assert list(invocation.sequence_numbers) == sorted(invocation.sequence_numbers)
        for sequence in invocation.sequence_numbers:
            if sequence not in seen:
                seen.add(sequence)
                assert sequence > newest.get(items[sequence], 0)
                newest[items[sequence]] = sequence


@given(seed=SEEDS, share=st.floats(0.01, 0.5), factor=st.integers(1, 4))
@settings(max_examples=60, deadline=None)
def test_restarts_and_late_duplicates_change_no_first_delivery(seed: int, share: float, factor: int) -> None:
    mix = FaultMix("again", lost_answers=0.1, poller_restarts=share, late_duplicates=share / 2)
    mapping = replace(PARTIAL, batch_size=3, parallelization_factor=factor)
    sim, _, report = copy_changes(seed, mix, changes=40, mapping=mapping)
    assert_first_deliveries_are_in_order(sim)
    assert (report.lost, report.inversions) == ([], [])
