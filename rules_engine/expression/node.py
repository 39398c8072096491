"""What an expression is made of: tokens, the nodes of its tree, and how large it may be.

Nodes know exactly where they stand, so that a problem inside an expression can be shown with a caret. They
have jmespath.py's own node types and shapes; its plain dicts were left because they forget positions and
because a misspelt key in a dict is found only when it runs.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from rules_engine.errors import ExpressionError, Finding
from rules_engine.light_dataclass import dataclass, field

MAX_NODES = 500
MAX_LEVELS = 50
MAX_CHARACTERS = 32_768
"""130 characters a node; without it a megabyte of parentheses would be a million tokens."""
MAX_DIGITS = 1_000
"""Digits, and powers of ten, of a number. DynamoDB has 38 and 125, a float 17 and 324."""

WHITESPACE = " \t\n\r"


class Token(NamedTuple):
    """One token, written as `text[start:end]`. Types are those of jmespath.py; the last is `eof`."""

    type: str
    value: Any
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Node:
    """One node of the tree. Types and shape are jmespath.py's; a slice keeps its three numbers as `value`.

    Two nodes are equal where type, value and children are, wherever they stand.
    """

    type: str
    value: Any
    children: tuple[Node, ...]
    start: int = field(compare=False)
    end: int = field(compare=False)
    source: str = field(compare=False, repr=False)

    @property
    def text(self) -> str:
        """How it was written, without parentheses around it."""
        return self.source[self.start : self.end]

    @property
    def follows_dot(self) -> bool:
        """Whether it is written as a part of what stands left of it: `b` in `a.b` and in `a[*].b`."""
        return self.source[: self.start].rstrip(WHITESPACE).endswith(".")


def syntax_error(text: str, message: str, start: int, length: int) -> ExpressionError:
    return ExpressionError(text, Finding("RE201", message, start, max(length, 1)))


def too_large(text: str, what: str, start: int) -> ExpressionError:
    hint = "split it: name parts of it under 'conditions', or move data to 'lists'"
    return ExpressionError(text, Finding("RE212", f"the expression has {what}", start, hint=hint))
