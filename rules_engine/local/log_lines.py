"""The JSON lines in a function's output, and those among them that say that a record failed.

Lines end with a line feed and nothing else: U+2028 and its like may stand in a value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rules_engine import exact_json

if TYPE_CHECKING:
    from collections.abc import Iterator


def entries(text: str) -> Iterator[dict[str, Any]]:
    """Each line that is a JSON object (a line may be half written still)."""
    for line in text.split("\n"):
        yield from _entry(line)


def failures(text: str) -> list[str]:
    """The lines in which a function says that a record failed."""
    return [
        line
        for line in text.split("\n")
        for entry in _entry(line)
        if "record" in entry and entry["level"] == "ERROR"
    ]


def _entry(line: str) -> Iterator[dict[str, Any]]:
    if line.startswith("{"):
        try:
            entry: dict[str, Any] = exact_json.loads(line)
        except ValueError:
            return
        yield entry
