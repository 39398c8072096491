"""What stopped the YAML parser at a quote or at the first character of a value.

In: a `Trouble`. Out: the problem, if it is one of these mistakes, else None.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rules_engine.source import traps

if TYPE_CHECKING:
    from rules_engine.errors import Fix, Problem
    from rules_engine.source.syntax_errors.trouble import Trouble

_ABOUT_ESCAPES = re.compile(r"escape|hexa?decimal")


def unclosed_quote(trouble: Trouble) -> Problem | None:
    opening = trouble.context_at if "quoted scalar" in trouble.context else None
    if opening is not None and "found unexpected" in trouble.problem:
        message = "the quote that opens here is never closed"
        hint = "close it at the end of the text"
        return trouble.problem_at("RE102", message, opening, opening + 1, hint)
    last = trouble.last
    if last is None or last.style not in ("'", '"') or not trouble.problem.startswith("expected"):
        return None
    first_line, last_line = last.location.line, trouble.source.location(last.end - 1).line
    if first_line == last_line or trouble.place.line != last_line:
        return None
    message = f"the quote that opens here is closed only on line {last_line}"
    hint = "close it at the end of its text; everything between is read as one text"
    return trouble.problem_at("RE102", message, last.start, last.start + 1, hint)


def escape(trouble: Trouble) -> Problem | None:
    if "quoted scalar" not in trouble.context or not _ABOUT_ESCAPES.search(trouble.problem):
        return None
    start = trouble.source.text.rfind("\\", 0, trouble.at + 1)
    escape = trouble.source.text[start : start + 2]
    if "unknown escape" in trouble.problem:
        message = f"'{escape}' means nothing inside double quotes"
        hint = "write the text in single quotes, where a backslash is a backslash, or double the backslash"
    else:
        message = f"'{escape}' must be followed by a character's number in hexadecimal digits"
        hint = "for a backslash itself write two, or use single quotes"
    return trouble.problem_at("RE102", message, start, start + 2, hint)


def first_character(trouble: Trouble) -> Problem | None:
    """A value whose first character means something to YAML."""
    start = trouble.value_at
    first = trouble.source.text[start : start + 1]
    if start > trouble.at:
        return None
    if first == "!":
        return traps.tag(trouble.source, start)
    if first == "*":
        return traps.alias(trouble.source, start, trouble.at + (trouble.at == start))
    if first == "&":
        return traps.anchor(trouble.source, start, trouble.at + (trouble.at == start))
    if (
        first
        and first in "`@%?"
        and (trouble.at == start or first == "?")
        and not trouble.line.startswith("%")
    ):
        hint = traps.quoted(trouble.source, start, f"a value cannot begin with '{first}' in YAML")
        message, fix = f"'{first}' cannot begin a value", traps.quoting(trouble.source, start)
        return trouble.problem_at("RE102", message, start, start + 1, hint, fix)
    if trouble.context == "while scanning a block scalar":
        hint = traps.quoted(
            trouble.source, start, f"'{first}' alone begins a block of text on the next lines"
        )
        message = f"'{first}' begins a block of text, and nothing may stand behind it"
        return trouble.problem_at("RE102", message, start, start + 1, hint)
    if trouble.source.text[start : start + 2] == "{{":
        return traps.hole_without_quotes(trouble.source, start)
    return None


def stray_character(trouble: Trouble) -> Problem | None:
    """A backtick or an at sign at the start of a value inside `[ ]` or `{ }`."""
    if "cannot start any token" not in trouble.problem:
        return None
    hint = "put the value in quotes"
    message = f"'{trouble.character}' cannot begin a value"
    return trouble.problem_at("RE102", message, trouble.at, trouble.at + 1, hint)


def after_the_value(trouble: Trouble) -> Problem | None:
    """`when: 'x' == y`, `'it's'`, `[?x].y`: text behind the end of a quoted or bracketed value."""
    if not trouble.problem.startswith("expected <block end>") or trouble.value_at >= trouble.at:
        return None
    text, start = trouble.source.text, trouble.value_at
    first = text[start]
    end = start + len(trouble.line[start - (trouble.at - trouble.place.column + 1) :].rstrip())
    if first == "'" and text[trouble.at - 1] == "'":
        message = "the quote in this text ends it"
        hint = "write the quote twice ('it''s'), or put the text in double quotes"
        fix = _in_double_quotes(trouble, start, end)
        return trouble.problem_at("RE102", message, trouble.at - 1, trouble.at, hint, fix)
    if first in "'\"":
        what = "YAML takes what stands in the quotes for the whole value"
        message = "text after the closing quote"
    elif first in "[{":
        what = f"a value that begins with '{first}' is {'a list' if first == '[' else 'a mapping'} in YAML"
        message = f"text after the closing '{']' if first == '[' else '}'}'"
    else:
        return None
    hint = traps.quoted(trouble.source, start, what)
    # A bracket may be one that was closed too early; a condition often begins with a text.
    closed_early = first in "[{" and any(bracket in text[trouble.at : end] for bracket in "]},")
    fix = None if closed_early else traps.quoting(trouble.source, start)
    return trouble.problem_at("RE102", message, trouble.at, end, hint, fix)


def _in_double_quotes(trouble: Trouble, start: int, end: int) -> Fix | None:
    """`'it's'` as `"it's"`."""
    text = trouble.source.text[start:end]
    if len(text) < 2 or text[-1] != "'" or "''" in text or "\\" in text or '"' in text:
        return None
    return trouble.fix(start, end, f'"{text[1:-1]}"')
