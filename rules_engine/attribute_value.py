"""DynamoDB attribute JSON (`{"N": "12.50"}`) <-> Python values, exactly.

`decode` and `Image` give str, int, Decimal, bool, None, list and, for what plain JSON cannot tell apart,
`Binary`, `AttributeSet` and nested `Image`; `encode` is the inverse. `to_boto` and `from_boto` change between
the JSON form, where binaries are base64 text, and boto3's low-level client, where they are bytes.

Refused with AttributeValueError: anything DynamoDB itself would not hold (numbers beyond 38 digits or outside
1E-130 .. 9.99E+125, empty or repeating sets, an unknown type tag, nesting beyond 64 levels), and floats.
Messages name types, never values: they end up in logs.

boto3's TypeDeserializer was left: it raises on legal numbers such as 1E-130 and on binaries as Lambda
delivers them, and decoding a whole image costs more than all the matching of a record may.
"""

from __future__ import annotations

import re
from base64 import b64encode
from binascii import a2b_base64
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Context, Decimal, DecimalException, Inexact, InvalidOperation, Overflow, Subnormal
from functools import partial
from itertools import pairwise
from typing import Any, Literal, TypeAlias, overload

from rules_engine.errors import AttributeValueError

SetType: TypeAlias = Literal["SS", "NS", "BS"]

MAX_DEPTH = 64
"""Levels of maps and lists. DynamoDB itself stops at 32."""

# What a DynamoDB number can be: an operation in this context raises when the result would be another number.
_NUMBERS = Context(
    prec=38, Emin=-130, Emax=125, capitals=1, clamp=0, traps=[Inexact, InvalidOperation, Overflow, Subnormal]
)
_is_number_text = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?").fullmatch


class Binary(str):
    """A binary attribute: its base64 text."""

    __slots__ = ()


class AttributeSet(list[Any]):
    """A DynamoDB set as a sorted list. `type` is its type tag; elements are str, int | Decimal, or Binary."""

    __slots__ = ("type",)

    def __init__(self, set_type: SetType, elements: Iterable[Any]) -> None:
        super().__init__(sorted(elements))
        self.type: SetType = set_type

    def __repr__(self) -> str:
        return f"AttributeSet({self.type!r}, {super().__repr__()})"


class Image(Mapping[str, Any]):
    """The attributes of an item or of a map, each decoded when it is first read and then kept.

    `raw` is the DynamoDB JSON it reads from. A malformed attribute raises AttributeValueError whenever it is
    read, and disturbs no other. Equal to any mapping of the same names to equal values.
    """

    __slots__ = ("_depth", "_values", "raw")

    def __init__(self, raw: Mapping[str, Any], depth: int = 0) -> None:
        self.raw = raw
        self._depth = depth
        self._values: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        values = self._values
        if name in values:
            return values[name]
        attribute = self.raw[name]
        try:
            value = _decode(attribute, self._depth)
        except AttributeValueError as error:
            raise AttributeValueError(f"attribute {name!r}: {error}") from None
        values[name] = value
        return value

    @overload
    def get(self, name: str, /) -> Any: ...
    @overload
    def get(self, name: str, default: Any, /) -> Any: ...
    def get(self, name: str, default: Any = None, /) -> Any:
        # Without the exception that Mapping.get pays for every absent attribute.
        if name in self._values:
            return self._values[name]
        return self[name] if name in self.raw else default

    def __contains__(self, name: object) -> bool:
        # Mapping's own would decode the attribute.
        return name in self.raw

    def __iter__(self) -> Iterator[str]:
        return iter(self.raw)

    def __len__(self) -> int:
        return len(self.raw)

    def __repr__(self) -> str:
        return f"Image({self.raw!r})"


def decode(attribute: Any) -> Any:
    """The Python value of one attribute in DynamoDB JSON."""
    return _decode(attribute, 0)


def encode(value: Any) -> dict[str, Any]:
    """The attribute, in DynamoDB JSON, that `decode` would give back as `value`.

    An Image is handed on as it is, unread: `to_boto` checks what is sent.
    """
    return _encode(value, 0)


