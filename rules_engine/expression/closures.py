"""The Python functions that a compiled expression is made of; those that loop are in `projections`.

Each factory takes compiled parts and gives a function of (value, run). Two and three parts are written out
where conditions have them all the time, because a call and a loop cost more here than the work itself.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeAlias

from rules_engine.attribute_value import Image
from rules_engine.expression.operations import ABSENT
from rules_engine.expression.values import EXACT, TYPE_NAMES, equal, is_true, order

if TYPE_CHECKING:
    from rules_engine.expression.budget import Evaluation

Closure: TypeAlias = "Callable[[Any, Evaluation], Any]"

ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "lt": operator.lt,
    "lte": operator.le,
    "gt": operator.gt,
    "gte": operator.ge,
}
MIRRORED = {"lt": "gt", "lte": "gte", "gt": "lt", "gte": "lte"}
"""`a < b` is `b > a`."""

OBJECTS = frozenset({dict, Image})

_LONG_TEXT = 1_000
"""Characters from which comparing a constant pays the budget."""


class Constant:
    """The closure of a value that does not depend on the data; parents look for it to decide early."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __call__(self, value: Any, run: Evaluation) -> Any:
        return self.value


def itself(value: Any, run: Evaluation) -> Any:
    return value


# Paths


def is_other_object(value: Any) -> bool:
    """Whether it is an object of a type not in OBJECTS. The abstract class is slow, so asked last."""
    return type(value) not in TYPE_NAMES and isinstance(value, Mapping)


def names(path: tuple[str, ...]) -> Closure:
    """The value at a path of names; None where there is none."""
    if len(path) == 1:
        return _name(path[0])
    if len(path) == 2:
        return _two_names(*path)

    def closure(value: Any, run: Evaluation) -> Any:
        for name in path:
            if type(value) in OBJECTS or is_other_object(value):
                value = value.get(name)
            else:
                return None
        return value

    return closure


def _name(name: str) -> Closure:
    def closure(value: Any, run: Evaluation) -> Any:
        return value.get(name) if type(value) in OBJECTS or is_other_object(value) else None

    return closure


def _two_names(first: str, second: str) -> Closure:
    def closure(value: Any, run: Evaluation) -> Any:
        if type(value) in OBJECTS or is_other_object(value):
            value = value.get(first)
            if type(value) in OBJECTS or is_other_object(value):
                return value.get(second)
        return None

    return closure


def index(number: int) -> Closure:
    def closure(value: Any, run: Evaluation) -> Any:
        if isinstance(value, list):
            try:
                return value[number]
            except IndexError:
                return None
        return None

    return closure


def slice_of(start: int | None, stop: int | None, step: int | None) -> Closure:
    part = slice(start, stop, step)

    def closure(value: Any, run: Evaluation) -> Any:
        if not isinstance(value, list):
            return None
        run.build(len(value))
        return value[part]

    return closure


def one_after_the_other(parts: list[Closure]) -> Closure:
    """Each part applied to what the one before it gave."""
    if len(parts) == 1:
        return parts[0]
    if len(parts) == 2:
        first, second = parts
        return lambda value, run: second(first(value, run), run)

    def closure(value: Any, run: Evaluation) -> Any:
        for part in parts:
            value = part(value, run)
        return value

    return closure


def find(steps: tuple[str | int, ...]) -> Closure:
    """The value at a path of names and indexes; ABSENT where nothing is, which an attribute `null` is not."""

    def closure(value: Any, run: Evaluation) -> Any:
        for step in steps:
            if isinstance(step, str):
                if type(value) not in OBJECTS and not is_other_object(value):
                    return ABSENT
                value = value.get(step, ABSENT)
            elif isinstance(value, list) and -len(value) <= step < len(value):
                value = value[step]
            else:
                return ABSENT
        return value

    return closure


# Comparisons


def equals_constant(part: Closure, constant: Any) -> Closure:
    if constant is None or isinstance(constant, bool):
        return lambda value, run: part(value, run) is constant
    if isinstance(constant, str) and len(constant) <= _LONG_TEXT:
        return lambda value, run: part(value, run) == constant
    if isinstance(constant, (int, Decimal)):
        return _equals_number(part, constant)
    return lambda value, run: equal(part(value, run), constant, run)


def differs_from_constant(part: Closure, constant: Any) -> Closure:
    if constant is None or isinstance(constant, bool):
        return lambda value, run: part(value, run) is not constant
    if isinstance(constant, str) and len(constant) <= _LONG_TEXT:
        return lambda value, run: part(value, run) != constant
    return negated(equals_constant(part, constant))


def _equals_number(part: Closure, constant: int | Decimal) -> Closure:
    as_decimal = Decimal(constant)

    def closure(value: Any, run: Evaluation) -> bool:
        found = part(value, run)
        if type(found) is Decimal:
            return found == as_decimal
        if type(found) is int:
            return bool(found == constant)
        return equal(found, constant, run)

    return closure


def equals(left: Closure, right: Closure) -> Closure:
    def closure(value: Any, run: Evaluation) -> bool:
        one, other = left(value, run), right(value, run)
        if type(one) in EXACT and type(other) in EXACT:
            return bool(one == other)
        return equal(one, other, run)

    return closure


def ordered(name: str, left: Closure, right: Closure) -> Closure:
    compare = ORDERS[name]

    def closure(value: Any, run: Evaluation) -> bool | None:
        one, other = left(value, run), right(value, run)
        if type(one) in EXACT and type(other) in EXACT:
            return compare(one, other)
        return order(compare, one, other)

    return closure


def ordered_against(name: str, part: Closure, constant: int | Decimal) -> Closure:
    compare, as_decimal = ORDERS[name], Decimal(constant)

    def closure(value: Any, run: Evaluation) -> bool | None:
        found = part(value, run)
        if type(found) is Decimal:
            return compare(found, as_decimal)  # twice as fast as comparing a Decimal with an int
        if type(found) is int:
            return compare(found, constant)
        return order(compare, found, constant)

    return closure


# Logic. `&&` and `||` give one of their operands, not a boolean. Most operands are `true` or `false`, so that
# is looked for before the call that finds the truth of anything else.


def all_of(parts: list[Closure]) -> Closure:
    if len(parts) == 2:
        first, second = parts

        def both(value: Any, run: Evaluation) -> Any:
            found = first(value, run)
            if found is True or (found is not False and is_true(found)):
                return second(value, run)
            return found

        return both

    *leading, last = parts

    def closure(value: Any, run: Evaluation) -> Any:
        for part in leading:
            found = part(value, run)
            if found is not True and (found is False or not is_true(found)):
                return found
        return last(value, run)

    return closure


def any_of(parts: list[Closure]) -> Closure:
    if len(parts) == 2:
        first, second = parts

        def either(value: Any, run: Evaluation) -> Any:
            found = first(value, run)
            if found is True or (found is not False and is_true(found)):
                return found
            return second(value, run)

        return either

    *leading, last = parts

    def closure(value: Any, run: Evaluation) -> Any:
        for part in leading:
            found = part(value, run)
            if found is True or (found is not False and is_true(found)):
                return found
        return last(value, run)

    return closure


def negated(part: Closure) -> Closure:
    def closure(value: Any, run: Evaluation) -> bool:
        found = part(value, run)
        return found is not True and (found is False or not is_true(found))

    return closure
