"""What other template languages have in their holes, and expressions have not.

In: a hole. Out: a finding for a statement (`{{#if new.a}}`, `{{ end }}`), for dashes that trim white space
(`{{- new.a -}}`), and for the format of a number (`{{ new.a:.2f }}`); None for everything else.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rules_engine.errors import Finding
from rules_engine.template_checks.plain_text import CHOICE, NO_STATEMENTS

if TYPE_CHECKING:
    from rules_engine.template import Hole

_STATEMENT = re.compile(
    r"[#/>^]\s*\w+.*|(?:if|elif|unless|each|range|with|for|block|define|include|partial)\s+[\w(\"'.$!@].*"
    r"|(?:else|end|endif|endfor|else if\b.*)",
    re.DOTALL,
)
_FORMAT = re.compile(r"(?P<path>[A-Za-z_][\w.]*)\s*:[<>^+, 0-9.%_]*[a-zA-Z%]?")


def check_hole(hole: Hole) -> Finding | None:
    """What is wrong with the hole as a whole, before its expression is looked at."""
    text, length = hole.expression, hole.end - hole.start
    if _STATEMENT.fullmatch(text):
        shown = text if len(text) <= 40 else f"{text[:37]}..."
        return Finding("RE302", f"'{{{{{shown}}}}}' {NO_STATEMENTS}", hole.start, length, CHOICE)
    trimmed = _without_dashes(text)
    if trimmed not in ("", text):
        return _without(hole, "dashes beside the braces trim nothing", trimmed)
    formatted = _FORMAT.fullmatch(text)
    if formatted is not None:
        return _without(hole, "a hole has no format: values are inserted as they are", formatted["path"])
    return None


def _without_dashes(text: str) -> str:
    """`new.a` of `- new.a -`."""
    left = text[1:].lstrip() if text[:1] in ("-", "~") and text[1:2].isspace() else text
    return left[:-1].rstrip() if left[-1:] in ("-", "~") and left[-2:-1].isspace() else left


def _without(hole: Hole, message: str, expression: str) -> Finding:
    mend = f"{{{{ {expression} }}}}"
    return Finding("RE302", message, hole.start, hole.end - hole.start, f"write: {mend}", fix=mend)
