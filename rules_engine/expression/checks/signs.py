"""Signs of other languages, and JMESPath's own in a place where they cannot stand.

In: a sign in an expression's tokens. Out: the mistake it makes there, or None. `=`, `===`, `<>`, `?.`, `??`,
`->` have one right spelling; `+`, `-`, `/` have none, because conditions compare and do not calculate; the
brackets and dots of other path languages have another place.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from rules_engine.expression.checks import tokens as reading
from rules_engine.expression.checks.arithmetic import check_arithmetic
from rules_engine.expression.checks.mistake import ROOTS, Mistake, Spot

if TYPE_CHECKING:
    from collections.abc import Callable

COMPARATORS = frozenset({"==", "!=", "<", "<=", ">", ">="})
JOINTS = frozenset({"&&", "||"})

_SPELLINGS = {
    "===": "==",
    "!==": "!=",
    "<>": "!=",
    "=>": ">=",
    "=<": "<=",
    "??": "||",
    "≠": "!=",
    "≤": "<=",
    "≥": ">=",
    "∧": "&&",
    "\u2228": "||",
    "¬": "!",
}


def check_sign(spot: Spot) -> Mistake | None:
    """The mistake that the sign at `spot` makes."""
    sign = spot.token.text
    if sign == "=>" and (arrow := _arrow(spot)) is not None:
        return arrow
    if sign in _SPELLINGS:
        return spot.mistake("RE202", f"'{sign}' is not an operator here", "", _SPELLINGS[sign])
    if sign.startswith(".."):
        return spot.mistake("RE201", f"'{sign}' does not go on with a path", "one dot does", ".")
    check = _CHECKS.get(sign)
    if check:
        return check(spot)
    return None if sign in _KNOWN else _unknown_character(spot)


def _arrow(spot: Spot) -> Mistake | None:
    """`new.items.some(i => i.price > 5)`, JavaScript's functions."""
    name, opener = spot.before, spot.neighbour(-2)
    if name is None or name.kind != "name" or opener is None or opener.text != "(" or name.inside != "call":
        return None
    message = "'=>' makes no function here"
    hint = "a filter picks elements of a list, and is true where one is left: new.items[?price > `5`]"
    return spot.mistake("RE202", message, hint)


def _equals(spot: Spot) -> Mistake:
    """`=` alone, and two signs that a space keeps apart: `> =`."""
    for distance in (-1, 1):
        other = spot.neighbour(distance)
        joined = other and (other.text + "=" if distance < 0 else "=" + other.text)
        if joined in ("==", "!=", "<=", ">="):
            first = spot.at + min(distance, 0)
            return spot.mistake_over(first, first + 2, "RE202", "'=' is not an operator here", "", joined)
    return spot.mistake("RE202", "'=' is not an operator here", "", "==")


def _regular_expression(spot: Spot) -> Mistake:
    message = f"'{spot.token.text}' is not an operator here"
    return spot.mistake(
        "RE202", message, "there are no regular expressions; use glob(text, 'A*'), starts_with or contains"
    )


def _infix(spot: Spot) -> Mistake | None:
    """A sign that needs a value on both sides."""
    sign = spot.token.text
    what = "a value" if sign in COMPARATORS else "a condition"
    example = "such as 'SHIPPED' or `100`" if sign in COMPARATORS else "such as new.status == 'SHIPPED'"
    if not spot.after_value:
        if sign == "&&" or sign == "||" or spot.before is None or spot.before.text != "!":
            return spot.mistake(
                "RE201", f"nothing stands to the left of '{sign}'", f"write {what} there, {example}"
            )
        return None
    if spot.after is not None and spot.after.text == "=" and sign in ("<", ">", "=="):
        return None  # the '=' has the better message
    if not spot.before_value and not (spot.after and _has_own_message(spot.after.text, spot.after.kind)):
        return spot.mistake(
            "RE201", f"nothing stands to the right of '{sign}'", f"write {what} there, {example}"
        )
    return None


