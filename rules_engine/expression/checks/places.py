"""Every node of an expression with where it stands: what a name means there.

In: a tree. Out: its nodes, parents before children, each as a `Place`. A name means a field of the record at
the top, an attribute of the item inside `changed(&...)`, and a field of whatever element is at hand inside a
filter, a projection or after a pipe.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rules_engine.expression.syntax import Node

Meaning = Literal["record", "item", "element"]

IMAGE_FUNCTIONS = {"changed": ("old", "new"), "became": ("old", "new"), "present": ("new",)}
"""Functions whose `&path` is a path inside of the item, with the images in which they look for it."""


@dataclass(slots=True, eq=False)
class Place:
    """`node` is child `index` of the node at `parent`; a name that begins it is a field of `meaning`.

    Nothing changes one. It is not frozen, because that takes four times as long to make, and a loader makes
    forty for each rule.
    """

    node: Node
    meaning: Meaning
    parent: Place | None = None
    index: int = 0

    @property
    def siblings(self) -> tuple[Node, ...]:
        """The other children of the parent, in order."""
        if self.parent is None:
            return ()
        children = self.parent.node.children
        return children[: self.index] + children[self.index + 1 :]

    @property
    def is_head(self) -> bool:
        """Whether this is a name that begins a path: `a` in `a.b`, not `b`."""
        return self.node.type == "field" and not self.node.follows_dot


def walk(tree: Node) -> Iterator[Place]:
    """Every place of the tree, parents before children, from left to right."""
    stack = [Place(tree, "record")]
    while stack:
        place = stack.pop()
        yield place
        children = place.node.children
        if children:
            meanings = _meanings(place)
            for index in range(len(children) - 1, -1, -1):
                stack.append(Place(children[index], meanings[index], place, index))


def _meanings(place: Place) -> list[Meaning]:
    """What names mean in each child."""
    node, here = place.node, place.meaning
    match node.type:
        case "subexpression" | "index_expression" | "projection" | "value_projection" | "filter_projection":
            return [here] + ["element"] * (len(node.children) - 1)
        case "pipe":
            return [here, here if node.children[0].type == "current" else "element"]
        case "function_expression":
            referred: Meaning = "item" if node.value in IMAGE_FUNCTIONS else "element"
            return [referred if child.type == "expref" else here for child in node.children]
    return [here] * len(node.children)


@dataclass(frozen=True, slots=True)
class Path:
    """A path from its first name on: its names, indexes and projections in order, and the node of it all."""

    parts: tuple[Node, ...]
    whole: Node

    @property
    def names(self) -> list[str]:
        """The names up to the first index or projection."""
        found = []
        for part in self.parts:
            if part.type != "field":
                break
            found.append(part.value)
        return found

    @property
    def is_plain(self) -> bool:
        """Whether it is made of names and indexes only."""
        return all(part.type in ("field", "index") for part in self.parts)


def path_from(head: Place) -> Path:
    """The path that the name at `head` begins."""
    whole = head
    while whole.parent and whole.index == 0 and whole.parent.node.type in _PATHS:
        whole = whole.parent
    return Path(tuple(_parts(whole.node)), whole.node)


def _parts(node: Node) -> Iterator[Node]:
    """The parts of a path; what is no part, such as a call or a selection, ends it."""
    if node.type in ("field", "index"):
        yield node
    elif node.type in ("subexpression", "index_expression"):
        for child in node.children:
            found = list(_parts(child))
            if not found and child.type != "identity":
                return
            yield from found
    elif node.type in _PATHS:
        yield from _parts(node.children[0])
        yield node
        for child in node.children[1:2]:
            yield from _parts(child)


def leftmost(node: Node) -> Node:
    """What a path begins with: the name `new` of `new.items[0].price`, the call of `f(x).y`."""
    while node.type in _PATHS:
        node = node.children[0]
    return node


def is_alternative(place: Place) -> bool:
    """Whether an image stands beside the other one: `(new || old).id`, `new.id || old.id`."""
    other = "old" if place.node.value == "new" else "new"
    while place.parent and place.index == 0 and place.parent.node.type == "subexpression":
        place = place.parent
    while place.parent and place.parent.node.type == "or_expression":
        if any(_begins_with(node, other) for node in place.siblings):
            return True
        place = place.parent
    return False


def _begins_with(node: Node, image: str) -> bool:
    """Whether a path, or one of several joined by `||`, begins with the image."""
    if node.type == "or_expression":
        return any(_begins_with(child, image) for child in node.children)
    head = leftmost(node)
    return head.type == "field" and bool(head.value == image)


_PATHS = (
    "subexpression",
    "index_expression",
    "projection",
    "value_projection",
    "filter_projection",
    "flatten",
)
