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

if TYPE_CHECKING:
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
_SLICE = _NUMBERS["slice"]


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
        return _decoded(tree, text)
    except (TypeError, ValueError, LookupError, RecursionError) as error:
        raise BundleError(f"the bundle's tree of {text!r} cannot be read: {error}") from error


def _decoded(tree: Any, text: str) -> Node:
    number, value, start, end, *children = tree
    if number == _SLICE:
        value = tuple(value)
    return Node(TYPES[number], value, tuple([_decoded(child, text) for child in children]), start, end, text)
