from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import EndpointConnectionError
from hypothesis import given
from hypothesis import strategies as st

from rules_engine.delivery.identity import delivery_id
from rules_engine.delivery.resume import (
    ID_BYTES,
    LANE_BYTES,
    NOTHING,
    Checkpoint,
    NoResumeStore,
    Outstanding,
    short_id,
    short_lane,
    stream_of,
)
from rules_engine.delivery.resume_table import (
    LIFETIME_SECONDS,
    MOST_BYTES,
    MOST_INLINE,
    MOST_REMOVED,
    MOST_TRIES,
    TableResumeStore,
)
from rules_engine.delivery.unit import Lane
from rules_engine.errors import ActionError, BatchError
from rules_engine.testing import FakeAws
from tests.delivery_fakes import Bench, FakeResumeStore, World, batch, change, rules_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from rules_engine.local.ministack import Ministack

NAMES = st.binary(min_size=ID_BYTES, max_size=ID_BYTES)
LANES = st.binary(min_size=LANE_BYTES, max_size=LANE_BYTES)
NOW = 1_700_000_000.5
STREAM = "arn:stream"
CHECKPOINTS = st.builds(
    Checkpoint,
    st.lists(NAMES, max_size=20).map(tuple),
    st.dictionaries(NAMES, st.integers(1, 9), max_size=5),
    st.frozensets(LANES, max_size=20),
    st.integers(-1, 10**40),
)


def names_of(count: int) -> tuple[bytes, ...]:
    return tuple(number.to_bytes(ID_BYTES, "big") for number in range(count))


def lanes_of(count: int) -> frozenset[bytes]:
    return frozenset(number.to_bytes(LANE_BYTES, "big") for number in range(count))


def state() -> tuple[FakeAws, TableResumeStore]:
    aws = FakeAws(tables={"state": ("id",)})
    return aws, TableResumeStore(aws.client("dynamodb"), "state")


@given(st.dictionaries(st.text("0123456789", min_size=1), CHECKPOINTS, max_size=4))
def test_what_is_written_is_read(checkpoints: dict[str, Checkpoint]) -> None:
    _, store = state()
    for name, checkpoint in checkpoints.items():
        store.write(STREAM, Outstanding(), [], (name, checkpoint), NOW)
    for start in (*checkpoints, "another"):
        found = store.read(STREAM, start, NOW)
        assert (found.checkpoints, found.expired) == (checkpoints, ())
    assert store.read("another", "1", NOW) == Outstanding()


def test_what_is_forgotten_is_gone_and_all_else_stays() -> None:
    _, store = state()
    names = [str(number) for number in range(MOST_REMOVED + 50)]
    for name in names:
        store.write(STREAM, Outstanding(), [], (name, Checkpoint(newest=1)), NOW)
    store.write(STREAM, Outstanding(), names[3:], ("new", Checkpoint(newest=2)), NOW)
    found = store.read(STREAM, "0", NOW)
    assert found.checkpoints == {
        **{name: Checkpoint(newest=1) for name in names[:3]},
        "new": Checkpoint(newest=2),
    }


def test_a_checkpoint_that_is_written_again_is_replaced_also_where_it_is_to_be_forgotten() -> None:
    _, store = state()
    store.write(STREAM, Outstanding(), [], ("1", Checkpoint(newest=1)), NOW)
    store.write(STREAM, Outstanding(), ["1"], ("1", Checkpoint(newest=2)), NOW)
    assert store.read(STREAM, "1", NOW).checkpoints == {"1": Checkpoint(newest=2)}


def test_a_checkpoint_holds_for_two_days_and_is_removed_by_the_next_write() -> None:
    aws, store = state()
    store.write(STREAM, Outstanding(), [], ("1", Checkpoint(newest=1)), NOW)
    assert set(store.read(STREAM, "1", NOW + LIFETIME_SECONDS - 1).checkpoints) == {"1"}
    found = store.read(STREAM, "1", NOW + LIFETIME_SECONDS)
    assert (found.checkpoints, found.expired) == ({}, ("1",))
    store.write(STREAM, found, [], ("2", Checkpoint(newest=2)), NOW + LIFETIME_SECONDS)
    (item,) = aws.dynamodb.items("state")
    assert [name for name in item if name.startswith("at#")] == ["at#2"]
    assert item["expires_at"] == {"N": str(int(NOW) + 2 * LIFETIME_SECONDS)}


