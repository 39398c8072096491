"""A call of a function with its arguments checked: the types of the registry against the values of the data.

A wrong type is an EvaluationError in the author's words, with the text of the argument but never its value:
"contains() needs a string or an array as its first argument, but got null (new.tags)".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rules_engine.errors import EvaluationError
from rules_engine.expression.closures import Closure, Constant
from rules_engine.expression.functions import REFERENCES, Function
from rules_engine.expression.values import PYTHON_TYPES, type_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from rules_engine.expression.budget import Evaluation
    from rules_engine.expression.operations import Reference

    Complaint = Callable[[str], EvaluationError]
    Implementation = Callable[..., Any]

_ORDINALS = ("first ", "second ", "third ", "fourth ")
_WORDS = {
    "array": "an array",
    "object": "an object",
    "null": "null",
    "unknown": "a value that is no JSON",
    "array-number": "an array of numbers",
    "array-string": "an array of strings",
}
_TEXT_SHOWN = 60
_ELEMENTS_A_STEP = 4


def in_words(types: Iterable[str], conjunction: str = "or") -> str:
    """`a string, an array or an object`."""
    *others, last = (_WORDS.get(name, f"a {name}") for name in types)
    return f"{', '.join(others)} {conjunction} {last}" if others else last


def checked_call(function: Function, arguments: Sequence[tuple[Closure | Reference, str]]) -> Closure:
    """The closure of a call. An argument is given as what it compiled to, and its text."""
    implementation = function.implementation
    if len(arguments) == 1:
        ((argument, text),) = arguments
        return _checked(function, 0, argument, text, implementation)
    parts = [
        _checked(function, position, argument, text, None)
        for position, (argument, text) in enumerate(arguments)
    ]
    if len(parts) == 2:
        return _call_with_two(implementation, *parts)
    if len(parts) == 3:
        one, two, three = parts
        return lambda value, run: implementation(run, one(value, run), two(value, run), three(value, run))
    return lambda value, run: implementation(run, *[part(value, run) for part in parts])


def _call_with_two(implementation: Implementation, first: Closure, second: Closure) -> Closure:
    if type(first) is Constant:
        constant = first.value
        return lambda value, run: implementation(run, constant, second(value, run))
    if type(second) is Constant:
        constant = second.value
        return lambda value, run: implementation(run, first(value, run), constant)
    return lambda value, run: implementation(run, first(value, run), second(value, run))


def _call_with_one(implementation: Implementation, only: Closure) -> Closure:
    if type(only) is Constant:
        constant = only.value
        return lambda value, run: implementation(run, constant)
    return lambda value, run: implementation(run, only(value, run))


def _checked(
    function: Function, position: int, argument: Any, text: str, only_for: Implementation | None
) -> Closure:
    """The argument, checked; if it is the only one of its function, what that makes of it."""
    types = function.parameters[min(position, len(function.parameters) - 1)]
    is_reference = not REFERENCES.isdisjoint(types)
    if is_reference or types == ("any",) or _is_constant_of(types, argument):
        part: Closure = Constant(argument) if is_reference else argument
        return part if only_for is None else _call_with_one(only_for, part)
    ordinal = "" if only_for else _ORDINALS[position] if position < len(_ORDINALS) else ""
    shown = text if len(text) <= _TEXT_SHOWN else f"{text[:_TEXT_SHOWN]}..."

    def complaint(got: str) -> EvaluationError:
        needs = f"{function.name}() needs {in_words(types)} as its {ordinal}argument"
        return EvaluationError(f"{needs}, but got {got} ({shown})")

    if types[0].startswith("array-"):
        elements = tuple(name.removeprefix("array-") for name in types)
        return _array(argument, elements, complaint, only_for)
    return _single(argument, types, complaint, only_for)


def _is_constant_of(types: tuple[str, ...], argument: Any) -> bool:
    return type(argument) is Constant and type_name(argument.value) in types


def _single(
    part: Closure, types: tuple[str, ...], complaint: Complaint, only_for: Implementation | None
) -> Closure:
    usual = frozenset[type]().union(*(PYTHON_TYPES[name] for name in types))

    def check(found: Any) -> None:
        if type_name(found) not in types:
            raise complaint(in_words([type_name(found)]))

    def checked(value: Any, run: Evaluation) -> Any:
        found = part(value, run)
        if type(found) not in usual:
            check(found)
        return found

    if only_for is None:
        return checked
    implementation = only_for

    def call(value: Any, run: Evaluation) -> Any:
        found = part(value, run)
        if type(found) not in usual:
            check(found)
        return implementation(run, found)

    return call


def _array(
    part: Closure, types: tuple[str, ...], complaint: Complaint, only_for: Implementation | None
) -> Closure:
    """An array whose elements are all of the same one of `types`."""
    usual = PYTHON_TYPES[types[0]]

    def check(found: list[Any]) -> None:
        names = dict.fromkeys(map(type_name, found))
        if len(names) > 1 or not names.keys() <= set(types):
            raise complaint(f"an array with {in_words(names, 'and')} in it")

    def checked(value: Any, run: Evaluation) -> Any:
        found = part(value, run)
        if not isinstance(found, list):
            raise complaint(in_words([type_name(found)]))
        run.steps -= len(found) // _ELEMENTS_A_STEP
        if run.steps < 0:
            run.check()
        for element in found:
            if type(element) not in usual:
                check(found)
                break
        return found if only_for is None else only_for(run, found)

    return checked
