"""Where `metric` actions write: the function's own output, in which CloudWatch would find its metrics.

Each line is read back whole, with its place in the embedded metric format. That CloudWatch makes a metric of
it is not seen here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rules_engine import exact_json
from rules_engine.local.effect import Effect
from rules_engine.local.log_lines import entries

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rules_engine.actions import Action
    from rules_engine.local.derivation import Derivation
    from rules_engine.local.surroundings import Surroundings
    from rules_engine.model import ActionSpec

IN_LOG = "in the log, as a metric of"
PURPOSE = ""


def localise(spec: ActionSpec, derivation: Derivation, where: str) -> dict[str, Any]:
    derivation.need("metric")
    return dict(spec.config)


class MetricTarget:
    def __init__(self, surroundings: Surroundings) -> None:
        self._function_log = surroundings.function_log

    def arrivals(self) -> list[Effect]:
        """Those that name a delivery: the function's own figures name none."""
        lines = entries(self._function_log())
        return [_effect(entry) for entry in lines if "_aws" in entry and "delivery_id" in entry]

    def owed(self, action: Action, request: Mapping[str, Any]) -> list[Effect]:
        return [_effect(exact_json.loads(exact_json.dumps(request)))]


def open_target(surroundings: Surroundings) -> MetricTarget:
    return MetricTarget(surroundings)


def _effect(entry: dict[str, Any]) -> Effect:
    return Effect(IN_LOG, entry["_aws"]["CloudWatchMetrics"][0]["Namespace"], entry)
