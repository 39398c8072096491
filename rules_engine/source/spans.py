"""Which characters of a file made which characters of a scalar's value.

In: the source text of one scalar from its first to behind its last character, how it was written, and the
value the parser made of it. Out: for every character of the value the (start, end) of its source, counted
from the scalar's start. An offset inside an expression thus becomes line and column of the file, through
escapes, doubled quotes, folded lines and block indentation. Guessing a column by searching the line for the
text was left: it points at the wrong one of two equal words and at nothing in a folded or escaped text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

Origins = list[tuple[int, int]]

_HEX_ESCAPES = {"x": 2, "u": 4, "U": 8}


def origins(raw: str, style: str, value: str) -> Origins | None:
    """One (start, end) for each character of `value`; None if `raw` does not spell `value`."""
    if style == "":
        spelled = _folded(raw, 0, len(raw.rstrip(" \t\n")), quote="")
    elif style in ("'", '"'):
        spelled = _folded(raw, 1, len(raw) - 1, quote=style)
    else:
        return _block(raw, style, value)
    return spelled if len(spelled) == len(value) else None


def _folded(raw: str, at: int, end: int, quote: str) -> Origins:
    """Plain and quoted scalars, whose line ends become a space or, after an empty line, line ends."""
    found: Origins = []
    while at < end:
        character = raw[at]
        if character in " \t\n":
            behind = at
            while behind < end and raw[behind] in " \t\n":
                behind += 1
            found.extend(_white(raw, at, behind))
            at = behind
        elif character == "'" and quote == "'":
            found.append((at, at + 2))
            at += 2
        elif character == "\\" and quote == '"':
            if raw[at + 1 : at + 2] == "\n":
                at = _escaped_line_end(raw, at + 2, end, found)
                continue
            width = 2 + _HEX_ESCAPES.get(raw[at + 1 : at + 2], 0)
            found.append((at, at + width))
            at += width
        else:
            found.append((at, at + 1))
            at += 1
    return found


def _white(raw: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """White space between two words: kept within a line, folded around line ends."""
    breaks = [at for at in range(start, end) if raw[at] == "\n"]
    if not breaks:
        yield from ((at, at + 1) for at in range(start, end))
    else:
        yield from ((at, at + 1) for at in (breaks[1:] or breaks))


def _escaped_line_end(raw: str, at: int, end: int, found: Origins) -> int:
    """A backslash before a line end joins the lines; further empty lines count. Returns where to go on."""
    while at < end and raw[at] in " \t\n":
        if raw[at] == "\n":
            found.append((at, at + 1))
        at += 1
    return at


def _block(raw: str, style: str, value: str) -> Origins | None:
    """Literal and folded block scalars.

    How deep the block is indented need not be worked out again: of the few depths that its first line allows,
    the one that spells the value is the right one.
    """
    header, found_line_end, _ = raw.partition("\n")
    if not found_line_end:
        return [] if value == "" else None
    lines = _lines(raw, len(header) + 1)
    deepest = next((_indent(raw, start, end) for start, end in lines if raw[start:end].strip(" ")), 0)
    for depth in range(deepest, 0, -1):
        spelled = _unfold(raw, lines, depth, folded=style == ">")
        text = "".join(character for _, _, character in spelled)
        if text.startswith(value) and not text[len(value) :].strip("\n"):
            return [(start, end) for start, end, _ in spelled[: len(value)]]
    return [] if value == "" else _only_line_ends(raw, lines, value)


def _only_line_ends(raw: str, lines: list[tuple[int, int]], value: str) -> Origins | None:
    """A block of empty lines whose line ends were kept."""
    ends = [(end, end + 1) for _, end in lines if end < len(raw)]
    return ends[: len(value)] if value.strip("\n") == "" and len(ends) >= len(value) else None


def _lines(raw: str, at: int) -> list[tuple[int, int]]:
    found = []
    while at < len(raw):
        end = raw.find("\n", at)
        end = len(raw) if end == -1 else end
        found.append((at, end))
        at = end + 1
    return found


def _indent(raw: str, start: int, end: int) -> int:
    return end - start - len(raw[start:end].lstrip(" "))


def _unfold(
    raw: str, lines: list[tuple[int, int]], depth: int, *, folded: bool
) -> list[tuple[int, int, str]]:
    """(start, end, character) of a block indented by `depth`, all its line ends kept."""
    spelled: list[tuple[int, int, str]] = []
    pending: list[int] = []
    """Line ends since the last line with text on it."""
    after_blank = True
    """Whether the last line with text on it began with white space: its line end is not folded."""
    for start, end in lines:
        begin = min(start + depth, end)
        if not raw[begin:end]:
            pending.append(end)
            continue
        blank = raw[begin] in " \t"
        if spelled and folded and not blank and not after_blank:
            kept = pending[1:]
            if not kept:
                spelled.append((pending[0], pending[0] + 1, " "))
            pending = kept
        spelled.extend((at, at + 1, "\n") for at in pending)
        spelled.extend((at, at + 1, raw[at]) for at in range(begin, end))
        pending = [end]
        after_blank = blank
    spelled.extend((at, min(at + 1, len(raw)), "\n") for at in pending)
    return spelled
