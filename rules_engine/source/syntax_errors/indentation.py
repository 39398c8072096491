"""What stopped the YAML parser at the column in which a line begins.

In: a `Trouble`. Out: the problem, if it is one of these mistakes, else None.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rules_engine.source.syntax_errors.trouble import item_column, key_column, line_above, text_start

if TYPE_CHECKING:
    from rules_engine.errors import Problem
    from rules_engine.source.syntax_errors.trouble import Trouble


def deeper(trouble: Trouble) -> Problem | None:
    """A line indented deeper than the value above it, which it therefore continues."""
    if trouble.problem != "mapping values are not allowed here":
        return None
    start = text_start(trouble)
    above = line_above(trouble)
    hint = "begin it in the same column as the key above"
    if above is not None:
        wanted = key_column(trouble.source.line(above))
        column = start - trouble.at + trouble.place.column
        hint = f"begin it in column {wanted}, as line {above} does; it now begins in column {column}"
    message = "this line is indented too deep: it is read as a part of the value above"
    return trouble.problem_at("RE102", message, start, trouble.at, hint)


def indentation(trouble: Trouble) -> Problem | None:
    """A line that begins in a column of its own."""
    begins = ("'<block mapping start>'", "'<block sequence start>'", "'?'", "'-'")
    if not trouble.problem.startswith("expected") or not trouble.problem.endswith(begins):
        return None
    if trouble.problem.startswith("expected '<document start>'"):
        return document(trouble)
    start = text_start(trouble)
    column = start - trouble.at + trouble.place.column
    item = trouble.source.text[start] == "-"
    above = line_above(trouble, items=item)
    hint = "begin it in the same column as the entries above it"
    if above is not None:
        wanted = (
            key_column(trouble.source.line(above)) if not item else item_column(trouble.source.line(above))
        )
        hint = f"begin it in column {wanted}, as line {above} does; it now begins in column {column}"
    message = "this line is indented differently from the lines it belongs to"
    end = start + len(trouble.line[column - 1 :].rstrip())
    return trouble.problem_at("RE102", message, start, end, hint)


def document(trouble: Trouble) -> Problem | None:
    """Something behind the end of the document, or a line that begins left of the first one."""
    about = trouble.problem + trouble.context
    if not any(word in about for word in ("document start", "directive", "incompatible YAML")):
        return None
    percent = re.search(r"^%.*", trouble.source.text, re.MULTILINE)
    if percent is not None:
        message = "a line that begins with '%' is a directive to YAML"
        return trouble.problem_at("RE102", message, percent.start(), percent.end(), "remove it, or indent it")
    end = trouble.at + len(trouble.line[trouble.place.column - 1 :].rstrip())
    if re.search(r"^\.\.\.", trouble.source.text[: trouble.at], re.MULTILINE):
        message = "text after '...', which ends a YAML document"
        return trouble.problem_at("RE105", message, trouble.at, end, "remove the line '...'")
    message = "this line is indented less than the first line of the file"
    return trouble.problem_at("RE102", message, trouble.at, end, "begin all top-level keys in column 1")
