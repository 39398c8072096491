"""Action types: what a rule may do with a record that it matched.

In goes the `ActionSpec` of a rule; out comes an `Action` that renders a request (pure) and performs it (the
effect). A type is one module, named in `ACTIONS` or by an entry point of another package; its docstring is
its manual page and nothing happens when it is imported. A base class was left: a module with a few names in
it is all that a type needs, and `ActionType` states those names for the type checker.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Protocol, cast

from rules_engine.errors import RuleSetError
from rules_engine.light_dataclass import dataclass
from rules_engine.model import ActionSpec

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rules_engine.actions.transport import Transport
    from rules_engine.errors import Severity
    from rules_engine.model import Delivery, Scope

ACTIONS: dict[str, str] = {
    "eventbridge": "rules_engine.actions.eventbridge",
    "firehose": "rules_engine.actions.firehose",
    "lambda": "rules_engine.actions.lambda_function",
    "log": "rules_engine.actions.log",
    "metric": "rules_engine.actions.metric",
    "opensearch": "rules_engine.actions.opensearch",
    "s3": "rules_engine.actions.s3",
    "sns": "rules_engine.actions.sns",
    "sqs": "rules_engine.actions.sqs",
    "stepfunctions": "rules_engine.actions.stepfunctions",
    "table": "rules_engine.actions.table",
    "webhook": "rules_engine.actions.webhook",
}

ENTRY_POINTS = "rules_engine.actions"
"""Entry point group in which another package names its types: `slack = "my_package.slack"` (a module)."""

COMMON_PROPERTIES: dict[str, Any] = {
    "id": {
        "type": "string",
        "pattern": "^[a-z0-9][a-z0-9-]*$",
        "description": "Name of the action inside its rule, part of the delivery id; default: its type. "
        "Needed where a rule has two actions of one type.",
        "examples": ["notify-customer"],
    },
    "type": {
        "type": "string",
        "description": "Which kind of action this is; it decides what other keys there are.",
        "examples": ["sns"],
    },
    "mode": {
        "enum": ["at_least_once", "once"],
        "default": "at_least_once",
        "description": "How often the effect takes place; every repeat has the same delivery id. Not every "
        "type can do it `once`.",
        "examples": ["once"],
    },
    "on_error": {
        "enum": ["retry", "dead_letter", "continue"],
        "default": "retry",
        "description": "What a failure that may pass means: `retry` delivers the record again, and later "
        "changes of the item wait; `dead_letter` gives up after a few quick tries; `continue` is as "
        "`retry`, but the rule's next actions run meanwhile.",
        "examples": ["dead_letter"],
    },
    "timeout_seconds": {
        "type": "number",
        "exclusiveMinimum": 0,
        "maximum": 900,
        "description": "How long to wait for the target's answer.",
        "examples": [5],
    },
}
"""Keys that every action has besides those of its type's own SCHEMA."""


@dataclass(frozen=True, slots=True)
class Permission:
    """One IAM action on one resource. `resource` is an ARN, in which `${...}` stands as in `Fn::Sub`; the URL
    of a queue as the rule has it, where a variable hides which one it is."""

    action: str
    resource: str


@dataclass(frozen=True, slots=True)
class ConfigFinding:
    """A mistake that JSON Schema cannot say, at `path` (keys and list positions) below the action."""

    code: str
    path: tuple[str | int, ...]
    message: str
    hint: str | None = None
    severity: Severity = "error"

    def __str__(self) -> str:
        """In one line, with what to do."""
        return self.message if self.hint is None else f"{self.message}: {self.hint}"


def refuse_errors(spec: ActionSpec, findings: Iterable[ConfigFinding]) -> None:
    """Raises RuleSetError for the first finding that is an error: `validate` would have reported it."""
    for finding in findings:
        if finding.severity == "error":
            raise RuleSetError(f"action '{spec.id}': {finding}")