def _has_own_message(text: str, kind: str) -> bool:
    """Whether what follows an operator is a mistake that says more than that its side is missing."""
    if kind != "sign" or text in _SPELLINGS:
        return kind == "unclosed" or text in _SPELLINGS
    return text not in COMPARATORS | JOINTS | _KNOWN | {"|", ","}


def _ampersand(spot: Spot) -> Mistake | None:
    """`&` refers to a path as an argument; between two values it was meant as `&&`."""
    if not spot.after_value:
        return (
            None
            if spot.before_value
            else spot.mistake(
                "RE201", "nothing stands to the right of '&'", "a path follows: changed(&status)"
            )
        )
    return spot.mistake("RE202", "'&' does not join conditions", "", "&&")


def _pipe(spot: Spot) -> Mistake | None:
    if spot.after_value and spot.before_value:
        return None
    side = "right" if spot.after_value else "left"
    return spot.mistake(
        "RE201", f"nothing stands to the {side} of '|'", "to say 'or', write || between two conditions"
    )


def _bang(spot: Spot) -> Mistake | None:
    if spot.after and spot.after.text == "=" and spot.after_value:
        return spot.mistake_over(spot.at, spot.at + 2, "RE202", "'! =' is not an operator here", "", "!=")
    if spot.after_value:
        return spot.mistake(
            "RE201", "'!' stands after a value", "it stands in front of what it negates: !(condition)"
        )
    if spot.before_value or (spot.after and _has_own_message(spot.after.text, spot.after.kind)):
        return None
    return spot.mistake(
        "RE201", "nothing stands to the right of '!'", "write what it negates there: !(condition)"
    )


def _question_mark(spot: Spot) -> Mistake:
    """`condition ? this : that`."""
    message = "'?' does not choose between two values here"
    hint = "condition && this || that does"
    colon = next((at for at in range(spot.at, len(spot.tokens)) if spot.tokens[at].text == ":"), None)
    whole = spot.token.inside == "" and colon is not None and spot.tokens[colon].inside == ""
    if not whole or colon is None or not 0 < spot.at < colon - 1 or colon == len(spot.tokens) - 1:
        return spot.mistake("RE202", message, hint)
    condition = spot.piece(0, spot.at)
    if any(token.text in ("||", "|") or token.text.lower() == "or" for token in spot.tokens[: spot.at]):
        condition = f"({condition})"
    this, that = spot.piece(spot.at + 1, colon), spot.piece(colon + 1, len(spot.tokens))
    return spot.mistake_over(0, len(spot.tokens), "RE202", message, "", f"{condition} && {this} || {that}")


def _safe_dot(spot: Spot) -> Mistake:
    hint = "a dot does, and is null where an attribute is missing"
    return spot.mistake("RE201", f"'{spot.token.text}' does not go on with a path", hint, ".")


def _dot(spot: Spot) -> Mistake | None:
    after = spot.after
    if not spot.after_value:
        return _leading_dot(spot)
    if after is None:
        return spot.mistake(
            "RE201", "the path ends with a dot", "write a name after the dot, or delete the dot"
        )
    if after.kind == "raw":
        hint = "a name has double quotes or none"
        return spot.mistake_over(
            spot.at,
            spot.at + 2,
            "RE201",
            f"{after.text} is text, not a name",
            hint,
            f".{_name(after.text[1:-1])}",
        )
    number = spot.neighbour(2)
    if after.text == "[" and number and number.kind == "number":
        closed = spot.neighbour(3)
        if closed and closed.text == "]":
            return spot.mistake_over(spot.at, spot.at + 2, "RE201", "there is a dot too many", "", "[")
    if after.text in ("name", "*", "[", "{") or after.kind in (
        "name",
        "quoted",
        "number",
        "mixed",
        "unclosed",
    ):
        return None
    if after.text == "(":
        return spot.mistake(
            "RE201", "'(' cannot follow a dot", "brackets group whole paths, such as (new.a || new.b)"
        )
    return spot.mistake("RE201", f"'{after.text}' cannot follow a dot", "a name follows a dot: new.status")


