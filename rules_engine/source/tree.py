"""Nodes: the values of a rule file with the places they were written at.

A `SourceFile` holds the text and turns offsets (characters from 0) into `Location`s; a `Node` is a scalar, a
mapping or a sequence between two offsets. Nodes are built once by the reader and then only read, but for what
a check has reported: a node becomes `broken`, a misspelt key is read as what was meant.
"""

from __future__ import annotations

from bisect import bisect_right
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

from rules_engine.errors import Fix, Location, Problem, Severity
from rules_engine.source.spans import Origins, origins

if TYPE_CHECKING:
    from collections.abc import Mapping

Kind = Literal["scalar", "mapping", "sequence"]


_NO_KEYS: dict[str, Node] = {}
"""Of everything that is no mapping: a dictionary for each scalar would take longer than all else."""


_LONGEST_SENTENCE = 600


def _in_brief(sentence: str) -> str:
    """One line, and not a mebibyte, whatever is quoted in it."""
    if len(sentence) > _LONGEST_SENTENCE:
        sentence = f"{sentence[:200]}...{sentence[-200:]}"
    return sentence.replace("\n", " ")


class SourceFile:
    """The text of one file, line ends made `\\n`."""

    __slots__ = ("_last_line", "_last_places", "_line_starts", "path", "text")

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.text = text
        self._line_starts: list[int] | None = None
        # Many problems of one long line, or of one long text, come one after another.
        self._last_line = (0, "")
        self._last_places: tuple[Node | None, Origins | None] = (None, None)

    def location(self, start: int, end: int | None = None) -> Location:
        """The place of `text[start:end]`, cut at the end of its first line; at least one character long."""
        starts = self._starts()
        number = bisect_right(starts, start)
        begin = starts[number - 1]
        line_end = starts[number] - 1 if number < len(starts) else len(self.text)
        length = 1 if end is None else min(end, line_end) - start
        return Location(self.path, number, start - begin + 1, max(1, length))

    def line(self, number: int) -> str:
        """The text of line `number` (from 1), without its end."""
        starts = self._starts()
        if not 1 <= number <= len(starts):
            return ""
        if self._last_line[0] != number:
            end = starts[number] - 1 if number < len(starts) else len(self.text)
            self._last_line = (number, self.text[starts[number - 1] : end])
        return self._last_line[1]

    def places(self, node: Node) -> Origins | None:
        """Where each character of the text `node` was written, counted from its start."""
        if self._last_places[0] is not node:
            self._last_places = (node, origins(self.text[node.start : node.end], node.style, node.value))
        return self._last_places[1]

    def offset(self, line: int, column: int) -> int:
        """The offset of a place; the opposite of `location`."""
        return self._starts()[line - 1] + column - 1

    def problem(
        self,
        code: str,
        message: str,
        location: Location,
        hint: str | None = None,
        *,
        severity: Severity = "error",
        related: tuple[tuple[Location, str], ...] = (),
        fix: Fix | None = None,
    ) -> Problem:
        """A problem of this file, with the text of its line. What quotes a long text is shortened."""
        brief = None if hint is None else _in_brief(hint)
        line = self.line(location.line)
        return Problem(code, _in_brief(message), location, severity, brief, line, related, fix)

    def _starts(self) -> list[int]:
        if self._line_starts is None:
            starts = [0]
            at = self.text.find("\n")
            while at != -1:
                starts.append(at + 1)
                at = self.text.find("\n", at + 1)
            self._line_starts = starts
        return self._line_starts


class Node:
    """One value. `value` is a Python scalar, a dict of `Node` or a list of `Node`, as `kind` says.

    `keys` are the key nodes of a mapping. `style` is how a scalar was written: `''` plain, `'`, `"`, `|` or
    `>`; for a collection `flow` or `block`. A node is `broken` if a problem was already reported for it:
    nothing more is to be said about it.
    """

    __slots__ = ("broken", "end", "keys", "kind", "source", "start", "style", "value")

    def __init__(
        self,
        source: SourceFile,
        kind: Kind,
        value: Any,
        start: int,
        end: int,
        style: str,
        *,
        broken: bool = False,
    ) -> None:
        self.source = source
        self.kind: Kind = kind
        self.value = value
        self.start = start
        self.end = end
        self.style = style
        self.broken = broken
        self.keys: dict[str, Node] = {} if kind == "mapping" else _NO_KEYS

    @property
    def location(self) -> Location:
        """Where the node begins, as long as its first line."""
        return self.source.location(self.start, self.end)

    def get(self, key: str) -> Node | None:
        """The value under `key`; None where there is none or this is no mapping."""
        return self.value.get(key) if self.kind == "mapping" else None

    def rename(self, names: Mapping[str, str]) -> None:
        """Reads entries under other keys from here on: those that were meant, after each was reported. The
        key nodes stay what was written."""
        self.value = {names.get(key, key): value for key, value in self.value.items()}
        self.keys = {names.get(key, key): node for key, node in self.keys.items()}

    def entries(self) -> list[tuple[str, Node]]:
        """The entries of a mapping; none of anything else."""
        return list(self.value.items()) if self.kind == "mapping" else []

    def items(self) -> list[Node]:
        """The elements of a sequence; none of anything else."""
        return list(self.value) if self.kind == "sequence" else []

    def plain(self) -> Any:
        """The value as plain Python data."""
        if self.kind == "mapping":
            return {key: node.plain() for key, node in self.value.items()}
        if self.kind == "sequence":
            return [node.plain() for node in self.value]
        return self.value

    def describe(self) -> str:
        """What this is, in a rule author's words: `a list`, `the text 'x'`."""
        if self.kind != "scalar":
            return "a mapping" if self.kind == "mapping" else "a list"
        if self.value is None:
            return "empty"
        if isinstance(self.value, bool):
            return "true" if self.value else "false"
        if isinstance(self.value, int | Decimal):
            return "a number"
        return "text"

    def written(self) -> str:
        """A text as it is read, for a block of lines is written otherwise; anything else as it is written."""
        if isinstance(self.value, str):
            return self.value.strip("\n")
        return self.source.text[self.start : self.end]

    def locate(self, start: int, length: int = 1) -> Location:
        """The place of `value[start:start + length]` of a text, cut at the end of its first line in the file.

        `start == len(value)` is the place just behind the text.
        """
        if not isinstance(self.value, str):
            return self.location
        places = self.source.places(self)
        if places is None or not 0 <= start <= len(self.value):
            return self.location
        if start == len(self.value):
            behind = places[-1][1] if places else min(len(self.style), 1)
            return self.source.location(self.start + behind)
        last = min(start + max(length, 1), len(self.value)) - 1
        return self.source.location(self.start + places[start][0], self.start + places[last][1])
