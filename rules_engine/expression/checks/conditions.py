"""What is odd only in a condition, where a value counts as true or false.

In: the tree of an expression that parses. Out: warnings for a condition that is no comparison (0 counts as
true), for text that is always true beside `||`, for `!(a > b)`, which is true where `a` is missing, and for
patterns of another language than that of `glob`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rules_engine.expression.checks.comparisons import ORDERINGS
from rules_engine.expression.checks.inference import constant, known_type
from rules_engine.expression.checks.likely import may_be_meant_otherwise, meant_otherwise
from rules_engine.expression.checks.mistake import shown
from rules_engine.expression.checks.places import Place, leftmost, walk
from rules_engine.expression.checks.report import warning
from rules_engine.expression.values import is_true

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rules_engine.errors import Finding
    from rules_engine.expression.node import Node
    from rules_engine.model import Scope

_REVERSED = {"lt": ">=", "lte": ">", "gt": "<=", "gte": "<"}
_OTHER_PATTERN = re.compile(r"(?P<set>\[[^\[\]]{2,}\])|(?P<choice>\{[^{},]*,[^{}]*\})")
"""What shells know. One character in brackets may be an index; `.*` is every ending of a file's name."""
_JOINTS = ("or_expression", "and_expression")


def condition_warnings(tree: Node, scope: Scope) -> Iterator[Finding]:
    """The warnings about a condition."""
    if not _is_boolean(tree, scope):
        yield _not_boolean(tree, scope)
    if "glob" in tree.source:
        for place in walk(tree):
            yield from _other_patterns(place.node, scope)
    if may_be_meant_otherwise(tree.source):
        yield from meant_otherwise(tree, scope)
    if "||" not in tree.source and "!" not in tree.source:
        return
    for place in walk(tree):
        node = place.node
        if node.type == "or_expression":
            yield from _always_true_sides(node)
            yield from _unused_sides(place)
        elif node.type == "not_expression":
            yield from _negated_ordering(node)


def _other_patterns(node: Node, scope: Scope) -> Iterator[Finding]:
    """`glob(new.sku, 'A[0-9]*')`."""
    if node.type != "function_expression" or node.value != "glob" or len(node.children) != 2:
        return
    pattern = constant(node.children[1], scope)
    found = _OTHER_PATTERN.search(pattern) if isinstance(pattern, str) else None
    if found is None:
        return
    text = node.children[0].text
    hint = {
        "set": "for one character of several write ?, or ask for each: "
        f"starts_with({text}, 'A') || starts_with({text}, 'B')",
        "choice": f"ask for each: glob({text}, 'A*') || glob({text}, 'B*')",
    }[str(found.lastgroup)]
    message = f"glob takes '{found[0]}' as it stands: only * and ? mean something in a pattern"
    yield warning("RE254", message, node.children[1], hint)


def _is_boolean(node: Node, scope: Scope) -> bool:
    """Whether it is true or false by its form; both sides of `||` may be what they like."""
    if node.type == "pipe":
        return _is_boolean(node.children[1], scope)
    if node.type in _JOINTS or known_type(node, scope) == "boolean":
        return True
    return (node.type == "field" and node.value == "expired") or (
        node.type == "subexpression" and leftmost(node).value == "is" and len(node.children) == 2
    )


def _not_boolean(node: Node, scope: Scope) -> Finding:
    kind, text = known_type(node, scope), node.text
    if node.type == "literal":
        hint = "write a comparison, such as new.status == 'SHIPPED'"
        return warning("RE250", f"{shown(text)} is the same for every record", node, hint)
    if kind == "number":
        return warning(
            "RE250", f"'{text}' is a number, which counts as true, also 0", node, "", f"{text} > `0`"
        )
    if kind == "array":
        return warning("RE250", f"'{text}' is a list, not a condition", node, "", f"length({text}) > `0`")
    message = f"'{text}' is not a comparison: whatever is there counts as true, also 0"
    hint = f"to compare, write {text} > `0` or {text} == `true`"
    names = [child.type for child in node.children]
    if node.type == "subexpression" and {*names} == {"field"} and node.children[0].value == "new":
        attribute = node.source[node.children[1].start : node.end]
        hint += f"; to ask whether it exists, write present(&{attribute})"
    return warning("RE250", message, node, hint)


def _always_true_sides(node: Node) -> Iterator[Finding]:
    """`new.status == 'A' || 'B'`."""
    left, right = node.children
    if right.type != "literal" or not right.value:
        return
    compared = left
    while compared.type in _JOINTS:
        compared = compared.children[compared.children[1].type != "literal"]
    if compared.type != "comparator" or compared.value != "eq":
        return
    mend = f"{compared.children[0].text} == {right.text}"
    yield warning("RE250", f"{shown(right.text)} alone is always true", right, "", mend)


def _unused_sides(place: Place) -> Iterator[Finding]:
    """`new.status == ('A' || 'B')` and `contains(new.tags, 'a' || 'b')`: it is always the first."""
    node, parent = place.node, place.parent
    left, right = node.children
    if left.type != "literal" or not is_true(left.value):
        return
    message = f"{shown(right.text)} is never looked at, because {shown(left.text)} is always true"
    if parent is None or parent.node.type not in ("comparator", "function_expression"):
        yield warning("RE250", message, node, "join whole conditions with ||")
        return
    whole, source = parent.node, node.source
    start, end = node.start, node.end
    if source[:start].rstrip().endswith("(") and parent.node.type == "comparator":
        start, end = source.rindex("(", 0, start), source.index(")", end) + 1
    sides = [source[whole.start : start] + side.text + source[end : whole.end] for side in node.children]
    yield warning("RE250", message, whole, "", " || ".join(sides))


def _negated_ordering(node: Node) -> Iterator[Finding]:
    """`!(new.total > `100`)`."""
    (inner,) = node.children
    if inner.type != "comparator" or inner.value not in ORDERINGS:
        return
    left, right = inner.children
    message = f"'{node.text}' is also true where one of its values is missing"
    hint = "to ask for values that are there"
    yield warning("RE251", message, node, hint, f"{left.text} {_REVERSED[inner.value]} {right.text}")
