"""The bytes of a rule file to a tree.

In: path and bytes. Out: the root `Node` (None if there is none to work with) and the problems found on the
way. Limits are checked on the parser's events, before anything is built. Only events are taken from PyYAML:
its composers recurse, in C without a bound. libyaml's parser is about 20 times faster than the pure one and
agrees with it but for tabs and surrogates, which are refused here for both; its error messages differ, so a
file that it refuses is read again by the pure one: message and place are the same on every machine. Where
that would take more than a second, libyaml's own words are told instead.
"""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING, Any

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)
from yaml.parser import Parser
from yaml.reader import Reader, ReaderError
from yaml.scanner import Scanner

from rules_engine.errors import Problem
from rules_engine.source import traps
from rules_engine.source.scalars import NumberRefused, resolve
from rules_engine.source.tree import Node, SourceFile

if TYPE_CHECKING:
    from rules_engine.source.tree import Kind

FastParser: Any = None
with contextlib.suppress(ImportError):  # PyYAML can be built without libyaml
    from yaml._yaml import CParser as FastParser

MOST_BYTES = 1024 * 1024
MOST_NODES = 100_000
DEEPEST = 32
MOST_PROBLEMS = 1_000
LONGEST_TEXT = 262_144
"""Characters of one text, as many as the largest message of any target has bytes."""

_REREAD_NODES, _REREAD_CHARACTERS = 10_000, 131_072
"""As much as the pure parser reads within a second."""

_LINE_END = re.compile(r"\r\n?")

INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u2800\u3164\ufe00-\ufe0d\ufeff\uffa0\ufff0-\ufffc\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
    "|[\ufdd0-\ufdef\ufffe\uffff\U0001fffe\U0001ffff\U0010fffe\U0010ffff]"
)
"""Control characters, bidirectional controls, characters of no width or no ink, and what is no character:
text that is not what it seems. Without the two selectors that only say whether a sign is an emoji."""

_MOST_INVISIBLE = 20

_SURROGATE = re.compile("[\ud800-\udfff]")


class _PureParser(Reader, Scanner, Parser):
    """PyYAML's reader, scanner and parser without composer and constructor."""

    def __init__(self, text: str) -> None:
        Reader.__init__(self, text)
        Scanner.__init__(self)
        Parser.__init__(self)


def parse_source(path: str, data: bytes) -> tuple[Node | None, list[Problem]]:
    """The tree of one file, and its problems in the order of the file."""
    if len(data) > MOST_BYTES:
        source = SourceFile(path, "")
        message = f"the file is larger than 1 MiB ({len(data):,} bytes)"
        return None, [source.problem("RE110", message, source.location(0), "split it into several files")]
    text, problem = _decode(path, data)
    if problem is not None:
        return None, [problem]
    source = SourceFile(path, text)
    problems = _invisible(source)
    return (None, problems) if problems else parse_fast(source)


def _decode(path: str, data: bytes) -> tuple[str, Problem | None]:
    try:
        return _LINE_END.sub("\n", data.decode("utf-8-sig")), None
    except UnicodeDecodeError as error:
        before = SourceFile(path, _LINE_END.sub("\n", data[: error.start].decode("utf-8-sig", "replace")))
        location = before.location(len(before.text))
        if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
            message = "this file is UTF-16; a rule file must be UTF-8"
        else:
            message = f"this file is not UTF-8: byte 0x{data[error.start]:02x} stands for no character"
        decoded = SourceFile(path, _LINE_END.sub("\n", data.decode("utf-8-sig", "replace")))
        line = "" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else decoded.line(location.line)
        return "", Problem("RE101", message, location, hint="save the file as UTF-8", source_line=line)


def _invisible(source: SourceFile) -> list[Problem]:
    problems: list[Problem] = []
    for match in INVISIBLE.finditer(source.text):
        if len(problems) == _MOST_INVISIBLE:
            break
        code = f"{ord(match[0]):04X}"
        message = f"the invisible character U+{code} is not allowed in a rule file"
        hint = f'remove it; inside double quotes it can be written "\\u{code}"'
        problems.append(source.problem("RE111", message, source.location(match.start()), hint))
    return problems


def parse_fast(source: SourceFile) -> tuple[Node | None, list[Problem]]:
    """The tree by libyaml's parser; what that refuses, or where it is missing, by the pure one."""
    if FastParser is None:
        return parse_pure(source)
    builder = _Builder(source)
    try:
        root, problems = builder.build(FastParser(source.text))
    except yaml.MarkedYAMLError as error:
        again = None if builder.is_long else _parse_again(source, _index(error))
        return again or builder.refuse(error, in_part=True)
    tab = traps.first_tab(source, root)
    if tab is None:
        return root, problems
    again = None if builder.is_long else _parse_again(source, tab)
    return again or (None, [*problems, traps.tab(source, tab)])


