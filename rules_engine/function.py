"""The function: everything between Lambda's event and its answer, built once.

`Function.from_settings` loads the bundle, compiles the rules, resolves the references that templates hold,
and builds every action with its client. Whatever is wrong with any of that is a RulesEngineError while the
function starts and not when the first record comes. Calling it with an event gives the response for Lambda.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rules_engine import bundle
from rules_engine.actions import action_type
from rules_engine.aws import Clients, resolve_references
from rules_engine.delivery.invocation import Invocation
from rules_engine.delivery.response import batch_response
from rules_engine.engine import Engine
from rules_engine.errors import BundleError
from rules_engine.log_line import log_line, write_line
from rules_engine.record import parse_event
from rules_engine.template import references

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from rules_engine.actions import Action
    from rules_engine.actions import Clients as ClientsProtocol
    from rules_engine.delivery.response import BatchResponse
    from rules_engine.model import RuleSet
    from rules_engine.settings import Settings


class Function:
    """Callable with a Lambda event and context. Make one with `Function.from_settings`."""

    def __init__(self, invocation: Invocation, partial_batch: bool) -> None:
        self._invocation = invocation
        self._partial_batch = partial_batch

    @classmethod
    def from_settings(
        cls, settings: Settings, environ: Mapping[str, str], log: Callable[[str], object] = write_line
    ) -> Function:
        """`environ` is what `${NAME}` in templates means. Raises BundleError, RuleSetError, SettingsError."""
        for name in settings.without_effect:
            log(log_line("WARNING", f"{name} has no effect in this version"))
        rule_set = _load_bundle(settings.bundle)
        engine = Engine.from_rules(rule_set)
        clients = Clients()
        environment = {**environ, **resolve_references(remote_references(rule_set), clients)}
        actions = build_actions(rule_set, environment, clients)
        return cls(Invocation(engine, actions, log, settings.debug_values), settings.partial_batch)

    def __call__(self, event: Any, context: object) -> BatchResponse:
        """Raises RecordError or BatchError where the whole batch is to come again."""
        # Outside of any `except`: an error that is reported must not drag another's text into the log.
        first_failed_id = self._invocation.deliver(parse_event(event))
        return batch_response(first_failed_id, self._partial_batch)


def build_actions(
    rule_set: RuleSet, environment: Mapping[str, str], clients: ClientsProtocol | None
) -> dict[tuple[str, str], Action]:
    """Every action of every enabled rule, by rule id and action id. Without clients they can only render."""
    return {
        (rule.id, spec.id): action_type(spec.type).build(spec, rule.scope, environment, clients)
        for rule in rule_set.rules
        if rule.enabled
        for spec in rule.actions
    }


def remote_references(rule_set: RuleSet) -> list[str]:
    """What actions of enabled rules name in AWS, each once: `secret:name#key`, `ssm:/path`."""
    names = {
        reference.key: None
        for rule in rule_set.rules
        if rule.enabled
        for spec in rule.actions
        for reference in references(spec.config)
        if reference.kind != "env"
    }
    return list(names)


def _load_bundle(path: Path) -> RuleSet:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BundleError(f"the bundle '{path}' cannot be read: {error.strerror}") from error
    return bundle.load(data)
