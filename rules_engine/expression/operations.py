"""What the functions of the language do, one Python function each; `functions` names and describes them.

They take the `Evaluation` and arguments whose types were checked, and give a JSON value. They pay the budget
for what they loop over or build, before they do, so no data and no expression makes them run long. What only
a value can show (a sum of too many digits, a bad address range) is an EvaluationError that names functions
and types, never values: its text ends up in logs.
"""

from __future__ import annotations

import re
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import TYPE_CHECKING, Any

from rules_engine import exact_json
from rules_engine.errors import EvaluationError
from rules_engine.expression import wildcard
from rules_engine.expression.node import MAX_DIGITS, WHITESPACE
from rules_engine.expression.values import PYTHON_TYPES, divide, equal, exact, rounded, total, type_name
from rules_engine.light_dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable

    from rules_engine.expression.budget import Evaluation

ABSENT: Any = object()
"""What a reference finds where there is no attribute, which is not the same as `null`."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A compiled `&expression`, and the steps that one evaluation of it takes."""

    evaluate: Callable[[Any, Evaluation], Any]
    steps: int


# Numbers


def abs_(run: Evaluation, number: Any) -> Any:
    number = exact(number)
    return abs(number) if isinstance(number, int) else number.copy_abs()


def ceil(run: Evaluation, number: Any) -> int:
    return rounded(exact(number), ROUND_CEILING)


def floor(run: Evaluation, number: Any) -> int:
    return rounded(exact(number), ROUND_FLOOR)


def sum_(run: Evaluation, numbers: list[Any]) -> Any:
    run.steps -= len(numbers)
    if run.steps < 0:
        run.check()
    return total(numbers)


def avg(run: Evaluation, numbers: list[Any]) -> Decimal | None:
    return divide(sum_(run, numbers), len(numbers)) if numbers else None


_is_number_text = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,9})?").fullmatch


def to_number(run: Evaluation, value: Any) -> Any:
    name = type_name(value)
    if name == "number":
        return value
    if name != "string":
        return None
    text = value.strip(WHITESPACE)
    if len(text) > MAX_DIGITS or not _is_number_text(text):
        return None
    number = Decimal(text)
    if abs(number.adjusted()) >= MAX_DIGITS:
        return None
    return int(text) if text.lstrip("+-").isdigit() else number


# Order


def _sortable(run: Evaluation, values: list[Any]) -> list[Any]:
    """The values as something that Python orders as JMESPath does, after paying for sorting them: mostly
    themselves."""
    comparisons = len(values).bit_length()
    run.steps -= len(values) * comparisons // 4
    if run.steps < 0:
        run.check()
    if values and isinstance(values[0], str):
        run.scan(sum(map(len, values)) * comparisons)
        return values
    for value in values:
        if type(value) is float:
            return list(map(exact, values))
    return values


def _sorted(run: Evaluation, values: list[Any], keys: list[Any]) -> list[Any]:
    run.build(len(values))
    if keys is values:
        return sorted(values)
    return [values[index] for index in sorted(range(len(values)), key=keys.__getitem__)]


def max_(run: Evaluation, values: list[Any]) -> Any:
    keys = _sortable(run, values)
    return max(values) if values and keys is values else _extreme(max, values, keys)


def min_(run: Evaluation, values: list[Any]) -> Any:
    keys = _sortable(run, values)
    return min(values) if values and keys is values else _extreme(min, values, keys)


def _extreme(choose: Callable[[list[Any]], Any], values: list[Any], keys: list[Any]) -> Any:
    """The first value that has the key which is chosen; None of an empty array."""
    return values[keys.index(choose(keys))] if values else None


def _keys_by(run: Evaluation, name: str, values: list[Any], reference: Reference) -> list[Any]:
    run.take(len(values) * reference.steps)
    evaluate = reference.evaluate
    keys: list[Any] = []
    for value in values:
        keys.append(evaluate(value, run))
    usual = _STRINGS if keys and type(keys[0]) is str else _NUMBERS
    for key in keys:
        if type(key) not in usual:
            _check_keys(name, keys)
            break
    return _sortable(run, keys)


_NUMBERS, _STRINGS = PYTHON_TYPES["number"], PYTHON_TYPES["string"]


def _check_keys(name: str, keys: list[Any]) -> None:
    types = list(dict.fromkeys(map(type_name, keys)))
    if len(types) > 1 or types[0] not in ("number", "string"):
        found = " and ".join(types)
        raise EvaluationError(
            f"{name}() needs an expression that gives only numbers or only strings, not {found}"
        )


def sort(run: Evaluation, values: list[Any]) -> list[Any]:
    return _sorted(run, values, _sortable(run, values))


def sort_by(run: Evaluation, values: list[Any], reference: Reference) -> list[Any]:
    return _sorted(run, values, _keys_by(run, "sort_by", values, reference))


def max_by(run: Evaluation, values: list[Any], reference: Reference) -> Any:
    return _extreme(max, values, _keys_by(run, "max_by", values, reference))


