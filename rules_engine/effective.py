"""Rules as the engine sees them: constants and named conditions in their place.

In: a rule. Out: the same rule, in which every `vars.x` and `lists.y` is the value and every `is.z` the
condition that it names, in conditions and in the holes of its actions. A named condition that stands where
names mean something else than the record (in a filter, behind a pipe) cannot be written out there: it stays a
name, and the rule's scope keeps that condition alone, itself written out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from rules_engine import exact_json
from rules_engine.expression.checks.places import walk
from rules_engine.expression.roots import name_after_root, resolve
from rules_engine.expression.syntax import parse
from rules_engine.model import EMPTY_SCOPE, Rule, Scope
from rules_engine.template import holes

if TYPE_CHECKING:
    from rules_engine.expression.checks.places import Place
    from rules_engine.expression.node import Node

_BINDS_TIGHT = {"field", "function_expression", "subexpression", "literal", "not_expression"}
"""Conditions that need no parentheses wherever they are put."""
_CONNECTIVES = {"and_expression", "or_expression"}


_NO_NAMES: Mapping[str, str] = MappingProxyType({})


def effective_rule(rule: Rule, names: Mapping[str, str] = _NO_NAMES) -> Rule:
    """The rule with everything written out; it matches and does the same. `names` are other names for the
    conditions that stay names."""
    writer = _Writer(rule.scope, names)
    written = replace(
        rule,
        when=tuple(writer.condition(text) for text in rule.when),
        unless=tuple(
            replace(each, when=tuple(writer.condition(text) for text in each.when)) for each in rule.unless
        ),
        actions=tuple(replace(each, config=writer.value(each.config)) for each in rule.actions),
        scope=EMPTY_SCOPE,
    )
    kept: dict[str, str] = {}
    while writer.kept:
        name = writer.kept.pop()
        if name not in kept:
            kept[name] = writer.condition(rule.scope.conditions[name])
    if not kept:
        return written
    return replace(written, scope=Scope(conditions={names.get(name, name): kept[name] for name in kept}))


class _Writer:
    def __init__(self, scope: Scope, names: Mapping[str, str]) -> None:
        self.scope = scope
        self.names = names
        self.kept: set[str] = set()
        """Conditions that had to stay names."""

    def condition(self, text: str) -> str:
        """An expression without names of the rule file."""
        pieces = []
        at = 0
        for place in walk(parse(text)):
            node = place.node
            if node.start < at or resolve(node, self.scope) is node:
                continue
            named = name_after_root(node)
            start = node.children[0].start
            meaning = self._meaning(
                place, str(node.children[0].value), named, _is_enclosed(text, start, named.end)
            )
            pieces += [text[at:start], meaning]
            at = named.end
        return "".join([*pieces, text[at:]]).strip()

    def value(self, value: Any) -> Any:
        """A config value with the holes of its strings written out."""
        if isinstance(value, str):
            return self._template(value)
        if isinstance(value, Mapping):
            return {key: self.value(each) for key, each in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.value(each) for each in value]
        return value

    def _template(self, text: str) -> str:
        pieces = []
        at = 0
        for hole in holes(text):
            pieces += [text[at : hole.at], self.condition(hole.expression)]
            at = hole.at + len(hole.expression)
        return "".join([*pieces, text[at:]])

    def _meaning(self, place: Place, root: str, named: Node, enclosed: bool) -> str:
        if root != "is":
            return literal((self.scope.vars if root == "vars" else self.scope.lists)[named.value])
        if place.meaning != "record":
            self.kept.add(named.value)
            return f"is.{self.names.get(named.value, named.value)}"
        definition = self.condition(self.scope.conditions[named.value])
        return definition if enclosed or _fits(place, parse(definition)) else f"({definition})"


def _is_enclosed(text: str, start: int, end: int) -> bool:
    """Whether nothing but parentheses or commas stands beside it."""
    return text[:start].rstrip()[-1:] in ("", "(", ",") and text[end:].lstrip()[:1] in ("", ")", ",")


def _fits(place: Place, definition: Node) -> bool:
    """Whether a condition can stand here without parentheses."""
    if len(place.node.children) > 2 or place.node.children[1].type != "field":
        return False
    is_operand = place.parent is not None and place.parent.node.type in _CONNECTIVES
    return definition.type in _BINDS_TIGHT or (is_operand and definition.type == "comparator")


def literal(value: Any) -> str:
    """A constant as an expression writes it."""
    if isinstance(value, str) and value.isprintable() and not set(value) & {"'", "\\"}:
        return f"'{value}'"
    # In JSON a backtick can only stand in a text.
    return "`" + exact_json.dumps(value).replace("`", "\\u0060") + "`"
