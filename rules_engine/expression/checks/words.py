"""Words of other languages that stand where JMESPath has signs: `and`, `or`, `not`, `in`, `is null`, `like`.

In: a name in an expression's tokens. Out: the mistake it makes there, or None where a name may stand. A name
right after a value is never JMESPath, so all but `not` are looked for only there. SQL, Python, DynamoDB's own
expressions and JavaScript are what authors come from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rules_engine.expression.checks import tokens as reading
from rules_engine.expression.functions import FUNCTIONS

if TYPE_CHECKING:
    from rules_engine.expression.checks.mistake import Mistake, Spot

_SIGNS = {
    "and": "&&",
    "or": "||",
    "eq": "==",
    "equals": "==",
    "ne": "!=",
    "gt": ">",
    "gte": ">=",
    "ge": ">=",
    "lt": "<",
    "lte": "<=",
    "le": "<=",
}
_OF_TWO = tuple(name for name, function in FUNCTIONS.items() if len(function.parameters) == 2)
_CONSTANTS = frozenset({"null", "none", "nil", "undefined", "true", "false"})


def check_word(spot: Spot) -> Mistake | None:
    """The mistake that the name at `spot` makes as a word between or before values."""
    word = spot.token.text.lower()
    if word == "not" and not _is_attribute(spot):
        return _not_in(spot) if spot.after_value else _not(spot)
    if not spot.after_value or (spot.after and spot.after.text == "."):
        return None
    if word in _SIGNS:
        sign = _SIGNS[word]
        message = f"'{spot.token.text}' is not an operator here"
        return spot.mistake("RE202", message, _side_missing(spot) or "", sign)
    if word == "in":
        return _in(spot, 1, "")
    if word == "is":
        return _is(spot)
    if word == "like" or word == "matches":
        return _like(spot)
    if word == "between":
        return _between(spot)
    return _infix_call(spot)


def _is_attribute(spot: Spot) -> bool:
    """Whether `not` is a name after all: `new.not`, `not == 'x'`, `{not: new.a}`."""
    if spot.before is not None and spot.before.text == ".":
        return True
    return not spot.after_value and not (spot.after and _begins_operand(spot))


def _begins_operand(spot: Spot) -> bool:
    after = spot.after
    return after is not None and reading.begins_value(after) and after.text not in ("[", "[?", "[]", "*", "&")


def _side_missing(spot: Spot) -> str | None:
    return None if spot.before_value else "and say what comes to the right of it"


def _not(spot: Spot) -> Mistake:
    """`not x`: in other languages it reaches as far as the comparison does."""
    message = f"'{spot.token.text}' is not an operator here"
    end = _operand_end(spot)
    operand = spot.piece(spot.at + 1, end)
    wrapped = spot.tokens[spot.at + 1].text == "(" and reading.value_end(spot.tokens, spot.at + 1) == end
    mend = f"!{operand}" if wrapped else f"!({operand})"
    return spot.mistake_over(spot.at, end, "RE202", message, "", mend)


def _operand_end(spot: Spot) -> int:
    depth = 0
    for at in range(spot.at + 1, len(spot.tokens)):
        token = spot.tokens[at]
        word = token.kind == "name" and token.text.lower() in ("and", "or") and at > spot.at + 1
        if depth == 0 and (word or token.text in ("&&", "||", "|", ",", ":")):
            return at
        if token.kind == "sign":
            depth += (token.text in reading.OPENERS) - (token.text in reading.CLOSERS)
            if depth < 0:
                return at
    return len(spot.tokens)


def _not_in(spot: Spot) -> Mistake | None:
    if spot.after is None or spot.after.text.lower() != "in":
        message = f"'{spot.token.text}' is not an operator here"
        return spot.mistake("RE202", message, "a condition is negated as !(condition), in front of it")
    return _in(spot, 2, "!")


def _in(spot: Spot, distance: int, negation: str) -> Mistake:
    """`x in list` or `x not in list`, whose list begins `distance` tokens on."""
    message = f"'{'not in' if negation else spot.token.text}' is not an operator here"
    left, right = spot.left(), spot.right(distance)
    if left is None or right is None:
        hint = f"membership is a function: {negation}contains(list, value)"
        return spot.mistake("RE202", message, hint)
    members = spot.text[spot.tokens[spot.at + distance].start : spot.tokens[right - 1].end]
    if members.startswith(("(", "{")):
        members = f"[{members[1:-1].strip()}]"
    mend = f"{negation}contains({spot.correct(members)}, {spot.piece(left, spot.at)})"
    return spot.mistake_over(left, right, "RE202", message, "", mend)


def _is(spot: Spot) -> Mistake:
    """`is null`, `is not null`, `is 'x'`."""
    negated = spot.after is not None and spot.after.text.lower() == "not"
    words = 2 if negated else 1
    sign = "!=" if negated else "=="
    end = spot.at + words
    constant = spot.neighbour(words)
    mend = sign
    if constant and constant.kind == "name" and constant.text.lower() in _CONSTANTS:
        value = constant.text.lower()
        mend = f"{sign} `{value if value in ('true', 'false') else 'null'}`"
        end += 1
    return spot.mistake_over(spot.at, end, "RE202", f"'{spot.token.text}' is not an operator here", "", mend)


def _like(spot: Spot) -> Mistake:
    left, right = spot.left(), spot.right()
    message = f"'{spot.token.text}' is not an operator here"
    if left is None or right is None:
        return spot.mistake("RE202", message, "a pattern is a function: glob(text, 'A*')")
    pattern = spot.piece(spot.at + 1, right)
    if spot.token.text.lower() == "like":
        pattern = pattern.replace("%", "*").replace("_", "?") if pattern.startswith("'") else pattern
    mend = f"glob({spot.piece(left, spot.at)}, {pattern})"
    return spot.mistake_over(left, right, "RE202", message, "patterns have * and ?", mend)


def _between(spot: Spot) -> Mistake:
    message = f"'{spot.token.text}' is not an operator here"
    left, middle = spot.left(), spot.right()
    joint = spot.tokens[middle].text.lower() if middle is not None and middle < len(spot.tokens) else ""
    right = (
        reading.value_end(spot.tokens, middle + 1) if middle is not None and joint in ("and", "&&") else None
    )
    if left is None or middle is None or right is None:
        return spot.mistake("RE202", message, "a range is two comparisons: x >= `1` && x <= `10`")
    value = spot.piece(left, spot.at)
    low, high = spot.piece(spot.at + 1, middle), spot.piece(middle + 1, right)
    mend = f"{value} >= {low} && {value} <= {high}"
    return spot.mistake_over(left, right, "RE202", message, "", mend)


def _infix_call(spot: Spot) -> Mistake | None:
    """`new.tags contains 'vip'`: a function of two arguments written between them."""
    word = spot.token.text.replace("_", "").lower()
    name = next((name for name in _OF_TWO if name.replace("_", "") == word), None)
    left, right = spot.left(), spot.right()
    if name is None or left is None or right is None or _has_its_own_arguments(spot, right):
        return None
    mend = f"{name}({spot.piece(left, spot.at)}, {spot.piece(spot.at + 1, right)})"
    message = f"'{spot.token.text}' is not an operator here"
    return spot.mistake_over(left, right, "RE202", message, "it is a function", mend)


def _has_its_own_arguments(spot: Spot, end: int) -> bool:
    """Whether it is called with two arguments behind it, so that what stands before it is none."""
    inner = spot.tokens[spot.at + 2 : end - 1]
    opener = spot.tokens[spot.at + 1]
    return opener.text == "(" and any(
        token.text == "," and token.inside == inner[0].inside for token in inner
    )
