"""The registry of functions, and laws that its functions keep."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from fractions import Fraction
from operator import attrgetter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jmespath.functions import Functions

from rules_engine.attribute_value import decode
from rules_engine.errors import EvaluationError
from rules_engine.expression import compile_expression
from rules_engine.expression.functions import FUNCTIONS, REFERENCES, Function
from rules_engine.expression.wildcard import matches

TYPES = {
    *("any", "number", "string", "boolean", "array", "object", "null", "array-number", "array-string"),
    *REFERENCES,
}


def test_every_function_of_jmespath_is_there_and_the_rest_are_extensions() -> None:
    assert {name for name, entry in FUNCTIONS.items() if not entry.extension} == set(Functions.FUNCTION_TABLE)
    assert [name for name, entry in FUNCTIONS.items() if entry.extension] == [
        *("became", "changed", "cidr_contains", "glob", "lower", "present", "trim", "upper"),
    ]


@pytest.mark.parametrize(
    "entry", [entry for entry in FUNCTIONS.values() if not entry.extension], ids=attrgetter("name")
)
def test_parameters_are_those_of_jmespath(entry: Function) -> None:
    signature = Functions.FUNCTION_TABLE[entry.name]["signature"]
    theirs = [set(parameter["types"]) or {"any"} for parameter in signature]
    assert [set(types) for types in entry.parameters] == theirs
    assert entry.variadic == bool(signature[-1].get("variadic"))


@pytest.mark.parametrize("entry", FUNCTIONS.values(), ids=attrgetter("name"))
def test_a_function_is_described(entry: Function) -> None:
    assert TYPES.issuperset(name for types in entry.parameters for name in types)
    assert entry.doc
    assert entry.doc[0].islower() or entry.doc.startswith("'")
    assert "\n" not in entry.doc


EXAMPLES = {
    "abs": 5,
    "avg": Decimal("1.5"),
    "became": True,
    "ceil": 2,
    "changed": True,
    "cidr_contains": True,
    "contains": True,
    "ends_with": True,
    "floor": 1,
    "glob": True,
    "join": "a, b",
    "keys": ["a", "b"],
    "length": 3,
    "lower": "abc",
    "map": [1, None],
    "max": 3,
    "max_by": {"a": 2},
    "merge": {"a": 2, "b": 3},
    "min": 1,
    "min_by": {"a": 1},
    "not_null": "b",
    "present": True,
    "reverse": "cba",
    "sort": [1, 2, 3],
    "sort_by": [{"a": 1}, {"a": 2}],
    "starts_with": True,
    "sum": Decimal("0.3"),
    "to_array": ["a"],
    "to_number": Decimal("12.50"),
    "to_string": "[1,true]",
    "trim": "abc",
    "type": "number",
    "upper": "ABC",
    "values": [1, 2],
}


def test_examples_show_what_functions_do() -> None:
    record = {"old": {"status": "PACKED"}, "new": {"status": "SHIPPED", "coupon": None}}
    assert {name: compile_expression(entry.example)(record) for name, entry in FUNCTIONS.items()} == EXAMPLES


dynamodb_numbers = st.builds(
    lambda digits, exponent, sign: Decimal((sign, tuple(digits), exponent - len(digits) + 1)),
    st.lists(st.integers(0, 9), min_size=1, max_size=38).filter(lambda digits: digits[0] != 0),
    st.integers(-130, 125),
    st.integers(0, 1),
)


@given(st.lists(dynamodb_numbers | st.integers(-(10**38), 10**38)))
def test_a_sum_is_exact(numbers: list[Any]) -> None:
    total = compile_expression("sum(@)")(numbers)
    assert Fraction(total) == sum(map(Fraction, numbers))


@given(st.lists(dynamodb_numbers, min_size=1))
def test_a_mean_is_exact_to_38_digits(numbers: list[Any]) -> None:
    mean = Fraction(compile_expression("avg(@)")(numbers))
    true = sum(map(Fraction, numbers)) / len(numbers)
    assert abs(mean - true) <= abs(true) / 10**37


@given(dynamodb_numbers)
def test_one_number_is_never_rounded(number: Decimal) -> None:
    results = [compile_expression(f"{name}(@)")(number) for name in ("ceil", "floor", "abs")]
    fraction = Fraction(number)
    assert results == [-(-fraction // 1), fraction // 1, abs(fraction)]
    text = compile_expression("to_string(@)")(number)
    assert compile_expression("to_number(@)")(text) == number


@given(st.lists(dynamodb_numbers | st.integers() | st.floats(allow_nan=False, allow_infinity=False)))
def test_numbers_are_ordered_by_value(numbers: list[Any]) -> None:
    def value(number: Any) -> Fraction:
        return Fraction(repr(number)) if isinstance(number, float) else Fraction(number)

    assert compile_expression("sort(@)")(numbers) == sorted(numbers, key=value)
    assert compile_expression("max(@)")(numbers) == max(numbers, key=value, default=None)
    assert compile_expression("min(@)")(numbers) == min(numbers, key=value, default=None)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers())))
def test_sort_by_keeps_the_order_of_equals(rows: list[tuple[int, int]]) -> None:
    data = [{"key": key, "value": value} for key, value in rows]
    assert compile_expression("sort_by(@, &key)")(data) == sorted(data, key=lambda row: row["key"])


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(json_values)
def test_to_string_writes_what_the_json_module_writes(value: Any) -> None:
    expected = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
    assert compile_expression("to_string(@)")(value) == expected


def test_to_string_refuses_what_has_no_json() -> None:
    to_string = compile_expression("to_string(@)")
    for value, reason in (
        (["\ud800"], "the value holds text that is not valid Unicode (a lone surrogate)"),
        ([float("nan")], "NaN and Infinity have no JSON form"),
        ([object()], "a value of type object has no JSON form"),
        ([10**5000], "Exceeds the limit (4300 digits) for integer string conversion"),
    ):
        with pytest.raises(EvaluationError) as caught:
            to_string(value)
        assert str(caught.value).startswith(f"to_string() cannot write this value: {reason}")


@given(st.text("ab"), st.text("ab?*"))
def test_glob_is_the_regular_expression_of_its_pattern(text: str, pattern: str) -> None:
    expression = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    assert matches(text, pattern) == bool(re.fullmatch(expression, text, re.DOTALL))


def test_glob_does_not_backtrack() -> None:
    text = "a" * 100_000
    assert compile_expression("glob(@, '*a*a*a*a*a*a*a*a*a*a*b')")(text) is False
    assert compile_expression("glob(@, '*a?a*a?a*a?a*a?a*b*')")(text) is False
    assert compile_expression("glob(@, '*a?a*a?a*a?a*a?a*')")(text) is True


def test_glob_takes_patterns_up_to_a_size() -> None:
    program = compile_expression("glob(text, pattern)")
    assert program({"text": "a" * 1000, "pattern": "?" * 1000}) is True
    with pytest.raises(EvaluationError) as caught:
        program({"text": "a" * 1000, "pattern": "?" * 1001})
    assert str(caught.value) == "glob() takes a pattern of at most 1000 characters"


def test_a_sum_beyond_a_thousand_digits_is_an_error() -> None:
    numbers = [Decimal("1e600"), Decimal("1e-600")]
    with pytest.raises(EvaluationError) as caught:
        compile_expression("sum(@)")(numbers)
    assert str(caught.value) == "a sum needs more than 1000 digits"
    with pytest.raises(EvaluationError) as caught:
        compile_expression("ceil(@)")(Decimal("1e5000"))
    assert str(caught.value) == "a number has more than 1000 digits"


def test_sets_and_binaries_are_arrays_and_strings() -> None:
    data = {"set": decode({"NS": ["2", "10", "1"]}), "binary": decode({"B": "aGk="})}
    results = {
        "max(set)": 10,
        "sum(set)": 13,
        "type(set)": "array",
        "type(binary)": "string",
        "reverse(set)": [10, 2, 1],
        "length(binary)": 4,
        "ends_with(binary, '=')": True,
    }
    assert {text: compile_expression(text)(data) for text in results} == results
