"""What AWS says of its stream poller, rule by rule, on StreamSim. Docstrings name the source in words."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from rules_engine.testing import LambdaContext, MappingSettings, StreamSim

DAY = 86_400


@dataclass
class Recorder:
    """A handler that keeps the numbers of the items it is given, and does as `answers` says, call by call,
    and afterwards as the last of them says. An exception among the answers is raised."""

    answers: list[Any] = field(default_factory=list)
    handed: list[list[int]] = field(default_factory=list)
    contexts: list[LambdaContext] = field(default_factory=list)
    numbers: dict[int, str] = field(default_factory=dict)
    """Sequence number of each item's first record."""

    def __call__(self, event: Any, context: LambdaContext) -> Any:
        records = event["Records"]
        batch = [int(record["dynamodb"]["Keys"]["id"]["N"]) for record in records]
        for number, record in zip(batch, records, strict=True):
            self.numbers.setdefault(number, record["dynamodb"]["SequenceNumber"])
        self.handed.append(batch)
        self.contexts.append(context)
        answer = self.answers[min(len(self.handed), len(self.answers)) - 1] if self.answers else None
        if callable(answer):
            answer = answer(batch)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def failing(self, *items: int) -> dict[str, Any]:
        """The answer that names these items' records."""
        return {"batchItemFailures": [{"itemIdentifier": self.numbers[item]} for item in items]}


def simulate(handler: Any, items: int, **settings: Any) -> StreamSim:
    """One record for each of `items` items, 0 first, all of them written at once; run to the end."""
    sim = StreamSim(handler, mapping=MappingSettings(**settings))
    for number in range(items):
        sim.put({"id": number, "text": "x"})
    sim.run()
    return sim


def given_up(sim: StreamSim) -> list[tuple[str, int]]:
    return [(each.discard.condition, len(each.discard.entries)) for each in sim.given_up]


BROKEN = ValueError("broken")


def poison(*items: int) -> Any:
    """A handler that raises wherever one of these items is in the batch."""
    return Recorder([lambda batch: BROKEN if set(items) & set(batch) else None])


# Batches


def test_a_batch_has_at_most_batch_size_records() -> None:
    """CreateEventSourceMapping, BatchSize: the maximum number of records in each batch."""
    handler = Recorder()
    simulate(handler, 5, batch_size=2)
    assert handler.handed == [[0, 1], [2, 3], [4]]


def test_the_default_batch_size_is_100() -> None:
    """In "Lambda parameters for Amazon DynamoDB event source mappings": the default is 100."""
    handler = Recorder()
    simulate(handler, 150)
    assert [len(batch) for batch in handler.handed] == [100, 50]


def test_without_a_window_the_function_is_invoked_as_soon_as_there_is_a_record() -> None:
    """In "Polling and batching streams": by default Lambda invokes as soon as records are available."""
    handler = Recorder()
    sim = StreamSim(handler)
    start = sim.sandbox.now
    sim.put({"id": 0}, at=start + 10)
    sim.put({"id": 1}, at=start + 20)
    sim.run()
    assert handler.handed == [[0], [1]]
    assert [each.started - start for each in sim.invocations] == [10, 20]


def test_a_window_gathers_records_until_it_ends_or_the_batch_is_full() -> None:
    """In "Polling and batching streams": Lambda gathers until it has a full batch or the window expires."""
    handler = Recorder()
    sim = StreamSim(handler, mapping=MappingSettings(batch_size=3, batching_window_seconds=30))
    start = sim.sandbox.now
    for number, second in enumerate([10, 20, 100, 101, 102]):
        sim.put({"id": number}, at=start + second)
    sim.run()
    assert handler.handed == [[0, 1], [2, 3, 4]]
    assert [each.started - start for each in sim.invocations] == [40, 102]


# Success and failure


@pytest.mark.parametrize("answer", [None, {}, [], "", {"batchItemFailures": []}, {"batchItemFailures": None}])
def test_empty_and_null_answers_are_complete_success(answer: Any) -> None:
    """In "Success and failure conditions": an empty or null list, an empty or null EventResponse."""
    handler = Recorder([answer])
    simulate(handler, 2, report_batch_item_failures=True)
    assert handler.handed == [[0, 1]]


@pytest.mark.parametrize(
    "failure",
    [{"itemIdentifier": ""}, {"itemIdentifier": None}, {"itemIdentifer": "1"}, {"itemIdentifier": "1"}],
)
def test_empty_null_misnamed_and_unknown_identifiers_are_complete_failure(failure: Any) -> None:
    """In "Success and failure conditions": an empty string or null itemIdentifier, one with a bad key name;
    that an unknown one is no different was recorded by LocalStack's tests on AWS."""
    handler = Recorder([{"batchItemFailures": [failure]}, None])
    sim = simulate(handler, 3, report_batch_item_failures=True)
    assert handler.handed == [[0, 1, 2], [0, 1, 2]]
    assert given_up(sim) == []


