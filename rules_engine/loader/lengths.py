"""`new.items.length > `3``, as other languages ask how long a list is.

In: a condition in which nothing was found to be wrong by itself, and the records of the rule's tests. Out: a
warning for each path that ends in `length`, `size` or `count`, is compared with a number, and goes on from
what is a list: what the tests show to be one, or, where no test shows what it is, what its name says to be
one. An item may truly have such an attribute: `dimensions.length` and `votes.count` are not reported, nor is
what a test shows to be a map.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING

from rules_engine.errors import ExpressionError
from rules_engine.expression.checks.facts import path_names
from rules_engine.expression.checks.inference import constant
from rules_engine.expression.checks.places import walk
from rules_engine.expression.syntax import parse

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rules_engine.errors import Problem
    from rules_engine.expression.checks.facts import Names
    from rules_engine.expression.node import Node as ExpressionNode
    from rules_engine.model import Scope
    from rules_engine.source import Node

_LENGTH = re.compile(r"\.(?:length|len|size|count)\b", re.IGNORECASE)
_IMAGES = ("new", "old")

_LISTS = frozenset({"elements", "entries", "items", "lines", "members", "roles", "tags"})
"""Names that hardly anybody gives to a map."""

_MEASURED = frozenset(
    {
        "attributes",
        "bounds",
        "dimensions",
        "measurements",
        "measures",
        "properties",
        "sizes",
        "specs",
        "stats",
    }
)
"""Names of maps that may have a length."""


def lengths_as_attributes(node: Node, records: Sequence[Node], scope: Scope) -> Iterator[Problem]:
    """The warnings about one condition."""
    if not isinstance(node.value, str) or not _LENGTH.search(node.value):
        return
    try:
        tree = parse(node.value)
    except ExpressionError:  # reported where the condition stands
        return
    for place in walk(tree):
        if place.meaning == "record" and place.node.type == "comparator":
            for side, other in (place.node.children, place.node.children[::-1]):
                names = path_names(side, scope)
                if _is_number(other, scope) and _ends_with_length(names):
                    yield from _warning(node, side, names, records)


def _is_number(node: ExpressionNode, scope: Scope) -> bool:
    value = constant(node, scope)
    return isinstance(value, (int, Decimal)) and not isinstance(value, bool)


def _ends_with_length(names: Names) -> bool:
    return len(names) > 2 and names[0] in _IMAGES and _LENGTH.fullmatch(f".{names[-1]}") is not None


def _warning(node: Node, side: ExpressionNode, names: Names, records: Sequence[Node]) -> Iterator[Problem]:
    owner = [found for record in records if (found := _at(record, names[:-1])) is not None]
    if any(found.kind == "mapping" for found in owner):
        return
    example = next((found for found in owner if found.kind == "sequence"), None)
    if example is None and (owner or not _is_named_as_a_list(names[-2], names[-1])):
        return
    path = ".".join(names[:-1])
    message = f"'{side.text}' is an attribute called '{names[-1]}', and no list has attributes"
    hint = f"the number of its entries is a function; write: length({path})"
    related = () if example is None else ((example.location, f"'{path}' is a list here"),)
    location = node.locate(side.start, side.end - side.start)
    yield node.source.problem("RE255", message, location, hint, severity="warning", related=related)


def _is_named_as_a_list(name: str, asked: str) -> bool:
    """`order_lines`; for `.length`, which maps seldom have, any name in the plural."""
    word = name.lower().rpartition("_")[2]
    is_plural = word.endswith("s") and not word.endswith(("ss", "us", "is")) and word not in _MEASURED
    return word in _LISTS or (is_plural and asked.lower() in ("length", "len"))


def _at(node: Node | None, names: Names) -> Node | None:
    for name in names:
        if node is None or node.kind != "mapping":
            return None
        node = node.get(name)
    return node
