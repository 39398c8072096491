"""Target types: what actions of one type send to on a local stack, and how what arrived is read back.

A type is one module, named in `TARGET_TYPES` after the type of its actions. It says what an action needs here
(`localise`), makes that on a running stack (`open_target`), and gives a `Target`: what has arrived, read back
from the target itself, and what a delivery owes. `TargetType` states the names for the type checker.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Protocol, cast

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rules_engine.actions import Action
    from rules_engine.local.derivation import Derivation
    from rules_engine.local.effect import Effect
    from rules_engine.local.surroundings import Surroundings
    from rules_engine.model import ActionSpec

TARGET_TYPES = {
    "eventbridge": "rules_engine.local.target_types.eventbridge",
    "firehose": "rules_engine.local.target_types.firehose",
    "lambda": "rules_engine.local.target_types.lambda_function",
    "log": "rules_engine.local.target_types.log",
    "metric": "rules_engine.local.target_types.metric",
    "opensearch": "rules_engine.local.target_types.opensearch",
    "s3": "rules_engine.local.target_types.s3",
    "sns": "rules_engine.local.target_types.sns",
    "sqs": "rules_engine.local.target_types.sqs",
    "stepfunctions": "rules_engine.local.target_types.stepfunctions",
    "table": "rules_engine.local.target_types.table",
    "webhook": "rules_engine.local.target_types.webhook",
}


class Target(Protocol):
    """What actions of one type send to, as long as the stack is up."""

    def arrivals(self) -> list[Effect]:
        """Everything that has arrived until now, repeats too; a new arrival changes no earlier one."""

    def owed(self, action: Action, request: Mapping[str, Any]) -> list[Effect]:
        """What this request must leave at the target. `action` could perform it; only on a twin may it."""


class TargetType(Protocol):
    """What the module of a target type has in it."""

    PURPOSE: str
    """What is done with one of its names, `{}`, in the words of `dev`; empty where it has none."""

    def localise(self, spec: ActionSpec, derivation: Derivation, where: str) -> dict[str, Any]:
        """The action's config as it runs here; what it sends to is among the derivation's needs afterwards.

        `where` names the rule in messages. Raises LocalStackError for what no local server stands for."""

    def open_target(self, surroundings: Surroundings) -> Target:
        """Makes what the plan says that actions of this type need."""


def target_type(action_type: str) -> TargetType:
    """The target type of such actions, which must be one of TARGET_TYPES."""
    return cast("TargetType", importlib.import_module(TARGET_TYPES[action_type]))
