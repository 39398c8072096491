"""A condition as facts about single values, joined by and and or: what can be decided without a record.

In: the tree of a condition, and whether it is to hold or not. Out: a `Formula`, whose facts are the needs
that `expression.needs` finds. What has no better form becomes a fact about a value of its own, which is true
or false: nothing is known of it, but that it is not both.

A formula may say less than its condition (an evaluation error makes neither hold), never more: what no values
satisfy can never hold.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeAlias

from rules_engine.errors import RulesEngineError
from rules_engine.expression.checks.inference import UNKNOWN, constant
from rules_engine.expression.checks.places import IMAGE_FUNCTIONS, walk
from rules_engine.expression.compiler import compile_expression
from rules_engine.expression.needs import (
    ABSENT,
    FALSE,
    NULL,
    TRUE,
    Differs,
    Equals,
    Has,
    Key,
    Source,
    StartsWith,
    Within,
    needs,
)
from rules_engine.expression.node import MAX_LEVELS
from rules_engine.expression.roots import resolve
from rules_engine.expression.syntax import parse
from rules_engine.expression.values import is_true

if TYPE_CHECKING:
    from collections.abc import Callable

    from rules_engine.expression.checks.places import Place
    from rules_engine.expression.needs import Need
    from rules_engine.expression.node import Node
    from rules_engine.model import Scope

Names: TypeAlias = tuple[str, ...]

OTHER = ("other",)
EMPTY = ("empty",)
"""Stand for any list or map that has something in it, and that has not."""


@dataclass(frozen=True, slots=True)
class Fact:
    """The value at `names` passes `test`. `keys` are values at which a test of this kind turns over."""

    names: Names
    test: Callable[[Key], bool]
    keys: tuple[Key, ...] = ()
    parts: tuple[str, ...] = ()
    """Texts that a value may have to begin with, and then to hold."""


@dataclass(frozen=True, slots=True)
class All:
    parts: tuple[Formula, ...]


@dataclass(frozen=True, slots=True)
class Some:
    parts: tuple[Formula, ...]


Formula: TypeAlias = "Fact | All | Some"

_MOST_LISTED = 1_000
"""Constants of a list; of longer ones nothing is known."""

ALWAYS = All(())
NEVER = Some(())


class Facts:
    """Makes formulas of the conditions of one file, of each text once."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self._made: dict[tuple[str, bool, bool], Formula] = {}
        self._needs: dict[str, tuple[Need, ...]] = {}
        self._open: list[str] = []

    def of(self, node: Node, *, holds: bool = True, through: bool = True) -> Formula:
        """What must be so for `node` to count as true, or for it not to.

        Unless it looks `through` them, nothing is known of named conditions.
        """
        identity = (node.text, holds, through)
        if identity not in self._made:
            self._made[identity] = self._make(node, holds, through)
        return self._made[identity]

    def _make(self, node: Node, holds: bool, through: bool) -> Formula:
        if node.type in ("and_expression", "or_expression"):
            parts = tuple(self.of(child, holds=holds, through=through) for child in node.children)
            return All(parts) if (node.type == "and_expression") is holds else Some(parts)
        if node.type == "not_expression":
            return self.of(node.children[0], holds=not holds, through=through)
        name = condition_named(node, self.scope)
        if name is not None:
            return self._condition(name, holds, through)
        value = self.value_of(node)
        if value is not UNKNOWN:
            return ALWAYS if is_true(value) is holds else NEVER
        return self._leaf(node, holds)

    def _condition(self, name: str, holds: bool, through: bool) -> Formula:
        if not through or name in self._open or len(self._open) == MAX_LEVELS:
            return _opaque(f"is.{name}", holds=holds)
        self._open.append(name)
        found = self.of(parse(self.scope.conditions[name]), holds=holds)
        self._open.pop()
        return found

    def value_of(self, node: Node) -> Any:
        """The value of what reads nothing of the record; UNKNOWN for everything else."""
        if node.type == "subexpression":  # `vars.enabled` alone is a switch, set on purpose
            return UNKNOWN
        value = constant(node, self.scope)
        if value is not UNKNOWN or node.type not in ("comparator", "function_expression"):
            return value
        if looked_into(node, self.scope) == []:
            return False
        if not all(map(_is_constant, walk(node))):
            return UNKNOWN
        try:
            return compile_expression(node.text, self.scope)({})
        except RulesEngineError:
            return UNKNOWN

    def _leaf(self, node: Node, holds: bool) -> Formula:
        names = path_names(node, self.scope)
        if names:
            return Fact(names, lambda key: _counts_as_true(key) is holds)
        if node.type == "comparator" and node.value in ("eq", "ne"):
            names = _of_both_images(*(path_names(side, self.scope) for side in node.children))
            if names:
                return _named(("differs", *names), holds=holds is (node.value == "ne"))
        listed = looked_into(node, self.scope)
        if isinstance(listed, list) and len(listed) > _MOST_LISTED:
            return _opaque(node.text, holds=holds)
        if node.text not in self._needs:
            self._needs[node.text] = needs([node], self.scope)
        parts = tuple(_fact(need, holds=holds) for need in self._needs[node.text])
        if len(parts) == 1:
            return parts[0]
        return All(parts) if holds else Some(parts)


