"""StreamSim itself: faults, repeats, laws that hold for any handler, and handlers with planted mistakes."""

from __future__ import annotations

import random
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules_engine.testing import (
    MIXES,
    Effect,
    Expected,
    FakeAws,
    Fault,
    FaultMix,
    HistoryReport,
    Invocation,
    MappingSettings,
    RandomFaults,
    Sandbox,
    ScriptedFaults,
    StreamSim,
    check_history,
)

QUEUE = "https://sqs.invalid/copies"
PARTIAL = MappingSettings(batch_size=10, report_batch_item_failures=True)
ANY_MIX = st.sampled_from(MIXES)
SEEDS = st.integers(0, 2**32)


def write_changes(sim: StreamSim, seed: int, changes: int, items: int) -> None:
    """Random puts and removals over a few minutes."""
    draw = random.Random(seed)
    at = sim.sandbox.now
    for number in range(changes):
        key = {"id": draw.randrange(items)}
        at += draw.choice([0, 0, 0.1, 2])
        if draw.random() < 0.1:
            sim.remove(key, at=at)
        else:
            sim.put({**key, "n": number}, at=at)


class Copier:
    """A plain handler: one message for each record, in order; the first that fails is reported. `mistake`
    spoils it in one way."""

    def __init__(self, aws: FakeAws, mistake: str = "") -> None:
        self._aws, self._mistake = aws, mistake

    def __call__(self, event: Any, _context: Any) -> Any:
        records = list(event["Records"])
        if self._mistake == "turns records round":
            records.reverse()
        for place, record in enumerate(records):
            number = record["dynamodb"]["SequenceNumber"]
            if self._mistake == "skips a record" and number[-1] == "7":
                continue
            try:
                self._aws.sqs.send_message(QueueUrl=QUEUE, MessageBody=number)
            except Exception:
                if self._mistake == "answers success for a failure":
                    return {"batchItemFailures": []}
                if self._mistake == "reports the record after the failed one":
                    following = records[min(place + 1, len(records) - 1)]
                    number = following["dynamodb"]["SequenceNumber"]
                if self._mistake == "goes on after a failure":
                    continue
                if self._mistake == "misspells the key":
                    return {"batchItemFailure": [{"itemIdentifier": number}]}
                return {"batchItemFailures": [{"itemIdentifier": number}]}
        return {"batchItemFailures": []}


def copied(sim: StreamSim, aws: FakeAws) -> HistoryReport:
    """What became of the changes: one message is owed for each."""
    items = {str(change.sequence): change.item for change in sim.changes}
    return check_history(
        [Expected(change.sequence, "copy", "send", change.item, change.sequence) for change in sim.changes],
        [
            Effect(int(number), "copy", "send", items[number], int(number), effect.time)
            for effect in aws.effects
            for number in [effect.request["MessageBody"]]
        ],
    )


def copy_changes(
    seed: int, mix: FaultMix, mistake: str = "", changes: int = 120, items: int = 8, **options: Any
) -> tuple[StreamSim, FakeAws, HistoryReport]:
    options.setdefault("mapping", PARTIAL)
    sandbox = Sandbox()
    aws = FakeAws(sandbox, faults=RandomFaults(mix, seed))
    sim = StreamSim(Copier(aws, mistake), sandbox=sandbox, seed=seed, faults=mix, **options)
    write_changes(sim, seed, changes, items)
    sim.run()
    return sim, aws, copied(sim, aws)


def sequences(invocations: list[Invocation]) -> list[tuple[int, ...]]:
    return [invocation.sequence_numbers for invocation in invocations]


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


# Faults of whole invocations


def one_record(handler: Any, **options: Any) -> StreamSim:
    sim = StreamSim(handler, **options)
    sim.put({"id": 1})
    sim.run()
    return sim


def test_an_answer_that_is_lost_brings_the_batch_again() -> None:
    sim = one_record(
        lambda *_: None,
        faults=FaultMix("lost", lost_answers=1),
        mapping=MappingSettings(maximum_retry_attempts=2),
    )
    assert [each.ended for each in sim.invocations] == ["lost answer"] * 3
    assert len(sim.given_up) == 1


@pytest.mark.parametrize("after", [False, True])
def test_a_crash_is_a_failure_and_a_new_process_goes_on(after: bool) -> None:
    started: list[int] = []

    def start() -> Any:
        started.append(len(aws.effects))
        return Copier(aws)

    aws = FakeAws(faults=ScriptedFaults({1: Fault.crash(after=after)}))
    sim = StreamSim(start(), sandbox=aws.sandbox, mapping=PARTIAL, new_process=start)
    for number in range(3):
        sim.put({"id": number})
    sim.run()
    assert [each.ended for each in sim.invocations] == ["crashed", "answered"]
    assert started == [0, 2 if after else 1]
    assert copied(sim, aws).duplicates == (2 if after else 1)


def test_a_handler_cannot_outlive_its_own_death() -> None:
    def stubborn(_event: Any, _context: Any) -> Any:
        for _ in range(3):
            try:
                aws.sqs.send_message(QueueUrl=QUEUE, MessageBody="x")
            except BaseException:
                continue
        return None

    aws = FakeAws(faults=ScriptedFaults({1: Fault.crash()}))
    sim = one_record(stubborn, sandbox=aws.sandbox)
    assert [each.ended for each in sim.invocations] == ["crashed", "answered"]
    assert len(aws.effects) == 1 + 3


