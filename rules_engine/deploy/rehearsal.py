"""Values of variables -> what the function would say of them when it starts, said before anything is changed.

A value may have the form that the template wants and still stop the start, such as the ARN of a queue for a
topic: after a deployment every batch would fail. The checks are the function's own (`connect` of the action
types, the policy for hosts); what only AWS knows, such as a secret, is left to the start.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from rules_engine import bundle
from rules_engine.actions import action_type
from rules_engine.actions.host_policy import HostPolicy
from rules_engine.errors import SettingsError
from rules_engine.model import ActionSpec, Surroundings
from rules_engine.settings import STATE_TABLE
from rules_engine.template import references

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rules_engine.model import RuleSet


def rehearse_values(rule_set: RuleSet, variables: Mapping[str, str], allowed_hosts: str) -> None:
    """Raises SettingsError for a value with which the function would not start. `allowed_hosts` is empty
    where every host is allowed."""
    surroundings = bundle.load(bundle.dump(rule_set)).surroundings or Surroundings()
    environment = {**variables, STATE_TABLE: "the template makes one"}
    try:
        HostPolicy.of(allowed_hosts or None, None)
        for connection in surroundings.connections:
            # Without a field that it must have, which is not known here.
            with suppress(LookupError, StopIteration):
                action_type(connection.type).connect(_known(connection, variables), environment, _NoClients())
    except SettingsError as error:
        raise SettingsError(f"with these values the function would not start: {error}") from error


def _known(connection: ActionSpec, variables: Mapping[str, str]) -> ActionSpec:
    """Without fields that name a secret, or a variable that has no value yet."""
    config = {
        field: value
        for field, value in connection.config.items()
        if all(each.kind == "env" and each.name in variables for each in references(value))
    }
    return ActionSpec(connection.id, connection.type, config, mode=connection.mode)


class _NoClients:
    """`connect` makes clients and asks them nothing."""

    transport: Any = None

    def client(self, service: str, timeout_seconds: float | None = None) -> None:
        return None

    def signer(self, service: str, region: str) -> Any:
        return None
