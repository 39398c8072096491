"""JSON in and out without losing a digit."""

import json
from collections import ChainMap, UserDict
from decimal import Decimal
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules_engine.exact_json import dumps, loads

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(json_values)
def test_what_is_written_is_read_back_equal(value):
    assert loads(dumps(value)) == value


@given(json_values)
def test_what_is_written_is_json_to_other_readers(value):
    assert json.loads(dumps(value), parse_float=Decimal) == value


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_is_written_as_the_shortest_text_that_gives_it_back(value):
    assert float(loads(dumps(value))) == value
    assert dumps(value) == repr(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": [1, Decimal("12.50"), "x"], "b": {}}, '{"a":[1,12.50,"x"],"b":{}}'),
        ([], "[]"),
        ((), "[]"),
        ((1, (2,)), "[1,[2]]"),
        (MappingProxyType({"a": 1}), '{"a":1}'),
        (UserDict({"a": ChainMap({"b": None})}), '{"a":{"b":null}}'),
        ([True, False, None], "[true,false,null]"),
        (Decimal("1E+125"), "1E+125"),
        (Decimal("-1E-130"), "-1E-130"),
        (Decimal("0.00"), "0.00"),
        (12345678901234567890123456789012345678, "12345678901234567890123456789012345678"),
        (0.1, "0.1"),
        (1e300, "1e+300"),
        ('"\\\n\x00é🚚', '"\\"\\\\\\n\\u0000é🚚"'),
    ],
)
def test_dumps_is_compact_and_exact(value, text):
    assert dumps(value) == text


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        float("inf"),
        Decimal("NaN"),
        Decimal("sNaN"),
        Decimal("-Infinity"),
        "\ud800",
        {"\udfff": 1},
        ["x", {"a": float("-inf")}],
    ],
)
def test_dumps_refuses_what_json_cannot_hold(value):
    with pytest.raises(ValueError, match=r"JSON form|lone surrogate"):
        dumps(value)


def test_a_refusal_does_not_show_the_text_it_refuses():
    with pytest.raises(ValueError, match="lone surrogate") as caught:
        dumps("hush \ud800")
    assert "hush" not in str(caught.value)
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("value", [b"x", {1}, object(), {1: 2}, {None: 1}, [{"a": 1j}]])
def test_dumps_refuses_types_that_json_has_not(value):
    with pytest.raises(TypeError, match="has no JSON form"):
        dumps(value)


def test_dumps_refuses_what_contains_itself():
    value = []
    value.append(value)
    with pytest.raises(ValueError, match="nested too deeply"):
        dumps(value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12.50", Decimal("12.50")),
        ("1e5", Decimal("1E+5")),
        ("100", 100),
        ('{"a": 1, "a": 2}', {"a": 2}),
        ("[true, null]", [True, None]),
    ],
)
def test_loads_keeps_numbers_as_they_were_written(text, value):
    loaded = loads(text)
    assert repr(loaded) == repr(value)


@pytest.mark.parametrize(
    "text",
    [
        "NaN",
        "[Infinity]",
        '{"a": -Infinity}',
        "",
        "{",
        "[1,]",
        "'a'",
        "1 2",
        "1e9999999999999999999999",
        "9" * 5000,
        "[" * 100_000,
    ],
)
def test_loads_refuses_what_is_not_json_with_a_value_error(text):
    with pytest.raises(ValueError, match=r"."):
        loads(text)


@given(st.text(alphabet='[]{}",:0123456789eE+-.truefalsn \\', max_size=30))
def test_loads_raises_nothing_but_value_error(text):
    try:
        value = loads(text)
    except ValueError:
        return
    assert loads(dumps(value)) == value
