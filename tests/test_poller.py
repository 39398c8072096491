"""The poller's rules by themselves. Named against what AWS states in `test_stream_sim_rules`."""

from __future__ import annotations

from typing import Any

import pytest

from rules_engine.poller import (
    EXPIRED,
    RECORD_AGE_EXCEEDED,
    RETRIES_EXHAUSTED,
    Checkpoint,
    Discard,
    Done,
    Entry,
    Failed,
    MappingError,
    MappingSettings,
    NotInvoked,
    VirtualShard,
    compile_filters,
    failure_document,
    failure_object_key,
    read_answer,
    virtual_shard_number,
)

STREAM = "arn:aws:dynamodb:eu-central-1:000000000000:table/orders/stream/2026-01-01T00:00:00.000"


def entry(number: int, arrived: float = 0.0, size_bytes: int = 0) -> Entry:
    raw = {
        "eventSourceARN": STREAM,
        "dynamodb": {"SequenceNumber": str(number), "Keys": {"id": {"S": f"i-{number}"}}},
    }
    return Entry(number, arrived, raw, size_bytes)


def queue_of(*entries: Entry, **settings: Any) -> VirtualShard:
    queue = VirtualShard(MappingSettings(**settings))
    for each in entries:
        queue.add(each)
    return queue


def taken(queue: VirtualShard, now: float = 0.0) -> list[int] | None:
    batch = queue.take(now)
    return None if batch is None else [each.sequence for each in batch.entries]


def summary(discards: list[Discard]) -> list[tuple[str, list[int], int]]:
    return [(each.condition, [e.sequence for e in each.entries], each.invocations) for each in discards]


# Answers

BATCH = [entry(number) for number in (9, 10, 11)]


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (None, Done()),
        ("", Done()),
        ([], Done()),
        ({}, Done()),
        ({"batchItemFailures": []}, Done()),
        ({"batchItemFailures": None}, Done()),
        ({"batchItemFailure": [{"itemIdentifier": "9"}]}, Done()),
        ({"statusCode": 500}, Done()),
        ({"batchItemFailures": [{"itemIdentifier": "11"}, {"itemIdentifier": "10"}]}, Checkpoint(1)),
        ({"batchItemFailures": [{"itemIdentifier": "9"}]}, Checkpoint(0)),
        ({"batchItemFailures": [{"itemIdentifier": ""}]}, Failed(None)),
        ({"batchItemFailures": [{"itemIdentifier": None}]}, Failed(None)),
        ({"batchItemFailures": [{"itemIdentifier": 9}]}, Failed(None)),
        ({"batchItemFailures": [{"itemIdentifier": "12"}]}, Failed(None)),
        ({"batchItemFailures": [{"itemIdentifer": "9"}]}, Failed(None)),
        ({"batchItemFailures": [{"itemIdentifier": "9"}, {"itemIdentifier": "12"}]}, Failed(None)),
        ({"batchItemFailures": ["9"]}, Failed(None)),
        ({"batchItemFailures": "9"}, Failed(None)),
        ("done", Failed(None)),
        (True, Failed(None)),
        ([{"itemIdentifier": "9"}], Failed(None)),
    ],
)
def test_an_answer_is_success_a_checkpoint_or_complete_failure(answer: Any, verdict: object) -> None:
    assert read_answer(answer, BATCH, report_batch_item_failures=True) == verdict


def test_without_partial_batches_every_answer_is_success() -> None:
    answer = {"batchItemFailures": [{"itemIdentifier": "9"}]}
    assert read_answer(answer, BATCH, report_batch_item_failures=False) == Done()


# Batches


def test_batches_follow_one_another_and_a_batch_under_way_is_given_again() -> None:
    queue = queue_of(*map(entry, range(1, 6)), batch_size=2)
    assert (taken(queue), taken(queue)) == ([1, 2], [1, 2])
    assert queue.settle(Done(), 1) == []
    assert taken(queue) == [3, 4]
    queue.settle(Done(), 2)
    queue.add(entry(6))
    assert taken(queue) == [5, 6]
    queue.settle(Done(), 3)
    assert (taken(queue), queue.ready_at, queue.is_done) == (None, None, True)


