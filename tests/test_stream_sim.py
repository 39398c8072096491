"""StreamSim itself: crashes, lost answers, repeats, restarts, time."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from rules_engine.testing import FakeAws, Fault, FaultMix, MappingSettings, ScriptedFaults, StreamSim
from tests.copier import PARTIAL, QUEUE, Copier, copied, copy_changes, sequences


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
