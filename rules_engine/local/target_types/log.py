"""Where `log` actions write: the function's own output, read back line by line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rules_engine import exact_json
from rules_engine.local.effect import Effect
from rules_engine.local.log_lines import entries
from rules_engine.log_line import log_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rules_engine.actions import Action
    from rules_engine.local.derivation import Derivation
    from rules_engine.local.surroundings import Surroundings
    from rules_engine.model import ActionSpec

IN_LOG = "in the log"
PURPOSE = ""


def localise(spec: ActionSpec, derivation: Derivation, where: str) -> dict[str, Any]:
    derivation.need("log")
    return dict(spec.config)


class LogTarget:
    def __init__(self, surroundings: Surroundings) -> None:
        self._function_log = surroundings.function_log

    def arrivals(self) -> list[Effect]:
        return logged(self._function_log())

    def owed(self, action: Action, request: Mapping[str, Any]) -> list[Effect]:
        return [Effect(IN_LOG, "", exact_json.loads(log_line(**request)))]


def open_target(surroundings: Surroundings) -> LogTarget:
    return LogTarget(surroundings)


def logged(text: str) -> list[Effect]:
    """The lines of `log` actions in a function's output. The function's own name no delivery, or a record;
    those of metrics are not of a `log` action."""
    return [
        Effect(IN_LOG, "", entry)
        for entry in entries(text)
        if "delivery_id" in entry and not {"record", "_aws"} & set(entry)
    ]
