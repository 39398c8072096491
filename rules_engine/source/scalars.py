"""Plain scalars to values: the YAML 1.2 core schema, with exact numbers.

`true`, `null`, decimal, `0o` and `0x` integers and decimals with a point or an exponent are recognised;
everything else is text: `on`, `yes`, dates, `010`, `1:30`. The YAML 1.1 schema that PyYAML resolves by was
left because it turns country codes, times and zip codes into values nobody wrote. Numbers are limited to
what DynamoDB can hold, so no later stage can meet one that is too large to compute with.
"""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache

MOST_DIGITS = 38
LARGEST_EXPONENT = 125
SMALLEST_EXPONENT = -130

_WORDS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}

# A leading zero makes text, not a number: `010` is a zip code or an octal, never the 10 that core would read.
_NUMBER = re.compile(
    r"(?P<integer>[-+]?(?:0|[1-9][0-9]*))"
    r"|(?P<float>[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?)"
    r"|0o(?P<octal>[0-7]+)|0x(?P<hexadecimal>[0-9a-fA-F]+)",
    re.ASCII,
)
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")

_FIRST_OF_A_NUMBER = frozenset("0123456789+-.")


class NumberRefused(ValueError):
    """A number that DynamoDB cannot hold. The text says why."""


@lru_cache(maxsize=4096)
def resolve(text: str) -> str | int | Decimal | bool | None:
    """The value of a plain scalar. Raises NumberRefused."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _FIRST_OF_A_NUMBER:
        return text
    match = _NUMBER.fullmatch(text)
    if match is None:
        if _NOT_FINITE.fullmatch(text):
            raise NumberRefused(f"'{text}' is not a number that a table can hold")
        return text
    kind = match.lastgroup
    if kind == "octal" or kind == "hexadecimal":
        return _within(Decimal(_radix(match[kind], 8 if kind == "octal" else 16)), text, whole=True)
    if kind == "integer" and len(text) <= MOST_DIGITS:
        return int(text)
    return _within(_decimal(text), text, whole=kind == "integer")


def _radix(digits: str, radix: int) -> int:
    if len(digits) > MOST_DIGITS + 5:
        raise NumberRefused(f"a number can have at most {MOST_DIGITS} digits")
    return int(digits, radix)


def _decimal(text: str) -> Decimal:
    exponent = re.search(r"[eE][-+]?0*([0-9]*)$", text)
    if exponent is not None and len(exponent[1]) > 6:
        raise NumberRefused("the exponent of a number must lie between -130 and 125")
    return Decimal(text)


def _within(number: Decimal, text: str, *, whole: bool) -> int | Decimal:
    digits = number.as_tuple().digits
    if len("".join(map(str, digits)).strip("0")) > MOST_DIGITS:
        raise NumberRefused(f"a number can have at most {MOST_DIGITS} digits")
    if number and not SMALLEST_EXPONENT <= number.adjusted() <= LARGEST_EXPONENT:
        raise NumberRefused("the exponent of a number must lie between -130 and 125")
    return int(number) if whole else number