LARGE = Checkpoint(names_of(MOST_INLINE + 1), {}, lanes_of(30), 7)


def test_a_large_checkpoint_is_in_an_item_of_its_own_and_only_its_own_batch_reads_it() -> None:
    aws, store = state()
    store.write(STREAM, Outstanding(), [], ("1", LARGE), NOW)
    assert {item["id"]["S"] for item in aws.dynamodb.items("state")} == {
        "resume#arn:stream",
        "resume#arn:stream#1",
    }
    assert store.read(STREAM, "1", NOW).checkpoints == {"1": LARGE}
    assert store.read(STREAM, "2", NOW).checkpoints == {"1": Checkpoint((), {}, LARGE.lanes, LARGE.newest)}
    assert store.read(STREAM, "1", NOW).size_bytes < 500


def test_an_item_of_its_own_that_belongs_to_another_write_is_not_believed() -> None:
    aws, store = state()
    store.write(STREAM, Outstanding(), [], ("1", LARGE), NOW)
    (marked,) = [item for item in aws.dynamodb.items("state") if item["id"]["S"] == "resume#arn:stream"]
    store.write(
        STREAM, Outstanding(), [], ("1", Checkpoint(names_of(MOST_INLINE + 9), {}, LARGE.lanes, 9)), NOW
    )
    aws.dynamodb.put_item(TableName="state", Item=marked)
    assert store.read(STREAM, "1", NOW).checkpoints == {"1": Checkpoint((), {}, LARGE.lanes, LARGE.newest)}


def test_no_item_is_ever_too_large_for_dynamodb() -> None:
    aws, store = state()
    checkpoint = Checkpoint(names_of(22_000), dict.fromkeys(names_of(30_000), 3), lanes_of(22_000), 7)
    for number in range(9):
        before = store.read(STREAM, "0", NOW)
        store.write(STREAM, before, [], (f"{number:040}", checkpoint), NOW)
    kept = store.read(STREAM, f"{0:040}", NOW).checkpoints
    assert list(kept) == [f"{0:040}", f"{1:040}"]
    assert (kept[f"{0:040}"].done, len(kept[f"{0:040}"].tries)) == (names_of(22_000), MOST_TRIES)
    assert max(_bytes({"M": item}) for item in aws.dynamodb.items("state")) < 400 * 1024


def _bytes(value: dict[str, Any]) -> int:
    """As DynamoDB counts, about."""
    ((kind, content),) = value.items()
    if kind == "M":
        return 3 + sum(len(name) + 1 + _bytes(each) for name, each in content.items())
    return len(content)


def test_a_checkpoint_that_does_not_fit_leaves_no_older_one_of_its_name() -> None:
    _, store = state()
    store.write(STREAM, Outstanding(), [], ("1", Checkpoint(newest=1)), NOW)
    before = Outstanding({"1": Checkpoint(newest=1)}, (), MOST_BYTES)
    store.write(STREAM, before, [], ("1", Checkpoint(names_of(9), newest=2)), NOW)
    assert store.read(STREAM, "1", NOW).checkpoints == {}


GOOD = {"expires_at": {"N": str(2 * int(NOW))}, "newest": {"S": "7"}}


@pytest.mark.parametrize(
    "entry",
    [
        {"S": "text"},
        {"M": {}},
        {"M": GOOD | {"newest": {"N": "7"}}},
        {"M": GOOD | {"expires_at": {"N": "soon"}}},
        {"M": GOOD | {"done": {"L": []}}},
        {"M": GOOD | {"tries": {"M": {"no base32": {"N": "1"}}}}},
    ],
)
def test_a_checkpoint_that_cannot_be_read_is_dropped_before_anything_is_made(entry: dict[str, Any]) -> None:
    """Every invocation of the stream reads it: it would hold up all of its shards."""
    down = ActionError("HTTP_503", "down", "transient")
    world = World(fault=lambda event_id, *_: down if event_id == "e-1" and len(world.tried) < 6 else None)
    bench = Bench(rules_of(first="a"), world)
    aws, bench.resume = state()
    key = f"resume#{change(1)['eventSourceARN']}"
    aws.dynamodb.put_item(
        TableName="state", Item={"id": {"S": key}, "at#200": entry, "at#300": {"M": GOOD}, "other": {"S": ""}}
    )
    raws = [change(1), change(2)]
    assert bench.deliver(*raws) == "100"
    (line,) = bench.lines("checkpoint cannot be read")
    assert (line["level"], line["count"], line["then"]) == ("ERROR", 1, "dropped")
    (item,) = aws.dynamodb.items("state")
    assert sorted(item) == ["at#100", "at#300", "expires_at", "id", "other"]
    assert bench.deliver(*raws) is None
    assert world.done == [("e-2", "a"), ("e-1", "a")]


