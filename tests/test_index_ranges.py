"""Ranges that hold a number are found, whatever their bounds."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from rules_engine.expression.needs import Source, Within
from rules_engine.index.ranges import RangeTree

SOURCE = Source(("new", "n"))
bounds = st.none() | st.integers(-5, 5) | st.sampled_from([Decimal("0.5"), Decimal("-2.25"), Decimal("3.0")])
ranges = st.builds(Within, st.just(SOURCE), bounds, st.booleans(), bounds, st.booleans())
numbers = st.integers(-7, 7) | st.sampled_from(
    [Decimal("0.5"), Decimal("0.49"), Decimal("3"), Decimal("1e99")]
)


def holds(each: Within, number: int | Decimal) -> bool:
    above = each.low is None or (number > each.low if each.low_open else number >= each.low)
    below = each.high is None or (number < each.high if each.high_open else number <= each.high)
    return above and below


@given(st.lists(ranges, unique=True, max_size=12), numbers)
def test_a_number_finds_the_ranges_that_hold_it_each_once(
    within: list[Within], number: int | Decimal
) -> None:
    tree = RangeTree({each: each for each in within})
    found = tree.find(number)
    assert len(found) == len(set(found))
    assert set(found) == {each for each in within if holds(each, number)}


@given(st.lists(ranges, unique=True, max_size=12))
def test_everything_is_what_some_number_may_find(within: list[Within]) -> None:
    tree = RangeTree({each: each for each in within})
    assert tree.everything() >= {each for each in within for number in range(-7, 8) if holds(each, number)}
    assert tree.everything() <= set(within)
