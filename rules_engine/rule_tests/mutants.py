"""Small changes of a condition, such as an author makes by mistake.

In: the text of a condition and its scope. Out: a `Mutant` for each change, compiled: another comparison, a
number one larger or smaller, `&&` for `||`, an operand left out, a condition turned round, `old` for `new`.
They are made by way of the tree and written as text, so a mutant is something that could have been written.
What would most often mean the same is left out: the second direction of a number that is compared for
equality, `||` that gives a default, and `old` for `new` where nothing is compared, as in
`contains(lists.testers, new.customer_id)`, because most attributes never change.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from rules_engine.errors import ExpressionError
from rules_engine.expression import Program, compile_expression
from rules_engine.expression.checks.places import Place, walk
from rules_engine.expression.roots import resolve
from rules_engine.expression.syntax import parse, tokens

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rules_engine.expression.node import Node, Token
    from rules_engine.model import Scope


class Mutant(NamedTuple):
    """`text[start:end]` of a condition replaced."""

    start: int
    end: int
    replacement: str

    def apply(self, text: str) -> str:
        return text[: self.start] + self.replacement + text[self.end :]


_COMPARISONS = {
    "==": ("!=",),
    "!=": ("==",),
    "<": ("<=", ">"),
    "<=": ("<", ">="),
    ">": (">=", "<"),
    ">=": (">", "<="),
}
_OTHER_JUNCTION = {"and_expression": "||", "or_expression": "&&"}
_OTHER_IMAGE = {"new": "old", "old": "new"}
_SIGNS = {"eq", "ne", "lt", "lte", "gt", "gte", "and", "or"}
"""Types of the tokens that stand between two operands."""


def mutants(text: str, scope: Scope) -> list[tuple[Mutant, Program]]:
    """The changes of a condition that compile, each once, in the order of their places."""
    signs = [token for token in tokens(text) if token.type in _SIGNS]
    found: dict[str, Mutant] = {}
    for place in walk(parse(text)):
        for mutant in _mutants_of(place, scope, signs):
            found.setdefault(mutant.apply(text), mutant)
    compiled = [(mutant, _program(changed, scope)) for changed, mutant in found.items()]
    sound = [(mutant, program) for mutant, program in compiled if program is not None]
    return sorted(sound, key=lambda each: each[0])


def _program(text: str, scope: Scope) -> Program | None:
    try:
        return compile_expression(text, scope)
    except ExpressionError:
        return None


def _mutants_of(place: Place, scope: Scope, signs: Iterable[Token]) -> Iterator[Mutant]:
    node = place.node
    if node.type == "comparator":
        yield from _other_comparisons(node, scope, signs)
    elif node.type in _OTHER_JUNCTION:
        yield from _other_junctions(node, signs)
    elif node.type == "not_expression":
        yield Mutant(node.start, node.end, node.text[1:])
    elif _is_condition(place):
        yield Mutant(node.start, node.end, f"!({node.text})")
    is_image = place.is_head and place.meaning == "record" and node.value in _OTHER_IMAGE
    if is_image and _is_compared(place):
        yield Mutant(node.start, node.end, _OTHER_IMAGE[node.value])


def _is_condition(place: Place) -> bool:
    """Whether it is the whole condition, or an operand of its junctions."""
    while place.parent is not None:
        place = place.parent
        if place.node.type not in _OTHER_JUNCTION:
            return False
    return True


def _is_compared(place: Place) -> bool:
    while place.parent is not None and place.node.type != "comparator":
        place = place.parent
    return place.node.type == "comparator"


def _other_comparisons(node: Node, scope: Scope, signs: Iterable[Token]) -> Iterator[Mutant]:
    sign = _sign_of(node, signs)
    for other in _COMPARISONS[sign.value]:
        yield Mutant(sign.start, sign.end, other)
    steps = (1,) if sign.value in ("==", "!=") else (1, -1)
    for operand in node.children:
        number = _number(operand, scope)
        if number is not None:
            yield from (Mutant(operand.start, operand.end, f"`{number + step}`") for step in steps)


def _number(operand: Node, scope: Scope) -> int | Decimal | None:
    """The number that an operand always is: a literal, or one of `vars`."""
    resolved = resolve(operand, scope)
    constant = resolved.children[0] if len(resolved.children) == 1 else operand
    # Exactly these types, because `true` is an int to Python.
    if constant.type == "literal" and type(constant.value) in (int, Decimal):
        number: int | Decimal = constant.value
        return number
    return None


def _other_junctions(node: Node, signs: Iterable[Token]) -> Iterator[Mutant]:
    """The other sign, and each operand left out. A chain of one sign is a tree to its left, of which each
    operand but the first stands at the right."""
    left, right = node.children
    if right.type == "literal":
        return
    sign = _sign_of(node, signs)
    yield Mutant(sign.start, sign.end, _OTHER_JUNCTION[node.type])
    yield Mutant(node.start, node.end, node.source[node.start : sign.start].rstrip())
    if left.type != node.type:
        yield Mutant(node.start, node.end, node.source[sign.end : node.end].lstrip())


def _sign_of(node: Node, signs: Iterable[Token]) -> Token:
    left, right = node.children
    return next(sign for sign in signs if left.end <= sign.start and sign.end <= right.start)
