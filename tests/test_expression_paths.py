"""`paths_read` names what an expression reads of a document."""

from __future__ import annotations

import pytest
from hypothesis import given

from rules_engine.expression import compile_expression, paths_read
from rules_engine.expression.syntax import parse
from rules_engine.model import Scope
from tests.expression_strategies import expressions

SCOPE = Scope(
    vars={"limit": 10},
    lists={"test": ["c-1"]},
    conditions={
        "vip": "new.customer.tier == 'gold'",
        "big": "is.vip && new.total > vars.limit",
        "loop": "is.loop",
    },
)


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        (
            "new.customer.tier == 'gold' && old.status != new.status",
            ["new.customer.tier", "old.status", "new.status"],
        ),
        ("new.a == new.a", ["new.a"]),
        ("!(new.a) || (new.b && `1` < new.c)", ["new.a", "new.b", "new.c"]),
        ("new.items[0].sku", ["new.items[0].sku"]),
        ("new.items[-1] | sku", ["new.items[-1].sku"]),
        ('new."e mail"."ü"', ['new."e mail"."ü"']),
        ("new.items[*].sku", ["new.items"]),
        ("new.items[1:].sku", ["new.items"]),
        ("new.items[].sku", ["new.items"]),
        ("new.items[?price > `1` && is.vip].sku", ["new.items", "new.customer.tier"]),
        ("new.*.sku", ["new"]),
        ("length(new.items)", ["new.items"]),
        ("new.items | length(@)", ["new.items"]),
        ("new.items.length(@)", ["new.items"]),
        ("sort_by(new.items, &price)[0].sku", ["new.items"]),
        ("new.{a: b, c: d.e}", ["new.b", "new.d.e"]),
        ("[new.a, old.b]", ["new.a", "old.b"]),
        ("@", ["@"]),
        ("@.new", ["new"]),
        ("`1`", []),
        ("changed(&status)", ["old.status", "new.status"]),
        ("became(&a[0].b, new.c)", ["old.a[0].b", "new.a[0].b", "new.c"]),
        ("present(&coupon)", ["new.coupon"]),
        ("changed(&length(items))", ["old.items", "new.items"]),
        ("new.items[?changed(&status)]", ["new.items", "old.status", "new.status"]),
        ("new.total > vars.limit", ["new.total"]),
        ("contains(lists.test, new.customer_id)", ["new.customer_id"]),
        ("lists.test[0].x", []),
        ("is.big || is.vip", ["new.customer.tier", "new.total"]),
    ],
)
def test_paths_are_as_long_as_names_and_indexes_go(text: str, paths: list[str]) -> None:
    assert list(paths_read(parse(text), SCOPE)) == paths


def test_without_a_rule_file_its_names_are_names_of_the_data() -> None:
    assert paths_read(parse("vars.a == is.b")) == ("vars.a", "is.b")


@given(expressions())
def test_every_path_is_an_expression(text: str) -> None:
    for path in paths_read(parse(text)):
        assert compile_expression(path).text == path
