"""Problems as text for people: where, what, the line of source with a caret, what to do.

In: problems in the order they are to be shown. Out: one text, each line ended, empty for no problems. Nothing
is read: a `Problem` carries its line. Colour comes in as `paint`, because only the caller knows whether a
terminal is listening. Control and bidirectional characters of the source never reach the terminal: an
author's file must not be able to draw there.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rules_engine.errors import Problem

Paint = Callable[[str, str], str]
"""(text, role) -> text. Roles: `place`, `error`, `warning`, `caret`, `hint`."""

_GUTTER = 4
_WIDEST_LINE = 160
"""Longer source lines are shown around their caret only, so that a one-line file cannot flood the screen."""


def plain(text: str, role: str) -> str:
    """Text as it is, whatever its role."""
    return text


def render_text(problems: Sequence[Problem], paint: Paint = plain) -> str:
    """All problems, one after another."""
    return "".join(line + "\n" for problem in problems for line in _lines(problem, paint))


def _lines(problem: Problem, paint: Paint) -> Iterator[str]:
    severity = paint(f"{problem.severity} {problem.code}", problem.severity)
    yield f"{paint(visible(str(problem.location)), 'place')}: {severity} {visible(problem.message)}"
    number = str(problem.location.line)
    width = max(_GUTTER, len(number))
    if problem.source_line.strip():
        shown, start, length = _cut(problem.source_line, problem.location.column - 1, problem.location.length)
        before, marked = visible(shown[:start]), visible(shown[start : start + length])
        yield f"{number:>{width}} | {visible(shown)}".rstrip()
        yield f"{'':{width}} | {' ' * _columns(before)}{paint('^' * max(1, _columns(marked)), 'caret')}"
    for location, message in problem.related:
        yield f"{'':{width}} = {paint(visible(str(location)), 'place')}: {visible(message)}"
    if problem.hint:
        yield f"{'':{width}} = {paint('hint', 'hint')}: {visible(problem.hint)}"


def _cut(line: str, start: int, length: int) -> tuple[str, int, int]:
    """The part of a long line around the marked characters, and where they stand in it."""
    if len(line) <= _WIDEST_LINE:
        return line, start, length
    first = max(0, min(start - _WIDEST_LINE // 4, len(line) - _WIDEST_LINE))
    last = first + _WIDEST_LINE
    head, tail = "…" if first else "", "…" if last < len(line) else ""
    marked = min(length, last - start)
    return f"{head}{line[first:last]}{tail}", start - first + len(head), marked


def visible(text: str) -> str:
    """`text` with everything that could move a cursor or turn the reading direction made a visible mark."""
    return "".join(_visible_character(character) for character in text)


def _visible_character(character: str) -> str:
    if character == "\t":
        return " "
    return character if character.isprintable() else "\N{REPLACEMENT CHARACTER}"


def _columns(text: str) -> int:
    """How many terminal columns `text` takes: East Asian wide characters two, combining marks none."""
    return sum(_character_columns(character) for character in text)


def _character_columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