def _parse_again(source: SourceFile, place: int) -> tuple[Node | None, list[Problem]] | None:
    """What the pure parser says of a file that is wrong at `place`; None where that would take too long."""
    return _parse_pure(source, source.text[:_REREAD_CHARACTERS]) if place < _REREAD_CHARACTERS else None


def parse_pure(source: SourceFile) -> tuple[Node | None, list[Problem]]:
    """The tree by PyYAML's own parser, whose word is final."""
    return _parse_pure(source, source.text) or (None, [])


def _parse_pure(source: SourceFile, text: str) -> tuple[Node | None, list[Problem]] | None:
    """The same of the beginning `text` of a file; None if it ends before anything can be said."""
    builder = _Builder(source)
    is_whole = len(text) == len(source.text)
    try:
        root, problems = builder.build(_PureParser(text))
    except yaml.MarkedYAMLError as error:
        return builder.refuse(error) if is_whole or _index(error) < len(text) else None
    except (ValueError, OverflowError, ReaderError):
        # `"\U00110000"`: PyYAML hands the number to `chr`. Where it stands is not told; it is the next text.
        at = source.text.find("\\U", builder.last_end)
        message = "'\\U' needs the number of a Unicode character"
        hint = "write eight hexadecimal digits, at most 0010FFFF; for a backslash itself write two"
        location = source.location(max(at, 0), at + 10)
        return None, [*builder.problems, source.problem("RE102", message, location, hint)]
    return (root, problems) if is_whole or root is None else None


def _index(error: yaml.MarkedYAMLError) -> int:
    """Where in the text the parser gave up."""
    mark = error.problem_mark or error.context_mark
    return 0 if mark is None else mark.index


