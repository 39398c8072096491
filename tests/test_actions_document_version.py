"""What a version must be: below 2^63, in the order of the sequence numbers, and apart where they are."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules_engine.actions.document_version import BITS, compressed, version_of
from rules_engine.errors import TemplateError
from rules_engine.record import parse_event, parse_record
from tests.units import raw_record

LARGEST = 10**40 - 1
numbers = st.integers(0, LARGEST) | st.integers(0, 40).flatmap(
    lambda digits: st.integers(0, 10**digits).map(lambda number: min(number, LARGEST))
)

# Of real streams, each pair of one shard: a counter in front of 20 digits that grow, too.
REAL = [
    (300000000000000499659, 400000000000000499660),
    (400000000000000499660, 500000000000000499661),
    (6200000000002513011398, 6300000000002513012315),
]
COUNTED = 10**20


def version(sequence_number: str | None, seconds: Any = 1_767_225_600) -> int:
    raw = raw_record({}, {"id": {"S": "1"}})
    raw["dynamodb"] |= {"SequenceNumber": sequence_number, "ApproximateCreationDateTime": seconds}
    if sequence_number is None:
        (record,) = parse_event([raw])
        return version_of(record)  # type: ignore[arg-type]
    return version_of(parse_record(raw))


@given(numbers, numbers)
def test_versions_are_in_the_order_of_the_numbers(one: int, other: int) -> None:
    low, high = sorted((one, other))
    assert 0 <= compressed(low) <= compressed(high) < 2**63


@given(numbers, st.integers(0, 10**24))
def test_two_numbers_are_apart_where_they_differ_by_more_than_a_part_in_two_to_the_56(
    number: int, more: int
) -> None:
    higher = number + more
    if higher <= LARGEST and more > higher >> (BITS - 1):
        assert compressed(number) < compressed(higher)


@given(st.integers(0, 2**BITS - 2))
def test_a_number_that_fits_is_its_own_version(number: int) -> None:
    assert compressed(number) == number
    assert compressed(number + 1) == number + 1


@given(st.integers(0, 10**16), st.integers(1, 1_000), st.integers(0, 10**18), st.integers(0, 10**18))
def test_numbers_as_dynamodb_makes_them_never_collide(count: int, more: int, tail: int, grown: int) -> None:
    earlier = count * COUNTED + tail
    later = (count + more) * COUNTED + tail + grown
    assert compressed(earlier) < compressed(later)


@pytest.mark.parametrize(("earlier", "later"), REAL)
def test_real_numbers_that_follow_each_other_have_versions_that_do(earlier: int, later: int) -> None:
    assert compressed(earlier) < compressed(later)


@pytest.mark.parametrize("digits", range(1, 41))
def test_a_number_with_one_digit_more_is_higher(digits: int) -> None:
    assert compressed(10**digits - 2) <= compressed(10**digits - 1) <= compressed(10**digits)
    assert compressed(10**digits // 2) < compressed(10**digits)


def test_zeros_in_front_change_nothing() -> None:
    assert version("000000000000000000012") == version("12") == 12


def test_the_largest_number_of_dynamodb_has_a_version_that_opensearch_takes() -> None:
    assert version("9" * 40) < 2**63


def test_a_change_that_came_through_kinesis_has_its_time_for_a_version() -> None:
    number = "49546986683135544286507457936321625675700192471156785154"
    assert version(number, 1_767_225_600.123456) == 1_767_225_600_123_456
    with pytest.raises(TemplateError) as failure:
        version(number, None)
    assert str(failure.value) == "a document's version needs the time of the change, and the record has none"


def test_a_record_without_a_number_has_no_version() -> None:
    with pytest.raises(TemplateError) as failure:
        version(None)
    assert str(failure.value) == "a document's version needs a sequence number, and the record has none"
