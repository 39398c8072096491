"""A call of a function with its arguments checked: the types of the registry against the values of the data.

A wrong type is an EvaluationError in the author's words, with the text of the argument but never its value:
"contains() needs a string or an array as its first argument, but got null (new.tags)".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rules_engine.errors import EvaluationError
from rules_engine.expression.closures import Closure, Constant
from rules_engine.expression.functions import REFERENCES, Function
from rules_engine.expression.values import TYPE_NAMES, type_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from rules_engine.expression.budget import Evaluation
    from rules_engine.expression.operations import Reference

    Complaint = Callable[[str], EvaluationError]

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


def in_words(types: Iterable[str], conjunction: str = "or") -> str:
    """`a string, an array or an object`."""
    *others, last = (_WORDS.get(name, f"a {name}") for name in types)
    return f"{', '.join(others)} {conjunction} {last}" if others else last


def checked_call(function: Function, arguments: Sequence[tuple[Closure | Reference, str]]) -> Closure:
    """The closure of a call. An argument is given as what it compiled to, and its text."""
    parts = [
        _checked(function, position, argument, text, alone=len(arguments) == 1)
        for position, (argument, text) in enumerate(arguments)
    ]
    implementation = function.implementation
    if len(parts) == 1:
        (only,) = parts
        return lambda value, run: implementation(run, only(value, run))
    if len(parts) == 2:
        first, second = parts
        return lambda value, run: implementation(run, first(value, run), second(value, run))
    return lambda value, run: implementation(run, *[part(value, run) for part in parts])


def _checked(function: Function, position: int, argument: Any, text: str, alone: bool) -> Closure:
    types = function.parameters[min(position, len(function.parameters) - 1)]
    if REFERENCES.intersection(types):
        return Constant(argument)
    if types == ("any",):
        part: Closure = argument
        return part
    ordinal = "" if alone else _ORDINALS[position] if position < len(_ORDINALS) else ""
    shown = text if len(text) <= _TEXT_SHOWN else f"{text[:_TEXT_SHOWN]}..."

    def complaint(got: str) -> EvaluationError:
        needs = f"{function.name}() needs {in_words(types)} as its {ordinal}argument"
        return EvaluationError(f"{needs}, but got {got} ({shown})")

    if types[0].startswith("array-"):
        return _array(argument, frozenset(name.removeprefix("array-") for name in types), complaint)
    return _single(argument, frozenset(types), complaint)


def _single(part: Closure, types: frozenset[str], complaint: Complaint) -> Closure:
    def closure(value: Any, run: Evaluation) -> Any:
        found = part(value, run)
        if TYPE_NAMES.get(type(found)) not in types and type_name(found) not in types:
            raise complaint(in_words([type_name(found)]))
        return found

    return closure


def _array(part: Closure, types: frozenset[str], complaint: Complaint) -> Closure:
    def closure(value: Any, run: Evaluation) -> Any:
        found = part(value, run)
        if not isinstance(found, list):
            raise complaint(in_words([type_name(found)]))
        run.take(len(found) // 4)
        kinds = {TYPE_NAMES.get(kind, "") for kind in set(map(type, found))}
        if len(kinds) > 1 or not kinds <= types:
            names = dict.fromkeys(map(type_name, found))
            if len(names) > 1 or not names.keys() <= types:
                raise complaint(f"an array with {in_words(names, 'and')} in it")
        return found

    return closure