def to_boto(attribute: Any) -> dict[str, Any]:
    """DynamoDB JSON as boto3's low-level client takes it. Every part is checked on the way."""
    return _to_boto(attribute, 0)


def from_boto(attribute: Any) -> dict[str, Any]:
    """What boto3's low-level client returned, as DynamoDB JSON."""
    return _from_boto(attribute, 0)


# Reading. Every decoder takes what stands under the type tag and the depth: one signature, one dispatch.


def _decode(attribute: Any, depth: int) -> Any:
    try:
        (tag,) = attribute
        value = attribute[tag]
        decoder = _DECODERS[tag]
    except (TypeError, ValueError, LookupError):
        raise AttributeValueError("not one known type tag with a value") from None
    return decoder(value, depth)


def _decode_text(value: Any, depth: int) -> str:
    if isinstance(value, str):
        return value
    raise AttributeValueError("S is not text")


def _decode_number(text: Any, depth: int) -> int | Decimal:
    if not isinstance(text, str):
        raise AttributeValueError("N is not text")
    # The common cases, which cannot pass the limits; isdigit alone would let digits of other scripts in.
    if len(text) <= 38 and text.isascii():
        digits = text[1:] if text[:1] == "-" else text
        if digits.isdigit():
            return int(text)
        if digits.replace(".", "", 1).isdigit():
            return Decimal(text)
    if not _is_number_text(text):
        raise AttributeValueError("N is not a number")
    try:
        number = _NUMBERS.create_decimal(text)
    except DecimalException:
        raise AttributeValueError("N is a number that DynamoDB cannot hold") from None
    # An integral number within the limits has at most 126 digits.
    return number if "." in text or "e" in text or "E" in text else int(number)


def _decode_binary(text: Any, depth: int) -> Binary:
    _bytes_of(text)
    return Binary(text)


def _decode_bool(value: Any, depth: int) -> bool:
    if value is True or value is False:
        return value
    raise AttributeValueError("BOOL is neither true nor false")


def _decode_null(value: Any, depth: int) -> None:
    if value is not True:
        raise AttributeValueError("NULL is not true")


def _decode_map(value: Any, depth: int) -> Image:
    if not isinstance(value, (dict, Mapping)):
        raise AttributeValueError("M is not a map")
    return Image(value, _deeper(depth))


def _decode_list(value: Any, depth: int) -> list[Any]:
    if not isinstance(value, (list, tuple)):
        raise AttributeValueError("L is not a list")
    depth = _deeper(depth)
    return [_decode(element, depth) for element in value]


def _decode_set(
    set_type: SetType, element: Callable[[Any, int], Any], value: Any, depth: int
) -> AttributeSet:
    if not isinstance(value, (list, tuple)):
        raise AttributeValueError(f"{set_type} is not a list")
    return _checked_set(AttributeSet(set_type, [element(each, depth) for each in value]))


_DECODERS: dict[str, Callable[[Any, int], Any]] = {
    "S": _decode_text,
    "N": _decode_number,
    "B": _decode_binary,
    "BOOL": _decode_bool,
    "NULL": _decode_null,
    "M": _decode_map,
    "L": _decode_list,
    "SS": partial(_decode_set, "SS", _decode_text),
    "NS": partial(_decode_set, "NS", _decode_number),
    "BS": partial(_decode_set, "BS", _decode_binary),
}


def _bytes_of(text: Any) -> bytes:
    if not isinstance(text, str):
        raise AttributeValueError("B is not base64 text")
    try:
        return a2b_base64(text, strict_mode=True)
    except ValueError:
        raise AttributeValueError("B is not base64 text") from None


def _checked_set(elements: AttributeSet) -> AttributeSet:
    if not elements:
        raise AttributeValueError(f"{elements.type} is an empty set")
    if any(left == right for left, right in pairwise(elements)):
        raise AttributeValueError(f"{elements.type} has an element twice")
    return elements


