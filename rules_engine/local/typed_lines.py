"""`TypedLines`: the lines of standard input as they come, for a loop that never waits for them.

A thread reads the file descriptor itself: one that sits in Python's own buffered reader when the process ends
makes the interpreter abort. Where the input ends, no more lines come, and nothing else changes: `dev` may
well be started with an input that is empty or a file.
"""

from __future__ import annotations

import contextlib
import os
import threading
from queue import Empty, SimpleQueue

_MOST_BYTES = 65_536


class TypedLines:
    """Reads `descriptor` from now on."""

    def __init__(self, descriptor: int) -> None:
        self._lines: SimpleQueue[str] = SimpleQueue()
        threading.Thread(target=self._read, args=(descriptor,), daemon=True).start()

    def taken(self) -> list[str]:
        """The whole lines that have come since the last call; the last one also where it has no end."""
        lines: list[str] = []
        with contextlib.suppress(Empty):
            while True:
                lines.append(self._lines.get_nowait())
        return lines

    def _read(self, descriptor: int) -> None:
        waiting = b""
        with contextlib.suppress(OSError):  # the input is closed, or a terminal that has gone
            while data := os.read(descriptor, _MOST_BYTES):
                *lines, waiting = (waiting + data).split(b"\n")
                for line in lines:
                    self._lines.put(line.decode(errors="replace"))
        if waiting:
            self._lines.put(waiting.decode(errors="replace"))
