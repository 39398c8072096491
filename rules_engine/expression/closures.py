"""The Python functions that a compiled expression is made of.

Each factory takes compiled parts and gives a function of (value, run). Two and three parts are written out
where conditions have them all the time, because a call and a loop cost more here than the work itself. What
loops pays `run` before it does; `steps` is the number of nodes in the body of a loop.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeAlias

from rules_engine.attribute_value import Image
from rules_engine.expression.operations import ABSENT
from rules_engine.expression.values import TYPE_NAMES, equal, is_true, order

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

_OBJECTS = frozenset({dict, Image})

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


def _is_other_object(value: Any) -> bool:
    """Whether it is an object of a type not in _OBJECTS. The abstract class is slow, so asked last."""
    return type(value) not in TYPE_NAMES and isinstance(value, Mapping)


def names(path: tuple[str, ...]) -> Closure:
    """The value at a path of names; None where there is none."""
    if len(path) == 1:
        return _name(path[0])
    if len(path) == 2:
        return _two_names(*path)

    def closure(value: Any, run: Evaluation) -> Any:
        for name in path:
            if type(value) in _OBJECTS or _is_other_object(value):
                value = value.get(name)
            else:
                return None
        return value

    return closure


def _name(name: str) -> Closure:
    def closure(value: Any, run: Evaluation) -> Any:
        return value.get(name) if type(value) in _OBJECTS or _is_other_object(value) else None

    return closure


def _two_names(first: str, second: str) -> Closure:
    def closure(value: Any, run: Evaluation) -> Any:
        if type(value) in _OBJECTS or _is_other_object(value):
            value = value.get(first)
            if type(value) in _OBJECTS or _is_other_object(value):
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
            if isinstance(step, int):
                if not isinstance(value, list) or not -len(value) <= step < len(value):
                    return ABSENT
                value = value[step]
            elif isinstance(value, Mapping) and step in value:
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
    def closure(value: Any, run: Evaluation) -> bool:
        found = part(value, run)
        kind = type(found)
        if kind is int or kind is Decimal:
            return bool(found == constant)
        return equal(found, constant, run)

    return closure


def equals(left: Closure, right: Closure) -> Closure:
    def closure(value: Any, run: Evaluation) -> bool:
        one, other = left(value, run), right(value, run)
        kind = type(one)
        if kind is type(other) and (kind is int or kind is Decimal or kind is bool):
            return bool(one == other)
        return equal(one, other, run)

    return closure


def ordered(name: str, left: Closure, right: Closure) -> Closure:
    compare = ORDERS[name]

    def closure(value: Any, run: Evaluation) -> bool | None:
        return order(compare, left(value, run), right(value, run))

    return closure


def ordered_against(name: str, part: Closure, constant: int | Decimal) -> Closure:
    compare = ORDERS[name]

    def closure(value: Any, run: Evaluation) -> bool | None:
        found = part(value, run)
        kind = type(found)
        if kind is int or kind is Decimal:
            return compare(found, constant)
        return order(compare, found, constant)

    return closure


# Logic. `&&` and `||` give one of their operands, not a boolean.


def all_of(parts: list[Closure]) -> Closure:
    if len(parts) == 2:
        first, second = parts

        def both(value: Any, run: Evaluation) -> Any:
            found = first(value, run)
            return second(value, run) if found is True or is_true(found) else found

        return both

    *leading, last = parts

    def closure(value: Any, run: Evaluation) -> Any:
        for part in leading:
            found = part(value, run)
            if found is not True and not is_true(found):
                return found
        return last(value, run)

    return closure


def any_of(parts: list[Closure]) -> Closure:
    if len(parts) == 2:
        first, second = parts

        def either(value: Any, run: Evaluation) -> Any:
            found = first(value, run)
            return found if found is True or is_true(found) else second(value, run)

        return either

    *leading, last = parts

    def closure(value: Any, run: Evaluation) -> Any:
        for part in leading:
            found = part(value, run)
            if found is True or is_true(found):
                return found
        return last(value, run)

    return closure


def negated(part: Closure) -> Closure:
    def closure(value: Any, run: Evaluation) -> bool:
        found = part(value, run)
        return found is not True and not is_true(found)

    return closure


# Arrays and objects


def projected(base: Closure, body: Closure, steps: int) -> Closure:
    def closure(value: Any, run: Evaluation) -> list[Any] | None:
        elements = base(value, run)
        if not isinstance(elements, list):
            return None
        run.take(len(elements) * steps)
        run.build(len(elements))
        return [found for element in elements if (found := body(element, run)) is not None]

    return closure


def values_projected(base: Closure, body: Closure, steps: int) -> Closure:
    def closure(value: Any, run: Evaluation) -> list[Any] | None:
        found = base(value, run)
        if not isinstance(found, Mapping):
            return None
        run.take(len(found) * steps)
        run.build(len(found))
        return [each for element in found.values() if (each := body(element, run)) is not None]

    return closure


def filtered(base: Closure, condition: Closure, body: Closure, steps: int) -> Closure:
    def closure(value: Any, run: Evaluation) -> list[Any] | None:
        elements = base(value, run)
        if not isinstance(elements, list):
            return None
        run.take(len(elements) * steps)
        run.build(len(elements))
        return [
            found
            for element in elements
            if ((holds := condition(element, run)) is True or is_true(holds))
            and (found := body(element, run)) is not None
        ]

    return closure


def flattened(base: Closure) -> Closure:
    def closure(value: Any, run: Evaluation) -> list[Any] | None:
        elements = base(value, run)
        if not isinstance(elements, list):
            return None
        run.take(len(elements))
        flat: list[Any] = []
        for element in elements:
            if isinstance(element, list):
                run.build(len(element))
                flat.extend(element)
            else:
                run.build(1)
                flat.append(element)
        return flat

    return closure


def list_of(parts: list[Closure]) -> Closure:
    return lambda value, run: None if value is None else [part(value, run) for part in parts]


def object_of(parts: list[tuple[str, Closure]]) -> Closure:
    return lambda value, run: None if value is None else {key: part(value, run) for key, part in parts}
