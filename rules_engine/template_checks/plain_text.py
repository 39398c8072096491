"""Text outside of holes that was meant as a hole.

In: a string of an action's config. Out: findings for what other template languages fill in and what is sent
as it stands here: `{keys.id}`, `<%= new.a %>`, `{% if ... %}`, `$.new.a`, a path that is the whole text. Each
of them could be meant as text, though hardly anybody means it so; the hints say how that is written.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rules_engine.errors import Finding
from rules_engine.template import Hole, Reference, scan

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_PATH = r"(?:keys|new|old|vars|lists)(?:\.[A-Za-z_]\w*|\.\"[^\"{}]+\"|\[[0-9]+\])+"
_FIELD = r"eventName|eventID|awsRegion|createdAt|sequenceNumber"

_MEANT_AS_A_HOLE = re.compile(
    rf"""
      [#$%@]?\{{\s*(?P<braces>{_PATH}|{_FIELD})\s*(?:[:!][^{{}}]*)?\}}
    | \{{\s*(?P<call>[a-z_]+\([^{{}}]*\b(?:keys|new|old)\.[^{{}}]*\)|{_PATH}\s*\|[^{{}}:]*?)\s*\}}\}}?
    | <%=?\s*(?P<percent>{_PATH}|{_FIELD})\s*-?%>
    | <(?P<angles>{_PATH})>
    | (?P<statement>\{{%[^{{}}%]{{0,200}}%\}})
    | (?P<comment>\{{\#[^{{}}\#]{{0,200}}\#\}})
    | \$\.?(?P<dollar>(?:keys|new|old)\.[A-Za-z_]\w*(?:\.[A-Za-z_]\w*|\[[0-9]+\])*)
    """,
    re.VERBOSE | re.DOTALL,
)
_WHOLE = re.compile(rf"(?:@\.)?(?P<path>{_PATH})")
_SHELL_VARIABLE = re.compile(r"\$([A-Z][A-Z0-9_]{2,})")
_SUSPECT = re.compile(r"[{}<$]|^\s*(?:@\.)?(?:keys|new|old|vars|lists)[.\[]")

_STATEMENTS = {
    "for": "a list becomes text by join: {{ join(', ', new.items[*].sku) }}",
    "set": "a constant stands under 'vars' of the file: {{ vars.NAME }}",
}
NO_STATEMENTS = "is no hole: there are no statements"
CHOICE = "a hole chooses by && and ||: {{ new.gift && 'a gift' || 'no gift' }}"


def is_suspect(text: str) -> bool:
    """Whether it is worth while to look at a text; nearly all have nothing of the kind."""
    return _SUSPECT.search(text) is not None


def check_plain_text(text: str) -> Iterator[Finding]:
    """What outside of the holes of `text` was meant as one; positions are characters of it."""
    whole, variable = _WHOLE.fullmatch(text.strip()), _SHELL_VARIABLE.fullmatch(text)
    if whole is not None:
        yield _bare_path(text, whole["path"])
        return
    if variable is not None:
        meant = f"${{{variable[1]}}}"
        hint = f"a variable of the function has braces; write: {meant}"
        yield Finding("RE305", f"'{text}' is no reference", 0, len(text), hint, fix=meant)
        return
    pieces = list(_plain_pieces(text))
    if (closing := _closes_no_hole(pieces)) is not None:
        yield closing
    for start, piece in pieces:
        for match in _MEANT_AS_A_HOLE.finditer(piece):
            yield (finding := _finding(match, start))
            if has_statement([finding]):
                return  # its end, and what stands between


def _closes_no_hole(pieces: list[tuple[int, str]]) -> Finding | None:
    """`new.status }}`: more braces are closed than opened, as they never are in JSON."""
    closed = [(start, piece) for start, piece in pieces if "}}" in piece]
    balance = sum(piece.count("{") - piece.count("}") for _, piece in pieces)
    if not closed or balance >= 0 or any(_MEANT_AS_A_HOLE.search(piece) for _, piece in pieces):
        return None
    start, piece = closed[-1]
    hint = "a hole begins with '{{': write it before the expression"
    return Finding("RE302", "'}}' ends no hole", start + piece.rindex("}}"), 2, hint, "warning")


def has_statement(findings: Iterable[Finding]) -> bool:
    """Whether a text has statements: what its holes mean is for them to say, so they are not checked."""
    return any(finding.message.endswith(NO_STATEMENTS) for finding in findings)


def _plain_pieces(text: str) -> Iterator[tuple[int, str]]:
    """The pieces outside of holes and references, with where they begin."""
    at = 0
    for part in scan(text):
        if isinstance(part, str):
            yield at, part
            at += len(part)
        elif isinstance(part, Hole):
            at = part.end
        elif isinstance(part, Reference):
            at += len(part.text) + len("${}")
        else:
            at = part.start + part.length
            if part.code == "RE302" and part.length == len("{{"):
                return  # a hole that is never closed takes the rest


def _finding(match: re.Match[str], start: int) -> Finding:
    begin, length = start + match.start(), len(match[0])
    shown = match[0] if length <= 40 else f"{match[0][:37]}..."
    if match["statement"] is not None:
        word = re.match(r"\{%-?\s*(\w*)", match[0])
        hint = _STATEMENTS.get(word[1], CHOICE) if word is not None else CHOICE
        return Finding("RE302", f"'{shown}' {NO_STATEMENTS}", begin, length, hint)
    if match["comment"] is not None:
        hint = "a comment stands behind ' #' outside of the text"
        return Finding("RE302", f"'{shown}' is sent as it stands: there are no comments", begin, length, hint)
    path = match["braces"] or match["call"] or match["percent"] or match["angles"] or match["dollar"]
    hole = f"{{{{ {path} }}}}"
    hint = f"a hole has two braces on each side; write: {hole}"
    if match["dollar"] is not None:
        return Finding("RE302", f"'{shown}' is sent as it stands", begin, length, hint, "warning")
    return Finding("RE302", f"'{shown}' is sent as it stands", begin, length, hint, fix=hole)


def _bare_path(text: str, path: str) -> Finding:
    message = f"'{path}' is sent as it stands: a path is filled in only between braces"
    hint = f'write: "{{{{ {path} }}}}"'
    return Finding("RE302", message, 0, len(text), hint, "warning")