def _is_constant(place: Place) -> bool:
    """Whether the node itself reads nothing of the record."""
    node = place.node
    if node.type == "function_expression":
        return node.value not in IMAGE_FUNCTIONS
    return node.type != "current" and (not place.is_head or node.value in ("vars", "lists"))


def looked_into(node: Node, scope: Scope) -> Any:
    """The constant list of `contains(lists.x, new.id)`; UNKNOWN for anything else."""
    looks = node.type == "function_expression" and node.value == "contains"
    return constant(node.children[0], scope) if looks else UNKNOWN


def condition_named(node: Node, scope: Scope) -> str | None:
    """The name, if the node is `is.name` and nothing more."""
    children = resolve(node, scope).children if node.type == "subexpression" else ()
    return str(children[0].value) if len(children) == 1 and children[0].type == "condition" else None


def path_names(node: Node, scope: Scope) -> Names:
    """The names of a plain path into the record; none for anything else."""
    if node.type == "field":
        return (str(node.value),)
    if node.type != "subexpression" or resolve(node, scope) is not node:
        return ()
    found = [path_names(child, scope) for child in node.children]
    return tuple(name for names in found for name in names) if all(found) else ()


def is_about_one_value(formula: Formula) -> bool:
    """Whether it is a fact, and of something that may differ from record to record of any rule."""
    return isinstance(formula, Fact) and formula.names[0] not in ("eventName", "expired", "table")


def _counts_as_true(key: Key) -> bool:
    return key not in (NULL, ABSENT, FALSE, "", EMPTY)


def _of_both_images(one: Names, other: Names) -> Names:
    """The path in the item, if one of the two leads to it in the new image and one in the old."""
    same = len(one) > 1 and one[1:] == other[1:] and {one[0], other[0]} == {"new", "old"}
    return one[1:] if same else ()


_MIRRORED = {"lt": "gt", "lte": "gte", "gt": "lt", "gte": "lte"}


def _fact(need: Need, *, holds: bool) -> Fact:
    source: Source | None = getattr(need, "source", None)
    if isinstance(need, Equals) and source and source.function and source.other and need.keys == (TRUE,):
        names = _of_both_images(source.names, source.other)
        if names:
            kind = source.function if source.names[0] == "new" else _MIRRORED[source.function]
            return _named((kind, *names), holds=holds)
    if source is not None and source == Source(source.names):
        match need:
            case Equals(_, keys):
                known = frozenset(keys)
                return Fact(source.names, lambda key: (key in known) is holds, keys)
            case Differs(_, keys):
                others = frozenset(keys)
                return Fact(source.names, lambda key: (key not in others) is holds, keys)
            case Within():
                bounds = tuple(bound for bound in (need.low, need.high) if bound is not None)
                return Fact(source.names, lambda key: _is_within(key, need) is holds, bounds)
            case StartsWith(_, prefix) if holds:
                return Fact(source.names, lambda key: _starts_with(key, prefix), parts=(prefix,))
            case Has(_, part) if holds:
                parts = (part,) if isinstance(part, str) else ()
                return Fact(source.names, lambda key: _has(key, part), parts=parts)
    return _opaque(repr(need), holds=holds)


def _opaque(text: str, *, holds: bool) -> Fact:
    """Of what is known by its text alone."""
    return _named((text, ""), holds=holds)


def _named(names: Names, *, holds: bool) -> Fact:
    """Of what is so or not: of an attribute that it `changed` or `differs`, that it is `gt` what it was."""
    return Fact(names, lambda key: key == (TRUE if holds else FALSE))


def _is_within(key: Key, need: Within) -> bool:
    if not isinstance(key, (int, Decimal)):
        return False
    low, high = need.low, need.high
    above = low is None or (key > low if need.low_open else key >= low)
    return above and (high is None or (key < high if need.high_open else key <= high))


def _starts_with(key: Key, prefix: str) -> bool:
    return isinstance(key, str) and key.startswith(prefix)


def _has(key: Key, part: Key) -> bool:
    return key == OTHER or (isinstance(key, str) and isinstance(part, str) and part in key)
