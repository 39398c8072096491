"""What the rules owe for a record, as the effects that must be read back: `Owing.of(record, sample)`.

Which rules: for a sample what its test says of its own rule, for all others what the engine says. Which
effects: each action's request is rendered from the record here, in this process, and turned into what it must
leave at its target; the target itself says how (see `target_types`). Rendering and conditions are the
function's own code, so this proves the way and not the rules: whether they say the right thing is for their
tests.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from rules_engine.actions import action_type
from rules_engine.aws import Clients
from rules_engine.delivery.identity import deliveries_of
from rules_engine.engine import Engine
from rules_engine.errors import EvaluationError, TemplateError
from rules_engine.model import Match

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rules_engine.local.effect import Effect
    from rules_engine.local.ministack import Ministack
    from rules_engine.local.samples import Sample
    from rules_engine.local.stack import LocalStack
    from rules_engine.model import Delivery
    from rules_engine.record import StreamRecord


@dataclass(slots=True, eq=False)
class Owed:
    """One delivery and what it must leave behind. `fault`: why it cannot be made, by our reckoning."""

    rule_id: str
    action_id: str
    effects: list[Effect] = field(default_factory=list)
    fault: str | None = None
    doubt: str | None = None
    """Why it may be that nothing comes of it."""


class Owing:
    """See the module. Of what a table holds already, it takes what is there when it is made."""

    def __init__(self, stack: LocalStack) -> None:
        self._targets = stack.targets
        self._engine = Engine.from_rules(stack.plan.rule_set)
        environment = {**stack.function_environment, **stack.plan.resolved}
        clients = _Clients(stack.aws)
        self._actions = {
            # What is made once in the function is made once here: on a twin that needs no marker.
            (rule.id, spec.id): action_type(spec.type).build(
                replace(spec, mode="at_least_once"),
                rule.scope,
                environment,
                clients if spec.type == "table" else None,
            )
            for rule in stack.plan.rule_set.rules
            if rule.enabled
            for spec in rule.actions
        }
        self._rules = stack.plan.rule_set.rules
        self.sync()

    def of(self, record: StreamRecord, sample: Sample | None = None) -> list[Owed]:
        """Every delivery for this record, in the order in which the function makes them."""
        matches = self._engine.match(record)
        found = {match.rule.id for match in matches}
        if sample is not None and sample.matches is not None:
            decided = found - {sample.rule_id} | ({sample.rule_id} if sample.matches else set())
            matches = [
                Match(self._rules, position, record)
                for position, rule in enumerate(self._rules)
                if rule.id in decided
            ]
        owed = [self._owed(delivery) for match in matches for delivery in deliveries_of(match)]
        for each in owed:
            if each.rule_id not in found:
                each.doubt = "its test says that the rule matches this change, and it does not"
        return owed

    def _owed(self, delivery: Delivery) -> Owed:
        owed = Owed(delivery.match.rule.id, delivery.action.id)
        action = self._actions[owed.rule_id, owed.action_id]
        try:
            owed.effects = self._targets.of(delivery.action.type).owed(action, action.render(delivery))
        except (TemplateError, EvaluationError, BotoCoreError, ClientError) as error:
            owed.fault = str(error)
        return owed

    def sync(self) -> None:
        """Starts again from what the tables hold, after deliveries that were not made."""
        self._targets.tables.sync()

    def mirror(
        self, table: str, write: str, attributes: Mapping[str, Any], stack: LocalStack
    ) -> list[Effect]:
        """What a write of ours leaves in a table that rules write to as well; nothing in any other."""
        twin = self._targets.tables.twin_of(table)
        if twin is None:
            return []
        getattr(stack, write)(twin.name, attributes)
        return twin.new_effects()


class _Clients(Clients):
    """Clients of the local server for actions that are built here."""

    def __init__(self, aws: Ministack) -> None:
        super().__init__()
        self._aws = aws

    def client(self, service: str, timeout_seconds: float | None = None) -> Any:
        return self._aws.client(service)