def _leading_dot(spot: Spot) -> Mistake:
    after = spot.after
    message = "a path does not begin with a dot"
    if after is None or after.kind not in ("name", "quoted"):
        return spot.mistake("RE201", message, "it begins with a name: new.status")
    name = after.text if after.text in ROOTS else f"new.{after.text}"
    return spot.mistake_over(spot.at, spot.at + 2, "RE201", message, "", name)


def _name(name: str) -> str:
    plain = name.isidentifier() and name.isascii()
    return name if plain else '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _bracket(spot: Spot) -> Mistake | None:
    """`new[status]`, `new['status']`, `new.items[price > 10]`."""
    if (
        not spot.after_value
        or spot.after is None
        or spot.after.kind == "number"
        or spot.after.text in (":", "*")
    ):
        return None
    key, closed = spot.after, spot.neighbour(2)
    if closed is not None and closed.text == "]" and key.kind in ("name", "raw", "quoted"):
        name = key.text if key.kind == "name" else _name(key.text[1:-1])
        message = f"'[{key.text}]' does not pick an attribute"
        hint = "an attribute follows a dot"
        return spot.mistake_over(spot.at, spot.at + 3, "RE201", message, hint, f".{name}")
    end = reading.value_end(spot.tokens, spot.at)
    inner = spot.tokens[spot.at + 1 : end - 1] if end else ()
    if any(token.text in COMPARATORS | JOINTS | {"=", "!"} or token.text in ("and", "or") for token in inner):
        return spot.mistake("RE201", "'[' does not begin a filter", "", "[?")
    hint = "[0] picks an element, [?price > `10`] picks those for which a condition holds"
    return spot.mistake("RE201", "'[' is followed by neither a number nor '?'", hint)


def _comma(spot: Spot) -> Mistake | None:
    if spot.token.inside in ("call", "list", "hash"):
        if not spot.after_value:
            return spot.mistake(
                "RE201", "nothing stands to the left of ','", "write a value there, or delete the comma"
            )
        return None
    if spot.token.inside == "group":
        return _list_in_round_brackets(spot)
    return spot.mistake("RE202", "',' does not join conditions", "", "&&")


def _list_in_round_brackets(spot: Spot) -> Mistake:
    message = "a list does not stand in round brackets"
    opener = reading.opener_around(spot.tokens, spot.at)
    end = reading.value_end(spot.tokens, opener) if opener is not None else None
    if opener is None or end is None or spot.tokens[end - 1].text != ")":
        return spot.mistake("RE201", message, "a list is written ['A', 'B']")
    mend = spot.correct(f"[{spot.text[spot.tokens[opener].end : spot.tokens[end - 1].start]}]")
    return spot.mistake_over(opener, end, "RE201", message, "", mend)


def _colon(spot: Spot) -> Mistake | None:
    if spot.token.inside in ("hash", "index", "list"):
        return None
    if not spot.after_value and spot.after and spot.after.kind in ("name", "number"):
        hint = "there are no placeholders: write the value itself, or vars.NAME"
        return spot.mistake_over(
            spot.at, spot.at + 2, "RE201", f"':{spot.after.text}' is a placeholder", hint
        )
    if spot.after_value and spot.before_value:
        return spot.mistake("RE202", "':' does not compare", "", "==")
    return spot.mistake("RE201", "':' cannot stand here", "to compare, write ==")


