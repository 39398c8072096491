"""Variables that cannot hold what all rules want of them.

In: the rules of all files. Out: an error for each variable that stands for a whole resource in one action and
for a part of one, or for a resource of another service, in a later one: no value is right for both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rules_engine.actions import action_type
from rules_engine.variables import forms_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rules_engine.actions import Permission
    from rules_engine.errors import Problem
    from rules_engine.loader.rule_file import LoadedRule

_SERVICES = {
    "sns": "a topic",
    "states": "a state machine",
    "kms": "a key",
    "es": "a domain",
    "aoss": "a collection",
}


def check_variables(loaded: Sequence[LoadedRule]) -> Iterator[Problem]:
    first: dict[str, tuple[str, LoadedRule]] = {}
    for one in loaded:
        if not (one.sound and one.rule.enabled):
            continue
        for name, meaning in _meanings(one):
            known, where = first.setdefault(name, (meaning, one))
            if known != meaning:
                message = (
                    f"'${{{name}}}' is {meaning} for rule '{one.rule.id}' and {known} for '{where.rule.id}'"
                )
                hint = "one variable has one value: take two variables"
                related = ((where.id_node.location, "the other rule is here"),)
                yield one.id_node.source.problem(
                    "RE502", message, one.id_node.location, hint, related=related
                )


def _meanings(one: LoadedRule) -> Iterator[tuple[str, str]]:
    """Variables of the rule's targets, each once for each thing that it is."""
    found = {
        (name, _meaning(form, permission)): None
        for spec in one.rule.actions
        for permission in action_type(spec.type).permissions(spec)
        for name, form in forms_in(permission)
    }
    yield from found


def _meaning(form: str, permission: Permission) -> str:
    if form == "queue_url":
        return "the URL of a queue"
    if form == "part":
        return "a name"
    service = permission.action.partition(":")[0]
    return f"the ARN of {_SERVICES.get(service, f'something of {service}')}"
