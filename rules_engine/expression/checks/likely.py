"""Conditions that say something, and hardly what their author meant.

In: the tree of a condition. Out: warnings for arguments that stand in each other's place, as in
`contains('SHIPPED', new.status)`, and for a value that is compared with a list as a whole, as in
`new.status == lists.done`. Both may be meant, so they are warnings, and only where that is hard to believe: a
literal that is a word does not list characters, and an attribute whose name is no plural holds no list.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from rules_engine.expression.checks.places import leftmost
from rules_engine.expression.checks.report import warning

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rules_engine.errors import Finding
    from rules_engine.expression.node import Node
    from rules_engine.model import Scope

_WORTH_A_LOOK = re.compile(r"contains\(|_with\(|glob\(|lists\.|[=,(] *\[|\] *[=!]=")

_WORD = re.compile(r"[\w-]{2,}")
_NETWORK = re.compile(r"[0-9a-fA-F.:]+/[0-9]{1,3}")
_IMAGES = ("new", "old", "keys")


def may_be_meant_otherwise(text: str) -> bool:
    """Whether it is worth while to ask `meant_otherwise` of this condition."""
    return _WORTH_A_LOOK.search(text) is not None


def meant_otherwise(tree: Node, scope: Scope) -> Iterator[Finding]:
    """The warnings about a condition."""
    stack = [tree]
    while stack:
        node = stack.pop()
        stack.extend(node.children)
        if node.type == "function_expression" and len(node.children) == 2:
            if node.value == "became":
                yield from _became_a_list(node, scope)
            else:
                yield from _swapped(node)
        elif node.type == "comparator" and node.value in ("eq", "ne"):
            yield from _compared_with_a_list(node, scope)


def _swapped(call: Node) -> Iterator[Finding]:
    """`contains('SHIPPED', new.status)`: constant and path stand in each other's place."""
    first, second = call.children
    is_meant = _IS_MEANT_SO.get(call.value)
    if is_meant is None or is_meant(first, second):
        return
    message = f"'{call.value}' asks here whether {first.text} {_ASKS[call.value]} {second.text}"
    mend = f"{call.value}({second.text}, {first.text})"
    yield warning("RE255", message, call, _ORDER[call.value], mend)


_ASKS = {
    "contains": "contains",
    "starts_with": "starts with",
    "ends_with": "ends with",
    "glob": "is as the pattern in",
    "cidr_contains": "is the network of",
}


_ORDER = {
    "contains": "what is searched comes first",
    "starts_with": "what is looked at comes first",
    "ends_with": "what is looked at comes first",
    "glob": "the pattern comes second",
    "cidr_contains": "the network comes first",
}


def _has_a_list_of_characters(first: Node, second: Node) -> bool:
    """`contains('ABC', new.grade)`: the characters are in order, or the text is no single word."""
    if not (_is_text(first) and _is_path(second) and _WORD.fullmatch(first.value)):
        return True
    return all(left < right for left, right in pairwise(first.value))


_IS_MEANT_SO: dict[str, Callable[[Node, Node], bool]] = {
    "contains": _has_a_list_of_characters,
    "starts_with": lambda first, second: not (_is_text(first) and _is_path(second)),
    "ends_with": lambda first, second: not (_is_text(first) and _is_path(second)),
    "glob": lambda first, second: not (_is_text(first) and "*" in first.value and _is_path(second)),
    "cidr_contains": lambda first, second: (
        not (_is_path(first) and _is_text(second) and _NETWORK.fullmatch(second.value))
    ),
}


def _is_text(node: Node) -> bool:
    return node.type == "literal" and isinstance(node.value, str) and node.value != ""


def _is_path(node: Node) -> bool:
    """Whether it is a path into an image."""
    head = leftmost(node)
    return node is not head and head.type == "field" and head.value in _IMAGES


def _compared_with_a_list(node: Node, scope: Scope) -> Iterator[Finding]:
    """`new.status == lists.done`, `['A', 'B'] != new.status`."""
    for value, members in (node.children, node.children[::-1]):
        if _is_single(value) and _is_list(members, scope):
            mend = f"{'!' if node.value == 'ne' else ''}contains({members.text}, {value.text})"
            message = f"'{value.text}' is compared with a whole list"
            yield warning("RE255", message, node, "contains asks for one of its entries", mend)
            return


def _became_a_list(call: Node, scope: Scope) -> Iterator[Finding]:
    """`became(&status, lists.done)`."""
    path, members = call.children
    if path.type != "expref" or not _is_single(path.children[0]) or not _is_list(members, scope):
        return
    name = path.text[1:].strip()
    mend = f"contains({members.text}, new.{name}) && !contains({members.text}, old.{name})"
    yield warning(
        "RE255", f"'{name}' is compared with a whole list", call, "contains asks for one of its entries", mend
    )


def _is_single(node: Node) -> bool:
    """Whether it is a path whose last name is no plural; `status` and `address` are none."""
    last = node.children[-1] if node.type == "subexpression" else node
    if last.type != "field":
        return False
    name = str(last.value).lower()
    return not name.endswith("s") or name.endswith(("ss", "us", "is"))


def _is_list(node: Node, scope: Scope) -> bool:
    """Whether the file or the condition writes out a list to look in; one under `vars` is for comparing."""
    if node.type == "multi_select_list":
        return len(node.children) > 0 and all(child.type == "literal" for child in node.children)
    names = [child.value for child in node.children]
    return (
        node.type == "subexpression"
        and names[:1] == ["lists"]
        and names[1] in scope.lists
        and len(names) == 2
    )