def test_an_answer_that_is_not_json_is_a_failure() -> None:
    answers = [{1, 2}, None]
    sim = one_record(lambda *_: answers.pop(0))
    assert [each.ended for each in sim.invocations] == ["raised", "answered"]
    assert isinstance(sim.invocations[0].error, TypeError)


def test_what_a_handler_does_to_its_event_harms_nobody() -> None:
    seen: list[Any] = []

    def vandal(event: Any, _context: Any) -> Any:
        seen.append(event["Records"][0]["dynamodb"].pop("Keys"))
        if len(seen) == 1:
            raise ValueError("again")

    sim = one_record(vandal)
    assert seen == [{"id": {"N": "1"}}] * 2
    assert sim.changes[0].record["dynamodb"]["Keys"] == {"id": {"N": "1"}}


def test_the_context_is_lambdas() -> None:
    seen = {}

    def handler(_event: Any, context: Any) -> None:
        sim.sandbox.sleep(1.5)
        seen["remaining"] = context.get_remaining_time_in_millis()
        seen["name"], seen["arn"] = context.function_name, context.invoked_function_arn
        seen["id"] = context.aws_request_id

    sim = StreamSim(handler, timeout_seconds=10)
    sim.put({"id": 1})
    sim.run()
    assert seen.pop("remaining") == 8500
    assert re.fullmatch(r"[0-9a-f-]{36}", seen.pop("id"))
    assert seen == {
        "name": "simulated",
        "arn": "arn:aws:lambda:eu-central-1:000000000000:function:simulated",
    }


def test_a_poller_that_starts_anew_repeats_what_was_done_in_order() -> None:
    sim = StreamSim(lambda *_: None, mapping=MappingSettings(batch_size=2))
    for number in range(4):
        sim.put({"id": number})
    sim.run()
    a, b, c, d = (change.sequence for change in sim.changes)
    assert sequences(sim.invocations) == [(a, b), (c, d)]
    sim.restart_poller(rewind=3)
    sim.run()
    assert sequences(sim.invocations)[2:] == [(b, c), (d,)]


def test_a_poller_that_starts_anew_begins_before_what_is_not_done() -> None:
    answers = [None, ValueError("not yet"), None, None]

    def handler(_event: Any, _context: Any) -> None:
        answer = answers.pop(0)
        if answer is not None:
            raise answer

    sim = StreamSim(handler, mapping=MappingSettings(batch_size=2))
    for number in range(4):
        sim.put({"id": number})
    a, b, c, d = (change.sequence for change in sim.changes)
    sim.step()
    sim.step()
    sim.restart_poller(rewind=1)
    sim.run()
    assert sequences(sim.invocations) == [(a, b), (c, d), (b, c), (d,)]


def test_after_a_split_a_poller_that_starts_anew_brings_old_changes_after_newer_ones() -> None:
    aws = FakeAws()
    sim = StreamSim(Copier(aws), sandbox=aws.sandbox)
    sim.put({"id": 1, "version": 1})
    sim.run()
    sim.split_shards()
    sim.put({"id": 1, "version": 2})
    sim.run()
    old, new = (change.sequence for change in sim.changes)
    sim.restart_poller(rewind=1)
    sim.run()
    assert sequences(sim.invocations) == [(old,), (new,), (old,), (new,)]
    assert copied(sim, aws).late_repeats == 1


def test_a_batch_can_come_once_more_after_newer_ones() -> None:
    mix = FaultMix("late", late_duplicates=0.3)
    sim, _, report = copy_changes(5, mix)
    late = [each for each in sim.invocations if each.ended == "late duplicate"]
    assert late
    assert all(each.verdict is None for each in late)
    assert report.lost == []
    assert report.inversions == []
    assert report.late_repeats > 0


def test_time_goes_on_without_records_and_changes_may_be_written_ahead() -> None:
    sim = StreamSim(lambda *_: None)
    start = sim.sandbox.now
    sim.put({"id": 1}, at=start + 100)
    sim.run(until=start + 50)
    assert (sim.sandbox.now, sim.invocations) == (start + 50, [])
    with pytest.raises(ValueError, match="cannot be before the one written last"):
        sim.put({"id": 2}, at=start + 99)
    sim.run()
    assert [each.started for each in sim.invocations] == [start + 100]
    assert not sim.step()


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


# Handlers with threads


def test_threads_of_a_handler_die_with_it() -> None:
    def handler(event: Any, _context: Any) -> None:
        numbers = [record["dynamodb"]["SequenceNumber"] for record in event["Records"]]

        def send(number: str) -> None:
            aws.sqs.send_message(QueueUrl=QUEUE, MessageBody=number)

        with ThreadPoolExecutor(4) as pool:
            for _ in pool.map(send, numbers):
                pass

    aws = FakeAws(faults=ScriptedFaults({5: Fault.crash()}))
    sim = StreamSim(handler, sandbox=aws.sandbox)
    for number in range(10):
        sim.put({"id": number})
    sim.run()
    assert [each.ended for each in sim.invocations] == ["crashed", "answered"]
    assert len(aws.effects) == 5 + 10
    assert copied(sim, aws).lost == []
