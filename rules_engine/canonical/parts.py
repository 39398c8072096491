"""A tree and its comments, put together: each comment at the entry that it speaks of.

In: the root of a tree. Out: a `Part` for each entry of a mapping and each item of a list, so that a comment
goes where its entry goes when the keys are put in order. A comment behind a value belongs to that entry, one
on a line of its own to the entry below it. Behind the last entry of a collection its indentation decides: it
ends the innermost collection that is indented no deeper.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rules_engine.canonical.comments import Comment, comments_of, is_blank

if TYPE_CHECKING:
    from rules_engine.source import Node


@dataclass(slots=True)
class Part:
    """An entry or item; the root is a part without a key."""

    key: Node | None
    value: Node
    start: int
    """Of its key, its dash, or its value inside of brackets."""
    after_blank: bool
    """Whether the line above its first line is empty."""
    leading: list[Comment] = field(default_factory=list)
    trailing: Comment | None = None
    """Behind the value on its line; of a collection in block style behind its key or dash."""
    parts: list[Part] = field(default_factory=list)
    foot: list[Comment] = field(default_factory=list)
    """Behind the last of `parts`."""


def parts_of(root: Node) -> Part:
    """The root with everything below it. No comment of the file is left out."""
    part = Part(None, root, root.start, after_blank=False)
    waiting = deque(comments_of(root))
    _Attachment(waiting).fill(part, len(root.source.text), -1)
    part.foot += waiting
    return part


class _Attachment:
    """Takes the comments, in the order of the file, as the walk through the tree comes by."""

    def __init__(self, waiting: deque[Comment]) -> None:
        self.waiting = waiting
        self._starts = {comment.start + len(comment.text): comment.start for comment in waiting}

    def fill(self, part: Part, limit: int, outer_column: int) -> None:
        """Give `part` its children and their comments. `limit` is where the next thing outside begins,
        `outer_column` the column of the collection that `part` stands in."""
        node = part.value
        end = node.end if node.style == "flow" else limit
        children = self._children(node)
        column = max(_column(children[0]), outer_column + 1) if children else 0
        for number, child in enumerate(children):
            previous = children[number - 1] if number else None
            for comment in self._before(child.start):
                self._place(comment, part, previous, child)
            following = children[number + 1].start if number + 1 < len(children) else end
            self._complete(child, following, column)
        part.parts = children
        if not children:
            # What stands in `[]` goes above it.
            part.leading += self._before(node.end)
        elif node.style == "flow":
            part.foot += self._before(node.end)
        else:
            while self.waiting and self.waiting[0].start < limit and self.waiting[0].column >= column:
                part.foot.append(self.waiting.popleft())

    def _children(self, node: Node) -> list[Part]:
        if node.kind == "mapping":
            return [_part(node.keys[name], value, node.keys[name].start) for name, value in node.entries()]
        dashes = node.style == "block"
        return [_part(None, item, self._dash(item) if dashes else item.start) for item in node.items()]

    def _dash(self, item: Node) -> int:
        """Where the dash of a list item stands: there may be comments between the two."""
        at, text = item.start, item.source.text
        while text[at - 1] in " \n" or at in self._starts:
            at = self._starts.get(at, at - 1)
        return at - 1

    def _complete(self, part: Part, limit: int, column: int) -> None:
        """What belongs to one entry: comments around its value, or the children of that."""
        node = part.value
        if node.kind != "scalar":
            self.fill(part, limit, column)
        else:
            part.leading += self._before(node.start)
            for comment in self._before(node.end):
                part.trailing = comment
        if part.trailing is None and self._is_next_behind(node, limit):
            part.trailing = self.waiting.popleft()

    def _is_next_behind(self, node: Node, limit: int) -> bool:
        return bool(self.waiting) and self.waiting[0].start < limit and _is_behind(self.waiting[0], node)

    def _before(self, offset: int) -> list[Comment]:
        found = []
        while self.waiting and self.waiting[0].start < offset:
            found.append(self.waiting.popleft())
        return found

    def _place(self, comment: Comment, owner: Part, previous: Part | None, child: Part) -> None:
        """A comment between two children, or between what opens a collection and its first child."""
        before = owner if previous is None else previous
        begins = previous is None and not comment.own_line
        behind = begins or (previous is not None and _is_behind(comment, previous.value))
        if behind and before.trailing is None:
            before.trailing = comment
        else:
            child.leading.append(comment)


def _part(key: Node | None, value: Node, start: int) -> Part:
    source = value.source
    place = source.location(start)
    own_line = not source.line(place.line)[: place.column - 1].strip()
    return Part(key, value, start, after_blank=own_line and is_blank(source, place.line - 1))


def _column(part: Part) -> int:
    return part.value.source.location(part.start).column - 1


def _is_behind(comment: Comment, node: Node) -> bool:
    """Whether a comment stands on the line on which a value ends, behind it."""
    if comment.own_line or comment.start < node.end:
        return False
    last = max(node.end - 1, node.start)
    return "\n" not in node.source.text[last : comment.start]
