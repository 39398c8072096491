from __future__ import annotations

import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from rules_engine.actions.fifo import item_key, message_group_id
from rules_engine.plain_record import record_from_images
from rules_engine.record import StreamRecord, parse_record

KEYS = st.dictionaries(
    st.text(st.characters(codec="utf-8"), min_size=1),
    st.text(st.characters(codec="utf-8")) | st.integers(),
    min_size=1,
    max_size=2,
)


def removal(keys: dict[str, Any], table: str = "orders") -> StreamRecord:
    return parse_record(record_from_images({"event": "REMOVE", "keys": keys}, table))


def test_a_short_key_stays_readable() -> None:
    assert message_group_id(removal({"order_id": "o-1"})) == 'orders/{"order_id":{"S":"o-1"}}'


def test_the_order_of_key_attributes_does_not_matter() -> None:
    assert item_key(removal({"pk": "a", "sk": 1})) == item_key(removal({"sk": 1, "pk": "a"}))


def test_a_key_that_is_too_long_or_has_a_space_is_hashed() -> None:
    for keys in ({"order_id": "x" * 200}, {"order_id": "o 1"}):
        assert re.fullmatch("[0-9a-f]{64}", message_group_id(removal(keys)))


@given(KEYS, KEYS)
def test_two_items_share_a_group_only_if_they_are_one(one: dict[str, Any], other: dict[str, Any]) -> None:
    groups = [message_group_id(removal(keys)) for keys in (one, other)]
    assert (groups[0] == groups[1]) == (removal(one).keys_raw == removal(other).keys_raw)
    assert all(re.fullmatch("[!-~]{1,128}", group) for group in groups)


def test_one_key_in_two_tables_is_two_items() -> None:
    assert item_key(removal({"id": 1}, "orders")) != item_key(removal({"id": 1}, "customers"))
