"""Ranges that hold a number are found, whatever their bounds."""

from __future__ import annotations

from bisect import bisect_left
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from rules_engine.index.numbers import number_of
from rules_engine.index.ranges import Range, RangeTree

values = [-5, -2, 0, 1, 2, 3, 5, Decimal("0.5"), Decimal("-2.25"), Decimal("2.000000000000000001")]
bounds = st.none() | st.sampled_from([number_of(value) for value in values])
ranges = st.builds(Range, bounds, st.booleans(), bounds, st.booleans())
numbers = st.sampled_from([number_of(value) for value in [*values, -7, 7, Decimal("0.49"), Decimal("1e99")]])


def holds(each: Range, number: float) -> bool:
    above = each.low is None or (number > each.low if each.low_open else number >= each.low)
    below = each.high is None or (number < each.high if each.high_open else number <= each.high)
    return above and below


@given(st.lists(ranges, unique=True, max_size=12), numbers)
def test_a_number_finds_the_ranges_that_hold_it_each_once(within: list[Range], number: float) -> None:
    tree = RangeTree((each, each) for each in within)
    found = tree.find(number)
    assert len(found) == len(set(found))
    assert set(found) == {each for each in within if holds(each, number)}
    listed = tree.listed()
    if listed is not None:
        ends, below, at = listed
        place = bisect_left(ends, number)
        assert tuple((at if ends[place] == number else below)[place]) == tuple(found)
    assert [each.holds(number) for each in within] == [holds(each, number) for each in within]


@given(st.lists(ranges, unique=True, max_size=12))
def test_everything_is_what_some_number_may_find(within: list[Range]) -> None:
    everything = list(RangeTree((each, each) for each in within).everything())
    some = {each for each in within for value in values if holds(each, number_of(value))}
    assert len(everything) == len(set(everything))
    assert some <= set(everything) <= set(within)


def test_ranges_that_overlap_a_lot_are_found_as_well() -> None:
    nested = [Range(float(place), False, float(200 - place), False) for place in range(100)]
    tree = RangeTree((each, each) for each in nested)
    assert tree.listed() is None
    for number in (-1.0, 0.0, 0.5, 42.0, 99.5, 100.0, 150.0, 200.0, 201.0):
        assert sorted(tree.find(number)) == sorted(each for each in nested if holds(each, number))
