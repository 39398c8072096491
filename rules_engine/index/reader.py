"""What a record has at a source: `reader_of(source, program)` gives a function of the record.

It gives the key of a scalar (`needs.Key`, numbers as `numbers` has them); for a set or list a frozenset of
the keys of its scalars, which is equal to no key; `MAP`; for the elements of a list the list of their keys.
`UNEXPECTED` stands for what only an evaluation can deal with: elements that are no maps, attributes that are
no DynamoDB JSON, expressions that fail. `FAILED`: an evaluation would fail because there is nothing, which is
not worth one.

Attributes are read straight from DynamoDB JSON, and nothing else of the record is decoded. Going through
`record.document` was left: its images cost twice what all the look-ups of a record do.
"""

from __future__ import annotations

from decimal import Context, Decimal
from sys import intern
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from rules_engine.attribute_value import Image, decode
from rules_engine.errors import EvaluationError
from rules_engine.expression.budget import begin
from rules_engine.expression.closures import ORDERS
from rules_engine.expression.needs import ABSENT, FALSE, NULL, TRUE, Key, Source, key_of
from rules_engine.expression.values import equal
from rules_engine.index.numbers import exact, number_in, number_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rules_engine.expression import Program
    from rules_engine.record import StreamRecord

Reader: TypeAlias = "Callable[[StreamRecord], Any]"
Found: TypeAlias = "str | float | tuple[str] | frozenset[Any]"

UNEXPECTED: Final = ("unexpected",)
FAILED: Final = ("failed",)
MAP: Final = ("map",)

IMAGES: Final = {"new": "new_raw", "old": "old_raw", "keys": "keys_raw"}
"""The roots of a document that are images, and where a record has their DynamoDB JSON."""