def test_a_misspelt_list_is_an_answer_without_one_and_so_success() -> None:
    """In "Success and failure conditions": a null batchItemFailures list is success. This loses records."""
    handler = Recorder([{"batchItemFailure": [{"itemIdentifier": "1"}]}])
    simulate(handler, 2, report_batch_item_failures=True)
    assert handler.handed == [[0, 1]]


def test_any_other_end_of_the_batch_is_a_complete_failure_and_the_batch_comes_again() -> None:
    """In "Configuring partial batch response": Lambda treats all other results as a complete failure."""
    handler = Recorder([BROKEN, BROKEN, None])
    sim = simulate(handler, 2)
    assert handler.handed == [[0, 1], [0, 1], [0, 1]]
    assert [(each.ended, str(each.error)) for each in sim.invocations] == [
        ("raised", "broken"),
        ("raised", "broken"),
        ("answered", "None"),
    ]


def test_a_failed_batch_stops_its_shard_until_it_is_dealt_with() -> None:
    """In "Polling and batching streams": to keep the order, processing of the shard pauses until then."""
    handler = Recorder([BROKEN, BROKEN, None])
    simulate(handler, 4, batch_size=2)
    assert handler.handed == [[0, 1], [0, 1], [0, 1], [2, 3]]


def test_a_function_that_times_out_has_failed() -> None:
    """In "Error handling": a function error, which a timeout is, makes Lambda retry."""

    def slow(event: Any, context: LambdaContext) -> None:
        handler(event, context)
        if len(handler.handed) == 1:
            sim.sandbox.sleep(context.get_remaining_time_in_millis() / 1000 + 1)

    handler = Recorder()
    sim = StreamSim(slow, timeout_seconds=7)
    sim.put({"id": 0})
    sim.run()
    assert handler.handed == [[0], [0]]
    assert [each.ended for each in sim.invocations] == ["timed out", "answered"]
    # An invocation takes 2 ms itself, and the first failure is followed by a second's wait.
    assert sim.invocations[1].started - sim.invocations[0].started == pytest.approx(7 + 0.002 + 1)


# Partial answers


def test_without_the_mappings_setting_a_partial_answer_means_nothing() -> None:
    """In "Configuring partial batch response": not processed unless explicitly turned on for the mapping."""
    handler = Recorder([lambda _: handler.failing(1)])
    simulate(handler, 3)
    assert handler.handed == [[0, 1, 2]]


def test_the_lowest_sequence_number_is_the_checkpoint_and_all_from_there_comes_again() -> None:
    """In "Report syntax": the lowest number is the checkpoint; Lambda retries all records from it on."""
    handler = Recorder([lambda _: handler.failing(4, 2), None])
    simulate(handler, 6, report_batch_item_failures=True)
    assert handler.handed == [[0, 1, 2, 3, 4, 5], [2, 3, 4, 5]]


def test_numbers_are_compared_as_numbers() -> None:
    """In "Report syntax": the lowest sequence number. Those of the simulator grow by a digit on their way."""
    handler = Recorder([lambda batch: handler.failing(batch[-1], batch[0]), None])
    sim = simulate(handler, 90, report_batch_item_failures=True)
    lengths = {len(str(change.sequence)) for change in sim.changes}
    assert lengths == {21, 22}
    assert handler.handed == [list(range(90)), list(range(90))]


def test_after_a_checkpoint_the_rest_has_all_its_retries() -> None:
    """Recorded on AWS by LocalStack's test of failed batch items: three retries, and four invocations of the
    failing record alone after the batch in which it failed first; the document counts four."""
    handler = Recorder([lambda batch: handler.failing(5) if 5 in batch else None])
    sim = simulate(handler, 6, batch_size=3, report_batch_item_failures=True, maximum_retry_attempts=3)
    assert handler.handed == [[0, 1, 2], [3, 4, 5], [5], [5], [5], [5]]
    (document,) = sim.failure_documents()
    assert document["requestContext"]["approximateInvokeCount"] == 4
    assert document["responseContext"]["functionError"] is None
    assert document["DDBStreamBatchInfo"]["batchSize"] == 1


