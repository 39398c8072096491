"""Document paths of DynamoDB (`a.b[0]`) <-> their parts.

`parse_path` takes a path as an author writes it and gives its names and list positions, or None where it is
no path. `UpdateNames` writes paths the only safe way: each name by a placeholder, so a reserved word or an
odd character in a name can never change what an update does. Names that hold a dot or a bracket cannot be
written.
"""

from __future__ import annotations

import re

Path = tuple[str | int, ...]

_is_path = re.compile(r"[^.\[\]]+(?:\[[0-9]+\])*(?:\.[^.\[\]]+(?:\[[0-9]+\])*)*").fullmatch
_part = re.compile(r"([^.\[\]]+)|\[([0-9]+)\]")


def parse_path(text: str) -> Path | None:
    """`a.b[0]` is ("a", "b", 0)."""
    if not _is_path(text):
        return None
    return tuple(match[1] or int(match[2]) for match in _part.finditer(text))


def overlap(one: Path, other: Path) -> bool:
    """Whether one path is the other or leads to it: DynamoDB refuses an update that holds both."""
    shared = min(len(one), len(other))
    return one[:shared] == other[:shared]


class UpdateNames:
    """Placeholders for the names of one update; `names` is its ExpressionAttributeNames."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}

    def write(self, path: Path) -> str:
        """The path as an update expression has it: `#n0.#n1[0]`."""
        text = ""
        for part in path:
            if isinstance(part, int):
                text += f"[{part}]"
            else:
                text += f".{self._placeholder(part)}" if text else self._placeholder(part)
        return text

    def _placeholder(self, name: str) -> str:
        for placeholder, known in self.names.items():
            if known == name:
                return placeholder
        placeholder = f"#n{len(self.names)}"
        self.names[placeholder] = name
        return placeholder
