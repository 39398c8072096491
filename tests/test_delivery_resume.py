from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import EndpointConnectionError
from hypothesis import given
from hypothesis import strategies as st

from rules_engine.delivery.identity import delivery_id
from rules_engine.delivery.resume import (
    ID_BYTES,
    MOST_DONE,
    MOST_TRIES,
    NOTHING,
    Checkpoint,
    NoResumeStore,
    TableResumeStore,
    resume_key,
    short_id,
)
from rules_engine.errors import BatchError
from tests.delivery_fakes import batch, change

if TYPE_CHECKING:
    from collections.abc import Callable

    from rules_engine.local.ministack import Ministack

NAMES = st.binary(min_size=ID_BYTES, max_size=ID_BYTES)


class Items:
    """A table in memory, for one item at a time."""

    def __init__(self) -> None:
        self.item: dict[str, Any] = {}

    def put_item(self, **request: Any) -> None:
        self.item = request["Item"]

    def get_item(self, **request: Any) -> dict[str, Any]:
        assert request["ConsistentRead"] is True
        return {"Item": self.item}


@given(
    st.lists(NAMES, max_size=20).map(tuple),
    st.dictionaries(NAMES, st.integers(1, 9), max_size=5),
    st.none() | st.text(min_size=1),
)
def test_what_is_written_is_read(
    done: tuple[bytes, ...], tries: dict[bytes, int], leads_to: str | None
) -> None:
    store = TableResumeStore(Items(), "state")
    checkpoint = Checkpoint(done, tries, leads_to)
    store.write("key", checkpoint, 0.0)
    assert store.read("key") == checkpoint


def test_an_item_is_never_too_large_for_dynamodb() -> None:
    items = Items()
    names = [number.to_bytes(ID_BYTES, "big") for number in range(30_000)]
    TableResumeStore(items, "state").write("k" * 300, Checkpoint(tuple(names), dict.fromkeys(names, 3)), 0.0)
    # Of every lane the beginning is kept.
    assert items.item["done"]["B"] == b"".join(names[:MOST_DONE])
    assert len(items.item["tries"]["M"]) == MOST_TRIES
    size = len(items.item["done"]["B"]) + sum(len(name) + 2 for name in items.item["tries"]["M"]) + 1_000
    assert size < 400 * 1024


def test_the_key_names_the_stream_and_the_record() -> None:
    (record,) = batch(change(7))
    arn = change(7)["eventSourceARN"]
    assert resume_key(record) == f"resume#{arn}#700"


def test_a_short_id_is_the_start_of_the_delivery_id() -> None:
    name = delivery_id("e", "r", "a")
    assert len(short_id(name)) == ID_BYTES
    assert short_id(name) != short_id(delivery_id("e", "r", "b"))


def test_without_a_table_nothing_is_kept() -> None:
    store = NoResumeStore()
    store.write("key", Checkpoint((b"x" * ID_BYTES,)), 0.0)
    assert store.read("key") == NOTHING


def test_a_read_that_fails_is_a_batch_that_fails_and_drags_no_other_error_along() -> None:
    class Unreachable:
        def get_item(self, **request: Any) -> None:
            raise EndpointConnectionError(endpoint_url="http://canary")

    with pytest.raises(BatchError) as failure:
        TableResumeStore(Unreachable(), "state").read("key")
    assert str(failure.value) == "the state table cannot be read: EndpointConnectionError"
    assert failure.value.__cause__ is None


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
    assert store.read("key") == NOTHING
    store.write("key", Checkpoint((name,), {name: 2}), 1_700_000_000.5)
    assert store.read("key") == Checkpoint((name,), {name: 2})
    item = client.get_item(TableName=table, Key={"id": {"S": "key"}})["Item"]
    assert item["expires_at"] == {"N": str(1_700_000_000 + 48 * 3600)}
