"""Numbers of the index are equal, and ordered, exactly as the decimals that they stand for."""

from __future__ import annotations

from decimal import Context, Decimal
from itertools import product
from operator import eq, ge, gt, le, lt, ne

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rules_engine.attribute_value import decode
from rules_engine.errors import AttributeValueError
from rules_engine.index.numbers import LongNumber, exact, number_in, number_of

digits = st.text("0123456789", min_size=1, max_size=38).map(lambda text: text.lstrip("0") or "0")
texts = st.builds(
    lambda sign, whole, fraction, exponent: f"{sign}{whole}{fraction}{exponent}",
    st.sampled_from(["", "-", "+"]),
    digits.map(lambda text: text[:20]),
    st.just("") | digits.map(lambda text: f".{text[:18]}"),
    st.just("") | st.integers(-80, 80).map(lambda power: f"E{power}"),
)
neighbours = st.tuples(texts, st.sampled_from(["", "1", "01", "0", "000000000000000001"])).map(
    lambda pair: (pair[0], f"{pair[0]}{pair[1]}" if "." in pair[0] and "E" not in pair[0] else pair[0])
)


def is_legal(pair: tuple[str, str]) -> bool:
    try:
        return [decode({"N": text}) for text in pair] != []
    except AttributeValueError:
        return False


@given((neighbours | st.tuples(texts, texts)).filter(is_legal))
@example(("99999999999999991611392", "1E+23"))
@example(("0.1", "0.1000000000000000055511151231257827"))
@example(("12345678901234567", "12345678901234568"))
def test_they_compare_as_the_decimals_that_dynamodb_holds(pair: tuple[str, str]) -> None:
    left, right = (Decimal(str(decode({"N": text}))) for text in pair)
    one, other = map(number_in, pair)
    for compare in (eq, ne, lt, le, gt, ge):
        assert compare(one, other) is compare(left, right)
    assert hash(one) == hash(other) or left != right
    assert (exact(one), exact(other)) == (left, right)


@given(texts.filter(lambda text: is_legal((text, text))))
def test_a_constant_and_a_value_that_are_equal_are_one_number(text: str) -> None:
    value = decode({"N": text})
    constants = (value, Decimal(value), Decimal(value).normalize(Context(prec=200)))
    assert [number_of(constant) == number_in(text) for constant in constants] == [True] * 3
    assert {hash(number_of(constant)) for constant in constants} == {hash(number_in(text))}


def test_short_numbers_are_floats_and_long_ones_are_not() -> None:
    assert [type(number_in(text)) for text in ("0", "-0", "12.50", "123456789012345", "1E+22")] == [float] * 5
    assert [type(number_in(text)) for text in ("1234567890123456", "0.1234567890123456")] == [LongNumber] * 2
    assert type(number_of(Decimal("1e400"))) is LongNumber


@pytest.mark.parametrize("text", ["", "one", "1_0", " 1", "1 ", "nan", "inf", "٣", "1.2.3", "--1", "0x1"])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(AttributeValueError):
        number_in(text)


@pytest.mark.parametrize("value", [None, 1, 1.5, ["1"], {"N": "1"}])
def test_what_is_no_text_is_refused(value: object) -> None:
    with pytest.raises((AttributeError, TypeError, AttributeValueError)):
        number_in(value)


def test_a_long_number_is_on_its_place_among_short_ones() -> None:
    ordered = ["-12345678901234567", "0", "0.1", "0.10000000000000001", "1", "12345678901234567"]
    numbers = [number_in(text) for text in ordered]
    assert [one < other for one, other in product(numbers, numbers)] == [
        one < other for one, other in product(range(6), range(6))
    ]
