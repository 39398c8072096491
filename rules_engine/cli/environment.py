"""Environment variables that actions need and that are not set.

A function that starts without one of its variables fails at the first it meets; whoever runs it by hand wants
all of them in one go, with the rule and the action that ask.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from rules_engine.cli.exit_codes import PROBLEMS
from rules_engine.template import references

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rules_engine.model import ActionSpec, Rule, RuleSet


class VariablesMissing(click.ClickException):
    """What an action's config names is not in the environment."""

    exit_code = PROBLEMS


def require_variables(actions: Iterable[tuple[Rule, ActionSpec]], environ: Mapping[str, str]) -> None:
    """Raises VariablesMissing, which names every missing variable with rule and action."""
    missing = missing_variables(actions, environ)
    if missing:
        listed = "".join(f"\n  {name} is not set: {place}" for name, place in missing)
        raise VariablesMissing(f"the environment lacks what the rules need; nothing was sent{listed}")


def missing_variables(
    actions: Iterable[tuple[Rule, ActionSpec]], environ: Mapping[str, str]
) -> list[tuple[str, str]]:
    """(name, who asks for it) of every variable without a value and a default, each once."""
    missing = [
        (reference.name, f"rule '{rule.id}', action '{spec.id}'")
        for rule, spec in actions
        for reference in references(spec.config)
        if reference.kind == "env" and reference.default is None and reference.name not in environ
    ]
    return list(dict.fromkeys(missing))


def remote_references(rule_set: RuleSet) -> list[str]:
    """What actions of enabled rules name in AWS, each once: `secret:name#key`, `ssm:/path`."""
    configs = [spec.config for rule in rule_set.rules if rule.enabled for spec in rule.actions]
    return list(dict.fromkeys(each.key for each in references(configs) if each.kind != "env"))
