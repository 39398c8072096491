"""The comments of a rule file, which its tree does not hold.

In: the root of a tree. Out: every comment in the order of the file. Between the scalars of a file stand only
spaces, brackets, dashes, colons and comments, so a '#' that no scalar holds begins a comment; the header of a
block scalar (`| # like this`) may end in one, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rules_engine.source import Node, SourceFile


class Comment(NamedTuple):
    """One comment, from its '#' to the end of its line."""

    text: str
    start: int
    line: int
    column: int
    """From 0."""
    own_line: bool
    """Whether nothing stands before it on its line."""
    after_blank: bool
    """Whether the line above is empty."""


def comments_of(root: Node) -> list[Comment]:
    """All comments of the file that `root` is the tree of."""
    source = root.source
    found: list[Comment] = []
    at = 0
    for start, end, is_block in sorted(_scalars(root)):
        found += _between(source, at, start)
        if is_block:
            found += _between(source, start, source.text.find("\n", start, end))
        at = end
    return [*found, *_between(source, at, len(source.text))]


def is_blank(source: SourceFile, line: int) -> bool:
    """Whether a line, counted from 1, is there and empty."""
    return line >= 1 and not source.line(line).strip()


def _scalars(root: Node) -> Iterator[tuple[int, int, bool]]:
    """(start, end, whether it is a block scalar) of every scalar, keys too."""
    nodes = [root]
    while nodes:
        node = nodes.pop()
        if node.kind == "scalar":
            yield node.start, node.end, node.style in ("|", ">")
        nodes += node.items()
        nodes += [child for _, child in node.entries()]
        nodes += node.keys.values()


def _between(source: SourceFile, start: int, end: int) -> Iterator[Comment]:
    text = source.text
    at = text.find("#", start, max(end, start))
    while at != -1:
        line_end = text.find("\n", at)
        line_end = len(text) if line_end == -1 else line_end
        place = source.location(at)
        own_line = not text[at - place.column + 1 : at].strip()
        yield Comment(
            text[at:line_end].rstrip(),
            at,
            place.line,
            place.column - 1,
            own_line=own_line,
            after_blank=own_line and is_blank(source, place.line - 1),
        )
        at = text.find("#", line_end, max(end, line_end))