def test_a_record_that_always_fails_takes_what_is_behind_it_in_its_batch_along() -> None:
    """In "Report syntax" with MaximumRetryAttempts: what is retried and given up is the rest of the batch."""
    handler = Recorder([lambda batch: handler.failing(1) if 1 in batch else None])
    sim = simulate(handler, 5, batch_size=4, report_batch_item_failures=True, maximum_retry_attempts=0)
    assert handler.handed == [[0, 1, 2, 3], [1, 2, 3], [4]]
    assert given_up(sim) == [("RetryAttemptsExhausted", 3)]


# Bisect


def test_a_failed_batch_is_split_in_two() -> None:
    """CreateEventSourceMapping, BisectBatchOnFunctionError: split the batch in two and retry."""
    handler = poison(5)
    sim = simulate(handler, 8, bisect_batch_on_function_error=True, maximum_retry_attempts=0)
    assert handler.handed == [
        [0, 1, 2, 3, 4, 5, 6, 7],
        [0, 1, 2, 3],
        [4, 5, 6, 7],
        [4, 5],
        [4],
        [5],
        [6, 7],
    ]
    assert given_up(sim) == [("RetryAttemptsExhausted", 1)]


def test_splitting_does_not_use_up_retries() -> None:
    """In "Retain discarded records": splitting batches doesn't consume the retry quota."""
    handler = poison(1)
    simulate(handler, 2, bisect_batch_on_function_error=True, maximum_retry_attempts=2)
    assert handler.handed == [[0, 1], [0], [1], [1], [1]]


def test_a_function_error_splits_whether_or_not_failures_are_reported() -> None:
    """In "Bisecting a batch": split regardless of the ReportBatchItemFailures setting."""
    handler = poison(1)
    simulate(
        handler,
        2,
        bisect_batch_on_function_error=True,
        report_batch_item_failures=True,
        maximum_retry_attempts=0,
    )
    assert handler.handed == [[0, 1], [0], [1]]


def test_with_a_partial_answer_the_batch_is_split_at_the_number_returned() -> None:
    """In "Bisecting a batch": with both settings on, it is split at the returned number, and only the rest is
    retried."""
    handler = Recorder([lambda _: handler.failing(6), None])
    simulate(handler, 8, bisect_batch_on_function_error=True, report_batch_item_failures=True)
    assert handler.handed == [[0, 1, 2, 3, 4, 5, 6, 7], [6, 7]]


# Limits


def test_a_batch_is_given_up_after_its_retries_and_the_next_one_follows() -> None:
    """CreateEventSourceMapping, MaximumRetryAttempts: discard records after so many retries."""
    handler = poison(0)
    sim = simulate(handler, 3, batch_size=2, maximum_retry_attempts=2)
    assert handler.handed == [[0, 1], [0, 1], [0, 1], [2]]
    assert given_up(sim) == [("RetryAttemptsExhausted", 2)]


def test_without_limits_a_record_is_tried_until_it_leaves_the_stream() -> None:
    """CreateEventSourceMapping: -1 is infinite, failed records are retried until they expire; "Retain
    discarded records": a bad record can block its shard for up to one day."""
    handler = poison(0)
    sim = StreamSim(handler, mapping=MappingSettings(batch_size=1))
    start = sim.sandbox.now
    sim.put({"id": 0})
    sim.put({"id": 1}, at=start + 3600)
    sim.run()
    assert handler.handed[-2:] == [[0], [1]]
    assert given_up(sim) == [("Expired", 1)]
    assert DAY < sim.invocations[-1].started - start < DAY + 61
    assert len(handler.handed) > 1000


def test_healthy_records_expire_behind_a_bad_one() -> None:
    """In "Data retention for DynamoDB Streams": all data is subject to a lifetime of 24 hours."""
    handler = poison(0)
    sim = simulate(handler, 2, batch_size=1)
    assert given_up(sim) == [("Expired", 1), ("Expired", 1)]
    assert [1] not in handler.handed


def test_records_over_the_age_limit_are_given_up_without_another_try() -> None:
    """CreateEventSourceMapping, MaximumRecordAgeInSeconds: discard records older than the specified age."""
    handler = poison(0)
    sim = StreamSim(handler, mapping=MappingSettings(batch_size=1, maximum_record_age_seconds=60))
    start = sim.sandbox.now
    sim.put({"id": 0})
    sim.put({"id": 1}, at=start + 50)
    sim.run()
    assert given_up(sim) == [("RecordAgeExceeded", 1)]
    assert handler.handed[-1] == [1]
    # Tried at 0, 1, 3, 7, 15 and 31 s; at 63 s it is too old.
    assert handler.handed.count([0]) == 6


# The on-failure destination


