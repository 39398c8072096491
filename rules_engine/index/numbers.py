"""Numbers as the index compares them: `float` where that is exact, `LongNumber` where it is not.

Two decimals of at most 15 digits are never one float, and floats order them as they are ordered. Most numbers
are so short; they are read with `float()`, which takes a tenth of the time that `Decimal` does, and compared
by the processor. A number with more digits keeps its exact value and compares by it, also with short ones.
"""

from __future__ import annotations

from decimal import Context, Decimal
from typing import Any

from rules_engine.attribute_value import decode

DIGITS = 15
"""Decimal digits that a float tells apart (`sys.float_info.dig`)."""

_FARTHEST = 290
"""Powers of ten within which a float has all its digits."""

_EXACT = Context(prec=2_000)


class LongNumber(float):
    """A number of more than 15 digits. Every comparison is exact; its own float is NaN, so that no arithmetic
    takes it for a number."""

    __slots__ = ("exact",)
    exact: Decimal

    def __new__(cls, exact: Decimal) -> LongNumber:
        made = super().__new__(cls, "nan")
        made.exact = exact
        return made

    def __eq__(self, other: object) -> bool:
        # A short number is never equal to a long one.
        return isinstance(other, LongNumber) and self.exact == other.exact

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(self.exact)

    def __lt__(self, other: float) -> bool:
        return self.exact < exact(other)

    def __le__(self, other: float) -> bool:
        return self.exact <= exact(other)

    def __gt__(self, other: float) -> bool:
        return self.exact > exact(other)

    def __ge__(self, other: float) -> bool:
        return self.exact >= exact(other)


def exact(number: float) -> Decimal:
    """The decimal that `number` stands for."""
    # A float is written with the fewest digits that tell it apart: those it was read from.
    return number.exact if isinstance(number, LongNumber) else Decimal(float.__repr__(number))


def number_of(value: int | Decimal) -> float:
    """The same number for all values that are equal."""
    number = _EXACT.create_decimal(value)
    if not number:
        return 0.0
    shortest = number.normalize(_EXACT)
    if len(shortest.as_tuple().digits) <= DIGITS and abs(shortest.adjusted()) <= _FARTHEST:
        return float(shortest)
    return LongNumber(shortest)


def number_in(text: Any) -> float:
    """The number that DynamoDB writes as `text`. Raises AttributeValueError for what is none, AttributeError
    or TypeError for what is no text."""
    # What has so few characters has no more digits; isdigit alone would let digits of other scripts in.
    if len(text) <= DIGITS and text.replace(".", "", 1).isdigit() and text.isascii():
        return float(text)
    return number_of(decode({"N": text}))
