"""One log entry as one line of JSON.

`log_line` makes the text: `level` and `message` first, then the fields in the order given, at most 8 KiB.
In a longer entry the longest values become texts that are cut, and `"truncated": true` says so.
`write_line` prints it; whoever logs takes it as an argument. The logging module was left: inside Lambda its
root handler belongs to the runtime, which adds its own prefix or wraps the text in JSON again.
"""

from __future__ import annotations

import sys
from bisect import bisect_right
from typing import Any

from rules_engine.exact_json import dumps

LIMIT_BYTES = 8192
"""With the newline. Longer events make a log query slow and a log bill large."""


def log_line(level: str, message: str, **fields: Any) -> str:
    """The line, without its newline. Raises ValueError or TypeError for what JSON cannot hold."""
    entry = {"level": level, "message": message, **fields}
    line = dumps(entry)
    while (excess := len(line.encode()) + 1 - LIMIT_BYTES) > 0:
        # Set before cutting, so the room it takes is part of what has to go.
        entry["truncated"] = True
        longest = max(entry, key=lambda name: _size(entry[name]))
        value = entry[longest]
        # A value that becomes a text grows by its quotes' escapes; the next round cuts that.
        entry[longest] = _cut(value, _size(value) - excess) if isinstance(value, str) else dumps(value)
        line = dumps(entry)
    return line


def _size(value: Any) -> int:
    return len(dumps(value).encode())


def _cut(text: str, size: int) -> str:
    """The longest start of `text` that takes at most `size` bytes as JSON; nothing if none does."""
    fitting = bisect_right(range(len(text)), size, key=lambda end: _size(text[:end]))
    return text[: max(0, fitting - 1)]


def write_line(line: str) -> None:
    """Print the line in one piece: in Lambda each write may become an entry of its own."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
