"""What can be typed into a running `dev`, and what is said to whoever types something else."""

from __future__ import annotations

import os
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules_engine import exact_json
from rules_engine.attribute_value import decode
from rules_engine.local.keys import Keys
from rules_engine.local.play import wait_until
from rules_engine.local.typed_line import (
    DELETE,
    PUT,
    TypedChange,
    TypedLineError,
    Wish,
    help_lines,
    parse_line,
)
from rules_engine.local.typed_lines import TypedLines

TABLES = {
    "orders": Keys((("order_id", "S"),), "given"),
    "sessions": Keys((("user_id", "S"), ("started_at", "N")), "given"),
    "blobs": Keys((("id", "B"),), "given"),
}


@pytest.mark.parametrize(
    ("line", "change"),
    [
        ('put orders {"order_id": "o-1"}', TypedChange(PUT, "orders", {"order_id": {"S": "o-1"}})),
        (
            '  put   sessions  {"user_id":"u","started_at":17,"pages":[1.50,null,true]} \n',
            TypedChange(
                PUT,
                "sessions",
                {
                    "user_id": {"S": "u"},
                    "started_at": {"N": "17"},
                    "pages": {"L": [{"N": "1.50"}, {"NULL": True}, {"BOOL": True}]},
                },
            ),
        ),
        (
            'delete sessions {"user_id": "u", "started_at": 17}',
            TypedChange(DELETE, "sessions", {"user_id": {"S": "u"}, "started_at": {"N": "17"}}),
        ),
        ("help", Wish.HELP),
        ("quit\r", Wish.QUIT),
        ("", None),
        ("   ", None),
    ],
)
def test_lines_that_say_what_is_wanted(line: str, change: Any) -> None:
    assert parse_line(line, TABLES) == change


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("putt orders {}", "'putt' is no command: did you mean 'put'?"),
        ("restart", "'restart' is no command: there is put, delete, help, quit"),
        ("put", "'put' needs a table and its item: put TABLE {...}"),
        ("delete orders", "'delete orders' needs the key as JSON: delete TABLE {...}"),
        ("put order {}", "'order' is no table that a rule watches: did you mean 'orders'?"),
        ("put x {}", "'x' is no table that a rule watches: there is orders, sessions, blobs"),
        (
            "put orders {order_id: 1}",
            "not JSON at 'order_id: 1}': Expecting property name enclosed in double quotes; names and texts "
            "stand in double quotes",
        ),
        (
            'put orders {"order_id": "o-1", "order_id": "o-2"}',
            "not JSON: the key 'order_id' stands twice in one object",
        ),
        ("put orders [1]", 'what follows the table must be an object, such as {"id": "mine"}'),
        ("put orders {}", "the item has no 'order_id': the key of table 'orders' is order_id (S)"),
        (
            'delete sessions {"user_id": "u"}',
            "the key has no 'started_at': the key of table 'sessions' is user_id (S), started_at (N)",
        ),
        (
            'put orders {"order_id": 1}',
            "'order_id' must be a text: the key of table 'orders' is order_id (S)",
        ),
        (
            'put sessions {"user_id": "u", "started_at": "1"}',
            "'started_at' must be a number: the key of table 'sessions' is user_id (S), started_at (N)",
        ),
        (
            'put blobs {"id": "eA=="}',
            "'id' must be a binary, which cannot be typed here: the key of table 'blobs' is id (B)",
        ),
        ('put orders {"order_id": ""}', "'order_id' is empty, which DynamoDB takes for no part of a key"),
        (
            'delete orders {"order_id": "o-1", "total": 5, "status": "NEW"}',
            "'status' is no part of the key: the key of table 'orders' is order_id (S)",
        ),
        (
            'put orders {"order_id": "o-1", "total": 1e200}',
            "'total' cannot be an attribute of DynamoDB: a number that DynamoDB cannot hold",
        ),
    ],
)
def test_lines_that_cannot_be_taken_say_what_to_type(line: str, message: str) -> None:
    with pytest.raises(TypedLineError) as refused:
        parse_line(line, TABLES)
    assert str(refused.value) == message


NUMBERS = st.integers(-(10**37), 10**37) | st.decimals(-(10**9), 10**9, places=4)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(st.characters(codec="utf-8"), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", min_size=1), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.text("xyz", min_size=1, max_size=3), VALUES, max_size=4))
def test_an_item_is_what_was_typed_to_the_last_digit(values: dict[str, Any]) -> None:
    item = {**values, "order_id": "o-1"}
    change = parse_line(f"put orders {exact_json.dumps(item)}", TABLES)
    assert isinstance(change, TypedChange)
    assert exact_json.dumps(decode({"M": change.attributes})) == exact_json.dumps(item)


@given(st.text())
def test_any_line_is_taken_or_refused_in_words(line: str) -> None:
    try:
        parse_line(line, TABLES)
    except TypedLineError as error:
        refusal = str(error)
    else:
        return
    assert refusal


def test_the_examples_of_help_can_be_typed() -> None:
    examples = [line for line in help_lines(TABLES) if line.startswith((PUT, DELETE))]
    changes = [parse_line(line[: line.index("}") + 1], TABLES) for line in examples]
    key = {"order_id": {"S": "mine"}}
    assert changes == [
        TypedChange(PUT, "orders", {**key, "status": {"S": "NEW"}}),
        TypedChange(DELETE, "orders", key),
    ]
    assert help_lines({}) == ["quit ends, as Ctrl-C does"]


def test_lines_are_taken_as_they_come_and_the_last_one_without_its_end() -> None:
    reading, writing = os.pipe()
    lines = TypedLines(reading)
    taken: list[str] = []

    def taken_in_the_end(*expected: str) -> bool:
        def look() -> bool:
            taken.extend(lines.taken())
            return taken == list(expected)

        return wait_until(look, 60)

    os.write(writing, b"one\ntwo")
    assert taken_in_the_end("one")
    os.write(writing, "\nthr\u00e9e".encode())
    os.close(writing)
    assert taken_in_the_end("one", "two", "thr\u00e9e")
    assert lines.taken() == []


def test_numbers_keep_their_digits() -> None:
    change = parse_line('put orders {"order_id": "o-1", "total": 12.50}', TABLES)
    assert isinstance(change, TypedChange)
    assert decode({"M": change.attributes}) == {"order_id": "o-1", "total": Decimal("12.50")}
