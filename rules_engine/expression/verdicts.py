"""What each part of a condition came to on one document, for people who ask why.

In: a condition's text, its scope and a document. Out: a `Verdict` with those of the operands of `&&`, `||`
and `!` below it, and of the named conditions that it uses, each shown once. What an operand before it decided
is `not_needed`, as in the evaluation itself. Where a part cannot be evaluated, `failing_span` is the
innermost piece of the text that cannot. Every part is evaluated by itself: this is for authors.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from rules_engine.errors import EvaluationError
from rules_engine.expression.checks.own_names import defined
from rules_engine.expression.checks.places import walk
from rules_engine.expression.compiler import compile_expression
from rules_engine.expression.roots import name_after_root, resolve
from rules_engine.expression.trees import tree_of
from rules_engine.expression.values import is_true

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rules_engine.expression.node import Node
    from rules_engine.model import Scope

Outcome = Literal["true", "false", "error", "not_needed"]

_EVALUATED_FIRST = {
    "pipe",
    "projection",
    "value_projection",
    "filter_projection",
    "flatten",
    "index_expression",
}
"""Nodes of which only the first child sees the document."""
_EVALUATED_ALL = {"or_expression", "and_expression", "not_expression", "comparator", "function_expression"}


@dataclass(frozen=True, slots=True)
class Verdict:
    """`text` as it was written, without parentheses around it; `parts` in the order of the text."""

    text: str
    outcome: Outcome
    parts: tuple[Verdict, ...] = ()


def verdict(text: str, scope: Scope, document: Mapping[str, Any]) -> Verdict:
    """What came of a condition and of its parts."""
    return _Judge(scope, document).judge(tree_of(text, scope))


def failing_span(text: str, scope: Scope, document: Mapping[str, Any]) -> tuple[int, int]:
    """Start and end of the innermost part that cannot be evaluated, of a text that cannot."""
    judge = _Judge(scope, document)
    node = tree_of(text, scope)
    while True:
        failing = (child for child in _seeing_the_document(node) if judge.outcome(child) == "error")
        inner = next(failing, None)
        if inner is None:
            return node.start, node.end
        node = inner


def constants_read(text: str, scope: Scope) -> dict[str, Any]:
    """The constants of the file that a condition, and the named ones in it, use: `vars.x`, `lists.y`."""
    return {name: value for name, value in names_read(text, scope).items() if not name.startswith("is.")}


def names_read(text: str, scope: Scope) -> dict[str, Any]:
    """The names of the file that an expression uses, and those that they use: constants with their value,
    conditions with their text."""
    found: dict[str, Any] = {}
    waiting = [text]
    while waiting:
        for root, name in _names(tree_of(waiting.pop(), scope), scope):
            if f"{root}.{name}" not in found:
                found[f"{root}.{name}"] = defined(scope, root)[name]
                waiting += [scope.conditions[name]] if root == "is" else []
    return found


def _names(tree: Node, scope: Scope) -> Iterator[tuple[str, str]]:
    """(root, name) of every name of the rule file."""
    for place in walk(tree):
        node = place.node
        if resolve(node, scope) is not node:
            yield str(node.children[0].value), name_after_root(node).value


class _Judge:
    def __init__(self, scope: Scope, document: Mapping[str, Any]) -> None:
        self.scope = scope
        self.document = document
        self._shown: set[str] = set()
        """Named conditions whose parts are shown: two uses of each would be four on the next level."""

    def judge(self, node: Node) -> Verdict:
        if node.type in ("and_expression", "or_expression"):
            return self._operands(node)
        parts: tuple[Verdict, ...] = ()
        if node.type == "not_expression":
            parts = self.judge(node.children[0]).parts
        name = self._condition_name(node)
        if name is not None and name not in self._shown:
            self._shown.add(name)
            definition = self.judge(tree_of(self.scope.conditions[name], self.scope))
            parts = definition.parts or (definition,)
        return Verdict(node.text, self.outcome(node), parts)

    def outcome(self, node: Node) -> Outcome:
        try:
            value = compile_expression(node.text, self.scope)(self.document)
        except EvaluationError:
            return "error"
        return "true" if is_true(value) else "false"

    def _operands(self, node: Node) -> Verdict:
        """Of a chain of one operator, whose operands stand on one level."""
        decides: Outcome = "false" if node.type == "and_expression" else "true"
        outcome: Outcome = "false"
        parts: list[Verdict] = []
        for operand in _chain(node):
            if parts and outcome in (decides, "error"):
                parts.append(Verdict(operand.text, "not_needed"))
            else:
                parts.append(self.judge(operand))
                outcome = parts[-1].outcome
        return Verdict(node.text, outcome, tuple(parts))

    def _condition_name(self, node: Node) -> str | None:
        """`vip` of `is.vip`, if the node is no more than that."""
        resolved = resolve(node, self.scope)
        if resolved is node or len(resolved.children) > 1 or resolved.children[0].type != "condition":
            return None
        return str(resolved.children[0].value)


def _chain(node: Node) -> list[Node]:
    """The operands of `a && b && c`, which is a tree that leans to the left."""
    operands: list[Node] = []
    first = node
    while first.type == node.type:
        first, *rest = first.children
        operands[:0] = rest
    return [first, *operands]


def _seeing_the_document(node: Node) -> list[Node]:
    """The children that are evaluated on the document itself, as they would be by themselves."""
    if node.type in _EVALUATED_ALL:
        return [child for child in node.children if child.type != "expref"]
    first = node.children[:1]
    if node.type in _EVALUATED_FIRST or (node.type == "subexpression" and first[0].type != "field"):
        return list(first)
    return []