def test_the_window_ends_early_for_a_full_batch() -> None:
    queue = queue_of(entry(1, 100), batch_size=2, batching_window_seconds=5)
    assert (queue.ready_at, taken(queue, 104.9), taken(queue, 105)) == (105, None, [1])
    queue.settle(Done(), 107)
    queue.add(entry(2, 106))
    assert queue.ready_at == 112
    queue.add(entry(3, 108))
    assert taken(queue, 108) == [2, 3]


def test_a_batch_is_no_larger_than_an_invocation_may_be() -> None:
    large = 3_000_000
    queue = queue_of(*(entry(number, 0, large) for number in (1, 2, 3)), batching_window_seconds=300)
    assert taken(queue, 0) == [1, 2]
    queue.settle(Done(), 1)
    assert taken(queue, 1) is None
    huge = queue_of(entry(1, 0, 7_000_000), entry(2, 0, 1))
    assert taken(huge) == [1]


def test_after_a_checkpoint_only_the_rest_comes_with_a_fresh_count() -> None:
    queue = queue_of(*map(entry, range(1, 5)), batch_size=3, maximum_retry_attempts=1)
    assert taken(queue) == [1, 2, 3]
    assert queue.settle(Failed(), 0) == []
    assert taken(queue, 1) == [1, 2, 3]
    assert queue.settle(Checkpoint(1), 1) == []
    assert taken(queue, 1) == [2, 3]
    assert queue.settle(Checkpoint(0), 1) == []
    assert taken(queue, 2) == [2, 3]
    assert summary(queue.settle(Checkpoint(0), 2)) == [(RETRIES_EXHAUSTED, [2, 3], 2)]
    assert taken(queue, 2) == [4]


def test_halves_are_tried_in_order_and_splitting_costs_no_retry() -> None:
    queue = queue_of(
        *map(entry, range(1, 6)),
        batch_size=5,
        maximum_retry_attempts=0,
        bisect_batch_on_function_error=True,
    )
    handed, given_up = [], []
    while (batch := queue.take(0)) is not None:
        numbers = [each.sequence for each in batch.entries]
        handed.append(numbers)
        given_up += queue.settle(Failed() if 4 in numbers else Done(), 0)
    assert handed == [[1, 2, 3, 4, 5], [1, 2], [3, 4, 5], [3], [4, 5], [4], [5]]
    assert summary(given_up) == [(RETRIES_EXHAUSTED, [4], 1)]


def test_a_partial_answer_is_not_halved() -> None:
    queue = queue_of(*map(entry, range(1, 5)), bisect_batch_on_function_error=True)
    assert taken(queue) == [1, 2, 3, 4]
    queue.settle(Checkpoint(0), 0)
    assert taken(queue, 60) == [1, 2, 3, 4]


def test_retries_wait_longer_each_time_up_to_the_limit() -> None:
    queue = queue_of(entry(1), backoff_seconds=(2, 5))
    waits = []
    now = 0.0
    for _ in range(4):
        queue.take(now)
        queue.settle(Failed(), now)
        assert queue.ready_at is not None
        waits.append(queue.ready_at - now)
        now = queue.ready_at
    assert waits == [2, 4, 5, 5]


def test_what_could_not_be_invoked_uses_up_no_retry() -> None:
    queue = queue_of(entry(1), maximum_retry_attempts=0)
    for second in (0, 100, 200):
        assert taken(queue, second) == [1]
        assert queue.settle(NotInvoked(), second) == []
    queue.take(1000)
    assert summary(queue.settle(Failed(), 1000)) == [(RETRIES_EXHAUSTED, [1], 1)]


def test_what_is_too_old_is_given_up_and_nothing_younger() -> None:
    queue = queue_of(
        entry(1, 0), entry(2, 50), entry(3, 60), entry(4, 200), batch_size=2, maximum_record_age_seconds=60
    )
    assert queue.expire(60) == []
    queue.take(60)
    queue.settle(Failed(), 60)
    assert summary(queue.expire(100)) == [(RECORD_AGE_EXCEEDED, [1], 1)]
    assert taken(queue, 100) == [2]
    assert summary(queue.expire(130)) == [(RECORD_AGE_EXCEEDED, [2], 1), (RECORD_AGE_EXCEEDED, [3], 0)]
    assert (taken(queue, 130), taken(queue, 200)) == (None, [4])
    assert queue.undone == 1


