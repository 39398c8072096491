"""JMESPath text -> tokens and `Node` tree; refuses what jmespath.py refuses.

The only importer of jmespath: its lexer says what the tokens are, so both agree on every text. Its ends are
unreliable and its literals are floats (`0.1` must be one tenth), so both are read again from the source. It
reads character by character, so one pattern reads first: what it cannot read, and all that is to be refused,
is the lexer's. A property test holds the two together.
Refused as ExpressionError: syntax (RE201, at the offending token), and more than 500 nodes, 50 levels or
32,768 characters (RE212), so that everything later may recurse over the tree.
"""

from __future__ import annotations

import json
import re
import warnings
from contextlib import contextmanager, nullcontext
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, NoReturn

from rules_engine.errors import ExpressionError
from rules_engine.expression.grammar import Parser
from rules_engine.expression.node import (
    MAX_CHARACTERS,
    MAX_DIGITS,
    MAX_LEVELS,
    WHITESPACE,
    Node,
    Token,
    syntax_error,
    too_large,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Node", "Token", "parse", "tokens"]


def parse(text: str) -> Node:
    """The tree of `text`; raises ExpressionError with a finding at the offending token."""
    if len(text) > MAX_CHARACTERS:
        raise too_large(text, f"more than {MAX_CHARACTERS} characters", MAX_CHARACTERS)
    return Parser(text, tokens(text)).parse()


def tokens(text: str) -> list[Token]:
    """The tokens of `text`, the last of them `eof`; raises ExpressionError at the first that is none."""
    try:
        found = _tokens_by_pattern(text)
    except (ValueError, RecursionError, ExpressionError):
        found = None  # the lexer says what is wrong, and where
    return found or tokens_by_lexer(text)


_match_token = re.compile(
    r"""[ \t\n\r]*(?:
      (?P<unquoted_identifier> [A-Za-z_][A-Za-z0-9_]* )
    | (?P<sign> [.*\],:@(){}] | == | [!<>]=? | && | & | \|\|? | \[[\]?]? )
    | (?P<raw> '(?:[^'\\]|\\.)*' )
    | (?P<literal> `(?:[^`\\]|\\.)*` )
    | (?P<number> -?[0-9]+ )
    | (?P<quoted_identifier> "(?:[^"\\]|\\.)*" )
    | (?P<eof> \Z )
    )""",
    re.VERBOSE | re.DOTALL,
).match
_SIGNS = {
    **{".": "dot", "*": "star", "]": "rbracket", ",": "comma", ":": "colon", "@": "current"},
    **{"(": "lparen", ")": "rparen", "{": "lbrace", "}": "rbrace", "[": "lbracket"},
    **{"[]": "flatten", "[?": "filter", "==": "eq", "!=": "ne", "<": "lt", "<=": "lte"},
    **{">": "gt", ">=": "gte", "!": "not", "&&": "and", "||": "or", "&": "expref", "|": "pipe"},
}


def _tokens_by_pattern(text: str) -> list[Token] | None:
    """The tokens of `text`; None where there is something that the pattern does not know."""
    found: list[Token] = []
    position = 0
    while match := _match_token(text, position):
        name = match.lastgroup
        start, position = match.span(match.lastindex or 0)
        written = text[start:position]
        if name == "unquoted_identifier":
            found.append(Token(name, written, start, position))
        elif name == "sign":
            found.append(Token(_SIGNS[written], written, start, position))
        elif name == "raw":
            found.append(Token("literal", written[1:-1].replace("\\'", "'"), start, position))
        elif name == "literal":
            found.append(Token(name, _literal(text, start, position), start, position))
        elif name == "eof":
            found.append(Token(name, "", start, position))
            return found if len(found) > 1 else None
        else:
            value = int(written) if name == "number" else json.loads(written)
            found.append(Token(name or "", value, start, position))
    return None


def tokens_by_lexer(text: str) -> list[Token]:
    """The tokens of `text` as jmespath.py's lexer finds them. Raises ExpressionError."""
    # Most processes meet no text that needs it, and its import takes three milliseconds.
    from jmespath.exceptions import EmptyExpressionError, LexerError
    from jmespath.lexer import Lexer

    found: list[Token] = []
    try:
        with _quiet() if "`" in text else nullcontext():
            for raw in Lexer().tokenize(text):
                name, value, start = raw["type"], raw["value"], raw["start"]
                end = _token_end(text, start) if name in _OF_ANY_LENGTH else start + len(value)
                if name == "literal" and text[start] == "`":
                    value = _literal(text, start, end)
                found.append(Token(name, value, start, end))
    except EmptyExpressionError:
        raise syntax_error(text, "the expression is empty", 0, 1) from None
    except LexerError as error:
        raise _lexer_error(text, error.lex_position) from None
    except (ValueError, RecursionError):
        # An index of more digits than int() takes, or a literal nested deeper than the JSON reader goes.
        end = found[-1].end if found else 0
        start = len(text) - len(text[end:].lstrip(WHITESPACE))
        raise syntax_error(text, "number or literal that is too large", start, 1) from None
    return found


_OF_ANY_LENGTH = frozenset({"literal", "number", "quoted_identifier"})
"""Tokens that are not written as their value."""

_match_written = re.compile(
    r"""'(?:[^'\\]|\\.)*' | "(?:[^"\\]|\\.)*" | `(?:[^`\\]|\\.)*` | -?[0-9]+ | .""", re.VERBOSE | re.DOTALL
).match
_QUOTES = {"'": "string", '"': "name in double quotes", "`": "literal"}


@contextmanager
def _quiet() -> Iterator[None]:
    """`foo` for "foo" is deprecated JMESPath, not a deprecated call of ours."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PendingDeprecationWarning)
        yield


def _token_end(text: str, start: int) -> int:
    match = _match_written(text, start)
    return match.end() if match else start


def _lexer_error(text: str, start: int) -> ExpressionError:
    character = text[start]
    end = _token_end(text, start)
    if character not in _QUOTES:
        return syntax_error(text, f"unexpected '{character}'", start, 1)
    kind = _QUOTES[character]
    if end == start + 1:
        return syntax_error(text, f"{kind} without a closing {character}", start, len(text) - start)
    return syntax_error(text, f"{kind} that is not legal JSON", start, end - start)


def _literal(text: str, start: int, end: int) -> Any:
    """The value of the literal at `start`, with exact numbers."""
    written = text[start + 1 : end - 1].replace("\\`", "`")
    try:
        try:
            value = _DECODER.decode(written)
        except json.JSONDecodeError:
            value = _DECODER.decode(f'"{written.lstrip()}"')  # JMESPath's old way to write a string
    except ValueError as error:
        message = f"literal that is not legal JSON: {error}"
        raise syntax_error(text, message, start, end - start) from None
    level, values = 0, [value]
    while values:
        level += 1
        if level > MAX_LEVELS:
            raise too_large(text, f"a literal of more than {MAX_LEVELS} levels", start)
        values = [child for parent in values for child in _children(parent)]
    return value


def _children(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _number(written: str) -> int | Decimal:
    if len(written) > MAX_DIGITS:
        raise ValueError(f"a number has at most {MAX_DIGITS} digits")
    if written.lstrip("-").isdigit():
        return int(written)
    try:
        number = Decimal(written)
    except InvalidOperation:  # an exponent of twenty digits
        number = Decimal("Infinity")
    if not number.is_finite() or (number and abs(number.adjusted()) >= MAX_DIGITS):
        raise ValueError(f"a number lies between 1e-{MAX_DIGITS} and 1e{MAX_DIGITS}")
    return number


def _no_number(written: str) -> NoReturn:
    raise ValueError(f"{written} is no number")


_DECODER = json.JSONDecoder(parse_float=_number, parse_int=_number, parse_constant=_no_number)
