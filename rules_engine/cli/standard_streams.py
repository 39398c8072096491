"""Standard input, output and error as commands count on them, however the process was started.

What goes into a file or a pipe is UTF-8, as its readers take it to be and as XML and JSON say. Windows, and
a shell with an old locale, would have written another encoding, up to the first character that it lacks. A
terminal keeps its own, and gets an escape for what it cannot show. A stream that is closed is an empty one:
Python has none in its place, which everything that reads or writes would have to know.
"""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path


def prepare_standard_streams() -> None:
    """To be called once, before anything is read or written."""
    if sys.stdin is None:
        sys.stdin = _nothing("r")
    if sys.stdout is None:
        sys.stdout = _nothing("w")
    if sys.stderr is None:
        sys.stderr = _nothing("w")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            encoding = stream.encoding if stream.isatty() else "utf-8"
            stream.reconfigure(encoding=encoding, errors="backslashreplace")


def _nothing(mode: str) -> io.TextIOWrapper:
    stream = Path(os.devnull).open(mode, encoding="utf-8")  # noqa: SIM115 - for as long as the process
    assert isinstance(stream, io.TextIOWrapper)
    return stream
