"""An expression as an author typed it, cut into tokens, whatever it is.

In: any text. Out: one `Token` for each word, quote, number and sign, also for what JMESPath has no word for
(`=`, `and`, curly quotes, a quote that is never closed). It raises nothing and refuses nothing:
`syntax.parse` alone says what is an expression; the modules beside this one read these tokens to say in the
author's words what is not. The lexer of jmespath.py was left for this, because it stops at the first
character it does not know.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, NamedTuple

from rules_engine.expression.node import WHITESPACE

if TYPE_CHECKING:
    from collections.abc import Sequence

Kind = Literal["name", "number", "date", "mixed", "raw", "quoted", "literal", "curly", "unclosed", "sign"]

Inside = Literal["", "call", "group", "index", "list", "filter", "hash"]
"""The brackets a token stands in: `f(` call, `(` group, `a[` index, `[` list, `[?` filter, `{` hash."""


class Token(NamedTuple):
    """`text` stands at `start` to `end` (exclusive). A bracket counts as outside of itself."""

    kind: Kind
    text: str
    start: int
    end: int
    inside: Inside = ""


_TOKEN = re.compile(
    r"""
      (?P<raw>'(?:\\.|[^'\\])*')
    | (?P<quoted>"(?:\\.|[^"\\])*")
    | (?P<literal>`(?:\\.|[^`\\])*`)
    | (?P<unclosed>['"`].*)
    | (?P<curly>[\u201c-\u201f\xab\xbb](?:[^\u201c-\u201f\xab\xbb"]*[\u201c-\u201f\xab\xbb"])?
             | [\u2018-\u201b\xb4](?:[^\u2018-\u201b\xb4']*[\u2018-\u201b\xb4'])?)
    | (?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2}(?:T[0-9:.]+(?:Z|[+-][0-9]{2}:[0-9]{2})?)?(?!\w))
    | (?P<number>(?:[0-9][0-9_]*(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?(?!\w))
    | (?P<mixed>[0-9]\w+)
    | (?P<name>[^\W\d]\w*)
    | (?P<sign>
          ===|!==|<=>|==|!=|<=|>=|<>|=>|=<|=~|!~|~=|&&|\|\||\?\?|\?\.|->|\.\.+|\[\?|\[\]|\{\{|\$\{|\*\*|.)
    """,
    re.VERBOSE | re.DOTALL,
)
_SIGNED = re.compile(r"(?P<number>-(?:[0-9][0-9_]*(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?(?!\w))")
_AFTER_DOT = re.compile(r"(?P<number>[0-9]+)(?!\w)")
_DOT = re.compile(r"(?P<sign>\.\.+|\.)")
_CLOSER = {"(": ")", "[": "]", "[?": "]", "{": "}", "{{": "}", "${": "}"}
OPENERS = frozenset(_CLOSER)
CLOSERS = frozenset(_CLOSER.values())
_VALUES = frozenset({"name", "number", "date", "mixed", "raw", "quoted", "literal", "curly"})


def scan(text: str) -> list[Token]:
    """The tokens of `text` in order. Only JMESPath's white space is left out between them."""
    tokens: list[Token] = []
    brackets: list[Inside] = []
    position = 0
    while position < len(text):
        if text[position] in WHITESPACE:
            position += 1
            continue
        match = _match_token(text, position, tokens)
        kind: Kind = match.lastgroup  # type: ignore[assignment]  # the groups are the kinds
        if match.group() in CLOSERS and brackets:
            brackets.pop()
        token = Token(kind, match.group(), match.start(), match.end(), brackets[-1] if brackets else "")
        if token.kind == "sign" and token.text in OPENERS:
            brackets.append(_brackets(token, tokens))
        tokens.append(token)
        position = match.end()
    return tokens


def _match_token(text: str, position: int, before: Sequence[Token]) -> re.Match[str]:
    """The next token. What stands before decides whether `-5` is one number and whether `.5` is one."""
    last = before[-1] if before else None
    if text[position] == "-" and not (last and ends_value(last)):
        signed = _SIGNED.match(text, position)
        if signed:
            return signed
    match = None
    if text[position] == "." and last and ends_value(last):
        match = _DOT.match(text, position)
    elif last and last.text == ".":
        match = _AFTER_DOT.match(text, position)
    match = match or _TOKEN.match(text, position)
    assert match is not None, "the last alternative takes any character"
    return match


def _brackets(opener: Token, before: Sequence[Token]) -> Inside:
    last = before[-1] if before else None
    match opener.text:
        case "(":
            return "call" if last and last.kind == "name" else "group"
        case "[":
            return "index" if last and ends_value(last) else "list"
        case "[?":
            return "filter"
    return "hash"


def ends_value(token: Token) -> bool:
    """Whether a value may end with this token: what follows then goes on with it or combines it."""
    return token.kind in _VALUES or token.text in (")", "]", "}", "[]", "@", "*")


def begins_value(token: Token) -> bool:
    """Whether a value may begin with this token."""
    return token.kind in _VALUES or token.text in ("(", "[", "[?", "[]", "{", "@", "*", "!", "&")


def value_start(tokens: Sequence[Token], end: int) -> int | None:
    """Where the path, call or constant begins that ends just before token `end`; None if none does."""
    at = end
    while at > 0:
        at -= 1
        token = tokens[at]
        if not ends_value(token):
            return None
        if token.text in CLOSERS and token.kind == "sign":
            opener = _opener(tokens, at)
            if opener is None:
                return None
            at = opener
            if _goes_on(tokens[at], tokens[at - 1] if at else None):
                continue
        elif token.text == "[]" and at and ends_value(tokens[at - 1]):
            continue
        if at and tokens[at - 1].text == ".":
            at -= 1
            continue
        return at
    return None


def value_end(tokens: Sequence[Token], start: int) -> int | None:
    """Where the path, call or constant ends that begins at token `start`; None if none does."""
    at = start
    while at < len(tokens) and tokens[at].text in ("!", "&"):
        at += 1
    if at >= len(tokens) or not begins_value(tokens[at]):
        return None
    while at < len(tokens):
        if tokens[at].text in OPENERS and tokens[at].kind == "sign":
            closer = _closer(tokens, at)
            if closer is None:
                return None
            at = closer
        at += 1
        if at < len(tokens) and tokens[at].text == ".":
            at += 1
        elif at >= len(tokens) or not _goes_on(tokens[at], tokens[at - 1]):
            return at
    return None


def opener_around(tokens: Sequence[Token], at: int) -> int | None:
    """The bracket that token `at` stands in."""
    depth = 0
    for opener in range(at - 1, -1, -1):
        token = tokens[opener]
        if token.kind == "sign":
            depth += (token.text in CLOSERS) - (token.text in OPENERS)
            if depth < 0:
                return opener
    return None


def _goes_on(token: Token, before: Token | None) -> bool:
    """Whether an opening bracket belongs to the value before it: `f(`, `a[`, `a[?`, `a[]`."""
    if before is None:
        return False
    if token.text == "(":
        return before.kind == "name"
    return token.text in ("[", "[?", "[]") and ends_value(before)


def _opener(tokens: Sequence[Token], closer: int) -> int | None:
    depth = 0
    for at in range(closer, -1, -1):
        token = tokens[at]
        if token.kind == "sign":
            depth += (token.text in CLOSERS) - (token.text in OPENERS)
            if depth == 0:
                return at
    return None


def _closer(tokens: Sequence[Token], opener: int) -> int | None:
    depth = 0
    for at in range(opener, len(tokens)):
        token = tokens[at]
        if token.kind == "sign":
            depth += (token.text in OPENERS) - (token.text in CLOSERS)
            if depth == 0:
                return at
    return None
