"""What a GitHub Actions runner reads: annotations as commands in the log, Markdown for the job summary.

In: annotations as values. Out: lines for standard output. GitHub shows ten of each level for a step and
drops the others without a word, so `within_limit` parts them beforehand. Data and properties are escaped
as the runner decodes them: neither a file name nor a message can end its command or begin another.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_OF_A_LEVEL = 10
"""Annotations of one level that GitHub shows for one step."""

MOST_SUMMARY_BYTES = 1_000_000
"""GitHub refuses the whole summary of a step when it has more than 1 MiB."""

_DATA = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_PROPERTY = _DATA | str.maketrans({":": "%3A", ",": "%2C"})

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Annotation:
    """`path` is that in the repository; columns count from 1, `end_column` is behind the last one."""

    level: Literal["error", "warning"]
    title: str
    message: str
    path: str
    line: int
    column: int
    end_column: int


def within_limit(items: Sequence[Item], levels: Sequence[str]) -> tuple[list[Item], list[Item]]:
    """(what GitHub shows, what it would drop); `levels` are those of the items."""
    seen: Counter[str] = Counter()
    shown: list[Item] = []
    dropped: list[Item] = []
    for item, level in zip(items, levels, strict=True):
        seen[level] += 1
        (shown if seen[level] <= MOST_OF_A_LEVEL else dropped).append(item)
    return shown, dropped


def command(annotation: Annotation) -> str:
    """The annotation as one line."""
    properties = {
        "file": annotation.path,
        "line": annotation.line,
        "endLine": annotation.line,
        "col": annotation.column,
        "endColumn": annotation.end_column,
        "title": annotation.title,
    }
    listed = ",".join(f"{key}={str(value).translate(_PROPERTY)}" for key, value in properties.items())
    return f"::{annotation.level} {listed}::{annotation.message.translate(_DATA)}"


def error_command(title: str, message: str) -> str:
    """An annotation of an error that has no place in a file."""
    return f"::error title={title.translate(_PROPERTY)}::{message.translate(_DATA)}"


def log_line(text: str) -> str:
    """One line of the log that the runner takes for no command, wherever its text comes from."""
    # A runner finds commands of the old form anywhere in a line, and those of the new one at its beginning.
    harmless = text.replace("##[", "## [")
    return f"| {harmless}" if harmless.lstrip().startswith("::") else harmless
