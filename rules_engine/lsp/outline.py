"""What keys a rule file has and where, read so that no text is too broken for it.

In: the text of a file, and perhaps the place of a cursor in it. Out: an `Outline`: an `Entry` for each key,
and the `Place` of the cursor: whether a key or a value stands there, and below which keys. The tree of
`source` was left: while an author types, most states of a file are no YAML, and a parser that stops at the
first mistake knows nothing of the place behind it. Lines, indentation and brackets still say where one is.

Nothing here decides whether a file is right: that is the loader's, whose word is shown beside it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

Role = Literal["key", "value", "either"]

Path = tuple[str | None, ...]
"""Keys from the top; None is an element of a list."""

LINE_END = re.compile(r"\r\n|\r|\n")

_KEY = re.compile(r"""("[^"]*"|'[^']*'|[^\s#:,\[\]{}"'&*!|>%@`-][^:#]*?)[ \t]*:(?=[ \t]|$)""")
_BLOCK_TEXT = re.compile(r"[|>][-+0-9]*")
_COMMENT = re.compile(r"(?:^|[ \t])#.*$")
_PLAIN = re.compile(r"[^\"'#{}\[\],: \t]+")
"""In brackets: what only makes a word longer."""
_IN_FLOW = 1_000_000
"""Column of what stands in brackets: no indentation ends it."""