class _Builder:
    """Events to nodes, with a stack instead of recursion."""

    def __init__(self, source: SourceFile) -> None:
        self.source = source
        self.problems: list[Problem] = []
        self.root: Node | None = None
        self.last: Node | None = None
        """The last scalar: where a text swallowed what follows it, it is the one to blame."""
        self._stack: list[Node] = []
        self._pending: list[Node | None] = []
        """For each open mapping the key that waits for its value."""
        self._nodes = 0
        self._too_much = False
        self._anchors: set[str] = set()
        self._stands_twice: dict[int, tuple[int, Node]] = {}
        """Of mappings by their identity: the first key that stands twice, and the number of its problem."""
        self.last_end = 0
        """Where the last scalar or closing bracket ends."""

    def build(self, parser: Any) -> tuple[Node | None, list[Problem]]:
        """The whole file. Raises what the parser raises."""
        get_event = parser.get_event
        while (event := get_event()) is not None:
            kind = type(event)
            if kind is ScalarEvent:
                self._add(self._scalar(event), event)
            elif kind is MappingStartEvent or kind is SequenceStartEvent:
                self._open(event)
            elif kind is MappingEndEvent or kind is SequenceEndEvent:
                self._close(event)
            elif kind is AliasEvent:
                self._alias(event)
            elif kind is DocumentStartEvent and not self._document(event):
                break
            if self._too_much or len(self.problems) >= MOST_PROBLEMS:
                return None, self._given_up()
        if self.root is None:
            self.root = Node(self.source, "scalar", None, 0, 0, "")
        return self.root, self.problems

    def _given_up(self) -> list[Problem]:
        if not self._too_much:
            message = f"the file has more than {MOST_PROBLEMS - 1:,} problems"
            hint = "mend those above; from here on the file was not read"
            self._report("RE110", message, self.last_end, self.last_end + 1, hint)
        return self.problems

    @property
    def is_long(self) -> bool:
        """Whether reading all this again with the pure parser would take long."""
        return self._nodes > _REREAD_NODES

    def refuse(self, error: yaml.MarkedYAMLError, *, in_part: bool = False) -> tuple[None, list[Problem]]:
        """The problems of a file that the parser gave up on. `in_part`: it is too long to look at it all."""
        # Not at the top: most files are sound, and compiling the patterns takes 2 ms.
        from rules_engine.source.syntax_errors import explain, explain_long

        problem = (explain_long if in_part else explain)(self.source, error, self.last)
        line = problem.location.line
        # A tag or an alias that was reported is why its own line cannot be parsed.
        if any(known.location.line == line for known in self.problems):
            return None, self.problems
        return None, [*self.problems, problem]

    def _scalar(self, event: Any) -> Node:
        style = event.style or ""
        start = event.start_mark.index
        value: Any = event.value
        broken = len(value) > LONGEST_TEXT
        if broken:
            message = f"this text has {len(value):,} characters; at most {LONGEST_TEXT:,} are read"
            self._report("RE110", message, start, event.end_mark.index, "shorten it")
        elif style == "" and event.tag is None:
            try:
                value = resolve(value)
            except NumberRefused as refused:
                broken = True
                hint = traps.number_hint(event.value)
                self._report("RE109", str(refused), start, event.end_mark.index, hint)
        elif style == '"' and _SURROGATE.search(value):
            broken = True
            hint = "write the character itself, or '\\U' and the eight digits of its number"
            message = "half of a surrogate pair is not a character"
            self._report("RE102", message, start, event.end_mark.index, hint)
        self.last_end = event.end_mark.index
        self.last = Node(self.source, "scalar", value, start, self.last_end, style, broken=broken)
        return self.last

    def _open(self, event: Any) -> None:
        kind: Kind = "mapping" if type(event) is MappingStartEvent else "sequence"
        style = "flow" if event.flow_style else "block"
        start, end = event.start_mark.index, event.end_mark.index
        node = Node(self.source, kind, {} if kind == "mapping" else [], start, end, style)
        self._add(node, event)
        self._stack.append(node)
        self._pending.append(None)
        if len(self._stack) > DEEPEST:
            self._too_much = True
            message = f"values are nested more than {DEEPEST} levels deep"
            self._report("RE110", message, start, start + 1, "nest them less deep")

    def _close(self, event: Any) -> None:
        node = self._stack.pop()
        self._pending.pop()
        if node.style == "flow":
            self.last_end = event.end_mark.index
        # The parser closes a block where the next token begins, behind comments and empty lines.
        node.end = max(self.last_end, node.start + 1)

    def _alias(self, event: Any) -> None:
        start, end = event.start_mark.index, event.end_mark.index
        self.problems.append(traps.alias(self.source, start, end, known=event.anchor in self._anchors))
        self._add(Node(self.source, "scalar", None, start, end, "", broken=True), None)

    def _document(self, event: Any) -> bool:
        """Whether to go on: only the first document is read."""
        if self.root is None and not event.tags:
            return True
        if event.tags:
            message = "'%TAG' directives are not allowed in a rule file"
            self._report("RE105", message, event.start_mark.index, event.end_mark.index, "remove it")
            return False
        message = "a second YAML document begins here; a rule file holds one"
        hint = "put its rules under the first 'rules', or move them to a file of their own"
        self._report("RE105", message, event.start_mark.index, event.start_mark.index + 3, hint)
        return False

    def _add(self, node: Node, event: Any) -> None:
        """Put a finished or just opened node where it belongs."""
        self._nodes += 1
        if self._nodes > MOST_NODES:
            self._too_much = True
            message = f"the file has more than {MOST_NODES:,} values"
            self._report("RE110", message, node.start, node.start + 1, "split it into several files")
            return
        if event is not None and (event.tag is not None or event.anchor is not None):
            node.broken = True
            self._anchors.add(event.anchor)
            self.problems.append(traps.tag_or_anchor(self.source, event))
        if not self._stack:
            self.root = node
            return
        parent = self._stack[-1]
        if parent.kind == "sequence":
            parent.value.append(node)
        elif (key := self._pending[-1]) is None:
            self._pending[-1] = node
        else:
            self._pending[-1] = None
            self._entry(parent, key, node)

    def _entry(self, parent: Node, key: Node, node: Node) -> None:
        if parent.broken or key.broken:
            parent.broken = True
            return
        if isinstance(key.value, str) and key.style == "" and key.value.endswith(":"):
            self.problems.append(traps.colon_too_many(key))
            key.value = key.value.rstrip(": ")
        if not isinstance(key.value, str):
            parent.broken = True
            self.problems.append(traps.not_a_text_key(key))
        elif node.start == node.end and not traps.has_colon(key):
            parent.broken = True
            self.problems.append(traps.key_without_value(key))
        elif key.value == "<<" and key.style == "":
            parent.broken = True
            self._report("RE105", "'<<' (a merge key) is not allowed", key.start, key.end, traps.REUSE)
        elif key.value in parent.value:
            self._twice(parent, key, node)
        else:
            parent.value[key.value] = node
            parent.keys[key.value] = key

    def _twice(self, parent: Node, key: Node, node: Node) -> None:
        """A key that stands twice. A second one in an entry of a list is of the entry that begins there."""
        in_list = len(self._stack) > 1 and self._stack[-2].kind == "sequence" and parent.style == "block"
        earlier = self._stands_twice.get(id(parent))
        if earlier is not None and in_list:
            number, first_key = earlier
            self.problems[number] = traps.entry_without_dash(parent, first_key)
            parent.broken = True
            return
        self._stands_twice[id(parent)] = (len(self.problems), key)
        if in_list and parent.keys[key.value].start == parent.start:
            self.problems.append(traps.entry_without_dash(parent, key))
            parent.broken = True
            return
        self.problems.append(traps.stands_twice(parent, key))
        if parent.value[key.value].start == parent.value[key.value].end:
            parent.value[key.value] = node  # a line of the key alone

    def _report(self, code: str, message: str, start: int, end: int, hint: str | None = None) -> None:
        self.problems.append(self.source.problem(code, message, self.source.location(start, end), hint))
