"""Parts to the text of a rule file.

Two spaces a level, keys in the schema's order, one empty line between rules, elsewhere those of the author,
but never two. A collection in brackets stays so where it fits a line, and is written in lines where it does
not or holds a comment; one in lines stays in lines. A text of several lines keeps its lines and its style.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rules_engine.canonical import order
from rules_engine.canonical.lines import BLOCKS, block_lines, is_of_lines, lines_of
from rules_engine.canonical.scalars import scalar_text, text_of

if TYPE_CHECKING:
    from rules_engine.canonical.comments import Comment
    from rules_engine.canonical.order import Shape
    from rules_engine.canonical.parts import Part

WIDTH = 100
_STEP = 2
_LONGEST_KEY = 1000
"""A longer one is written behind '?': readers look no further than 1,024 characters for its colon."""

_MODELINE = "# yaml-language-server:"


def write(root: Part) -> str:
    """The whole file."""
    shape = order.shape_of_file(root.value)
    writer = _Writer(order.RULES["properties"]["rules"])
    head, apart = _head(root)
    writer.comments(head, 0)
    if apart:
        writer.blank()
    writer.children(root, shape, 0)
    return "".join(f"{line}\n" for line in writer.lines)


def _head(root: Part) -> tuple[list[Comment], bool]:
    """Takes from the first entry the comments about the file: those above an empty line, or an editor's first
    line. Whether an empty line stands below them."""
    first = min(root.parts, key=lambda part: part.start)
    leading = first.leading
    gaps = [number for number, comment in enumerate(leading) if number and comment.after_blank]
    length = len(leading) if first.after_blank else (gaps or [0])[-1]
    apart = length > 0
    if not apart and leading and leading[0].text.startswith(_MODELINE):
        length = 1
    first.leading = leading[length:]
    return leading[:length], apart


class _Writer:
    def __init__(self, spaced: Shape) -> None:
        self.lines: list[str] = []
        self._spaced = spaced
        """The shape of the list between whose items there is an empty line."""
        self._open_end = False
        """Whether the last line is of a block scalar to which empty lines would be added."""

    def children(self, owner: Part, shape: Shape, indent: int) -> None:
        """The entries or items of a collection, each in lines of its own, and what ends it."""
        spaced = shape is self._spaced
        for number, part in enumerate(order.in_order(owner.parts, shape)):
            below = order.shape_below(shape, part)
            if number and spaced:
                self.blank()
            is_first = number == 0 and indent > 0
            self._leading(part, indent, is_first=is_first)
            self._hoisted(part, below, indent, is_first=is_first and not part.leading)
            if part.key is None:
                self._value(part, below, indent, f"{' ' * indent}-")
            else:
                self._value(part, below, indent, self._key(part, indent))
        self.comments(owner.foot, indent)

    def comments(self, comments: list[Comment], indent: int) -> None:
        for comment in comments:
            if comment.after_blank:
                self.blank()
            self._line(" " * indent + comment.text)

    def _leading(self, part: Part, indent: int, *, is_first: bool) -> None:
        """What stands above an entry. Nothing parts the first one from what it stands in."""
        for number, comment in enumerate(part.leading):
            if comment.after_blank and not (is_first and number == 0):
                self.blank()
            self._line(" " * indent + comment.text)
        if part.after_blank and not (is_first and not part.leading):
            self.blank()

    def _hoisted(self, part: Part, shape: Shape, indent: int, *, is_first: bool) -> None:
        """Above a dash: the comments that would else stand between it and what follows it on its line."""
        if part.key is not None or not self._is_in_lines(part, shape, indent):
            return
        if part.trailing is not None:
            self._line(" " * indent + part.trailing.text)
            part.trailing, is_first = None, False
        first = order.in_order(part.parts, shape)[0]
        self._leading(first, indent, is_first=is_first)
        is_first = is_first and not first.leading
        first.leading, first.after_blank = [], False
        self._hoisted(first, order.shape_below(shape, first), indent, is_first=is_first)

    def _key(self, part: Part, indent: int) -> str:
        key = text_of(str(part.key.value if part.key else ""), in_flow=False)
        if len(key) <= _LONGEST_KEY:
            return f"{' ' * indent}{key}:"
        self._line(f"{' ' * indent}? {key}")
        return f"{' ' * indent}:"

    def _value(self, part: Part, shape: Shape, indent: int, head: str) -> None:
        """The value behind its key or dash, on that line and the next ones."""
        node = part.value
        comment = f"  {part.trailing.text}" if part.trailing else ""
        if self._is_in_lines(part, shape, indent):
            if part.key is not None:
                self._line(head + comment)
                self.children(part, shape, indent + _STEP)
                return
            dash = len(self.lines)
            self.children(part, shape, indent + _STEP)
            self.lines[dash] = f"{head} {self.lines[dash].lstrip(' ')}"
        elif node.style in BLOCKS and node.value.strip("\n"):
            header, *lines = block_lines(node)
            self._line(f"{head} {header}{comment}")
            self._indented(lines, indent)
            self._open_end = header.endswith("+")
        elif is_of_lines(node):
            first, *others = lines_of(node)
            self._line(f"{head} {first}")
            self._indented(others, indent)
            self.lines[-1] += comment
        else:
            self._line(f"{head} {_in_line(part, shape, in_flow=False)}{comment}")

    def _is_in_lines(self, part: Part, shape: Shape, indent: int) -> bool:
        """Whether a value is a collection that is written in lines."""
        node = part.value
        if not part.parts:
            return False
        if node.style == "block":
            return True
        head = len(text_of(str(part.key.value), in_flow=False)) + 1 if part.key else 1
        return _has_lines(part) or indent + head + 1 + len(_in_line(part, shape, in_flow=False)) > WIDTH

    def _indented(self, lines: list[str], indent: int) -> None:
        for line in lines:
            self._line(" " * (indent + _STEP) + line if line else "")

    def blank(self) -> None:
        """An empty line, unless there is one, or it would become a part of a text."""
        if self.lines and self.lines[-1] and not self._open_end:
            self.lines.append("")

    def _line(self, line: str) -> None:
        self.lines.append(line)
        self._open_end = False


def _has_lines(part: Part) -> bool:
    """Whether something inside of brackets needs a line of its own: a comment, a text of several lines."""
    return bool(part.foot) or any(
        each.leading
        or each.trailing
        or is_of_lines(each.value)
        or (each.key is not None and len(str(each.key.value)) > _LONGEST_KEY)
        or _has_lines(each)
        for each in part.parts
    )


def _in_line(part: Part, shape: Shape, *, in_flow: bool) -> str:
    """A value on one line."""
    node = part.value
    if node.kind == "scalar":
        return scalar_text(node, in_flow=in_flow)
    items = []
    for each in order.in_order(part.parts, shape):
        value = _in_line(each, order.shape_below(shape, each), in_flow=True)
        items.append(value if each.key is None else f"{text_of(str(each.key.value), in_flow=True)}: {value}")
    return f"{{{', '.join(items)}}}" if node.kind == "mapping" else f"[{', '.join(items)}]"
