"""Everything that can be said against one expression before there is a record.

In: the text of an expression, what its file defines (`Scope`), and which images the rule's records never
carry. Out: findings in the order of the text, one for each mistake, with the place, a stable code, and the
text to write where there is one. A text that is no expression has one finding: what follows it would be
guesses. Authors' side only: the function compiles expressions and never imports this package.

A check is a module here and a line below. Nodes are visited parents first, and a finding about a node may
claim the nodes below it: an argument that must be a path is one mistake, not also an unknown name.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from rules_engine.errors import ExpressionError, Finding
from rules_engine.expression.checks.calls import check_call, check_expref
from rules_engine.expression.checks.comparisons import (
    check_comparison,
    check_filtered,
    check_negated_path,
    check_pipe,
)
from rules_engine.expression.checks.conditions import condition_warnings
from rules_engine.expression.checks.images import check_image, check_images_of_call, check_images_of_condition
from rules_engine.expression.checks.named import NamedConditions
from rules_engine.expression.checks.names import check_root
from rules_engine.expression.checks.own_names import OWN, check_own_name, defined
from rules_engine.expression.checks.places import Place, walk
from rules_engine.expression.checks.report import Report
from rules_engine.expression.checks.wording import explain, find_mistake
from rules_engine.expression.node import MAX_CHARACTERS
from rules_engine.model import EMPTY_SCOPE, Scope

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rules_engine.expression.syntax import Node

__all__ = ["NamedConditions", "check", "check_condition"]

NOTHING_ABSENT: Mapping[str, str] = MappingProxyType({})


def check(
    text: str, scope: Scope | NamedConditions = EMPTY_SCOPE, absent: Mapping[str, str] = NOTHING_ABSENT
) -> list[Finding]:
    """The findings about an expression. `absent` maps `new`, `old` to why no record of the rule has them.

    Who checks many expressions of one file gives its `NamedConditions`, for they remember what they found.
    """
    named = _named(scope)
    tree = _parse(text, named)
    return [tree] if isinstance(tree, Finding) else _check_tree(text, tree, named, absent)


def check_condition(
    text: str, scope: Scope | NamedConditions = EMPTY_SCOPE, absent: Mapping[str, str] = NOTHING_ABSENT
) -> list[Finding]:
    """The findings about an expression that decides something: those of `check`, and warnings."""
    named = _named(scope)
    tree = _parse(text, named)
    if isinstance(tree, Finding):
        return [tree]
    found = _check_tree(text, tree, named, absent)
    return found or sorted(condition_warnings(tree, named.scope), key=lambda finding: finding.start)


def _named(scope: Scope | NamedConditions) -> NamedConditions:
    return scope if isinstance(scope, NamedConditions) else NamedConditions(scope)


def _parse(text: str, named: NamedConditions) -> Node | Finding:
    mistake = find_mistake(text) if len(text) <= MAX_CHARACTERS else None
    if mistake:
        return mistake
    try:
        return named.parse(text)
    except ExpressionError as error:
        return explain(text, error.finding) if len(text) <= MAX_CHARACTERS else error.finding


def _check_tree(text: str, tree: Node, named: NamedConditions, absent: Mapping[str, str]) -> list[Finding]:
    report = Report(text, named, absent)
    for place in walk(tree):
        if not report.is_claimed(place.node):
            for check_node in _CHECKS.get(place.node.type, ()):
                check_node(place, report)
    found = sorted(report.findings, key=lambda finding: (finding.start, finding.length))
    if found or not named.scope.conditions:
        return found
    too_large = named.too_large(text, tree)
    return [too_large] if too_large else []


def _check_head(place: Place, report: Report) -> None:
    """A name: only those that begin a path are looked up."""
    name = place.node.value
    if not place.is_head:
        return
    if name in OWN and (place.meaning == "record" or defined(report.scope, name)):
        check_own_name(place, report)
        check_images_of_condition(place, report)
        return
    if place.meaning == "record":
        check_root(place, report)
    check_image(place, report)


_CHECKS: dict[str, tuple[Callable[[Place, Report], None], ...]] = {
    "comparator": (check_comparison,),
    "function_expression": (check_call, check_images_of_call),
    "pipe": (check_pipe,),
    "expref": (check_expref,),
    "subexpression": (check_negated_path,),
    "index_expression": (check_negated_path,),
    "projection": (check_negated_path,),
    "filter_projection": (check_negated_path, check_filtered),
    "value_projection": (check_negated_path,),
    "field": (_check_head,),
}