class Signer(Protocol):
    """Signs requests with the function's credentials (Signature Version 4)."""

    def __call__(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> dict[str, str]:
        """The headers to send, the given ones among them. Raises what botocore raises."""


class Clients(Protocol):
    """Where an action gets from what it reaches its target with."""

    def client(self, service: str, timeout_seconds: float | None = None) -> Any:
        """The AWS client of a service, with its timeout set."""

    @property
    def transport(self) -> Transport:
        """For requests that no AWS client makes: one for all actions, so that they share its connections."""

    def signer(self, service: str, region: str) -> Signer:
        """For requests to an AWS service that there is no client of."""


class Action(Protocol):
    """One action of one rule, built once, used for every record and from several threads at once."""

    @property
    def target(self) -> str:
        """What fails together, such as a topic or a host: while it is down, nothing more is sent to it. Empty
        for an action that reaches nothing outside of the function."""

    def render(self, delivery: Delivery) -> dict[str, Any]:
        """The request as plain JSON-able data, keys named as in the target's API. Raises TemplateError."""

    def perform(self, request: Mapping[str, Any]) -> None:
        """Send a rendered request. Raises ActionError, or what boto3 raises; Superseded where the target
        holds this change or a newer one already."""


class BatchingAction(Action, Protocol):
    """An action that can send several requests in one call, also those of others with its `batch_key`."""

    @property
    def batch_key(self) -> str: ...

    @property
    def most_entries(self) -> int:
        """How many requests one call takes."""

    @property
    def most_bytes(self) -> int:
        """How large the requests of one call may be together."""

    def entry_bytes(self, request: Mapping[str, Any]) -> int:
        """How much of `most_bytes` a request takes."""

    def perform_batch(self, requests: Sequence[Mapping[str, Any]]) -> list[Exception | None]:
        """Send them in one call: for each what came of it, in their order. Raises where the call failed."""


class ActionType(Protocol):
    """What the module of an action type has in it."""

    TYPE: str
    SCHEMA: dict[str, Any]
    """A closed JSON Schema object of the type's own keys; `COMMON_PROPERTIES` are added to it."""
    TARGETS: tuple[str, ...]
    """Dotted config paths, and all below them, where `${NAME}` may stand but never a `{{ hole }}`."""
    SECRET_FIELDS: tuple[str, ...]
    """Dotted config paths, and all below them, where `${secret:...}` and `${ssm:...}` may stand."""
    CONNECTION: tuple[str, ...]
    """Config keys that say where an action sends to and as whom: all that `connect` may look at."""
    MODES: tuple[str, ...]
    """What `mode` can be."""
    PAYLOAD: tuple[str, ...]
    """Config keys that are sent as they are filled in, and together have at most MOST_BYTES."""
    MOST_BYTES: int | None
    """What the target takes of one record; None where there is no such limit, or what is more is cut off."""
    __doc__: str | None

    def connect(self, spec: ActionSpec, environment: Mapping[str, str], clients: Clients) -> object:
        """Make the client and check what the references of CONNECTION stand for, as far as `build` would.

        The function calls it when it starts, once for all actions that agree in CONNECTION, mode and timeout;
        it builds an action only when a record needs it. What a secret holds is for `perform` to look at: it
        may not be there yet. Raises SettingsError."""

    def permissions(self, spec: ActionSpec) -> list[Permission]:
        """What the function's role must be allowed for this action."""

    def check(self, config: Mapping[str, Any], mode: str = "at_least_once") -> list[ConfigFinding]:
        """Mistakes in a config that SCHEMA accepts. Values may hold unrendered templates."""

    def build(
        self, spec: ActionSpec, scope: Scope, environment: Mapping[str, str], clients: Clients | None
    ) -> Action:
        """The action, templates compiled. `environment` has every `${...}` that the config names. Without
        `clients` it can only render (`run --dry-run`, tests of rules) and no credentials are needed.
        Raises SettingsError where a resolved reference cannot be used; after `connect`, never."""


def action_type(name: str) -> ActionType:
    """The type called `name`. Raises RuleSetError where there is none, or not in a function's package."""
    module = ACTIONS.get(name) or _installed().get(name)
    if module is None:
        raise RuleSetError(f"unknown action type '{name}'")
    try:
        return cast("ActionType", importlib.import_module(module))
    except ModuleNotFoundError as error:
        if error.name != module:
            raise
        raise RuleSetError(
            f"the action type '{name}' is not in this package: build it with rules that have it"
        ) from None


def connection_of(spec: ActionSpec) -> ActionSpec:
    """`spec` with no more of its config than `connect` needs. Raises RuleSetError for an unknown type."""
    config = {key: spec.config[key] for key in action_type(spec.type).CONNECTION if key in spec.config}
    return ActionSpec(spec.id, spec.type, config, mode=spec.mode, timeout_seconds=spec.timeout_seconds)


def action_types() -> dict[str, ActionType]:
    """Every type there is, by name: ours and those of installed packages, which cannot replace ours."""
    return {name: action_type(name) for name in sorted({**_installed(), **ACTIONS})}


def _installed() -> dict[str, str]:
    # Not at the top: it takes longer to import than all action types, and a function of ours needs none.
    from importlib.metadata import entry_points

    return {entry.name: entry.module for entry in entry_points(group=ENTRY_POINTS)}