def test_a_queue_is_told_where_the_records_were_and_a_bucket_gets_them() -> None:
    """In "Retain discarded records": SQS and SNS get metadata; S3 gets the entire invocation record too."""
    handler = poison(0)
    sim = simulate(handler, 2, maximum_retry_attempts=1)
    (positions,) = sim.failure_documents()
    first, last = sim.changes[0], sim.changes[-1]
    assert positions == {
        "requestContext": {
            "requestId": handler.contexts[-1].aws_request_id,
            "functionArn": handler.contexts[-1].invoked_function_arn,
            "condition": "RetryAttemptsExhausted",
            "approximateInvokeCount": 2,
        },
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "version": "1.0",
        "timestamp": "2026-01-01T00:00:01.004Z",
        "DDBStreamBatchInfo": {
            "shardId": "shardId-00000000000000000000-00000000",
            "startSequenceNumber": str(first.sequence),
            "endSequenceNumber": str(last.sequence),
            "approximateArrivalOfFirstRecord": "2026-01-01T00:00:00Z",
            "approximateArrivalOfLastRecord": "2026-01-01T00:00:00Z",
            "batchSize": 2,
            "streamArn": first.record["eventSourceARN"],
        },
    }
    (whole,) = sim.failure_documents(with_records=True)
    assert json.loads(whole.pop("payload")) == {"Records": [first.record, last.record]}
    assert whole == positions


# Concurrency, shards and filters


def test_with_a_parallelization_factor_other_items_go_on_and_each_item_keeps_its_order() -> None:
    """In "Polling and batching streams": with concurrent batches for a shard, Lambda still ensures the order
    of each item (partition and sort key)."""
    handler = Recorder([lambda batch: BROKEN if 0 in batch and sim.sandbox.now < start + 60 else None])
    sim = StreamSim(handler, mapping=MappingSettings(batch_size=1, parallelization_factor=10))
    start = sim.sandbox.now
    for version in range(3):
        for number in range(20):
            sim.put({"id": number, "version": version})
    sim.run()
    assert handler.handed.count([0]) > 3
    done_of_0 = max(place for place, batch in enumerate(handler.handed) if batch == [0])
    assert any(handler.handed[:done_of_0].count([number]) == 3 for number in range(1, 20))
    first_time: dict[str, list[int]] = {}
    for invocation in sim.invocations:
        for sequence in invocation.sequence_numbers:
            item = next(change.item for change in sim.changes if change.sequence == sequence)
            if sequence not in first_time.setdefault(item, []):
                first_time[item].append(sequence)
    assert all(sequences == sorted(sequences) for sequences in first_time.values())
    assert {len(sequences) for sequences in first_time.values()} == {3}


def test_a_child_shard_waits_for_its_parent() -> None:
    """In "Reading and processing a stream" of the DynamoDB guide: a parent shard is processed before its
    children."""
    handler = Recorder([BROKEN, None])
    sim = StreamSim(handler)
    for number in range(8):
        sim.put({"id": number, "version": 1})
    sim.split_shards()
    for number in range(8):
        sim.put({"id": number, "version": 2})
    sim.run()
    assert handler.handed[:2] == [list(range(8))] * 2
    assert sorted(handler.handed[2] + handler.handed[3]) == list(range(8))
    assert [each.shard_id[-10:-9] for each in sim.invocations[:2]] == ["0", "0"]
    assert sorted(each.shard_id[8:28] for each in sim.invocations[2:]) == [f"{n:020d}" for n in (1, 2)]


def test_a_record_that_no_filter_wants_is_passed_over() -> None:
    """In "Control which events Lambda sends to your function": filters are ORed; a record that satisfies
    none is discarded."""
    handler = Recorder()
    filters = (
        {"dynamodb": {"NewImage": {"kind": {"S": ["wanted"]}}}},
        {"eventName": ["REMOVE"]},
    )
    sim = StreamSim(handler, mapping=MappingSettings(filters=filters, batch_size=2))
    for number, kind in enumerate(["wanted", "other", "wanted", "other"]):
        sim.put({"id": number, "kind": kind})
    sim.remove({"id": 1})
    sim.run()
    assert handler.handed == [[0, 2], [1]]
    assert len(sim.changes) == 5


def test_a_write_that_changes_nothing_makes_no_record() -> None:
    """In "Change data capture for DynamoDB Streams": a put or update that changes no data makes no record."""
    sim = StreamSim(Recorder())
    assert sim.put({"id": 1, "n": 1}) is not None
    assert sim.put({"id": 1, "n": 1}) is None
    assert sim.remove({"id": 2}) is None
    assert [change.event_name for change in sim.changes] == ["INSERT"]
