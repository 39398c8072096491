"""`*` and `?` against text, in time linear in the text.

A pattern is cut at its stars. The first and the last piece are fixed in place; each piece between them goes
to the leftmost place where it fits, which is never wrong because a star takes whatever is left. A piece
without `?` is found by `str.find`; with `?` by Shift-And, whose state is one number with a bit for every
character of the piece. Regular expressions were left: `*a*a*a*b` makes them try every split of the text.
"""

from __future__ import annotations

MAX_PATTERN = 1_000
"""Characters of a pattern: it bounds the width of the state, and so the time for one character of text."""


def matches(text: str, pattern: str) -> bool:
    """Whether the whole of `text` is as `pattern` says."""
    first, *middle = pattern.split("*")
    if not middle:
        return len(text) == len(first) and _fits(text, 0, first)
    last = middle.pop()
    end = len(text) - len(last)
    if end < len(first) or not _fits(text, 0, first) or not _fits(text, end, last):
        return False
    position = len(first)
    for piece in middle:
        found = _find(text, piece, position, end)
        if found < 0:
            return False
        position = found + len(piece)
    return True


def _fits(text: str, start: int, piece: str) -> bool:
    if "?" not in piece:
        return text.startswith(piece, start)
    return all(wanted in ("?", text[start + offset]) for offset, wanted in enumerate(piece))


def _find(text: str, piece: str, start: int, end: int) -> int:
    """The first place of `piece` within `text[start:end]`, or -1."""
    if "?" not in piece:
        return text.find(piece, start, end)
    anything = sum(1 << offset for offset, wanted in enumerate(piece) if wanted == "?")
    places = dict.fromkeys(piece, anything)
    for offset, wanted in enumerate(piece):
        places[wanted] |= 1 << offset
    complete = 1 << (len(piece) - 1)
    state = 0
    for position in range(start, end):
        # Bit n is set where the last n + 1 characters fit the first n + 1 of the piece.
        state = (state << 1 | 1) & places.get(text[position], anything)
        if state & complete:
            return position - len(piece) + 1
    return -1
