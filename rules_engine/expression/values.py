"""JMESPath's view of Python values: their type, truth, equality and order, and exact arithmetic.

Strings, arrays and objects may be subclasses (`Binary`, `AttributeSet`, `Image`); a number is an int, a
Decimal, or a float, which counts as the decimal that it prints as. Equality never mixes types, at any depth
(`[1]` is not `[true]`; jmespath.py compares nested values as Python does). Nothing here recurses, so data may
be nested as deep as it likes.

The contexts are our own: Python's default one rounds to 28 digits, also in `abs(x)` and `-x`.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Context, Decimal, Inexact, InvalidOperation, Overflow
from functools import reduce
from typing import TYPE_CHECKING, Any, TypeAlias

from rules_engine.attribute_value import AttributeSet, Binary, Image
from rules_engine.errors import EvaluationError
from rules_engine.expression.node import MAX_DIGITS

if TYPE_CHECKING:
    from collections.abc import Callable

    from rules_engine.expression.budget import Evaluation

Number: TypeAlias = "int | Decimal"

TYPE_NAMES: dict[type, str] = {
    str: "string",
    Binary: "string",
    bool: "boolean",
    int: "number",
    Decimal: "number",
    float: "number",
    list: "array",
    AttributeSet: "array",
    dict: "object",
    Image: "object",
    type(None): "null",
}

PYTHON_TYPES = {
    name: frozenset(kind for kind, other in TYPE_NAMES.items() if other == name)
    for name in set(TYPE_NAMES.values())
}
"""The other way round: the types that values of a JMESPath type mostly have."""

_EXACT = Context(prec=MAX_DIGITS, Emin=-9_999, Emax=9_999, traps=[Inexact, InvalidOperation, Overflow])
"""A sum that would not be exact raises. DynamoDB numbers reach from 1e-167 to 1e126: some 300 digits."""

_add = _EXACT.add
_ZERO = Decimal(0)

_DIVISION = Context(prec=38, rounding=ROUND_HALF_EVEN, Emin=-9_999, Emax=9_999)
"""As many digits as a DynamoDB number has."""

EXACT = frozenset({int, Decimal})
"""The numbers of DynamoDB, which Python compares and adds as they are."""

_PLAIN = EXACT | {bool, type(None)}
"""Types whose values Python compares as JMESPath does, in no time."""


def type_name(value: Any) -> str:
    """The JMESPath type; `unknown` for what is no JSON value."""
    name = TYPE_NAMES.get(type(value))
    if name:
        return name
    for python_type, name in ((str, "string"), (list, "array"), (Mapping, "object"), (int, "number")):
        if isinstance(value, python_type):
            return name
    return "unknown"


def is_true(value: Any) -> bool:
    """JMESPath's truth: false are only `false`, `null`, and empty text, list and object. 0 is true."""
    if value is False or value is None:
        return False
    return bool(value) or type_name(value) == "number"


def exact(number: Any) -> Number:
    """An int or Decimal as it is; a float as the decimal that it prints as."""
    return Decimal(repr(number)) if isinstance(number, float) else number


def equal(left: Any, right: Any, run: Evaluation) -> bool:
    """Whether both are the same JSON value."""
    if left is right:
        return True
    kind = type(left)
    if kind is type(right) and (kind in _PLAIN or kind is str):
        if kind is str and len(left) == len(right):
            run.scan(len(left))
        return bool(left == right)
    return _equal_at_any_depth(left, right, run)


def _equal_at_any_depth(left: Any, right: Any, run: Evaluation) -> bool:
    pairs = [(left, right)]
    while pairs:
        left, right = pairs.pop()
        kind = type(left)
        if left is right:
            continue
        if kind is type(right) and kind in _PLAIN:
            if left != right:
                return False
        elif type_name(left) != type_name(right) or not _equal_parts(left, right, run, pairs):
            return False
    return True


def _equal_parts(left: Any, right: Any, run: Evaluation, pairs: list[tuple[Any, Any]]) -> bool:
    """Whether two values of one type can still be equal; what else must be equal for that goes to `pairs`."""
    name = type_name(left)
    if name == "array":
        run.enter(len(left))
        pairs.extend(zip(left, right, strict=False))
        return len(left) == len(right)
    if name == "object":
        run.enter(len(left))
        if left.keys() != right.keys():
            return False
        pairs.extend((value, right.get(key)) for key, value in left.items())
        return True
    if name == "number":
        return exact(left) == exact(right)
    if name == "string" and len(left) == len(right):
        run.scan(len(left))
    return bool(left == right)


def order(compare: Callable[[Any, Any], bool], left: Any, right: Any) -> bool | None:
    """`compare(left, right)` of two numbers; None for anything else."""
    if type_name(left) != "number" or type_name(right) != "number":
        return None
    return compare(exact(left), exact(right))


def total(numbers: list[Any]) -> Number:
    """The sum, to the last digit; a whole number where all are."""
    try:
        if numbers and type(numbers[0]) is Decimal:
            try:
                return reduce(_add, numbers, _ZERO)
            except TypeError:
                pass  # there is a float among them
        found: Number = 0
        for number in numbers:
            if isinstance(number, int) and isinstance(found, int):
                found += number
            else:
                found = _add(found, exact(number))
    except (Inexact, InvalidOperation, Overflow):
        raise EvaluationError(f"a sum needs more than {MAX_DIGITS} digits") from None
    return found


def divide(number: Number, by: int) -> Decimal:
    """The quotient, to 38 digits."""
    return _DIVISION.divide(number, by)


def rounded(number: Number, rounding: str) -> int:
    """The whole number in the direction of `rounding` (a name of the decimal module)."""
    if isinstance(number, int):
        return number
    if not number.is_finite() or number.adjusted() > MAX_DIGITS:
        raise EvaluationError(f"a number has more than {MAX_DIGITS} digits")
    return int(number.to_integral_value(rounding))
