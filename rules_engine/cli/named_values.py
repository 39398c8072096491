"""Options that give something of the rules a value: `--set NAME=VALUE`, `--stream-arn TABLE=ARN`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rules_engine.model import Rule


def named_values(option: str, words: Iterable[str], noun: str, known: set[str]) -> dict[str, str]:
    """What `option` says, by name. Raises UsageError."""
    found: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            raise click.UsageError(f"'{option} {word}' has no '=': write {option} NAME=VALUE.")
        if name not in known:
            raise click.UsageError(_unknown(option, name, noun, known))
        if name in found:
            raise click.UsageError(f"'{option}' is given twice for the {noun} '{name}'.")
        found[name] = value
    return found


def variable_values(words: Iterable[str], rules: Iterable[Rule]) -> dict[str, str]:
    """What `--set` says of the variables that the rules name. Raises UsageError, also for a value that the
    variable may not have."""
    from rules_engine.variables import MUST_BE, variables_of

    variables = {variable.name: variable for variable in variables_of(rules)}
    found = named_values("--set", words, "variable", set(variables))
    for name, value in found.items():
        if not variables[name].allows(value):
            raise click.UsageError(
                f"'--set {name}' is '{value}' and must be {MUST_BE[variables[name].form]}."
            )
    return found


def _unknown(option: str, name: str, noun: str, known: set[str]) -> str:
    from rules_engine.expression.checks.spelling import nearest

    near = nearest(name, known)
    if near:
        return f"'{option}': no rule names the {noun} '{name}'. Did you mean '{near}'?"
    there_are = f"They name {', '.join(sorted(known))}." if known else "They name none at all."
    return f"'{option}': no rule names the {noun} '{name}'. {there_are}"