def _dollar(spot: Spot) -> Mistake:
    """`$.new.status`, the root of JSONPath, and `$big`, a variable of a shell."""
    hint = "a path begins with a field of the record, such as new"
    dot, name = spot.after, spot.neighbour(2)
    if dot and dot.text == "." and name and name.kind == "name":
        mend = name.text if name.text in ROOTS else f"new.{name.text}"
        return spot.mistake_over(spot.at, spot.at + 3, "RE201", "'$' is not the root of a path", hint, mend)
    if dot and dot.kind == "name" and dot.text in ROOTS:
        return spot.mistake_over(
            spot.at,
            spot.at + 2,
            "RE201",
            "'$' does not begin a name",
            "a path has no sign before it",
            dot.text,
        )
    if dot and dot.kind == "name":
        hint = f"constants are defined under 'vars', and written without '$': vars.{dot.text}"
        return spot.mistake("RE201", "'$' does not begin a name", hint)
    return spot.mistake("RE201", "'$' is not the root of a path", hint)


def _reference(spot: Spot) -> Mistake:
    hint = "references stand outside of expressions, in the values of actions; a constant goes to 'vars'"
    return spot.mistake("RE201", "'${' cannot stand in an expression", hint)


def _hole(spot: Spot) -> Mistake:
    """`{{ new.status }} == 'A'`: an expression that was taken for a template."""
    message = "'{{' cannot stand in an expression"
    for at in range(spot.at + 2, len(spot.tokens) - 1):
        if spot.tokens[at].text == spot.tokens[at + 1].text == "}":
            inner = spot.piece(spot.at + 1, at)
            return spot.mistake_over(spot.at, at + 2, "RE201", message, "it is an expression already", inner)
    return spot.mistake("RE201", message, "it is an expression already: leave out {{ and }}")


def _hash(spot: Spot) -> Mistake:
    if spot.after and spot.after.kind == "name" and spot.after.start == spot.token.end:
        message = f"'#{spot.after.text}' is a placeholder"
        hint = "there are no placeholders, only names"
        return spot.mistake_over(spot.at, spot.at + 2, "RE201", message, hint, f"new.{spot.after.text}")
    return spot.mistake(
        "RE201", "'#' cannot stand in an expression", "a comment goes outside of the expression"
    )


def _semicolon(spot: Spot) -> Mistake:
    if spot.after is None:
        return spot.mistake("RE201", "an expression does not end with ';'", "delete it")
    return spot.mistake("RE202", "';' does not join conditions", "", "&&")


def _round_bracket(spot: Spot) -> Mistake | None:
    """`()` around nothing."""
    empty = spot.after is not None and spot.after.text == ")"
    call = spot.before is not None and spot.before.kind == "name"
    if empty and not call:
        return spot.mistake_over(
            spot.at,
            spot.at + 2,
            "RE201",
            "nothing stands between the brackets",
            "write a condition between them",
        )
    return None


def _unknown_character(spot: Spot) -> Mistake:
    character = spot.token.text
    if character.isspace() or unicodedata.category(character) in ("Cf", "Cc"):
        name = unicodedata.name(character, f"U+{ord(character):04X}").lower()
        message = f"an invisible character ({name}) stands here"
        return spot.mistake("RE201", message, "delete it, or type a space instead")
    return spot.mistake(
        "RE201",
        f"'{character}' cannot stand here",
        "in a name or text, it needs quotes: new.\"name\", 'text'",
    )


_CHECKS: dict[str, Callable[[Spot], Mistake | None]] = {
    "=": _equals,
    "<=>": _regular_expression,
    "=~": _regular_expression,
    "!~": _regular_expression,
    "~=": _regular_expression,
    "~": _regular_expression,
    **dict.fromkeys(COMPARATORS | JOINTS, _infix),
    "&": _ampersand,
    "|": _pipe,
    "!": _bang,
    "?": _question_mark,
    "?.": _safe_dot,
    "->": _safe_dot,
    ".": _dot,
    "[": _bracket,
    "(": _round_bracket,
    ",": _comma,
    ":": _colon,
    ";": _semicolon,
    "$": _dollar,
    "${": _reference,
    "{{": _hole,
    "#": _hash,
    **dict.fromkeys(("+", "-", "*", "**", "/", "%", "^"), check_arithmetic),
}
_KNOWN = frozenset({"@", "]", ")", "{", "}", "[]", "[?"})
