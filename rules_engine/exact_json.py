"""JSON text <-> Python values without losing a digit.

`loads` takes JSON text and gives dict, list, str, int, Decimal, bool and None, `loads_each` those of several
documents; `dumps` takes them, any other Mapping, tuples and finite floats (written as Python's shortest exact
form) and gives compact JSON. All refuse what JSON cannot hold with ValueError: NaN, Infinity, nesting deeper
than the interpreter's stack, and text with half a surrogate pair, which no UTF-8 receiver could read. A value
of a type that is no JSON type is a TypeError.

The json module's own encoder was left: its C part writes every float subclass through `float.__repr__`, so an
exact decimal can only be had from it as a string.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from json.encoder import encode_basestring
from math import isfinite
from typing import Any, NoReturn


def dumps(value: Any) -> str:
    """Compact JSON text of `value`; `loads` gives back an equal value."""
    parts: list[str] = []
    try:
        _write(value, parts.append)
    except RecursionError:
        raise ValueError("the value is nested too deeply for JSON") from None
    text = "".join(parts)
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            # Not chained: the original error carries the whole text, and texts may hold secrets.
            raise ValueError("the value holds text that is not valid Unicode (a lone surrogate)") from None
    return text


def loads(text: str, *, unique_keys: bool = False) -> Any:
    """The value of JSON `text`: fractions and exponents as Decimal.

    Of duplicate keys the last wins, or with `unique_keys` they are refused.
    """
    return _decoded((_DECODER_OF_UNIQUE_KEYS if unique_keys else _DECODER).decode, text)


def loads_each(text: str) -> Iterator[tuple[int, Any]]:
    """(where it begins, value) of each document in `text`, where they stand one behind the other. Duplicate
    keys are refused."""
    at = _end_of_space(text, 0)
    while at < len(text):
        value, end = _decoded(_DECODER_OF_UNIQUE_KEYS.raw_decode, text, at)
        yield at, value
        at = _end_of_space(text, end)


def _end_of_space(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n":
        at += 1
    return at


def _decoded(decode: Callable[..., Any], *arguments: Any) -> Any:
    try:
        return decode(*arguments)
    except RecursionError:
        raise ValueError("the JSON text is nested too deeply") from None
    except InvalidOperation:
        raise ValueError("the JSON text holds a number with an exponent out of range") from None


def _write(value: Any, write: Callable[[str], None]) -> None:
    if isinstance(value, str):
        write(encode_basestring(value))
    elif value is None:
        write("null")
    elif value is True:
        write("true")
    elif value is False:
        write("false")
    elif isinstance(value, int):
        write(int.__repr__(value))
    elif isinstance(value, (Decimal, float)):
        _write_fraction(value, write)
    elif isinstance(value, Mapping):
        _write_object(value, write)
    elif isinstance(value, (list, tuple)):
        separator = "["
        for element in value:
            write(separator)
            _write(element, write)
            separator = ","
        write("]" if value else "[]")
    else:
        raise TypeError(f"a value of type {type(value).__name__} has no JSON form")


def _write_fraction(value: Decimal | float, write: Callable[[str], None]) -> None:
    if not (value.is_finite() if isinstance(value, Decimal) else isfinite(value)):
        raise ValueError("NaN and Infinity have no JSON form")
    # str() of a finite Decimal is always within JSON's number grammar: 12.50, 1E+125, 0E-7.
    write(str(value) if isinstance(value, Decimal) else float.__repr__(value))


def _write_object(value: Mapping[Any, Any], write: Callable[[str], None]) -> None:
    separator = "{"
    for key, element in value.items():
        if not isinstance(key, str):
            raise TypeError(f"a key of type {type(key).__name__} has no JSON form")
        write(separator)
        write(encode_basestring(key))
        write(":")
        _write(element, write)
        separator = ","
    write("}" if separator == "," else "{}")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _whole(written: str) -> int:
    if len(written) > _MOST_DIGITS:
        raise ValueError(f"the JSON text holds a number of {len(written):,} digits")
    return int(written)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for at, name in enumerate(names) if name in names[:at])
        raise ValueError(f"the key {twice!r} stands twice in one object")
    return found


_MOST_DIGITS = 4_000
"""Python converts 4,300; what is longer takes time."""

_DECODER = json.JSONDecoder(parse_float=Decimal, parse_int=_whole, parse_constant=_refuse_constant)
_DECODER_OF_UNIQUE_KEYS = json.JSONDecoder(
    parse_float=Decimal, parse_int=_whole, parse_constant=_refuse_constant, object_pairs_hook=_object
)
