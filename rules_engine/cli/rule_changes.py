"""What a change of the rules means: two rule sets -> the rules that do something else now.

Rules are told apart by their ids, and compared as the engine sees them: a condition that is only laid out in
another way, a constant that is written out, a rule that moved to another file are no changes. A rule that is
the same under another id was renamed. A change that comes through a constant or a named condition says so,
and `names` are those that changed, with the rules that they change.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from rules_engine.cli.rule_document import action_document, rule_document
from rules_engine.effective import effective_rule
from rules_engine.expression.syntax import parse
from rules_engine.expression.verdicts import names_read
from rules_engine.template import holes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rules_engine.model import Rule, RuleSet

_CONDITIONS = ("when", "unless")

Kind = Literal["added", "removed", "renamed", "changed"]


class Aspect(NamedTuple):
    """One thing that a rule does differently, as it was and is written; None where it was or is not there."""

    name: str
    before: Any
    after: Any
    through: tuple[str, ...] = ()
    """Names of the file by which it changed, where the rule itself did not."""


@dataclass(frozen=True, slots=True)
class RuleChange:
    """`before` is None of a rule that was added, `after` of one that was removed."""

    kind: Kind
    before: Rule | None
    after: Rule | None
    aspects: tuple[Aspect, ...] = ()


class NameChange(NamedTuple):
    """A constant or named condition, and the ids of the rules that it changes."""

    name: str
    before: Any
    after: Any
    rules: tuple[str, ...]


class Changes(NamedTuple):
    rules: tuple[RuleChange, ...]
    names: tuple[NameChange, ...]


def changes_between(before: RuleSet, after: RuleSet) -> Changes:
    """All changes: rules that were removed or renamed, then the others in the order of `after`."""
    old = {rule.id: rule for rule in before.rules}
    new = {rule.id: rule for rule in after.rules}
    renamed = _renamed(
        [rule for rule in before.rules if rule.id not in new],
        [rule for rule in after.rules if rule.id not in old],
    )
    gone = set(renamed.values())
    changes = [RuleChange("removed", old[id_], None) for id_ in old if id_ not in new and id_ not in gone]
    for rule in after.rules:
        if rule.id in renamed:
            changes.append(RuleChange("renamed", old[renamed[rule.id]], rule))
        elif rule.id not in old:
            changes.append(RuleChange("added", None, rule))
        elif aspects := _aspects(old[rule.id], rule):
            changes.append(RuleChange("changed", old[rule.id], rule, aspects))
    return Changes(tuple(changes), _names(changes))


def _renamed(removed: Sequence[Rule], added: Sequence[Rule]) -> dict[str, str]:
    """The new id -> the old one, of rules that differ in nothing else."""
    found: dict[str, str] = {}
    for rule in added:
        for other in removed:
            if other.id not in found.values() and not _aspects(replace(other, id=rule.id), rule):
                found[rule.id] = other.id
                break
    return found


def _aspects(before: Rule, after: Rule) -> tuple[Aspect, ...]:
    """What differs, in the order of a rule's keys."""
    meant = [_parts(effective_rule(rule)) for rule in (before, after)]
    written = [_parts(rule) for rule in (before, after)]
    found: list[Aspect] = []
    whole: list[str] = []
    for name in dict.fromkeys([*meant[0], *meant[1]]):
        old, new = (parts.get(name) for parts in meant)
        if _comparable(name, old) == _comparable(name, new) or name.startswith(tuple(whole)):
            continue
        through: tuple[str, ...] = ()
        if name.startswith("action ") and ": " not in name:
            # Another type under the same id, or none: what its keys were is no matter.
            whole.append(f"{name}: ")
            old, new = (_action(rule, name) for rule in (before, after))
        elif written[0].get(name) == written[1].get(name):
            through = tuple(each for each, _, _ in _changed_names(before, after, name))
            old, new = _masked(before, name, old), _masked(after, name, new)
        else:
            old, new = (
                _masked(rule, name, parts.get(name))
                for rule, parts in zip((before, after), written, strict=True)
            )
        found.append(Aspect(name, old, new, through))
    return tuple(found)


def _action(rule: Rule, name: str) -> dict[str, Any] | None:
    found = (action_document(each) for each in rule.actions if f"action {each.id}" == name)
    return next(found, None)


def _masked(rule: Rule, name: str, value: Any) -> Any:
    """A value as it may be shown: what stands in an action passes through its mask."""
    head, _, key = name.partition(": ")
    action = next((each for each in rule.actions if f"action {each.id}" == head), None)
    if action is None or key not in action.config:
        return value
    return action_document(replace(action, config={key: value}))[key]


def _parts(rule: Rule) -> dict[str, Any]:
    """Everything that a rule says, each part under the name by which reports call it."""
    document = rule_document(rule)
    actions = {f"action {action.id}": action for action in rule.actions}
    exceptions = {f"unless {each['name']}": each for each in document.pop("unless", [])}
    del document["actions"], document["id"]
    parts = {**document, **exceptions}
    for name, action in actions.items():
        delivery = {
            "mode": action.mode,
            "on_error": action.on_error,
            "timeout_seconds": action.timeout_seconds,
        }
        parts[name] = action.type
        parts |= {f"{name}: {key}": each for key, each in {**action.config, **delivery}.items()}
    return {name: each for name, each in parts.items() if each is not None}


def _comparable(name: str, value: Any) -> Any:
    """Conditions as trees, which are equal however they are laid out."""
    if value is None or not name.startswith(_CONDITIONS):
        return value
    if isinstance(value, dict):
        return {**value, "when": _comparable(name, value["when"])}
    return parse(value) if isinstance(value, str) else [parse(each) for each in value]


def _changed_names(before: Rule, after: Rule, part: str) -> list[tuple[str, Any, Any]]:
    """(name, as it was, as it is) of the names that a part of both rules uses and that changed."""
    old, new = _names_of(before, part), _names_of(after, part)
    return [(name, old[name], new[name]) for name in old if name in new and old[name] != new[name]]


def _names_of(rule: Rule, part: str) -> dict[str, Any]:
    value = _parts(rule).get(part)
    if value is None:
        return {}
    if part.startswith(_CONDITIONS):
        when = value["when"] if isinstance(value, dict) else value
        texts = [when] if isinstance(when, str) else list(when)
    else:
        texts = [hole.expression for hole in holes(value)]
    return {name: each for text in texts for name, each in names_read(text, rule.scope).items()}


def _names(changes: Iterable[RuleChange]) -> tuple[NameChange, ...]:
    """Each name that changed, once for each pair of values: files have names of their own."""
    found: dict[tuple[str, str, str], NameChange] = {}
    for change in changes:
        if change.before is None or change.after is None:
            continue
        for aspect in change.aspects:
            for name, old, new in _changed_names(change.before, change.after, aspect.name):
                known = found.get((name, repr(old), repr(new)), NameChange(name, old, new, ()))
                rules = tuple(dict.fromkeys((*known.rules, change.after.id)))
                found[name, repr(old), repr(new)] = known._replace(rules=rules)
    return tuple(found.values())
