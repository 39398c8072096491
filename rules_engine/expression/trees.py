"""Parsed expressions as JSON, so that a function needs no parser.

`encode_tree` gives a tree as arrays, `[type, value, start, end, child, ...]` with the type as a number;
`decode_tree` is its inverse. `tree_of` gives the tree of a text: the scope's, where it brings one, and
otherwise the parser's, which only authors have.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from rules_engine.errors import BundleError
from rules_engine.expression.node import Node
from rules_engine.json_forms import elements, place

if TYPE_CHECKING:
    from collections.abc import Callable

    from rules_engine.model import Scope

TYPES = (
    "field",
    "subexpression",
    "comparator",
    "literal",
    "function_expression",
    "expref",
    "and_expression",
    "or_expression",
    "not_expression",
    "index",
    "index_expression",
    "slice",
    "projection",
    "value_projection",
    "filter_projection",
    "flatten",
    "identity",
    "current",
    "pipe",
    "multi_select_list",
    "multi_select_dict",
    "key_val_pair",
)
"""A type's number is its place; another order is another format of bundles."""

_NUMBERS = {name: number for number, name in enumerate(TYPES)}
COMPARATORS = frozenset({"eq", "ne", "lt", "lte", "gt", "gte"})


def tree_of(text: str, scope: Scope) -> Node:
    """The tree of an expression in `scope`. Raises ExpressionError where it has to be parsed."""
    tree = scope.trees.get(text)
    if tree is not None:
        return decode_tree(tree, text)
    # By name, so that the function's package leaves it out: a bundle brings every tree.
    parsed: Node = import_module("rules_engine.expression.syntax").parse(text)
    return parsed


def encode_tree(node: Node) -> list[Any]:
    children = [encode_tree(child) for child in node.children]
    return [_NUMBERS[node.type], node.value, node.start, node.end, *children]


def decode_tree(tree: Any, text: str) -> Node:
    """The tree of `text`. Raises BundleError for what `encode_tree` never gives."""
    try:
        node = _decoded(tree, text)
        if node.type == "key_val_pair":
            raise ValueError("a pair outside of an object")
        return node
    except (TypeError, ValueError, LookupError, RecursionError) as error:
        raise BundleError(f"the bundle's tree of {text!r} cannot be read: {error}") from error


def _decoded(tree: Any, text: str) -> Node:
    number, value, start, end, *children = elements(tree)
    kind = TYPES[place(number)]
    is_value, least, most = _FORMS[kind]
    if kind == "slice":
        value = tuple(elements(value))
    if not is_value(value):
        raise ValueError(f"a value that no {kind} has")
    if not least <= len(children) <= most:
        raise ValueError(f"a {kind} of {len(children)} parts")
    parts = tuple([_decoded(child, text) for child in children])
    if any((part.type == "key_val_pair") != (kind == "multi_select_dict") for part in parts):
        raise ValueError("a pair outside of an object, or something else in one")
    return Node(kind, value, parts, place(start), place(end), text)


def _is_nothing(value: Any) -> bool:
    return value is None


def _is_text(value: Any) -> bool:
    return type(value) is str


def _is_slice(value: Any) -> bool:
    return len(value) == 3 and all(part is None or type(part) is int for part in value) and value[2] != 0


_ANY_NUMBER = 1_000
_FORMS: dict[str, tuple[Callable[[Any], bool], int, int]] = {
    "field": (_is_text, 0, 0),
    "subexpression": (_is_nothing, 2, _ANY_NUMBER),
    "comparator": (lambda value: _is_text(value) and value in COMPARATORS, 2, 2),
    "literal": (lambda value: True, 0, 0),
    "function_expression": (_is_text, 0, _ANY_NUMBER),
    "expref": (_is_nothing, 1, 1),
    "and_expression": (_is_nothing, 2, 2),
    "or_expression": (_is_nothing, 2, 2),
    "not_expression": (_is_nothing, 1, 1),
    "index": (lambda value: type(value) is int, 0, 0),
    "index_expression": (_is_nothing, 2, _ANY_NUMBER),
    "slice": (_is_slice, 0, 0),
    "projection": (_is_nothing, 2, 2),
    "value_projection": (_is_nothing, 2, 2),
    "filter_projection": (_is_nothing, 3, 3),
    "flatten": (_is_nothing, 1, 1),
    "identity": (_is_nothing, 0, 0),
    "current": (_is_nothing, 0, 0),
    "pipe": (_is_nothing, 2, 2),
    "multi_select_list": (_is_nothing, 1, _ANY_NUMBER),
    "multi_select_dict": (_is_nothing, 1, _ANY_NUMBER),
    "key_val_pair": (_is_text, 1, 1),
}
"""For each type what its value is, and how many children it has at least and at most."""
