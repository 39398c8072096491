"""What is wrong with the text of an expression, in the words of its author.

In: any text. Out: the first thing in it that can be part of no expression, or None. It is asked before the
parser: JMESPath's grammar takes `contains(a or b)` for a call with three arguments, and the parser's own
words (`unexpected 'b'`) name what it met, not what to write. `explain` is for a text that the parser refuses
all the same.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rules_engine.errors import Finding
from rules_engine.expression.checks.mistake import ROOTS, Mistake, Spot, shown
from rules_engine.expression.checks.signs import COMPARATORS, JOINTS, check_sign
from rules_engine.expression.checks.tokens import (
    CLOSERS,
    OPENERS,
    Kind,
    Token,
    begins_value,
    ends_value,
    scan,
)
from rules_engine.expression.checks.values import (
    check_apostrophe,
    check_curly,
    check_date,
    check_literal,
    check_mixed,
    check_name,
    check_number,
    check_quoted,
    check_unclosed,
)
from rules_engine.expression.checks.words import check_word

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_LONGEST_MENDED = 1_000
"""Characters; a longer piece stands in a hint as it is: nobody reads it there, and mending costs time."""

_PARTNERS = {"(": ")", "[": "]", "[?": "]", "{": "}", "{{": "}", "${": "}"}


_NAME = r"(?!(?i:not)\b)[A-Za-z_][A-Za-z0-9_]*+"
_VALUE = rf"(?:{_NAME}(?:\.{_NAME})*+|'[^'\\]*+'|`-?(?:0|[1-9][0-9]{0, 15})(?:\.[0-9]{1, 15})?`)"
_is_plain = re.compile(rf"{_VALUE}(?: (?:==|!=|<=?|>=?|&&|\|\|) {_VALUE})*+").fullmatch
"""Whether a text is paths, strings and numbers with operators between them, as most conditions are."""


def find_mistake(text: str) -> Finding | None:
    """The first mistake in `text` that no expression can hold."""
    mistake = None if _is_plain(text) else first_mistake(text)
    return mistake.finding() if mistake else None


def explain(text: str, refusal: Finding) -> Finding:
    """`refusal` of a text in which `find_mistake` finds nothing, in better words where there are any."""
    tokens = scan(text)
    if not tokens:
        return Finding(
            "RE201", "the expression is empty", 0, 1, "write a condition, such as new.status == 'SHIPPED'"
        )
    if refusal.code == "RE201" and refusal.start >= tokens[-1].end:
        message = f"the expression breaks off after '{tokens[-1].text}'"
        return Finding("RE201", message, tokens[-1].start, len(tokens[-1].text), refusal.hint)
    return refusal


def first_mistake(text: str) -> Mistake | None:
    """The same, token by token."""
    tokens = scan(text)
    before = None
    for at, token in enumerate(tokens):
        if not _is_ordinary(before, token, tokens[at + 1] if at + 1 < len(tokens) else None):
            mistake = _check(Spot(text, tokens, at, correct))
            if mistake:
                return mistake
        before = token
    return _check_brackets(text, tokens)


def _is_ordinary(before: Token | None, token: Token, after: Token | None) -> bool:
    """Whether it is what nearly all tokens are, in which no check finds a mistake: a name or a string where a
    value may begin, a dot before a name, a comparison or joint between two values."""
    after_value = before is not None and ends_value(before)
    if token.kind == "name":
        return not after_value and token.text.isascii() and token.text.lower() != "not"
    if token.kind == "raw":
        return not after_value
    if not after_value or after is None:
        return False
    if token.text == ".":
        return after.kind == "name"
    return token.text in _INFIXES and begins_value(after)


_INFIXES = COMPARATORS | JOINTS


def correct(text: str) -> str:
    """`text` with its mistakes mended from left to right, up to the first that has no mend."""
    if len(text) > _LONGEST_MENDED:
        return text
    for _ in range(20):
        mistake = first_mistake(text)
        if mistake is None or mistake.mend is None:
            break
        text = text[: mistake.start] + mistake.mend + text[mistake.end :]
    return text


def _check(spot: Spot) -> Mistake | None:
    token = spot.token
    if token.kind == "sign":
        return check_sign(spot)
    mistake = _check_neighbours(spot) if spot.after_value else None
    check = _CHECKS.get(token.kind)
    return mistake or (check(spot) if check else None)


def _check_word(spot: Spot) -> Mistake | None:
    return check_name(spot) or check_word(spot)


_CHECKS: dict[Kind, Callable[[Spot], Mistake | None]] = {
    "name": _check_word,
    "number": check_number,
    "date": check_date,
    "mixed": check_mixed,
    "literal": check_literal,
    "quoted": check_quoted,
    "curly": check_curly,
    "unclosed": check_unclosed,
}


_CHOICE = "condition && this || that does the same"
_OTHER_LANGUAGES = {
    "if": f"there is no 'if': {_CHOICE}",
    "else": f"there is no 'else': {_CHOICE}",
    "case": f"there is no 'case': {_CHOICE}",
    "for": "there is no 'for': a filter picks elements of a list: new.items[?price > `5`]",
    "typeof": "a type is asked for by a function: type(new.a) == 'string'",
    "instanceof": "a type is asked for by a function: type(new.a) == 'array'",
    "select": "there are no queries, only the condition itself: new.status == 'SHIPPED'",
    "where": "there are no queries, only the condition itself: new.status == 'SHIPPED'",
}
"""What to write instead of words of other languages that stand beside a value."""


def _check_neighbours(spot: Spot) -> Mistake | None:
    """Two values side by side."""
    before, token = spot.before, spot.token
    mistake = check_apostrophe(spot)
    if mistake or before is None or token.kind == "unclosed":
        return mistake
    word = check_word(spot) if token.kind == "name" else None
    if word:
        return word
    between = f"between {shown(before.text)} and {shown(token.text)}"
    other = _OTHER_LANGUAGES.get(before.text.lower()) or _OTHER_LANGUAGES.get(token.text.lower())
    if token.inside in ("call", "list", "hash") and other is None:
        mend = f"{before.text}, {token.text}"
        return spot.mistake_over(spot.at - 1, spot.at + 1, "RE201", f"a comma is missing {between}", "", mend)
    hint = "compare with ==, join conditions with && or ||"
    if other is not None:
        hint = other
    elif before.kind == token.kind == "name" and not {before.text, token.text} & {*ROOTS}:
        hint += f', or write a name with a space in double quotes: "{before.text} {token.text}"'
    return spot.mistake("RE201", f"an operator is missing {between}", hint)


def _check_brackets(text: str, tokens: Sequence[Token]) -> Mistake | None:
    """Brackets that do not pair up."""
    opened: list[Token] = []
    for token in tokens:
        if token.kind != "sign":
            continue
        if token.text in OPENERS:
            opened.append(token)
        elif token.text in CLOSERS:
            if not opened:
                message = f"'{token.text}' closes nothing"
                return Mistake(
                    "RE201", message, token.start, token.end, "delete it, or open the bracket before it"
                )
            opener = opened.pop()
            partner = _PARTNERS[opener.text]
            if partner != token.text:
                message = f"'{token.text}' does not close '{opener.text}'"
                return Mistake("RE201", message, token.start, token.end, "", partner)
    return _unclosed(text, tokens, opened[-1]) if opened else None


def _unclosed(text: str, tokens: Sequence[Token], opener: Token) -> Mistake:
    """A bracket without its partner, which is missing at the end unless several conditions follow."""
    message, partner = f"'{opener.text}' is never closed", _PARTNERS[opener.text]
    joined = any(token.text in ("&&", "||") and token.start > opener.start for token in tokens)
    if joined or tokens[-1] is opener:
        return Mistake("RE201", message, opener.start, opener.end, f"put '{partner}' where it ends")
    end = tokens[-1].end
    start = opener.start
    called = next((token for token in tokens if token.kind == "name" and token.end == start), None)
    if opener.text == "(" and called is not None:
        start = called.start
    return Mistake("RE201", message, start, end, "", text[start:end] + partner)
