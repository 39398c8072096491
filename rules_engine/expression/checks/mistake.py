"""A mistake in the text of an expression, and the spot where one is looked for.

In: the tokens around a spot. Out: a `Mistake`, which is a `Finding` with its mend apart: `mend`, put in place
of the marked text, corrects this mistake (tests hold that), and the hint ends with it. `validate --fix`
writes the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from rules_engine.errors import Finding
from rules_engine.expression.checks import tokens as reading

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rules_engine.expression.checks.tokens import Token

ROOTS = (
    "eventName",
    "eventID",
    "awsRegion",
    "table",
    "keys",
    "new",
    "old",
    "expired",
    "createdAt",
    "sequenceNumber",
    "vars",
    "lists",
    "is",
)
"""What an expression may begin with: the fields of the record document, then the file's own."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """`mend` replaces the text from `start` to `end`; without one, `hint` says in words what to do."""

    code: str
    message: str
    start: int
    end: int
    hint: str = ""
    mend: str | None = None

    def finding(self) -> Finding:
        hint = write(self.hint, self.mend)
        return Finding(
            self.code, self.message, self.start, max(1, self.end - self.start), hint, fix=self.mend
        )


def write(hint: str, mend: str | None) -> str | None:
    """A hint that ends with the text to write. No quotes around it: it may hold any quotes itself."""
    if mend is None:
        return hint or None
    return f"{hint}; write: {mend}" if hint else f"write: {mend}"


class Spot(NamedTuple):
    """One token of `text` with what stands around it. `correct` mends a piece of it as far as it can."""

    text: str
    tokens: Sequence[Token]
    at: int
    correct: Callable[[str], str]

    @property
    def token(self) -> Token:
        return self.tokens[self.at]

    def neighbour(self, distance: int) -> Token | None:
        at = self.at + distance
        return self.tokens[at] if 0 <= at < len(self.tokens) else None

    @property
    def before(self) -> Token | None:
        return self.neighbour(-1)

    @property
    def after(self) -> Token | None:
        return self.neighbour(1)

    @property
    def after_value(self) -> bool:
        return self.before is not None and reading.ends_value(self.before)

    @property
    def before_value(self) -> bool:
        return self.after is not None and reading.begins_value(self.after)

    def left(self) -> int | None:
        """Where the value before this token begins in the tokens."""
        return reading.value_start(self.tokens, self.at)

    def right(self, distance: int = 1) -> int | None:
        """Where the value that begins `distance` tokens on ends in the tokens."""
        return reading.value_end(self.tokens, self.at + distance)

    def piece(self, first: int, end: int) -> str:
        """The text of the tokens from `first` up to `end`, mended."""
        return self.correct(self.text[self.tokens[first].start : self.tokens[end - 1].end])

    def mistake(self, code: str, message: str, hint: str = "", mend: str | None = None) -> Mistake:
        """A mistake that marks this token alone."""
        return Mistake(code, message, self.token.start, self.token.end, hint, mend)

    def mistake_over(
        self, first: int, end: int, code: str, message: str, hint: str = "", mend: str | None = None
    ) -> Mistake:
        """A mistake that marks the tokens from `first` up to `end`."""
        return Mistake(code, message, self.tokens[first].start, self.tokens[end - 1].end, hint, mend)


def shown(text: str) -> str:
    """A piece of the author's text inside of a message: in quotes, unless it has its own."""
    return text if text[:1] in ("'", '"', "`") else f"'{text}'"


def string(text: str) -> str:
    """`text` as a string constant."""
    return "'" + text.replace("'", "\\'") + "'"


def value_path(spot: Spot, first: int, name: str) -> str:
    """The path of the attribute that token `first` begins to name, with its name in double quotes."""
    quoted = '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
    before = spot.tokens[first - 1] if first else None
    relative = before is not None and before.text in (".", "&")
    return quoted if relative or spot.tokens[first].inside in ("filter", "hash") else f"new.{quoted}"
