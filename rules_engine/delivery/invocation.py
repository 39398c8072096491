"""One invocation: a batch of records, every matching rule, every action, in order.

In come the records of one event and a compiled engine with its actions; out comes the failure id of the
first record that failed, or None. The policy of now is the simplest one that loses nothing: records run in
order, the actions of a record in rule order, and the first failure, or the first record that cannot be
read, ends the invocation. That record and all after it come again, so nothing after it is tried. An action
of that record that had succeeded is repeated with the same delivery id.

A condition that cannot be evaluated fails nothing; it is logged once for each rule. Only failures that a
target or a record may cause become outcomes: anything else is logged and raised, and the whole batch comes
again.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from rules_engine.delivery.identity import delivery_id
from rules_engine.errors import ActionError, RulesEngineError
from rules_engine.light_dataclass import dataclass
from rules_engine.log_line import log_line
from rules_engine.model import Delivery, Outcome
from rules_engine.record import MalformedRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from rules_engine.actions import Action
    from rules_engine.engine import ConditionError, Engine
    from rules_engine.model import Match
    from rules_engine.record import StreamRecord

EXPECTED_FAILURES = (RulesEngineError, BotoCoreError, ClientError, OSError)
"""What a target, the network or a record may bring about."""


@dataclass(frozen=True, slots=True)
class Invocation:
    """How records are dealt with. `actions` are by rule id and action id; `log` takes finished lines."""

    engine: Engine
    actions: Mapping[tuple[str, str], Action]
    log: Callable[[str], object]
    debug_values: bool = False

    def deliver(self, records: Iterable[StreamRecord | MalformedRecord]) -> str | None:
        """The failure id of the first record that failed; None if all are done."""
        errors: list[ConditionError] = []
        try:
            for record in records:
                if not self._deliver_record(record, errors):
                    return record.failure_id
            return None
        finally:
            self._log_condition_errors(errors)

    def _deliver_record(self, record: StreamRecord | MalformedRecord, errors: list[ConditionError]) -> bool:
        if isinstance(record, MalformedRecord):
            line = log_line("ERROR", "record cannot be read", record=record.failure_id, error=record.reason)
            self.log(line)
            return False
        try:
            evaluation = self.engine.evaluate(record)
            errors += evaluation.errors
            for match in evaluation.matches:
                for delivery in deliveries_of(match):
                    outcome = self._perform(delivery)
                    if outcome.error is not None:
                        self._log_failure(outcome.delivery, outcome.error)
                        return False
        except Exception as error:
            # The traceback is the runtime's to print; which record it was, only we know.
            name = type(error).__name__
            self.log(log_line("ERROR", "unexpected error", record=record.failure_id, error=name))
            raise
        return True

    def _perform(self, delivery: Delivery) -> Outcome:
        action = self.actions[delivery.match.rule.id, delivery.action.id]
        try:
            action.perform(action.render(delivery))
        except EXPECTED_FAILURES as error:
            return Outcome(delivery, error)
        return Outcome(delivery)

    def _log_failure(self, delivery: Delivery, error: Exception) -> None:
        fields = {
            "rule_id": delivery.match.rule.id,
            "action_id": delivery.action.id,
            "delivery_id": delivery.id,
            "record": delivery.match.record.failure_id,
            "code": code_of(error),
        }
        # Our own messages name no item values. What a service or a library says may quote the request.
        if self.debug_values or isinstance(error, RulesEngineError):
            fields["error"] = _printable(str(error))
        self.log(log_line("ERROR", "action failed", **fields))

    def _log_condition_errors(self, errors: Iterable[ConditionError]) -> None:
        counts = Counter(error.rule_id for error in errors)
        first = {error.rule_id: error for error in reversed(list(errors))}
        for rule_id, count in counts.items():
            line = log_line(
                "WARNING",
                "condition cannot be evaluated",
                rule_id=rule_id,
                clause=first[rule_id].clause,
                error=_printable(first[rule_id].message),
                count=count,
            )
            self.log(line)


def deliveries_of(match: Match) -> list[Delivery]:
    """One for each action of the rule, in order."""
    return [
        Delivery(delivery_id(match.record.event_id, match.rule.id, action.id), match, action)
        for action in match.rule.actions
    ]


def code_of(error: Exception) -> str:
    """A short, stable name of what went wrong, without any value."""
    if isinstance(error, ActionError):
        return error.code
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code", "ClientError"))
    return type(error).__name__


def _printable(text: str) -> str:
    """Half a surrogate pair has no JSON form, and a log line must not fail."""
    return text.encode("utf-8", "backslashreplace").decode()
