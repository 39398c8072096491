"""Conditions that are true for every record of a rule, or for none.

In: conditions that must all hold, and the `Circumstances` of their rule. Out: warnings (RE252), each with the
number of the condition it is about, for what is certain; where one part of a condition explains it, the part
is marked. A named condition that is never true by itself is reported where it is defined; that one which
rules share is always true in one of them is as it should be.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rules_engine.errors import Finding
from rules_engine.expression.checks.facts import (
    Facts,
    Some,
    condition_named,
    is_about_one_value,
    looked_into,
)
from rules_engine.expression.checks.inference import UNKNOWN, constant
from rules_engine.expression.checks.mistake import shown
from rules_engine.expression.checks.places import walk
from rules_engine.expression.checks.satisfiable import NO_RULE, Circumstances, Effort
from rules_engine.expression.functions import FUNCTIONS
from rules_engine.expression.syntax import parse
from rules_engine.expression.values import is_true

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rules_engine.expression.checks.facts import Formula
    from rules_engine.expression.node import Node
    from rules_engine.model import Scope

_NEVER_FAIL = frozenset({"became", "changed", "not_null", "present", "to_array", "to_number", "type"})
"""Functions that take whatever they are given; a condition in which one fails does not hold."""


class Certainties:
    """What is certain of the conditions of one file, with what was found out about each text."""

    def __init__(self, scope: Scope) -> None:
        self._facts = Facts(scope)
        self._effort = Effort()

    def find(
        self, trees: Sequence[Node], given: Circumstances, before: Sequence[Node] = ()
    ) -> list[tuple[int, Finding]]:
        """What is certain of conditions that are to hold together, and together with those `before` them."""
        judge = _Judge(self._facts, self._effort, given)
        operands = [(number, operand) for number, tree in enumerate(trees) for operand in _operands(tree)]
        found = [(number, finding) for number, operand in operands for finding in judge.alone(operand)]
        earlier = [operand for tree in before for operand in _operands(tree)]
        return found or list(judge.together(earlier, operands))

    def find_covering(
        self, when: Sequence[Node], exceptions: Sequence[Sequence[Node]], given: Circumstances
    ) -> tuple[int, Finding] | None:
        """Of exceptions, the first with which no record is left that meets `when`: its number, and what to
        say of its first condition."""
        left: list[Formula] = [self._facts.of(tree) for tree in when]
        for number, trees in enumerate(exceptions):
            # One that cannot be evaluated does not apply.
            if not trees or any(may_fail(tree, self._facts.scope) for tree in trees):
                continue
            left.append(Some(tuple(self._facts.of(tree, holds=False, through=False) for tree in trees)))
            if not self._effort.is_satisfiable(left, given):
                message = f"{shown(trees[0].text)} leaves no record that 'when' lets through"
                hint = "so the rule never matches: correct the exception, or switch the rule off"
                return number, _warning(trees[0], message, f"{hint} with 'enabled: false'")
        return None


def _operands(tree: Node) -> Iterator[Node]:
    """What `&&` joins."""
    if tree.type != "and_expression":
        yield tree
        return
    for child in tree.children:
        yield from _operands(child)


def may_fail(tree: Node, scope: Scope) -> bool:
    """Whether there may be records for which a condition cannot be evaluated."""
    return any(_may_fail(place.node, scope) for place in walk(tree))


def _may_fail(node: Node, scope: Scope) -> bool:
    name = condition_named(node, scope)
    if name is not None:
        return may_fail(parse(scope.conditions[name]), scope)
    if node.type != "function_expression" or node.value in _NEVER_FAIL:
        return False
    parameters = FUNCTIONS[node.value].parameters
    return any(
        constant(child, scope) is UNKNOWN and parameters[min(number, len(parameters) - 1)] != ("any",)
        for number, child in enumerate(node.children)
    )


class _Judge:
    """Of one rule."""

    def __init__(self, facts: Facts, effort: Effort, given: Circumstances) -> None:
        self.scope = facts.scope
        self.facts = facts
        self.effort = effort
        self.given = given

    def alone(self, node: Node) -> list[Finding]:
        """What is certain of one condition; of its parts, if it is about them."""
        if condition_named(node, self.scope) is not None:
            known = self.never(node, self.given) and not self.never(node, NO_RULE)
            return [self.finding(node, "never")] if known else []
        joined = node.children[0] if node.type == "not_expression" else node
        if joined.type in ("and_expression", "or_expression"):
            found = [finding for child in joined.children for finding in self.alone(child)]
            if found:
                return found
        elif is_about_one_value(self.facts.of(node)):
            return []
        if self.never(node, self.given):
            return [self.finding(node, "never")]
        return [self.finding(node, "always")] if self.always(node, self.given) else []

    def can_be(self, formulas: Sequence[Formula]) -> bool:
        return self.effort.is_satisfiable(formulas, self.given)

    def never(self, node: Node, given: Circumstances) -> bool:
        return not self.effort.is_satisfiable([self.facts.of(node)], given)

    def always(self, node: Node, given: Circumstances) -> bool:
        if self.effort.is_satisfiable([self.facts.of(node, holds=False, through=False)], given):
            return False
        return not may_fail(node, self.scope)

    def finding(self, node: Node, how: str) -> Finding:
        """Of a node that is never true, or always."""
        value = self.facts.value_of(node)
        if value is not UNKNOWN:
            message = f"{shown(node.text)} is {'true' if is_true(value) else 'false'} for every record"
            hint = "compare something of the record, or remove it"
            if looked_into(node, self.scope) == []:
                hint = f"'{node.children[0].text}' is empty: add to it, or remove the condition"
            return _warning(node, message, hint)
        judge = self.never if how == "never" else self.always
        message, hint = f"{shown(node.text)} is {how} true", "correct it, or remove it"
        given = self.given
        if judge(node, NO_RULE):
            if how == "always" and node.type == "or_expression":
                hint = "every value meets one of its sides: join with && what must hold together"
        elif judge(node, Circumstances(events=given.events, absent=given.absent)):
            message += f": the rule is for {' and '.join(given.events)} alone"
            hint = "correct it, or 'event' of the rule" if how == "never" else "remove it"
        else:
            message += f": the rule is for {_tables(given.tables)} alone"
            hint = "correct it, or 'table' of the rule" if how == "never" else "remove it"
        return _warning(node, message, hint)

    def together(
        self, before: Sequence[Node], operands: Sequence[tuple[int, Node]]
    ) -> Iterator[tuple[int, Finding]]:
        """The first condition that cannot be true where all before it are."""
        if self.can_be([self.facts.of(node) for node in (*before, *(node for _, node in operands))]):
            return
        # What is never true by itself was reported, or is a named condition that is reported elsewhere.
        nodes = [node for node in before if not self.never(node, self.given)]
        formulas = [self.facts.of(node) for node in nodes]
        if not self.can_be(formulas):
            return
        for number, node in operands:
            formula = self.facts.of(node)
            if not self.can_be([formula]):
                continue
            if not self.can_be([*formulas, formula]):
                pairs = zip(nodes, formulas, strict=True)
                other = next((node for node, known in pairs if not self.can_be([known, formula])), None)
                yield number, _contradiction(node, other, is_exception=bool(before))
                return
            nodes.append(node)
            formulas.append(formula)


def _contradiction(node: Node, other: Node | None, *, is_exception: bool) -> Finding:
    where = f"where {shown(other.text)} is" if other else "where all that stands before it is"
    hint = "no record can meet both: correct one of them, or join them with ||"
    if is_exception:
        hint = "so the exception is for no record that 'when' lets through: correct or remove it"
    return _warning(node, f"{shown(node.text)} is never true {where}", hint)


def _tables(tables: Sequence[str]) -> str:
    named = " and ".join(f"'{table}'" for table in tables)
    return f"the table {named}" if len(tables) == 1 else f"the tables {named}"


def _warning(node: Node, message: str, hint: str) -> Finding:
    return Finding("RE252", message, node.start, max(1, node.end - node.start), hint, "warning")
