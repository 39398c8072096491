"""A mend as an edit of the file: a `Fix`.

In: the node that a mend is about, a stretch of its text, and what is to stand there instead. Out: the edit of
the file, spelled as the node is written (`'` doubled in single quotes, `\\` before `"` in double ones); None
where it would reach over a line end or cannot be spelled so. That the edit does what it should is not shown
here: `validate --fix` reads the file again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rules_engine.errors import Fix

if TYPE_CHECKING:
    from rules_engine.source import Node


def fix_within(node: Node, start: int, length: int, text: str) -> Fix | None:
    """Write `text` in place of `node.value[start:start + length]`."""
    places = node.source.places(node)
    if places is None or not node.value[start : start + length] or "\n" in text:
        return None
    if not node.style and (": " in text or " #" in text):
        return None  # a plain text ends there
    if needs_quotes(node, start, text):
        return fix_of(node, in_quotes(node, length, text))
    last = min(start + length, len(places)) - 1
    begin, end = node.start + places[start][0], node.start + places[last][1]
    if "\n" in node.source.text[begin:end]:
        return None
    return Fix(node.source.location(begin, end), _spelled(text, node.style))


def needs_quotes(node: Node, start: int, text: str) -> bool:
    """Whether `text`, at the beginning of a value without quotes, would be a tag to YAML."""
    return not node.style and start == 0 and text.startswith("!")


def in_quotes(node: Node, length: int, text: str) -> str:
    """The whole value of `node` in quotes, with `text` in place of its first `length` characters."""
    value = text + node.value[length:]
    if '"' in value or "\\" in value:
        return "'" + _spelled(value, "'") + "'"
    return f'"{value}"'


def _spelled(text: str, style: str) -> str:
    if style == "'":
        return text.replace("'", "''")
    return text.replace("\\", "\\\\").replace('"', '\\"') if style == '"' else text


def fix_of(node: Node, text: str) -> Fix | None:
    """Write `text` in place of a key or a value of one line, with its quotes if it has any."""
    begin, end = node.start, node.end
    if begin == end or "\n" in node.source.text[begin:end]:
        return None
    return Fix(node.source.location(begin, end), text)
