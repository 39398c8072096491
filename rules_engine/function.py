"""The function: everything between Lambda's event and its answer, built once.

`Function.from_settings` loads the bundle, resolves the references that its actions hold, and connects them:
clients are made and targets checked. Whatever is wrong with any of that is a RulesEngineError while the
function starts and not when the first record comes. A rule is compiled and an action built when a record
first needs it: building all of 1,000 rules took half a second of every cold start. Calling the function with
an event gives the response for Lambda.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rules_engine import bundle
from rules_engine.actions import action_type
from rules_engine.aws import PARAMETER, SECRET, Clients, resolve_references
from rules_engine.delivery.invocation import Invocation
from rules_engine.delivery.response import batch_response
from rules_engine.engine import Engine
from rules_engine.errors import BundleError, SettingsError
from rules_engine.log_line import log_line, write_line
from rules_engine.model import Surroundings
from rules_engine.on_demand import OnDemand
from rules_engine.record import parse_event

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
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
        surroundings = rule_set.surroundings or Surroundings()
        environment = _environment(surroundings.references, environ, clients)
        for connection in surroundings.connections:
            action_type(connection.type).connect(connection, environment, clients)
        actions = actions_of(rule_set, environment, clients)
        return cls(Invocation(engine, actions, log, settings.debug_values), settings.partial_batch)

    def __call__(self, event: Any, context: object) -> BatchResponse:
        """Raises RecordError or BatchError where the whole batch is to come again."""
        # Outside of any `except`: an error that is reported must not drag another's text into the log.
        first_failed_id = self._invocation.deliver(parse_event(event))
        return batch_response(first_failed_id, self._partial_batch)


def actions_of(
    rule_set: RuleSet, environment: Mapping[str, str], clients: ClientsProtocol | None
) -> Mapping[tuple[str, str], Action]:
    """Actions by rule id and action id, each built when it is first asked for. Without clients they can only
    render."""
    places = {outline.rule_id: place for place, outline in enumerate(rule_set.outlines or ())}

    def build(key: tuple[str, str]) -> Action:
        rule_id, action_id = key
        rule = rule_set.rules[places[rule_id]]
        spec = next(spec for spec in rule.actions if spec.id == action_id)
        return action_type(spec.type).build(spec, rule.scope, environment, clients)

    return OnDemand(build)


def _environment(
    references: Iterable[str], environ: Mapping[str, str], clients: ClientsProtocol
) -> dict[str, str]:
    """What every `${...}` stands for. Raises SettingsError."""
    remote = []
    for key in references:
        if key.startswith((SECRET, PARAMETER)):
            remote.append(key)
        elif key not in environ:
            raise SettingsError(f"'{key}' is not set, and an action names it as ${{{key}}}")
    return {**environ, **resolve_references(remote, clients)}


def _load_bundle(path: Path) -> RuleSet:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BundleError(f"the bundle '{path}' cannot be read: {error.strerror}") from error
    return bundle.load(data)