def test_what_left_the_stream_is_told_apart() -> None:
    queue = queue_of(entry(1, 0), entry(2, 86_000), maximum_record_age_seconds=60)
    assert summary(queue.expire(86_401)) == [(EXPIRED, [1], 0), (RECORD_AGE_EXCEEDED, [2], 0)]
    patient = queue_of(entry(1, 0))
    assert patient.expire(86_400) == []
    assert summary(patient.expire(86_401)) == [(EXPIRED, [1], 0)]
    week = queue_of(entry(1, 0), maximum_record_age_seconds=604_800)
    assert summary(week.expire(86_401)) == [(EXPIRED, [1], 0)]


def test_the_oldest_record_not_done_is_where_a_new_poller_begins() -> None:
    queue = queue_of(*map(entry, range(1, 5)), batch_size=2)
    assert queue.oldest == entry(1)
    queue.take(0)
    queue.settle(Checkpoint(1), 0)
    assert queue.oldest == entry(2)
    queue.take(0)
    queue.settle(Done(), 0)
    assert queue.oldest == entry(3)


def test_changes_of_an_item_share_a_virtual_shard() -> None:
    first, again = entry(1).raw, {**entry(1).raw, "eventName": "MODIFY"}
    assert virtual_shard_number(first, 10) == virtual_shard_number(again, 10)
    assert {virtual_shard_number(entry(number).raw, 4) for number in range(50)} == {0, 1, 2, 3}
    assert virtual_shard_number(first, 1) == 0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"batch_size": 0}, "batch_size must be from 1 to 10000"),
        ({"batching_window_seconds": 301}, "batching_window_seconds must be from 0 to 300"),
        ({"parallelization_factor": 11}, "parallelization_factor must be from 1 to 10"),
        ({"maximum_retry_attempts": -2}, "maximum_retry_attempts must be from -1 to 10000"),
        ({"maximum_record_age_seconds": 59}, "maximum_record_age_seconds must be -1 or from 60 to 604800"),
    ],
)
def test_settings_that_aws_refuses_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(MappingError) as raised:
        MappingSettings(**settings)
    assert str(raised.value) == message


# The on-failure destination


def test_a_queue_is_told_positions_and_a_bucket_the_whole_event() -> None:
    entries = (entry(7, 1_573_690_399), entry(8, 1_573_690_400))
    discard = Discard(RETRIES_EXHAUSTED, entries, 3, 1_573_690_429.717, Failed())
    positions = {
        "requestContext": {
            "requestId": "r-1",
            "functionArn": "arn:f",
            "condition": "RetryAttemptsExhausted",
            "approximateInvokeCount": 3,
        },
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "version": "1.0",
        "timestamp": "2019-11-14T00:13:49.717Z",
        "DDBStreamBatchInfo": {
            "shardId": "shardId-1",
            "startSequenceNumber": "7",
            "endSequenceNumber": "8",
            "approximateArrivalOfFirstRecord": "2019-11-14T00:13:19Z",
            "approximateArrivalOfLastRecord": "2019-11-14T00:13:20Z",
            "batchSize": 2,
            "streamArn": STREAM,
        },
    }
    where = {"function_arn": "arn:f", "shard_id": "shardId-1", "request_id": "r-1"}
    assert failure_document(discard, **where, with_records=False) == positions
    payload = (
        '{"Records": [{"eventSourceARN": "' + STREAM + '", "dynamodb": '
        '{"SequenceNumber": "7", "Keys": {"id": {"S": "i-7"}}}}, {"eventSourceARN": "' + STREAM + '", '
        '"dynamodb": {"SequenceNumber": "8", "Keys": {"id": {"S": "i-8"}}}}]}'
    )
    assert failure_document(discard, **where, with_records=True) == {**positions, "payload": payload}


@pytest.mark.parametrize(
    ("last", "invocations", "expected"),
    [(Checkpoint(0), 1, None), (Failed(None), 1, None), (Failed(), 1, "Unhandled"), (None, 0, "no context")],
)
def test_the_document_says_whether_the_function_itself_failed(
    last: Any, invocations: int, expected: str | None
) -> None:
    discard = Discard(RECORD_AGE_EXCEEDED, (entry(7),), invocations, 0.0, last)
    document = failure_document(discard, function_arn="f", shard_id="s", request_id="r", with_records=False)
    assert document.get("responseContext", {"functionError": "no context"})["functionError"] == expected