def _deeper(depth: int) -> int:
    if depth >= MAX_DEPTH:
        raise AttributeValueError(f"nested deeper than {MAX_DEPTH} levels")
    return depth + 1


# Writing.


def _encode(value: Any, depth: int) -> dict[str, Any]:
    if value is None:
        return {"NULL": True}
    if isinstance(value, str):
        return {"B" if isinstance(value, Binary) else "S": str(value)}
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, (int, Decimal)):
        return {"N": _number_text(value)}
    if isinstance(value, Image):
        return {"M": value.raw}
    if isinstance(value, Mapping):
        depth = _deeper(depth)
        return {"M": {_name(name): _encode(each, depth) for name, each in value.items()}}
    if isinstance(value, AttributeSet):
        return {value.type: _encode_set(_checked_set(value))}
    if isinstance(value, (list, tuple)):
        depth = _deeper(depth)
        return {"L": [_encode(each, depth) for each in value]}
    raise AttributeValueError(f"a value of type {type(value).__name__} is no DynamoDB attribute")


def _encode_set(elements: AttributeSet) -> list[str]:
    expected = _ELEMENT_TYPES[elements.type]
    if not all(isinstance(each, expected) and not isinstance(each, bool) for each in elements):
        raise AttributeValueError(f"{elements.type} has an element of another type")
    return [_number_text(each) if elements.type == "NS" else str(each) for each in elements]


_ELEMENT_TYPES: dict[str, type | tuple[type, ...]] = {"SS": str, "NS": (int, Decimal), "BS": Binary}


def _number_text(number: int | Decimal) -> str:
    try:
        exact = _NUMBERS.create_decimal(number)
    except DecimalException:
        exact = None
    if exact is None or not exact.is_finite():
        raise AttributeValueError("a number that DynamoDB cannot hold")
    return int.__repr__(number) if isinstance(number, int) else str(exact)


def _name(name: Any) -> str:
    if isinstance(name, str):
        return name
    raise AttributeValueError(f"a key of type {type(name).__name__} is no attribute name")


# To and from boto3: every part is looked at once, scalars by the decoder that would read them.


def _to_boto(attribute: Any, depth: int) -> dict[str, Any]:
    tag, value = _tag_and_value(attribute)
    if tag == "B":
        return {"B": _bytes_of(value)}
    if tag == "BS":
        _DECODERS[tag](value, depth)
        return {"BS": [_bytes_of(each) for each in value]}
    return _converted(tag, value, depth, _to_boto)


def _from_boto(attribute: Any, depth: int) -> dict[str, Any]:
    tag, value = _tag_and_value(attribute)
    if tag == "B":
        return {"B": _base64_of(value)}
    if tag == "BS":
        if not isinstance(value, (list, tuple)):
            raise AttributeValueError("BS is not a list")
        return _converted("BS", [_base64_of(each) for each in value], depth, _from_boto)
    return _converted(tag, value, depth, _from_boto)


def _converted(
    tag: Any, value: Any, depth: int, convert: Callable[[Any, int], dict[str, Any]]
) -> dict[str, Any]:
    """A map or a list with every member converted; of anything else a checked copy."""
    if tag == "M" and isinstance(value, Mapping):
        depth = _deeper(depth)
        return {"M": {_name(name): convert(each, depth) for name, each in value.items()}}
    if tag == "L" and isinstance(value, (list, tuple)):
        depth = _deeper(depth)
        return {"L": [convert(each, depth) for each in value]}
    _DECODERS[tag](value, depth)
    return {tag: value}


def _tag_and_value(attribute: Any) -> tuple[Any, Any]:
    if isinstance(attribute, Mapping) and len(attribute) == 1:
        for tag, value in attribute.items():
            if tag in _DECODERS:
                return tag, value
    raise AttributeValueError("not one known type tag with a value")


def _base64_of(data: Any) -> str:
    if not isinstance(data, (bytes, bytearray)):
        raise AttributeValueError("B is not bytes")
    return b64encode(data).decode("ascii")
