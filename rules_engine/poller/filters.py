"""FilterCriteria of a mapping: patterns -> a function that says whether a record is wanted.

As AWS states it ("Control which events Lambda sends to your function"): a pattern has the record's shape,
with a list of choices at each leaf; all of its fields must fit; one of several patterns is enough; a record
that none wants is passed over, counts as done and is not in any batch. Numbers of DynamoDB are text
(`{"N": "7"}`), so a `numeric` choice never fits them. Raises MappingError for a pattern that is none.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from rules_engine.poller.settings import MappingError

if TYPE_CHECKING:
    from collections.abc import Sequence

Test = Callable[[Any], bool]
_ABSENT = object()
_COMPARE = {"=": operator.eq, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


def compile_filters(patterns: Sequence[Mapping[str, Any]]) -> Test | None:
    """None where there is no pattern: every record is wanted."""
    tests = [_pattern(pattern) for pattern in patterns]
    if not tests:
        return None
    return lambda record: any(test(record) for test in tests)


def _pattern(pattern: Any) -> Test:
    if not isinstance(pattern, Mapping) or not pattern:
        raise MappingError("a filter pattern must be an object with at least one field")
    fields: list[tuple[str, Test]] = []
    choices: list[Test] = []
    for name, part in pattern.items():
        if name == "$or":
            choices = [_pattern(choice) for choice in part]
        elif isinstance(part, Mapping):
            fields.append((name, _pattern(part)))
        elif isinstance(part, list) and part:
            fields.append((name, _leaf(part)))
        else:
            raise MappingError(f"'{name}' of a filter pattern must be an object or a list of choices")

    def fits(value: Any) -> bool:
        members = value if isinstance(value, Mapping) else {}
        if choices and not any(choice(members) for choice in choices):
            return False
        return all(test(members.get(name, _ABSENT)) for name, test in fields)

    return fits


def _leaf(choices: list[Any]) -> Test:
    tests = [_choice(choice) for choice in choices]
    return lambda value: any(test(value) for test in tests)


def _choice(choice: Any) -> Test:
    if not isinstance(choice, Mapping):
        # True is 1 to Python, and not to JSON.
        return lambda value: bool(value == choice and isinstance(value, bool) == isinstance(choice, bool))
    if len(choice) != 1:
        raise MappingError("a choice of a filter pattern must have one operator")
    ((name, operand),) = choice.items()
    match name:
        case "exists":
            # At a leaf only: what has members is never there, whatever they are.
            return lambda value: (value is not _ABSENT and not isinstance(value, Mapping)) == operand
        case "prefix":
            return lambda value: isinstance(value, str) and value.startswith(operand)
        case "suffix":
            return lambda value: isinstance(value, str) and value.endswith(operand)
        case "equals-ignore-case":
            return lambda value: isinstance(value, str) and value.lower() == operand.lower()
        case "anything-but":
            unwanted = _leaf(operand if isinstance(operand, list) else [operand])
            return lambda value: value is not _ABSENT and not unwanted(value)
        case "numeric":
            return _numeric(operand)
    raise MappingError(f"'{name}' is no operator of a filter pattern")


def _numeric(operand: list[Any]) -> Test:
    if len(operand) not in (2, 4) or any(sign not in _COMPARE for sign in operand[::2]):
        raise MappingError("'numeric' of a filter pattern takes one or two pairs of a sign and a number")
    bounds = [(_COMPARE[sign], limit) for sign, limit in zip(operand[::2], operand[1::2], strict=True)]

    def fits(value: Any) -> bool:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return False
        return all(compare(value, limit) for compare, limit in bounds)

    return fits
