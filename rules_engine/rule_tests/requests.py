"""The requests that matches lead to, rendered by the actions themselves and sent to nobody.

In place of every `${...}` without a default stands its own text, so that a test gives the same wherever it
runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rules_engine.actions import action_type
from rules_engine.delivery.identity import deliveries_of
from rules_engine.errors import EvaluationError, TemplateError
from rules_engine.on_demand import OnDemand
from rules_engine.template import references

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rules_engine.actions import Action
    from rules_engine.model import ActionSpec, Match, RuleSet


class RequestError(Exception):
    """An action that cannot make its request from this record."""

    def __init__(self, action_id: str, reason: Exception) -> None:
        super().__init__(f"the request of '{action_id}' cannot be made: {reason}")


class Requests:
    """Builds an action when a match first needs it."""

    def __init__(self, rule_set: RuleSet) -> None:
        self._rule_set = rule_set
        self._actions: OnDemand[tuple[int, int], Action] = OnDemand(self._build)

    def of(self, match: Match) -> list[tuple[ActionSpec, dict[str, Any]]]:
        """Each action of the rule with its request. Raises RequestError."""
        found = []
        for number, delivery in enumerate(deliveries_of(match)):
            try:
                request = self._actions[match.position, number].render(delivery)
            except (TemplateError, EvaluationError) as error:
                raise RequestError(delivery.action.id, error) from error
            found.append((delivery.action, request))
        return found

    def _build(self, place: tuple[int, int]) -> Action:
        position, number = place
        rule = self._rule_set.rules[position]
        spec = rule.actions[number]
        return action_type(spec.type).build(spec, rule.scope, stand_ins(spec), None)


def stand_ins(spec: ActionSpec) -> Mapping[str, str]:
    """An environment in which each reference without a default stands for its own text."""
    return {each.key: f"${{{each.text}}}" for each in references(spec.config) if each.default is None}
