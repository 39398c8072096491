"""Suggestions: near enough to be meant, and none that is silly."""

from __future__ import annotations

import pytest

from rules_engine.expression.checks.spelling import nearest
from rules_engine.expression.functions import FUNCTIONS

ROOTS = ("new", "old", "keys", "table", "eventName", "expired")


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("start_with", "starts_with"),
        ("startsWith", "starts_with"),
        ("STARTS_WITH", "starts_with"),
        ("starts-with", "starts_with"),
        ("contians", "contains"),
        ("contain", "contains"),
        ("lenght", "length"),
        ("becam", "became"),
        ("chnaged", "changed"),
        ("cidr_contians", "cidr_contains"),
        ("Sum", "sum"),
    ],
)
def test_a_slip_of_the_finger_is_recognised(name: str, meant: str) -> None:
    assert nearest(name, FUNCTIONS) == meant


@pytest.mark.parametrize(
    "name", ["foo", "matches", "size", "min_sum", "avgs_", "x", "", "mp", "regexp", "rise"]
)
def test_a_name_that_is_like_no_other_has_no_suggestion(name: str) -> None:
    assert nearest(name, FUNCTIONS) is None


@pytest.mark.parametrize(
    ("name", "meant"), [("nwe", "new"), ("New", "new"), ("kyes", "keys"), ("tabel", "table")]
)
def test_short_names_may_have_two_letters_swapped(name: str, meant: str) -> None:
    assert nearest(name, ROOTS) == meant


@pytest.mark.parametrize("name", ["net", "odd", "status", "cable", "ne", "tax"])
def test_short_names_are_not_confused(name: str) -> None:
    assert nearest(name, ROOTS) is None


def test_the_nearest_comes_first_and_then_the_alphabet() -> None:
    assert nearest("orders_table", ["orders_cable", "orders_tables", "order_tables"]) == "orders_cable"
    assert nearest("orders_table", ["orders_tables", "order_tables"]) == "orders_tables"


def test_nothing_is_near_where_nothing_is_known() -> None:
    assert nearest("new", []) is None
