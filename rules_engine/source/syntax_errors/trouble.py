"""An error of the YAML parser, with the line it stands on taken apart.

In: what the parser said, where, and the last scalar it had read. Out: the places around it that explanations
look at. The modules beside this one hold the explanations.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rules_engine.errors import Fix

if TYPE_CHECKING:
    from rules_engine.errors import Location, Problem
    from rules_engine.source.tree import Node, SourceFile

LINE = re.compile(
    r"""(?P<indent>[ ]*(?:-[ ]+)*)
        (?:(?P<key>"[^"]*"|'[^']*'|[\w.$-]+)[ ]*:(?:[ ]+|$))?
        (?P<value>.*)""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Trouble:
    """An error of the parser, with the line it stands on taken apart."""

    source: SourceFile
    context: str
    context_at: int | None
    problem: str
    at: int
    last: Node | None

    @property
    def place(self) -> Location:
        return self.source.location(self.at)

    @property
    def line(self) -> str:
        return self.source.line(self.place.line)

    @property
    def value_at(self) -> int:
        """Where the value on the line of the error begins."""
        match = LINE.match(self.line)
        return self.at - self.place.column + 1 + (match.start("value") if match is not None else 0)

    @property
    def character(self) -> str:
        """The character at the error."""
        return self.source.text[self.at : self.at + 1]

    def problem_at(
        self, code: str, message: str, start: int, end: int, hint: str, fix: Fix | None = None
    ) -> Problem:
        return self.source.problem(code, message, self.source.location(start, end), hint, fix=fix)

    def fix(self, start: int, end: int, text: str) -> Fix:
        """Write `text` in place of what stands there."""
        return Fix(self.source.location(start, end), text)


def text_start(trouble: Trouble) -> int:
    """Offset of the first character on the line of the error."""
    indent = len(trouble.line) - len(trouble.line.lstrip())
    return trouble.at - trouble.place.column + 1 + indent


def line_above(trouble: Trouble, items: bool = False) -> int | None:
    """The nearest line above the error with a key on it, or with a list item; its number."""
    for number in range(trouble.place.line - 1, 0, -1):
        line = trouble.source.line(number)
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if line.lstrip().startswith("- ") if items else LINE.match(line)["key"]:  # type: ignore[index]
            return number
    return None


def key_column(line: str) -> int:
    match = LINE.match(line)
    return (match.end("indent") if match is not None else 0) + 1


def item_column(line: str) -> int:
    return len(line) - len(line.lstrip()) + 1
