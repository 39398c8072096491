"""What is odd about the conditions of a rule only because of the rest of it.

In: the conditions of one rule, in which nothing was found to be wrong by themselves, its events, tables and
tests. Out: warnings for conditions that are always or never true in this rule, alone or together, for
exceptions that never apply or always do, for orderings of what the rule's own tests show to be text, and for
`new.items.length`.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from rules_engine.errors import ExpressionError
from rules_engine.expression.checks.comparisons import ORDERINGS
from rules_engine.expression.checks.facts import path_names
from rules_engine.expression.checks.places import path_from, walk
from rules_engine.expression.checks.satisfiable import Circumstances
from rules_engine.expression.syntax import parse
from rules_engine.loader.lengths import lengths_as_attributes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rules_engine.errors import Problem
    from rules_engine.expression.checks.facts import Names
    from rules_engine.expression.node import Node as ExpressionNode
    from rules_engine.loader.conditions import Expressions
    from rules_engine.model import Rule, Scope
    from rules_engine.source import Node

_IMAGES = ("new", "old", "keys")


def check_rule_conditions(
    rule: Rule,
    absent: Mapping[str, str],
    conditions: Sequence[Sequence[Node]],
    tests: Node | None,
    expressions: Expressions,
) -> Iterator[Problem]:
    """The warnings about a rule's conditions: those of `when`, then those of each exception."""
    given = Circumstances(rule.events, rule.tables, frozenset(absent))
    when, *exceptions = conditions
    found = expressions.check_certain(when, given)
    for nodes in exceptions:
        found += expressions.check_certain(nodes, given, when)
    if not found:
        # What expires is meant to end: a rule may be silenced until a day.
        lasting = [nodes for nodes, each in zip(exceptions, rule.unless, strict=True) if each.expires is None]
        found = expressions.check_covering(when, lasting, given) if lasting else []
    yield from found
    shown = _Shown(tests)
    for nodes in conditions:
        for node in nodes:
            yield from lengths_as_attributes(node, shown.records, rule.scope)
            if tests is not None:
                yield from _orderings_of_text(node, shown, rule.scope)


class _Shown:
    """What the records of a rule's tests have at a path."""

    def __init__(self, tests: Node | None) -> None:
        tests_of_rule = (test for test in tests.items() if test.kind == "mapping") if tests else ()
        records = (test.get("record") for test in tests_of_rule)
        self.records = [record for record in records if record is not None]

    def text_at(self, names: Names) -> Node | None:
        """The first text, where some records have a text there and none has a number."""
        found = [node for record in self.records if (node := _at(record, names)) is not None]
        if any(isinstance(node.value, (int, Decimal)) for node in found):
            return None
        return next((node for node in found if isinstance(node.value, str)), None)


def _at(node: Node | None, names: Names) -> Node | None:
    for name in names:
        if node is None or node.kind != "mapping":
            return None
        node = node.get(name)
    return node if node is not None and node.kind == "scalar" else None


def _orderings_of_text(node: Node, shown: _Shown, scope: Scope) -> Iterator[Problem]:
    said: set[Names] = set()
    try:
        ordered = list(_ordered(node.value, scope))
    except ExpressionError:  # of a named condition, where it is reported
        return
    for names, start, end, mend in ordered:
        text = shown.text_at(names)
        if text is None or names in said:
            continue
        said.add(names)
        message = f"'{'.'.join(names)}' is ordered as a number, and the tests of this rule show it as text"
        hint = "if the table holds numbers, remove the quotes in the tests; if it holds text, "
        related = ((text.location, "it is text here"),)
        location = node.locate(start, end - start)
        yield node.source.problem(
            "RE253", message, location, hint + mend, severity="warning", related=related
        )


def _ordered(text: str, scope: Scope) -> Iterator[tuple[Names, int, int, str]]:
    """Each path into an image that is ordered, where that is to be marked, and what to do if it is text."""
    tree = parse(text)
    for names, node, side in _orderings(tree, scope):
        before, after = text[node.start : side.start], text[side.end : node.end]
        yield names, node.start, node.end, f"write: {before}to_number({side.text}){after}"
    for place in walk(tree):
        if place.is_head and place.node.value == "is":
            path = path_from(place)
            start, end, name = path.parts[0].start, path.parts[1].end, path.names[1]
            for names, _, side in _orderings(parse(scope.conditions[name]), scope):
                yield names, start, end, f"read to_number({side.text}) in 'is.{name}'"


def _orderings(tree: ExpressionNode, scope: Scope) -> Iterator[tuple[Names, ExpressionNode, ExpressionNode]]:
    """(path, the comparison, its side with the path), not of elements of a list."""
    for place in walk(tree):
        node = place.node
        if place.meaning == "record" and node.type == "comparator" and node.value in ORDERINGS:
            for side in node.children:
                names = path_names(side, scope)
                if len(names) > 1 and names[0] in _IMAGES:
                    yield names, node, side