def min_by(run: Evaluation, values: list[Any], reference: Reference) -> Any:
    return _extreme(min, values, _keys_by(run, "min_by", values, reference))


# Text


def contains(run: Evaluation, subject: Any, search: Any) -> bool:
    if isinstance(subject, str):
        run.scan(len(subject))
        return isinstance(search, str) and search in subject
    run.steps -= len(subject)
    if run.steps < 0:
        run.check()
    if isinstance(search, str):
        return search in subject
    return any(equal(element, search, run) for element in subject)


def starts_with(run: Evaluation, text: str, prefix: str) -> bool:
    run.scan(len(prefix))
    return text.startswith(prefix)


def ends_with(run: Evaluation, text: str, suffix: str) -> bool:
    run.scan(len(suffix))
    return text.endswith(suffix)


def glob(run: Evaluation, text: str, pattern: str) -> bool:
    if len(pattern) > wildcard.MAX_PATTERN:
        raise EvaluationError(f"glob() takes a pattern of at most {wildcard.MAX_PATTERN} characters")
    # `?` is looked for character by character.
    run.take(len(text) if "?" in pattern else len(text) // 16)
    return wildcard.matches(text, pattern)


def lower(run: Evaluation, text: str) -> str:
    run.build(len(text))
    return text.lower()


def upper(run: Evaluation, text: str) -> str:
    run.build(len(text))
    return text.upper()


def trim(run: Evaluation, text: str) -> str:
    run.build(len(text))
    return text.strip()


def reverse(run: Evaluation, value: Any) -> Any:
    run.build(len(value))
    return value[::-1] if isinstance(value, str) else list(reversed(value))


def join(run: Evaluation, separator: str, texts: list[str]) -> str:
    run.take(len(texts))
    run.build(sum(map(len, texts)) + len(separator) * len(texts))
    return separator.join(texts)


def to_string(run: Evaluation, value: Any) -> str:
    if isinstance(value, str):
        return value
    run.build_all(value)
    try:
        text = exact_json.dumps(value)
    except (TypeError, ValueError) as error:
        raise EvaluationError(f"to_string() cannot write this value: {error}") from None
    return _not_printable_ascii.sub(_escaped, text)


_not_printable_ascii = re.compile(r"[^ -~]")


def _escaped(match: re.Match[str]) -> str:
    """As jmespath.py writes it: `\\u` and the hexadecimal UTF-16 units."""
    units = match[0].encode("utf-16-be").hex()
    return "".join(f"\\u{units[index : index + 4]}" for index in range(0, len(units), 4))


_LONGEST_ADDRESS = 100


def cidr_contains(run: Evaluation, cidr: str, address: str) -> bool:
    import ipaddress  # a millisecond of start-up that most rule sets never need

    try:
        network = ipaddress.ip_network(cidr[:_LONGEST_ADDRESS], strict=False)
    except ValueError:
        raise EvaluationError(
            "cidr_contains() needs a range like '10.0.0.0/8' as its first argument"
        ) from None
    try:
        found = ipaddress.ip_address(address[:_LONGEST_ADDRESS])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address) and network.version == 4:
        found = found.ipv4_mapped or found
    return found in network


# Arrays and objects


def keys(run: Evaluation, value: Any) -> list[Any]:
    run.build(len(value))
    return list(value)


def values(run: Evaluation, value: Any) -> list[Any]:
    run.build(len(value))
    return list(value.values())


def length(run: Evaluation, value: Any) -> int:
    return len(value)


def to_array(run: Evaluation, value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def merge(run: Evaluation, *objects: Any) -> dict[str, Any]:
    run.build(2 * sum(map(len, objects)))
    merged: dict[str, Any] = {}
    for value in objects:
        merged.update(value)
    return merged


def map_(run: Evaluation, reference: Reference, values: list[Any]) -> list[Any]:
    run.take(len(values) * reference.steps)
    run.build(len(values))
    evaluate = reference.evaluate
    return [evaluate(value, run) for value in values]


def not_null(run: Evaluation, *values: Any) -> Any:
    for value in values:
        if value is not None:
            return value
    return None


def type_(run: Evaluation, value: Any) -> str | None:
    name = type_name(value)
    return None if name == "unknown" else name


# The images of the record


def _found(run: Evaluation, image: str, path: Reference) -> Any:
    """What `path` finds in the old or new image of the record, or ABSENT."""
    document = run.document
    value = document.get(image) if type_name(document) == "object" else None
    return ABSENT if value is None else path.evaluate(value, run)


def changed(run: Evaluation, path: Reference) -> bool:
    old, new = _found(run, "old", path), _found(run, "new", path)
    if old is ABSENT or new is ABSENT:
        return old is not new
    return not equal(old, new, run)


def became(run: Evaluation, path: Reference, value: Any) -> bool:
    new = _found(run, "new", path)
    if new is ABSENT or not equal(new, value, run):
        return False
    old = _found(run, "old", path)
    return old is ABSENT or not equal(old, value, run)


def present(run: Evaluation, path: Reference) -> bool:
    return _found(run, "new", path) is not ABSENT