def test_an_object_in_the_bucket_is_named_by_mapping_shard_and_day() -> None:
    assert (
        failure_object_key("m-1", "shardId-1", 1_573_690_429.7, "u-1")
        == "aws/lambda/m-1/shardId-1/2019/11/14/2019-11-14T00.13.49-u-1"
    )


# Filters

RECORD = {
    "eventName": "MODIFY",
    "dynamodb": {"NewImage": {"total": {"N": "7"}, "city": {"S": "Bern"}, "gone": {"NULL": True}}, "n": 5},
}


@pytest.mark.parametrize(
    ("pattern", "fits"),
    [
        ({"eventName": ["INSERT", "MODIFY"]}, True),
        ({"eventName": ["INSERT"]}, False),
        ({"dynamodb": {"NewImage": {"city": {"S": ["Bern"]}}}, "eventName": ["MODIFY"]}, True),
        ({"dynamodb": {"NewImage": {"city": {"S": ["Bern"]}}}, "eventName": ["REMOVE"]}, False),
        ({"dynamodb": {"NewImage": {"city": {"S": [{"prefix": "Be"}]}}}}, True),
        ({"dynamodb": {"NewImage": {"city": {"S": [{"suffix": "x"}]}}}}, False),
        ({"dynamodb": {"NewImage": {"city": {"S": [{"equals-ignore-case": "BERN"}]}}}}, True),
        ({"dynamodb": {"NewImage": {"city": {"S": [{"anything-but": ["Bern"]}]}}}}, False),
        ({"dynamodb": {"NewImage": {"city": {"S": [{"anything-but": {"prefix": "Ge"}}]}}}}, True),
        ({"dynamodb": {"OldImage": {"city": {"S": [{"anything-but": "Bern"}]}}}}, False),
        ({"dynamodb": {"NewImage": {"city": {"S": [{"exists": True}]}}}}, True),
        ({"dynamodb": {"OldImage": {"city": {"S": [{"exists": False}]}}}}, True),
        ({"dynamodb": {"NewImage": {"city": [{"exists": True}]}}}, False),
        ({"dynamodb": {"NewImage": {"city": [{"exists": False}]}}}, True),
        ({"dynamodb": {"NewImage": {"city": {"$or": [{"S": ["Bern"]}, {"B": ["Bern"]}]}}}}, True),
        ({"dynamodb": {"NewImage": {"city": {"$or": [{"S": ["Genf"]}, {"B": ["Bern"]}]}}}}, False),
        ({"dynamodb": {"NewImage": {"gone": {"NULL": [True]}}}}, True),
        ({"dynamodb": {"NewImage": {"gone": {"NULL": [1]}}}}, False),
        ({"dynamodb": {"NewImage": {"total": {"N": [{"numeric": [">", 5]}]}}}}, False),
        ({"dynamodb": {"n": [{"numeric": [">", 1, "<=", 5]}]}}, True),
        ({"dynamodb": {"n": [{"numeric": ["<", 5]}]}}, False),
        ({"$or": [{"eventName": ["INSERT"]}, {"dynamodb": {"n": [5]}}]}, True),
        ({"$or": [{"eventName": ["INSERT"]}, {"dynamodb": {"n": [6]}}]}, False),
    ],
)
def test_a_pattern_fits_or_not(pattern: dict[str, Any], fits: bool) -> None:
    wanted = compile_filters([pattern])
    assert wanted is not None
    assert wanted(RECORD) is fits


def test_one_of_several_patterns_is_enough_and_none_wants_everything() -> None:
    wanted = compile_filters([{"eventName": ["INSERT"]}, {"eventName": ["MODIFY"]}])
    assert wanted is not None
    assert wanted(RECORD)
    assert compile_filters([]) is None


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ([], "a filter pattern must be an object with at least one field"),
        ({"eventName": "INSERT"}, "'eventName' of a filter pattern must be an object or a list of choices"),
        ({"eventName": [{"like": "x"}]}, "'like' is no operator of a filter pattern"),
        (
            {"eventName": [{"prefix": "a", "suffix": "b"}]},
            "a choice of a filter pattern must have one operator",
        ),
        (
            {"n": [{"numeric": ["!", 5]}]},
            "'numeric' of a filter pattern takes one or two pairs of a sign and a number",
        ),
    ],
)
def test_a_pattern_that_is_none_is_refused(pattern: Any, message: str) -> None:
    with pytest.raises(MappingError) as raised:
        compile_filters([pattern])
    assert str(raised.value) == message
