"""What a test expects of a request against what the request has.

`differences` takes the expectation and the payload and gives each path at which they differ; no path, and all
that was expected is there. A map holds what is expected if it has those keys with those values, whatever else
it has; a list must have the same elements; numbers are equal by value (12.50 is 12.5), and never equal to
text. A text that holds JSON is compared as the value it is where a map or a list is expected: that is how a
message travels. `null` also expects that a key is not there.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from rules_engine import exact_json
from rules_engine.attribute_value import AttributeSet
from rules_engine.expression import ABSENT
from rules_engine.expression.checks.spelling import nearest

if TYPE_CHECKING:
    from collections.abc import Iterator


class Difference(NamedTuple):
    """`expected` or `got` is ABSENT where one side has nothing. `hint` is what was probably meant."""

    path: str
    expected: Any
    got: Any
    hint: str | None = None


def differences(expected: Any, got: Any, path: str) -> Iterator[Difference]:
    """Where `got`, which stands at `path`, lacks what is expected."""
    if isinstance(expected, (Mapping, list)) and isinstance(got, str):
        got = _value_of(got)
    if isinstance(expected, Mapping) and isinstance(got, Mapping):
        yield from _of_maps(expected, got, path)
    elif isinstance(expected, list) and isinstance(got, list):
        yield from _of_lists(expected, got, path)
    elif not _are_equal(expected, got):
        yield Difference(path, expected, got)


def _value_of(text: str) -> Any:
    try:
        return exact_json.loads(text)
    except ValueError:
        return text


def _of_maps(expected: Mapping[str, Any], got: Mapping[str, Any], path: str) -> Iterator[Difference]:
    for key, value in expected.items():
        below = f"{path}.{key}"
        if key in got:
            yield from differences(value, got[key], below)
        elif value is not None:
            near = nearest(key, [name for name in got if name not in expected])
            yield Difference(below, value, ABSENT, f"did you mean '{near}'?" if near else None)


def _of_lists(expected: list[Any], got: list[Any], path: str) -> Iterator[Difference]:
    if isinstance(got, AttributeSet):  # its order is not the author's to know
        if len(expected) != len(got) or not all(_holds(got, each) for each in expected):
            yield Difference(path, expected, list(got))
        return
    for number in range(max(len(expected), len(got))):
        below = f"{path}[{number}]"
        if number >= len(expected):
            yield Difference(below, ABSENT, got[number])
        elif number >= len(got):
            yield Difference(below, expected[number], ABSENT)
        else:
            yield from differences(expected[number], got[number], below)


def _holds(elements: list[Any], value: Any) -> bool:
    return any(_are_equal(element, value) for element in elements)


def _are_equal(one: Any, other: Any) -> bool:
    """Whether two scalars are; a text is no number, and `true` is not 1."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, (int, Decimal)) and isinstance(other, (int, Decimal)):
        return one == other
    if isinstance(one, str) and isinstance(other, str):
        return str(one) == str(other)
    return one is None and other is None
