"""The function: everything between Lambda's event and its answer, built once.

`Function.from_settings` loads the bundle, reads the secrets that its actions name, and connects them:
clients are made and targets checked. Whatever is wrong with any of that is a RulesEngineError while the
function starts and not when the first record comes. A rule is compiled and an action built when a record
first needs it: building all of 1,000 rules took half a second of every cold start. Calling the function with
an event gives the response for Lambda.
"""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rules_engine import bundle
from rules_engine.actions import action_type
from rules_engine.aws import Clients
from rules_engine.delivery.context import InvocationContext
from rules_engine.delivery.dead_letter_queue import SqsDeadLetterQueue
from rules_engine.delivery.invocation import Invocation
from rules_engine.delivery.metrics import Metrics
from rules_engine.delivery.response import batch_response
from rules_engine.delivery.resume import NoResumeStore
from rules_engine.delivery.resume_table import TableResumeStore
from rules_engine.engine import Engine
from rules_engine.errors import BundleError, SettingsError
from rules_engine.log_line import write_line
from rules_engine.model import Surroundings
from rules_engine.on_demand import OnDemand
from rules_engine.record import parse_event
from rules_engine.secret_store import PARAMETER, SECRET, SecretStore
from rules_engine.settings import RULES_SHA256, is_credential

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from rules_engine.actions import Action
    from rules_engine.actions import Clients as ClientsProtocol
    from rules_engine.actions.host_policy import HostPolicy
    from rules_engine.delivery.dead_letter_queue import DeadLetterQueue
    from rules_engine.delivery.response import BatchResponse
    from rules_engine.delivery.resume import ResumeStore
    from rules_engine.model import ActionSpec, RuleSet
    from rules_engine.settings import Settings


class Function:
    """Callable with a Lambda event and context. Make one with `Function.from_settings`."""

    def __init__(self, invocation: Invocation, partial_batch: bool) -> None:
        self._invocation = invocation
        self._partial_batch = partial_batch

    @classmethod
    def from_settings(
        cls,
        settings: Settings,
        environ: Mapping[str, str],
        log: Callable[[str], object] = write_line,
        metrics: Callable[[str], object] | None = None,
        make_clients: Callable[..., ClientsProtocol] = Clients,
    ) -> Function:
        """`environ` is what `${NAME}` in templates means; `metrics` takes one line for each invocation;
        `make_clients` gets what `Clients` gets, for whoever brings services of his own.

        Raises BundleError, RuleSetError, SettingsError.
        """
        data = _read_bundle(settings.bundle)
        rules_hash = hashlib.sha256(data).hexdigest()
        if settings.rules_sha256 not in (None, rules_hash):
            raise SettingsError(
                f"the bundle has the SHA-256 {rules_hash}, and {RULES_SHA256} is {settings.rules_sha256}: "
                "deploy the template of these rules, whose filters and role fit them"
            )
        rule_set = bundle.load(data)
        engine = Engine.from_rules(rule_set)
        clients = make_clients()
        surroundings = rule_set.surroundings or Surroundings()
        # Delivery tries again by itself, and counts its tries.
        action_clients = make_clients(total_attempts=1, hosts=host_policy(settings))
        secrets = SecretStore(clients, action_clients, log)
        environment = _environment(surroundings.references, environ, secrets)
        for connection in surroundings.connections:
            with _of_bundle(connection):
                action_type(connection.type).connect(connection, environment, action_clients)
        invocation = Invocation(
            engine,
            actions_of(rule_set, environment, action_clients),
            log,
            debug_values=settings.debug_values,
            partial_batch=settings.partial_batch,
            resume=_resume_store(settings, clients),
            dead_letters=_dead_letter_queue(settings, clients),
            give_up_seconds=settings.give_up_seconds,
            rules_hash=rules_hash,
            metrics=None if metrics is None else Metrics.of(rule_set, metrics, secrets.stale, rules_hash),
        )
        return cls(invocation, settings.partial_batch)

    def __call__(self, event: Any, context: object) -> BatchResponse:
        """Raises RecordError or BatchError where the whole batch is to come again."""
        # Outside of any `except`: an error that is reported must not drag another's text into the log.
        first_failed_id = self._invocation.deliver(parse_event(event), InvocationContext.of(context))
        return batch_response(first_failed_id, self._partial_batch)


def actions_of(
    rule_set: RuleSet, environment: Mapping[str, str], clients: ClientsProtocol | None
) -> Mapping[tuple[str, str], Action]:
    """Actions by rule id and action id, each built when it is first asked for. Without clients they can only
    render."""
    outlines = rule_set.outlines
    ids = (rule.id for rule in rule_set.rules) if outlines is None else (each.rule_id for each in outlines)
    places = {rule_id: place for place, rule_id in enumerate(ids)}

    def build(key: tuple[str, str]) -> Action:
        rule_id, action_id = key
        rule = rule_set.rules[places[rule_id]]
        spec = next(spec for spec in rule.actions if spec.id == action_id)
        with _of_bundle(spec):
            return action_type(spec.type).build(spec, rule.scope, environment, clients)

    return OnDemand(build)


@contextmanager
def _of_bundle(spec: ActionSpec) -> Iterator[None]:
    """What no schema would have let through makes a bundle that the author's side did not write."""
    try:
        yield
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        name = type(error).__name__
        raise BundleError(f"the bundle's action '{spec.id}' cannot be read: {name}") from error


def _environment(
    references: Iterable[str], environ: Mapping[str, str], secrets: SecretStore
) -> dict[str, str]:
    """What every `${...}` stands for, without the function's own credentials: `validate` refuses them, and a
    bundle need not have seen it. Raises SettingsError."""
    remote = []
    for key in references:
        if key.startswith((SECRET, PARAMETER)):
            remote.append(key)
        elif is_credential(key):
            raise SettingsError(f"an action names ${{{key}}}, one of the function's own credentials")
        elif key not in environ:
            raise SettingsError(f"'{key}' is not set, and an action names it as ${{{key}}}")
    texts = {name: text for name, text in environ.items() if not is_credential(name)}
    return {**texts, **secrets.texts(remote)}


def host_policy(settings: Settings) -> HostPolicy | None:
    """Where webhooks may go; None where the settings do not say. Raises SettingsError."""
    if settings.allowed_hosts is None and settings.private_hosts is None:
        return None
    # Imported here: without these settings a function without webhooks does not need it.
    from rules_engine.actions.host_policy import HostPolicy

    return HostPolicy.of(settings.allowed_hosts, settings.private_hosts)


def _resume_store(settings: Settings, clients: ClientsProtocol) -> ResumeStore:
    if settings.state_table is None:
        return NoResumeStore()
    return TableResumeStore(clients.client("dynamodb"), settings.state_table)


def _dead_letter_queue(settings: Settings, clients: ClientsProtocol) -> DeadLetterQueue | None:
    if settings.dead_letter_queue_url is None:
        return None
    s3 = None if settings.spill_bucket is None else clients.client("s3")
    return SqsDeadLetterQueue(
        clients.client("sqs"), settings.dead_letter_queue_url, s3, settings.spill_bucket
    )


def _read_bundle(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BundleError(f"the bundle '{path}' cannot be read: {error.strerror}") from error
