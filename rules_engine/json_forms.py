"""What a value that was read from JSON must be: each function gives the value back, or raises TypeError.

They say so where a bundle is read, so that nothing made up in it can surprise what uses it. A validator for
JSON Schema was left: the function has none, and these take a tenth of a microsecond each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def text(value: Any) -> str:
    if type(value) is str:
        return value
    raise TypeError("not a text")


def text_or_none(value: Any) -> str | None:
    return None if value is None else text(value)


def flag(value: Any) -> bool:
    if value is True or value is False:
        return value
    raise TypeError("neither true nor false")


def place(value: Any) -> int:
    """A place in a list: a whole number that does not count from the end."""
    if type(value) is int and value >= 0:
        return value
    raise TypeError("not a place in a list")


def elements(value: Any) -> list[Any]:
    if type(value) is list:
        return value
    raise TypeError("not a list")


def texts(value: Any) -> tuple[str, ...]:
    return tuple(map(text, elements(value)))


def members(value: Any) -> Mapping[str, Any]:
    if type(value) is dict:
        return value
    raise TypeError("not an object")
