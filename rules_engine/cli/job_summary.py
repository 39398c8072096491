"""The Markdown that GitHub shows on the page of a job, where a runner asks for it.

In: a title and the rows of a table. Out: a text of at most about so many bytes, appended to the file that
the runner names. GitHub drops a summary that is too large as a whole, so rows that do not fit are counted.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from rules_engine.cli.formats import write_file
from rules_engine.cli.github import MOST_SUMMARY_BYTES
from rules_engine.cli.markdown import escaped
from rules_engine.cli.report import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Row = tuple[str, ...]
"""Cells, in Markdown."""


def append_summary(render: Callable[[int], str]) -> None:
    """Appends what `render` makes of the bytes that are left, where the runner has a summary."""
    path = os.environ.get("GITHUB_STEP_SUMMARY")
    if not path:
        return
    taken = Path(path).stat().st_size if Path(path).exists() else 0
    write_file(path, render(MOST_SUMMARY_BYTES - taken), "a")


def summary(good: bool, title: str, head: Row, rows: Sequence[Row], most_bytes: int) -> str:
    """A heading with a mark, and below it a table of what rows there are."""
    text = f"### {'✅' if good else '❌'} {title}\n\n"
    if not rows:
        return text
    lines = [text, f"{_line(head)}|{'---|' * len(head)}\n"]
    size = sum(len(line.encode()) for line in lines)
    for number, row in enumerate(rows):
        line = _line(row)
        size += len(line.encode())
        if size > most_bytes:
            lines.append(f"\n{len(rows) - number} more are in the log.\n")
            break
        lines.append(line)
    return "".join([*lines, "\n"])


def place(path: str, line: int, column: int, environ: Mapping[str, str]) -> str:
    """A cell with the place in the repository; a link, where the runner says which commit it is."""
    where = escaped(visible(f"{path}:{line}:{column}"))
    names = ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_SHA")
    server, repository, commit = (environ.get(name) for name in names)
    if server and repository and commit:
        return f"[{where}]({server}/{repository}/blob/{commit}/{quote(os.fsencode(path))}#L{line})"
    return where


def _line(row: Row) -> str:
    return f"| {' | '.join(row)} |\n"
