"""`vars.x`, `lists.x` and `is.x`: names of the rule file, written as if they were names of the data.

They are resolved when the rule is compiled, wherever they stand leftmost, also inside of filters, where
JMESPath itself has no way to name the root. `@.vars.x` and `items[*].vars.x` are attributes, and so is every
`vars.x` of a file that defines no `vars`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rules_engine.expression.node import Node
    from rules_engine.model import Scope

ROOTS = ("vars", "lists", "is")


def defined(root: str, scope: Scope) -> Mapping[str, Any]:
    """What the rule file defines under `root`."""
    if root == "is":
        return scope.conditions
    return scope.lists if root == "lists" else scope.vars


def root_and_name(node: Node, scope: Scope) -> tuple[str, str] | None:
    """("vars", "x") for a path that begins with `vars.x`, where `scope` defines any `vars`; else None."""
    if node.type != "subexpression":
        return None
    first, second = node.children[:2]
    if first.type != "field" or first.value not in ROOTS or second.type != "field" or first.follows_dot:
        return None
    return (first.value, second.value) if defined(first.value, scope) else None
