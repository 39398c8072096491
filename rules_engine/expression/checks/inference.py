"""What is known of a value before there is a record.

In: a node and the file's constants. Out: its value where it is a constant, its JMESPath type where that does
not depend on the record, and None where only the record knows. What an attribute holds is never known.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rules_engine.expression.values import type_name

if TYPE_CHECKING:
    from rules_engine.expression.node import Node
    from rules_engine.model import Scope

UNKNOWN: Any = object()

_RESULTS = {
    "boolean": "became changed cidr_contains contains ends_with glob present starts_with",
    "number": "abs avg ceil floor length sum",
    "string": "join lower to_string trim type upper",
    "array": "keys map sort sort_by to_array values",
    "object": "merge",
}
_RESULT = {name: result for result, names in _RESULTS.items() for name in names.split()}
_TYPES = {
    "comparator": "boolean",
    "not_expression": "boolean",
    "multi_select_list": "array",
    "multi_select_dict": "object",
    "projection": "array",
    "filter_projection": "array",
    "value_projection": "array",
    "flatten": "array",
    "expref": "expref",
}


def constant(node: Node, scope: Scope) -> Any:
    """The value of a literal, `vars.x`, `lists.x`, and of a list of those; UNKNOWN for everything else."""
    if node.type == "literal":
        return node.value
    if node.type == "multi_select_list":
        elements = [constant(child, scope) for child in node.children]
        return UNKNOWN if UNKNOWN in elements else elements
    if node.type != "subexpression" or any(child.type != "field" for child in node.children):
        return UNKNOWN
    root, *names = (child.value for child in node.children)
    value: Any = {"vars": scope.vars, "lists": scope.lists}.get(root, UNKNOWN)
    for name in names:
        value = value.get(name, UNKNOWN) if isinstance(value, Mapping) else UNKNOWN
    return value


def known_type(node: Node, scope: Scope) -> str | None:
    """The type of the node's value, or null, wherever it can be evaluated; None where that is not known."""
    value = constant(node, scope)
    if value is not UNKNOWN:
        return type_name(value)
    if node.type == "function_expression":
        return _RESULT.get(node.value)
    if node.type == "pipe":
        return known_type(node.children[1], scope)
    return _TYPES.get(node.type)