def test_where_a_checkpoint_that_cannot_be_read_cannot_be_dropped_nothing_is_made() -> None:
    bench = Bench(rules_of(first="a"))
    bench.resume = FakeResumeStore(fault=lambda operation: OSError() if operation == "write" else None)
    bench.resume.unreadable = ("200",)
    with pytest.raises(BatchError, match="the state table cannot be written: OSError"):
        bench.deliver(change(1))
    assert (bench.world.tried, bench.resume.writes) == ([], [(["200"], None)])


def test_a_lane_is_contradicted_by_what_is_older_than_the_newest_that_is_done() -> None:
    checkpoint = Checkpoint((), {}, lanes_of(2), 300)
    (lane, other), foreign = sorted(lanes_of(2)), b"\xff" * LANE_BYTES
    found = [checkpoint.is_contradicted_by(each, 200) for each in (lane, other, foreign)]
    assert found == [True, True, False]
    assert [checkpoint.is_contradicted_by(lane, each) for each in (299, 300, 301, None)] == [
        True,
        False,
        False,
        True,
    ]


def test_checkpoints_are_found_by_the_stream() -> None:
    (record,) = batch(change(7))
    assert stream_of(record) == change(7)["eventSourceARN"]


def test_nobody_can_read_a_key_from_a_lane() -> None:
    short = short_lane(Lane("rule\0orders/canary"))
    assert len(short) == LANE_BYTES
    assert b"can" not in short
    assert short != short_lane(Lane("rule\0orders/other"))


def test_a_short_id_is_the_start_of_the_delivery_id() -> None:
    name = delivery_id("e", "r", "a")
    assert len(short_id(name)) == ID_BYTES
    assert short_id(name) != short_id(delivery_id("e", "r", "b"))


def test_without_a_table_nothing_is_kept() -> None:
    store = NoResumeStore()
    store.write(STREAM, Outstanding(), [], ("1", Checkpoint((b"x" * ID_BYTES,))), 0.0)
    assert store.read(STREAM, "1", 0.0).checkpoints.get("1", NOTHING) == NOTHING


def test_a_read_that_fails_is_a_batch_that_fails_and_drags_no_other_error_along() -> None:
    class Unreachable:
        def get_item(self, **request: Any) -> None:
            raise EndpointConnectionError(endpoint_url="http://canary")

    with pytest.raises(BatchError) as failure:
        TableResumeStore(Unreachable(), "state").read(STREAM, "1", NOW)
    assert str(failure.value) == "the state table cannot be read: EndpointConnectionError"
    assert failure.value.__cause__ is None


def test_reads_are_consistent() -> None:
    requests = []

    class Client:
        def get_item(self, **request: Any) -> dict[str, Any]:
            requests.append(request)
            return {}

    assert TableResumeStore(Client(), "state").read(STREAM, "1", NOW) == Outstanding()
    assert [(each["Key"], each["ConsistentRead"]) for each in requests] == [
        ({"id": {"S": "resume#arn:stream"}}, True)
    ]


@pytest.mark.local
def test_a_real_table_keeps_it(ministack: Ministack, unique_name: Callable[[str], str]) -> None:
    client, table = ministack.client("dynamodb"), unique_name("state")
    client.create_table(
        TableName=table,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    store = TableResumeStore(client, table)
    name = short_id(delivery_id("e", "r", "a"))
    small = Checkpoint((name,), {name: 2}, lanes_of(2), 10**30)
    assert store.read(STREAM, "1", NOW) == Outstanding()
    store.write(STREAM, Outstanding(), [], ("1", small), NOW)
    store.write(STREAM, Outstanding(), [], ("2", LARGE), NOW)
    before = store.read(STREAM, "2", NOW)
    assert before.checkpoints == {"1": small, "2": LARGE}
    store.write(STREAM, before, ["1"], ("3", small), NOW)
    assert store.read(STREAM, "2", NOW).checkpoints == {"2": LARGE, "3": small}
    item = client.get_item(TableName=table, Key={"id": {"S": "resume#arn:stream"}})["Item"]
    assert item["expires_at"] == {"N": str(int(NOW) + LIFETIME_SECONDS)}
