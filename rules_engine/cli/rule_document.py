"""A rule with everything said, as data: what `show` prints and `diff` compares.

In: a rule as `effective` writes it out. Out: the keys of a rule file with the values that count where the
author wrote none. What stands in an action under a name that speaks of a secret is masked, unless it is a
reference: those are shown as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rules_engine.loader.secrets import names_a_secret
from rules_engine.model import VIEWS

if TYPE_CHECKING:
    from rules_engine.model import ActionSpec, Rule

MASK = "****"


def rule_document(rule: Rule) -> dict[str, Any]:
    """The rule in the order of keys of a rule file, without its tests."""
    document: dict[str, Any] = {"id": rule.id}
    described = {
        "description": rule.description,
        "severity": rule.severity,
        "tags": list(rule.tags) or None,
        "runbook": rule.runbook,
        "owner": rule.owner,
    }
    document |= {key: value for key, value in described.items() if value is not None}
    document |= {
        "enabled": rule.enabled,
        "table": rule.tables[0] if len(rule.tables) == 1 else list(rule.tables),
        "view": rule.view or VIEWS[0],
        "event": rule.events[0] if len(rule.events) == 1 else list(rule.events),
    }
    if rule.when:
        document["when"] = list(rule.when) if rule.when_is_list else rule.when[0]
    if rule.unless:
        document["unless"] = [
            {
                "name": each.name,
                "when": each.when[0] if len(each.when) == 1 else list(each.when),
                **({"reason": each.reason} if each.reason else {}),
                **({"expires": each.expires} if each.expires else {}),
            }
            for each in rule.unless
        ]
    return {**document, "actions": [action_document(action) for action in rule.actions]}


def action_document(action: ActionSpec) -> dict[str, Any]:
    """Type and id, the type's own keys, and how it is delivered."""
    delivery: dict[str, Any] = {"mode": action.mode, "on_error": action.on_error}
    if action.timeout_seconds is not None:
        delivery["timeout_seconds"] = action.timeout_seconds
    return {"type": action.type, "id": action.id, **_masked(action.config, ""), **delivery}


def _masked(value: Any, name: str) -> Any:
    if isinstance(value, Mapping):
        return {key: _masked(each, key) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_masked(each, name) for each in value]
    is_plain = isinstance(value, str) and "${" not in value and "{{" not in value
    return MASK if is_plain and names_a_secret(name) else value