DAMAGED: Final = (EvaluationError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""What reading raises where an attribute is no DynamoDB JSON."""


def index_key(key: Key) -> str | float | tuple[str]:
    """A constant's key, as `reader_of` finds it in a record."""
    if isinstance(key, (int, Decimal)):
        return number_of(key)
    # One object for all rules that name a text: a record touches less memory.
    return intern(key) if type(key) is str else key


def reader_of(source: Source, program: Program | None = None) -> Reader:
    """`program` is that of a source with `text`. What the reader gives is never an exception."""
    if program is not None:
        return _computed(program)
    image, *path = source.names
    if source.other is not None:
        return _compared(source)
    if image not in IMAGES or not path:
        # None of the document's own fields is a list.
        return _field(source.names) if source.inner is None else lambda record: FAILED
    if source.inner is None:
        return _attribute(IMAGES[image], tuple(path))
    read = _elements(IMAGES[image], tuple(path), source.inner)
    return read if source.function is None else _aggregate(read, source.function)


def attribute_at(raw: Mapping[str, Any] | None, path: tuple[str, ...]) -> Found:
    """The value at a path of maps. Raises one of DAMAGED for what is no DynamoDB JSON."""
    *parents, last = path
    for name in parents:
        raw = members_of(raw[name]) if raw and name in raw else None
    return value_of(raw[last]) if raw and last in raw else ABSENT


def members_of(attribute: Any) -> Mapping[str, Any] | None:
    """The attributes of a map; None for an attribute of another type. Raises one of DAMAGED."""
    members = attribute.get("M")
    if type(members) is dict and len(attribute) == 1:
        return members
    value = decode(attribute)
    return value.raw if isinstance(value, Image) else None


def value_of(attribute: Any) -> Found:
    """The value of one attribute. Raises one of DAMAGED."""
    ((tag, content),) = attribute.items()
    return _VALUES[tag](content)


def _attribute(image: str, path: tuple[str, ...]) -> Reader:
    return _guarded(lambda record: attribute_at(getattr(record, image), path))


def _elements(image: str, path: tuple[str, ...], inner: tuple[str, ...]) -> Reader:
    *parents, last = path

    def read(record: StreamRecord) -> Any:
        """The keys of all elements, `ABSENT` for an element without such an attribute; FAILED for no list."""
        raw = getattr(record, image)
        try:
            for name in parents:
                raw = members_of(raw[name]) if raw and name in raw else None
            if not raw or last not in raw:
                return FAILED
            return _inner_values(raw[last], inner)
        except DAMAGED:
            return UNEXPECTED

    return read


def _inner_values(attribute: Any, inner: tuple[str, ...]) -> Any:
    elements = attribute.get("L")
    if type(elements) is not list or len(attribute) != 1:
        # A set is a list too, whose elements are no maps.
        return UNEXPECTED if isinstance(decode(attribute), list) else FAILED
    found = []
    for element in elements:
        members = members_of(element)
        if members is None:
            return UNEXPECTED
        found.append(attribute_at(members, inner))
    return found


def _aggregate(read: Reader, function: str) -> Reader:
    return lambda record: aggregate(function, read(record))


def aggregate(function: str, found: Any) -> Any:
    """What a `Source.function` makes of the keys of elements. What is null or absent does not count."""
    if type(found) is not list:
        return found
    numbers = [each for each in found if isinstance(each, float)]
    if function in _OF_NUMBERS_ONLY and len(numbers) + found.count(ABSENT) + found.count(NULL) < len(found):
        return UNEXPECTED
    return _AGGREGATES[function](numbers)


def sum_of(numbers: list[float]) -> float:
    """The exact sum. Raises TypeError where an element is no number."""
    # Whole floats this small add up exactly; anything else is added as the decimals that it stands for.
    if SMALL_WHOLE.issuperset(numbers):  # a third of the time that asking takes
        return sum(numbers, 0.0)
    if all(map(float.is_integer, numbers)) and min(numbers) > -_SMALL and max(numbers) < _SMALL:
        return sum(numbers, 0.0)
    total = Decimal(0)
    for number in numbers:
        total = _SUMS.add(total, exact(number))
    return number_of(total)


SMALL_WHOLE: Final = frozenset(map(float, range(1_000)))

_SMALL: Final = 1e9
"""A list has at most some hundred thousand elements, so a sum of smaller ones is below 2**53."""

_SUMS: Final = Context(prec=1_000)
"""Digits enough for an exact sum of any DynamoDB numbers."""


def _max(numbers: list[float]) -> Any:
    return max(numbers) if numbers else NULL


def _min(numbers: list[float]) -> Any:
    return min(numbers) if numbers else NULL


_AGGREGATES: Final[dict[str, Callable[[list[float]], Any]]] = {
    "sum": sum_of,
    "max": _max,
    "min": _min,
    "largest": _max,
    "smallest": _min,
}

_OF_NUMBERS_ONLY: Final = frozenset({"sum", "max", "min"})
"""Functions that fail where an element is of another type."""


def _compared(source: Source) -> Reader:
    """TRUE or FALSE: how two values are to each other."""
    assert source.other is not None
    if source.function == "changed":
        _, *path = source.names
        return _guarded(
            lambda record: has_changed(raw_at(record.old_raw, path), raw_at(record.new_raw, path))
        )
    compare = ORDERS[source.function or ""]
    left, right = reader_of(Source(source.names)), reader_of(Source(source.other))

    def read(record: StreamRecord) -> Any:
        one, other = left(record), right(record)
        if one is UNEXPECTED or other is UNEXPECTED:
            return UNEXPECTED
        return TRUE if isinstance(one, float) and isinstance(other, float) and compare(one, other) else FALSE

    return read


def raw_at(raw: Mapping[str, Any] | None, path: Sequence[str]) -> Any:
    """The DynamoDB JSON of the attribute at a path of maps; None for none. Raises one of DAMAGED."""
    *parents, last = path
    for name in parents:
        raw = members_of(raw[name]) if raw and name in raw else None
    if not raw or last not in raw:
        return None
    attribute = raw[last]
    if attribute is None:
        raise TypeError("JSON null is no attribute")
    return attribute


def has_changed(old: Any, new: Any) -> tuple[str]:
    """TRUE or FALSE: whether two attributes, or None for none, differ in value. Raises one of DAMAGED."""
    if old == new:
        return FALSE
    if old is None or new is None:
        decode(old or new)
        return TRUE
    if "S" in old and "S" in new and len(old) == len(new) == 1 and type(old["S"]) is type(new["S"]) is str:
        return TRUE
    return FALSE if equal(decode(old), decode(new), begin(None)) else TRUE


def _guarded(read: Reader) -> Reader:
    def guarded(record: StreamRecord) -> Any:
        try:
            return read(record)
        except DAMAGED:
            return UNEXPECTED

    return guarded


def _computed(program: Program) -> Reader:
    def read(record: StreamRecord) -> Any:
        try:
            return _found(program(record.document))
        except EvaluationError:
            return UNEXPECTED

    return read


def _field(names: tuple[str, ...]) -> Reader:
    """A field of the document that is no attribute. What is below a scalar is null."""
    name = names[0]
    if len(names) > 1:
        return lambda record: NULL
    if name in _FIELDS:
        attribute = _FIELDS[name]
        return lambda record: _found(getattr(record, attribute))
    return lambda record: MAP if name in IMAGES and getattr(record, IMAGES[name]) is not None else NULL


_FIELDS: Final = {
    "eventName": "event_name",
    "eventID": "event_id",
    "awsRegion": "aws_region",
    "table": "table",
    "expired": "expired",
    "createdAt": "created_at",
    "sequenceNumber": "sequence_number",
}
"""Fields of the document and the attributes of a record that they are."""


def _found(value: Any) -> Found:
    """What a decoded value is to the index."""
    if isinstance(value, list):
        return frozenset(index_key(key) for element in value if (key := key_of(element)) is not None)
    key = key_of(value)
    return MAP if key is None else index_key(key)


def _text(content: Any) -> Found:
    return content if type(content) is str else _found(decode({"S": content}))


def strings_in(content: Any) -> Found:
    """The elements of a string set. Raises one of DAMAGED."""
    keys = frozenset(content)
    "".join(content)  # raises TypeError for what is no text, in a fraction of the time that asking each takes
    if len(keys) == len(content) and type(content) is list and keys:
        return keys
    return _found(decode({"SS": content}))


def _decoded(tag: str) -> Callable[[Any], Found]:
    return lambda content: _found(decode({tag: content}))


def _bool(content: Any) -> Found:
    if content is True:
        return TRUE
    return FALSE if content is False else _found(decode({"BOOL": content}))


_VALUES: Final[dict[str, Callable[[Any], Found]]] = {
    **{tag: _decoded(tag) for tag in ("B", "NULL", "M", "L", "NS", "BS")},
    "BOOL": _bool,
    "S": _text,
    "N": number_in,
    "SS": strings_in,
}
