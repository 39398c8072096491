"""`vars.x`, `lists.x` and `is.x`: names of the rule file, written as if they were names of the data.

They are resolved when the rule is compiled, wherever they stand leftmost, also inside of filters, where
JMESPath itself has no way to name the root. `@.vars.x` and `items[*].vars.x` are attributes, and so is every
`vars.x` of a file that defines no `vars`. A name that the file lacks is refused (RE208).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rules_engine.errors import ExpressionError, Finding

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rules_engine.expression.node import Node
    from rules_engine.model import Scope

ROOTS = ("vars", "lists", "is")


def resolve(node: Node, scope: Scope) -> Node:
    """`node` without a root at its left: a `literal` in its place, or a `condition` node with its name."""
    if node.type != "subexpression" or node.children[0].value not in ROOTS:
        return node
    root, second, *rest = node.children
    if root.type != "field" or root.follows_dot:
        return node
    found = {"vars": scope.vars, "lists": scope.lists, "is": scope.conditions}[root.value]
    named = _with_root(second, root, found) if found else None
    return replace(node, children=(named, *rest)) if named else node


def name_after_root(node: Node) -> Node:
    """The field `x` of a `vars.x` that `resolve` finds, also of `vars.x[0]` and `lists.x[*]`."""
    field = node.children[1]
    while field.type != "field":
        field = field.children[0]
    return field


def _with_root(node: Node, root: Node, found: Mapping[str, Any]) -> Node | None:
    """`node`, which stands after the dot, with what `root` has under the name at its left."""
    if node.type in ("index_expression", "projection"):  # lists.x[0], lists.x[*]
        first = _with_root(node.children[0], root, found)
        return replace(node, children=(first, *node.children[1:])) if first else None
    if node.type != "field":
        return None
    start, name = root.start, node.value
    if name not in found:
        message = f"'{root.value}.{name}' is not defined"
        raise ExpressionError(node.source, Finding("RE208", message, start, node.end - start))
    if root.value == "is":
        return replace(node, type="condition", start=start)
    return replace(node, type="literal", value=found[name], start=start)
