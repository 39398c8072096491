"""`write`: a rule set -> the bytes of its bundle. For authors: everything is compiled, to find its mistakes.

What a function would otherwise work out each time it starts is worked out here: the parsed trees of all
expressions, what the index must know of every rule, and what the actions take from the environment. Fields
that have their default are left out. RuleSetError: an expression or a hole does not compile, an action type
is unknown, or a text is not valid Unicode.
"""

from __future__ import annotations

from dataclasses import MISSING, Field, fields
from typing import TYPE_CHECKING, Any

from rules_engine import exact_json
from rules_engine.actions import connection_of
from rules_engine.bundle.layout import LAST, RULES, START, TREES, seal
from rules_engine.errors import ExpressionError, RuleSetError
from rules_engine.expression import compile_expression
from rules_engine.expression.need_codec import NeedWriter
from rules_engine.expression.trees import encode_tree, tree_of
from rules_engine.index.outline import outline_of
from rules_engine.template import holes, references
from rules_engine.views import images_wanted

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rules_engine.expression.compiler import CompiledConditions
    from rules_engine.expression.node import Node
    from rules_engine.model import ActionSpec, Outline, Rule, RuleSet, Scope

_LEFT_OUT = frozenset({"tests", "location", "scope", "trees"})
"""Fields that are not written as they stand; `scope` becomes a number."""


def write(rule_set: RuleSet) -> bytes:
    try:
        return _Writer().write(rule_set.rules)
    except ValueError as error:
        raise RuleSetError(f"the rules cannot be written: {error}") from error


class _Numbers:
    """Values, each once, by number."""

    def __init__(self) -> None:
        self.values: list[Any] = []
        self._numbers: dict[str, int] = {}

    def number(self, value: Any) -> int:
        name = exact_json.dumps(value)
        if name not in self._numbers:
            self._numbers[name] = len(self.values)
            self.values.append(value)
        return self._numbers[name]


class _Writer:
    """Goes through the rules once and keeps what they share."""

    def __init__(self) -> None:
        self._scopes = _Numbers()
        self._kinds = _Numbers()
        self._needs = _Numbers()
        self._need_writer = NeedWriter()
        self._connections: dict[str, dict[str, Any]] = {}
        self._references: set[str] = set()
        self._trees: dict[str, Node] = {}
        self._expressions: dict[int, _Expressions] = {}

    def write(self, rules: Sequence[Rule]) -> bytes:
        outlines, lines = [], []
        for rule in rules:
            expressions = self._in_scope(rule.scope)
            when, unless = expressions.compile_all(rule)
            outlines.append(self._outline(outline_of(rule, when, unless), expressions.number))
            lines.append(_rule_to_json(rule, expressions.number))
            if rule.enabled:
                self._add_surroundings(rule.actions)
        for expressions in self._expressions.values():
            self._trees |= expressions.trees()
        head = {
            "connections": list(self._connections.values()),
            "images": [[table, *images] for table, images in images_wanted(rules).items()],
            "kinds": self._kinds.values,
            "needs": self._needs.values,
            "outlines": outlines,
            "references": sorted(self._references),
            "sources": self._need_writer.sources,
        }
        return seal(_laid_out(head, self._trees, lines, self._scopes.values))

    def _in_scope(self, scope: Scope) -> _Expressions:
        # The rule set keeps its scopes alive, so an id is a name.
        if id(scope) not in self._expressions:
            number = self._scopes.number(_to_json(scope))
            self._expressions[id(scope)] = _Expressions(scope, number)
        return self._expressions[id(scope)]

    def _outline(self, outline: Outline, scope: int) -> list[Any]:
        kind = (outline.tables, outline.kinds, scope, outline.enabled)
        needs, *exceptions = (
            [self._needs.number(self._need_writer.write(need)) for need in found]
            for found in (outline.needs, *outline.exceptions)
        )
        while self._need_writer.texts:
            text = self._need_writer.texts.pop()
            self._trees[text] = tree_of(text, outline.scope)
        return [outline.rule_id, self._kinds.number(kind), needs, *exceptions]

    def _add_surroundings(self, actions: Iterable[ActionSpec]) -> None:
        for spec in actions:
            connection = _to_json(connection_of(spec))
            name = exact_json.dumps({**connection, "id": ""})
            self._connections.setdefault(name, connection)
            self._references |= {each.key for each in references(spec.config) if each.default is None}


class _Expressions:
    """The expressions of the rules of one scope, each compiled once."""

    def __init__(self, scope: Scope, number: int) -> None:
        self.number = number
        self._scope = scope
        self._nodes: dict[str, Node] = {}
        self._conditions: CompiledConditions = {}

    def compile_all(self, rule: Rule) -> tuple[list[Node], list[list[Node]]]:
        """The trees of the rule's `when`, and of each exception. Its holes are compiled too. Raises
        RuleSetError."""
        try:
            for hole in holes([action.config for action in rule.actions]):
                self._compile(hole.expression)
            unless = [[self._compile(text) for text in exception.when] for exception in rule.unless]
            return [self._compile(text) for text in rule.when], unless
        except ExpressionError as error:
            raise RuleSetError(f"rule '{rule.id}': {error}") from error

    def trees(self) -> dict[str, Node]:
        """Of everything compiled so far, named conditions included, by its text."""
        named = [self._scope.conditions[name] for name in self._conditions]
        return self._nodes | {text: tree_of(text, self._scope) for text in named}

    def _compile(self, text: str) -> Node:
        if text not in self._nodes:
            self._nodes[text] = compile_expression(text, self._scope, self._conditions).node
        return self._nodes[text]


def _laid_out(
    head: dict[str, Any], trees: dict[str, Node], rules: list[dict[str, Any]], scopes: list[Any]
) -> bytes:
    """Everything that the sum is of."""
    first = START + exact_json.dumps(head)[1:-1].encode() + b"," + TREES
    # Sorted as bytes, because that is how they are looked up.
    written = sorted(
        f"{exact_json.dumps(text)}:{exact_json.dumps(encode_tree(tree))}".encode()
        for text, tree in trees.items()
    )
    return b"\n".join(
        [
            first,
            *_with_commas(written),
            RULES,
            *_with_commas([exact_json.dumps(rule).encode() for rule in rules]),
            LAST + exact_json.dumps(scopes).encode(),
        ]
    )


def _with_commas(lines: list[bytes]) -> list[bytes]:
    return [*(line + b"," for line in lines[:-1]), *lines[-1:]]


def _rule_to_json(rule: Rule, scope: int) -> dict[str, Any]:
    written = _to_json(rule)
    written["scope"] = scope
    written["actions"] = [_to_json(action) for action in rule.actions]
    if rule.unless:
        written["unless"] = [_to_json(exception) for exception in rule.unless]
    return written


def _to_json(value: Any) -> dict[str, Any]:
    """The fields of a model object that differ from their default."""
    return {
        field.name: getattr(value, field.name)
        for field in fields(value)
        if field.name not in _LEFT_OUT and getattr(value, field.name) != _default(field)
    }


def _default(field: Field[Any]) -> Any:
    if field.default_factory is not MISSING:
        return field.default_factory()
    return object() if field.default is MISSING else field.default
