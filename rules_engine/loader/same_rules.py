"""Rules that do the same for the same records.

In: the rules of all files. Out: a warning (RE452) for each rule that has the tables, events, conditions,
exceptions and actions of one before it, whatever their order and their names are. Rules that use names of
their file (`vars`, `lists`, `is`) are the same only if these stand for the same.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rules_engine.errors import Problem
    from rules_engine.loader.rule_file import LoadedRule
    from rules_engine.model import ActionSpec, Rule

_OWN_NAME = re.compile(r"\b(?:vars|lists|is)\b").search


def check_same(loaded: Iterable[LoadedRule]) -> Iterator[Problem]:
    """The warnings, each at the later rule."""
    known: dict[Any, list[LoadedRule]] = {}
    for one in loaded:
        if not one.sound or not one.rule.enabled:
            continue
        others = known.setdefault(_what(one.rule), [])
        first = next((other for other in others if _same_names(one.rule, other.rule)), None)
        if first is None:
            others.append(one)
            continue
        message = (
            f"rule '{one.rule.id}' does the same as rule '{first.rule.id}': each record is acted on twice"
        )
        hint = "remove one of them, or correct the one that was meant to differ"
        related = ((first.id_node.location, "the first one is here"),)
        yield one.id_node.source.problem(
            "RE452", message, one.id_node.location, hint, severity="warning", related=related
        )


def _what(rule: Rule) -> Any:
    """Equal for rules that do the same, apart from what names of their file stand for."""
    unless = frozenset(frozenset(exception.when) for exception in rule.unless)
    actions = frozenset(map(_action, rule.actions))
    return frozenset(rule.tables), frozenset(rule.events), frozenset(rule.when), unless, actions


def _action(spec: ActionSpec) -> Any:
    return spec.type, spec.mode, _hashable(spec.config)


def _hashable(value: Any) -> Any:
    if isinstance(value, dict):
        return frozenset((name, _hashable(member)) for name, member in value.items())
    if isinstance(value, list):
        return tuple(map(_hashable, value))
    return type(value) is bool, value


def _same_names(one: Rule, other: Rule) -> bool:
    if one.scope is other.scope:
        return True
    if not _OWN_NAME(repr((one.when, one.unless, one.actions))):
        return True
    return one.scope == other.scope
