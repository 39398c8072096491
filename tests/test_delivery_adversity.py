"""What an operator does to a function that runs: a state table that goes, a second mapping, other rules."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from rules_engine.errors import ActionError
from rules_engine.poller import Entry, Failed, MappingSettings, VirtualShard, read_answer
from tests.delivery_fakes import Bench, World, change, rules_of
from tests.receiver import reaching, running_receiver
from tests.test_delivery_killed import COUNTED, counted
from tests.test_delivery_local import PUBLISHED, WEBHOOK, deliver, function_of, new_surroundings, records

if TYPE_CHECKING:
    from collections.abc import Callable

    from rules_engine.local.function_process import FunctionProcess
    from rules_engine.local.ministack import Ministack


def remake(aws: Ministack, table: str, key: str) -> None:
    dynamodb = aws.client("dynamodb")
    dynamodb.delete_table(TableName=table)
    dynamodb.create_table(
        TableName=table,
        KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )


@pytest.mark.local
def test_a_state_table_of_another_key_fails_the_batch_before_anything_is_made_until_it_is_mended(
    ministack: Ministack, unique_name: Callable[[str], str]
) -> None:
    surroundings = new_surroundings(ministack, unique_name)
    table = surroundings.environment["RULES_ENGINE_STATE_TABLE"]
    raws = records(20)
    with (
        running_receiver() as receiver,
        function_of(surroundings.environment | reaching(receiver.url), WEBHOOK, PUBLISHED) as function,
    ):
        receiver.failing["/o-5"] = 503
        assert deliver(function, raws) == raws[4:]
        remake(ministack, table, "pk")
        for _ in range(2):
            result = function.invoke({"Records": raws[4:]})
            assert result.error is not None
            assert result.error["errorMessage"] == "the state table cannot be read: ValidationException"
        assert len(surroundings.published()) == 20
        remake(ministack, table, "id")
        del receiver.failing["/o-5"]
        assert deliver(function, raws[4:]) == []
        # What the table that is gone had known is repeated, and nothing is lost.
        assert {each.path for each in receiver.received} == {f"/o-{number}" for number in range(1, 21)}
        assert len(surroundings.published()) == 16
    assert surroundings.dead_letters() == []


def poll(function: FunctionProcess, shard: VirtualShard, now: float) -> None:
    """One invocation of one mapping, if it has anything to hand over."""
    batch = shard.take(now)
    if batch is None:
        return
    result = function.invoke({"Records": [entry.raw for entry in batch.entries]})
    verdict = Failed() if result.error else read_answer(result.payload, batch.entries, True)
    assert shard.settle(verdict, now) == []


@pytest.mark.local
def test_two_mappings_of_one_stream_lose_nothing_and_count_once(
    ministack: Ministack, unique_name: Callable[[str], str]
) -> None:
    surroundings = new_surroundings(ministack, unique_name)
    raws = records(12)
    for place, raw in enumerate(raws):
        raw["dynamodb"]["Keys"] = {"order_id": {"S": f"o-{place % 3}"}}
    settings = MappingSettings(report_batch_item_failures=True, bisect_batch_on_function_error=True)
    mappings = [VirtualShard(replace(settings, batch_size=size)) for size in (12, 5)]
    for mapping in mappings:
        for raw in raws:
            mapping.add(Entry(int(raw["dynamodb"]["SequenceNumber"]), 0.0, raw))
    with (
        running_receiver() as receiver,
        function_of(surroundings.environment | reaching(receiver.url), WEBHOOK, COUNTED) as function,
    ):
        receiver.failing["/o-1"] = 503
        now = 0.0
        for turn in range(40):
            now += 100
            poll(function, mappings[turn % 2], now)
            if turn == 3:
                receiver.failing.clear()
        assert [mapping.is_done for mapping in mappings] == [True, True]
        seen = Counter(bytes(each.body).decode() for each in receiver.received)
        assert {f'"{raw["eventID"]}"' for raw in raws} <= seen.keys()
    assert counted(surroundings) == {f"o-{place}": (4, f"e-{10 + place}") for place in range(3)}
    assert surroundings.dead_letters() == []


@pytest.mark.local
def test_two_invocations_of_one_batch_at_the_same_moment_lose_nothing_and_count_once(
    ministack: Ministack, unique_name: Callable[[str], str]
) -> None:
    """Lambda promises at least once: a poller that has lost its place may start a batch that still runs."""
    surroundings = new_surroundings(ministack, unique_name)
    raws = records(30)
    for place, raw in enumerate(raws):
        raw["dynamodb"]["Keys"] = {"order_id": {"S": f"o-{place % 6}"}}
    with ExitStack() as stack:
        receiver = stack.enter_context(running_receiver())
        environment = surroundings.environment | reaching(receiver.url)
        functions = [
            stack.enter_context(function_of(environment, WEBHOOK, PUBLISHED, COUNTED)) for _ in range(2)
        ]
        threads = stack.enter_context(ThreadPoolExecutor(2))
        receiver.failing["/o-1"] = 503
        left = [raws, raws[4:]]
        for turn in range(6):
            left = list(threads.map(deliver, functions, left))
            if turn == 2:
                receiver.failing.clear()
        assert left == [[], []]
        seen = {bytes(each.body).decode() for each in receiver.received}
        assert seen == {f'"{raw["eventID"]}"' for raw in raws}
    assert set(surroundings.published()) == {raw["eventID"] for raw in raws}
    assert {item: count for item, (count, _) in counted(surroundings).items()} == dict.fromkeys(
        (f"o-{place}" for place in range(6)), 5
    )
    assert surroundings.dead_letters() == []


DOWN = ActionError("HTTP_503", "down", "transient")


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        # Renamed: it is another rule, and gets all that comes again.
        ({"renamed": "a"}, [("e-1", "a"), ("e-3", "a"), ("e-2", "a"), ("e-3", "a")]),
        # Another action before the one that waits; what is done stays done.
        (
            {"first": "xa"},
            [("e-1", "a"), ("e-3", "a"), ("e-2", "x"), ("e-2", "a"), ("e-3", "x")],
        ),
        # Gone: what it owed is not owed any more, and holds up nobody.
        ({"other": ""}, [("e-1", "a"), ("e-3", "a")]),
    ],
    ids=["renamed", "another action", "removed"],
)
def test_other_rules_while_a_record_waits(after: dict[str, str], expected: list[tuple[str, str]]) -> None:
    world = World(fault=lambda event_id, *_: DOWN if event_id == "e-2" else None)
    bench = Bench(rules_of(first="a"), world)
    raws = [change(1), change(2, "o-2"), change(3, "o-3")]
    assert bench.deliver(*raws) == "200"
    bench.rules, world.fault = rules_of(**after), lambda *_: None
    assert bench.deliver(*raws[1:]) is None
    assert sorted(world.done) == sorted(expected)
