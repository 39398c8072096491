"""Calculating, which conditions cannot do, and the dash, which looks like it.

In: `+`, `-`, `*`, `/`, `%`, `^` in an expression's tokens. Out: the mistake, or None for the `*` of `a.*` and
`[*]`. A dash between two names without spaces is an attribute called so more often than a difference. A sum
can be said with `sum`, a text put together with `join`, and a difference compared with zero is a comparison.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rules_engine.expression.checks import tokens as reading
from rules_engine.expression.checks.mistake import ROOTS, Mistake, Spot, value_path
from rules_engine.expression.functions import FUNCTIONS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rules_engine.expression.checks.tokens import Token

_INSTEAD = "compare two values, or store the result in the item and compare that"
_NAME = ("name", "mixed")
_COMPARATORS = ("<", "<=", ">", ">=", "==", "!=")


def check_arithmetic(spot: Spot) -> Mistake | None:
    """The mistake of an arithmetic sign."""
    sign = spot.token.text
    if sign == "*" and (not spot.after_value or _is_projection(spot)):
        return None
    if sign == "-":
        dashed = _dashed_name(spot)
        if dashed:
            return dashed
    if sign == "/" and not spot.after_value:
        hint = "there are no regular expressions; use glob(text, 'A*'), starts_with or contains"
        return spot.mistake("RE202", "'/' does not begin a pattern", hint)
    message = f"'{sign}' cannot calculate here: an expression has no arithmetic"
    if sign == "+":
        return _sum(spot, message)
    if sign == "-":
        return _difference(spot, message)
    return spot.mistake("RE214", message, _INSTEAD)


def _is_projection(spot: Spot) -> bool:
    return spot.before is not None and spot.before.text in (".", "[")


def _dashed_name(spot: Spot) -> Mistake | None:
    """`new.order-id` and `starts-with(...)`: names and dashes without a space between them."""
    first = end = spot.at
    while _is_dash_between(spot.tokens[max(0, end - 1) : end + 2]):
        first, end = spot.at - 1, end + 2
    follows = spot.tokens[end].text if end < len(spot.tokens) else ""
    if first == end or (spot.tokens[end - 1].text in ROOTS and follows == "."):
        return None
    name = "".join(token.text for token in spot.tokens[first:end])
    function = name.replace("-", "_")
    if follows == "(" and function in FUNCTIONS:
        return spot.mistake_over(first, end, "RE204", f"unknown function '{name}'", "", function)
    message = f"'{name}' reads as '{spot.tokens[first].text}' minus '{spot.tokens[first + 2].text}'"
    hint = "a name with a dash is written in double quotes"
    return spot.mistake_over(first, end, "RE214", message, hint, value_path(spot, first, name))


def _is_dash_between(tokens: Sequence[Token]) -> bool:
    if len(tokens) < 3:
        return False
    name, dash, more = tokens
    joined = name.end == dash.start and dash.end == more.start
    return joined and dash.text == "-" and name.kind in _NAME and more.kind in (*_NAME, "number", "date")


def _sum(spot: Spot, message: str) -> Mistake:
    """`a + b + c` as a function: `join` where one of them is text, otherwise `sum`."""
    first = spot.left()
    ends = _summands(spot)
    if first is None or not ends:
        return spot.mistake("RE214", message, _INSTEAD)
    starts = [first, *(end + 1 for end in ends[:-1])]
    kinds = {token.kind for token in spot.tokens[first : ends[-1]]}
    items = ", ".join(spot.piece(start, end) for start, end in zip(starts, ends, strict=True))
    if "raw" in kinds:
        mend, hint = f"join('', [{items}])", "texts are put together by a function"
    else:
        mend, hint = f"sum([{items}])", "numbers are added by a function"
    return spot.mistake_over(first, ends[-1], "RE214", message, hint, mend)


def _summands(spot: Spot) -> list[int]:
    """Where each of the values that `+` joins ends in the tokens; empty if one of them is missing."""
    ends = [spot.at]
    while ends[-1] < len(spot.tokens) and spot.tokens[ends[-1]].text == "+":
        end = reading.value_end(spot.tokens, ends[-1] + 1)
        if end is None:
            return []
        ends.append(end)
    return ends


def _difference(spot: Spot, message: str) -> Mistake:
    """`a - b > 0` says `a > b`."""
    left, right = spot.left(), spot.right()
    if left is None or right is None or right + 2 > len(spot.tokens):
        return spot.mistake("RE214", message, _INSTEAD)
    sign, zero = spot.tokens[right], spot.tokens[right + 1]
    if sign.text not in _COMPARATORS or zero.text not in ("0", "`0`"):
        return spot.mistake("RE214", message, _INSTEAD)
    mend = f"{spot.piece(left, spot.at)} {sign.text} {spot.piece(spot.at + 1, right)}"
    return spot.mistake_over(left, right + 2, "RE214", message, "", mend)