class Entry(NamedTuple):
    """A key in the mapping at `path`. `line` and columns count from 0, in characters.

    `value` is what stands behind it on its line, without quotes; `mapping` tells a file's mappings apart.
    """

    path: Path
    mapping: int
    key: str
    line: int
    start: int
    end: int
    value: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where the cursor is. `before` is what stands between `start`, a column of its line, and the cursor.

    At a `key`, `path` leads to the mapping it would stand in, at a `value` to the value; `either` is a word
    that may become one or the other. `mappings[i]` is the mapping in the value at `path[:i]`.
    """

    path: Path
    mappings: tuple[int, ...]
    role: Role
    before: str
    start: int
    in_flow: bool = False


@dataclass(slots=True)
class Outline:
    """The keys of a file in their order, and the place that was asked for."""

    entries: list[Entry] = field(default_factory=list)
    place: Place | None = None

    def keys_of(self, mapping: int) -> dict[str, Entry]:
        """What stands in one mapping."""
        return {entry.key: entry for entry in self.entries if entry.mapping == mapping}

    def at(self, line: int, column: int) -> Entry | None:
        """The entry whose key stands at a place."""
        found = (e for e in self.entries if e.line == line and e.start <= column <= e.end)
        return next(found, None)

    def find(self, *path: str | None) -> Entry | None:
        """The first entry at a path whose last element is its key."""
        found = (entry for entry in self.entries if (*entry.path, entry.key) == path)
        return next(found, None)


def read_outline(text: str, line: int = -1, column: int = -1) -> Outline:
    """The outline of `text`, with the place at `line` and `column`, which count from 0 in characters."""
    return _Scanner((line, column)).read(LINE_END.split(text))


@dataclass(slots=True)
class _Frame:
    """A key, or an element of a list (`name` is None), whose value is being read."""

    column: int
    name: str | None
    inner: int = -1
    """The mapping in its value, if it has one."""


@dataclass(slots=True)
class _Bracket:
    """An open `[` or `{`, in which perhaps a key waits for its value."""

    kind: str
    has_key: bool = False


class _Scanner:
    """Reads line by line; `frames` lead from the top to what is being read."""

    def __init__(self, cursor: tuple[int, int]) -> None:
        self.cursor_line, self.cursor = cursor
        self.outline = Outline()
        self.frames = [_Frame(-1, None)]
        self.mappings = 0
        self.number = 0
        self.brackets: list[_Bracket] = []
        self.text_below: int | None = None
        """In a text of several lines: the column of its key, deeper than which it stands."""
        self.word: tuple[int, int] | None = None
        """In brackets: from where to where the word goes that is being read."""

    def read(self, lines: list[str]) -> Outline:
        for self.number, line in enumerate(lines):
            here = self.number == self.cursor_line
            self.cursor = min(self.cursor, len(line)) if here else self.cursor
            self._line(line, here)
        return self.outline

    def _line(self, line: str, here: bool) -> None:
        column = _past_spaces(line, 0)
        blank = column == len(line) or line[column] == "#"
        if self.text_below is not None:
            if blank or column > self.text_below:
                self._line_of_text(line, column, here)
                return
            self.text_below = None
        if self.brackets:
            if blank or not self._is_outside(line, column):
                self._flow(line, 0, here)
                return
            self._leave_brackets()
        if here and self.cursor <= column:
            # Nothing stands left of the cursor; what follows it stands where it stood.
            self._set_place("either", line, self.cursor, self._above(self.cursor, self.cursor))
        if not blank:
            self._block(line, column, here)

    def _line_of_text(self, line: str, column: int, here: bool) -> None:
        assert self.text_below is not None
        if here and self.cursor > self.text_below:
            self._set_place("value", line, min(column, self.cursor), self.frames)
        elif here:
            self._set_place("either", line, self.cursor, self._above(self.cursor, self.cursor))

    def _block(self, line: str, column: int, here: bool) -> None:
        """A line outside of brackets: `- ` as often as it has it, then a key, or a value that goes on."""
        while line[column : column + 1] == "-" and line[column + 1 : column + 2] in ("", " ", "\t"):
            self.frames = [*self._above(column + 1, column), _Frame(column, None)]
            column = _past_spaces(line, column + 1)
        key = _KEY.match(line, column)
        self.frames = self._above(column, column)
        if key is None:
            self._value(line, column, "either", here)
            return
        if here and column <= self.cursor <= key.end(1):
            self._set_place("key", line, column, self.frames)
        self._push(_unquoted(key[1]), column, key.end(1), column)
        self._value(line, key.end(), "value", here)

    def _value(self, line: str, column: int, role: Role, here: bool) -> None:
        """What stands behind a key or a dash."""
        start = _past_spaces(line, column)
        text = _COMMENT.sub("", line[start:]).rstrip()
        opens = text[:1] in ("{", "[") and not text.startswith("{{")
        if here and self.cursor >= column and (not opens or self.cursor <= start):
            self._set_place(role, line, min(start, self.cursor), self.frames)
        if role == "value":
            self._set_value(text)
        if opens:
            self._flow(line, start, here)
        elif _BLOCK_TEXT.fullmatch(text) or (text[:1] in ("'", '"') and text.count(text[0]) % 2 == 1):
            self.text_below = self.frames[-1].column

    # Inside of brackets.

    def _is_outside(self, line: str, column: int) -> bool:
        """Whether a line can only stand behind a bracket that was never closed."""
        outer = [frame.column for frame in self.frames if frame.column < _IN_FLOW][-1]
        return column <= outer and (bool(_KEY.match(line, column)) or line.startswith("- ", column))

    def _leave_brackets(self) -> None:
        self.brackets.clear()
        self.frames = [frame for frame in self.frames if frame.column < _IN_FLOW]

    def _flow(self, line: str, column: int, here: bool) -> None:
        """`line` from `column` on until the outermost bracket is closed or the line ends."""
        while column < len(line):
            if here and column == self.cursor:
                self._set_flow_place(line)
            if not here and (plain := _PLAIN.match(line, column)):
                column = plain.end()
                self.word = (self.word[0] if self.word else plain.start(), column)
                continue
            if line[column] in "\"'":
                column = self._quoted(line, column, here)
                continue
            if line[column] == "#" and line[column - 1 : column] in ("", " ", "\t"):
                break
            self._flow_character(line, column)
            column += 1
            if not self.brackets:
                return
        if here:
            self._set_flow_place(line)
        self._end_word(line)

    def _flow_character(self, line: str, column: int) -> None:
        character = line[column]
        if character in "{[":
            self.word = None
            self.brackets.append(_Bracket(character))
            if character == "[":
                self.frames.append(_Frame(_IN_FLOW, None))
        elif character in "}],":
            self._end_word(line)
            bracket = self.brackets[-1]
            if bracket.kind == "[" or bracket.has_key:
                self.frames.pop()
            bracket.has_key = False
            if character != ",":
                self.brackets.pop()
            elif bracket.kind == "[":
                self.frames.append(_Frame(_IN_FLOW, None))
        elif character == ":" and self._is_behind_key(line, column):
            assert self.word is not None
            start, end = self.word
            self._push(_unquoted(line[start:end]), start, end, _IN_FLOW)
            self.brackets[-1].has_key = True
            self.word = None
        elif character not in " \t":
            self.word = (self.word[0] if self.word else column, column + 1)

    def _is_behind_key(self, line: str, column: int) -> bool:
        bracket = self.brackets[-1]
        if bracket.kind == "[" or bracket.has_key or self.word is None:
            return False
        return line[column + 1 : column + 2] in ("", " ", "\t", ",", "}") or line[self.word[0]] in "\"'"

    def _quoted(self, line: str, column: int, here: bool) -> int:
        """The place behind the quoted text at `column`; the end of the line where it is not closed."""
        end = line.find(line[column], column + 1)
        behind = len(line) if end == -1 else end + 1
        self.word = (self.word[0] if self.word else column, behind)
        if here and column < self.cursor < behind:
            self._set_flow_place(line)
        return behind

    def _end_word(self, line: str) -> None:
        if self.word is not None and self.brackets and self.brackets[-1].has_key:
            self._set_value(line[self.word[0] : self.word[1]])
        self.word = None

    def _set_flow_place(self, line: str) -> None:
        if self.brackets:
            start = self.word[0] if self.word is not None and self.word[0] < self.cursor else self.cursor
            bracket = self.brackets[-1]
            role: Role = "either" if bracket.kind == "[" else "value" if bracket.has_key else "key"
            self._set_place(role, line, start, self.frames, in_flow=True)

    # The way from the top.

    def _above(self, keys: int, elements: int) -> list[_Frame]:
        """The frames without keys from column `keys` on and without list elements from `elements` on."""
        kept = len(self.frames)
        while kept > 1:
            frame = self.frames[kept - 1]
            if frame.column < (elements if frame.name is None else keys):
                break
            kept -= 1
        return self.frames[:kept]

    def _inner(self, frame: _Frame) -> int:
        if frame.inner < 0:
            frame.inner = self.mappings
            self.mappings += 1
        return frame.inner

    def _push(self, key: str, start: int, end: int, column: int) -> None:
        path = tuple([frame.name for frame in self.frames[1:]])
        inner = self._inner(self.frames[-1])
        self.outline.entries.append(Entry(path, inner, key, self.number, start, end, ""))
        self.frames.append(_Frame(column, key))

    def _set_value(self, text: str) -> None:
        last = self.outline.entries[-1]
        if last.value == "" and last.key == self.frames[-1].name:
            self.outline.entries[-1] = last._replace(value=_unquoted(text))

    def _set_place(
        self, role: Role, line: str, start: int, frames: list[_Frame], *, in_flow: bool = False
    ) -> None:
        if self.outline.place is None:
            path = tuple(frame.name for frame in frames[1:])
            mappings = tuple(self._inner(frame) for frame in frames)
            self.outline.place = Place(path, mappings, role, line[start : self.cursor], start, in_flow)


def _past_spaces(line: str, column: int) -> int:
    return len(line) - len(line[column:].lstrip(" \t"))


def _unquoted(text: str) -> str:
    """A key or value as it is meant, as far as one line shows."""
    if len(text) > 1 and text[0] == text[-1] == "'":
        return text[1:-1].replace("''", "'")
    if len(text) > 1 and text[0] == text[-1] == '"':
        return text[1:-1]
    return text
