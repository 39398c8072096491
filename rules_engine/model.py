"""The nouns that every other module speaks in. Frozen, without behaviour.

`RuleSet` is what the loader makes of the author's files, what a bundle holds, and what the engine is built
from. Expressions and templates are kept as the author wrote them; whoever needs them compiled compiles them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rules_engine.errors import Location
    from rules_engine.record import StreamRecord

EVENT_NAMES = ("INSERT", "MODIFY", "REMOVE", "EXPIRE")
"""What a rule may list under `event`. REMOVE is every removal; EXPIRE only those made by time to live."""

VIEWS = ("NEW_AND_OLD_IMAGES", "NEW_IMAGE", "OLD_IMAGE", "KEYS_ONLY")
"""Stream view types, as DynamoDB names them."""


def _nothing() -> Mapping[str, Any]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Scope:
    """The constants and named conditions of one rule file: the roots `vars`, `lists` and `is`."""

    vars: Mapping[str, Any] = field(default_factory=_nothing)
    lists: Mapping[str, Any] = field(default_factory=_nothing)
    conditions: Mapping[str, str] = field(default_factory=_nothing)


EMPTY_SCOPE = Scope()


@dataclass(frozen=True, slots=True)
class Unless:
    """A named exception: a record for which all of `when` hold is not for this rule."""

    name: str
    when: tuple[str, ...]
    reason: str | None = None
    expires: str | None = None
    """Last day it is in force, `YYYY-MM-DD`."""


@dataclass(frozen=True, slots=True)
class ActionSpec:
    """One action as written. `config` holds the type's own keys, with templates unrendered."""

    id: str
    type: str
    config: Mapping[str, Any] = field(default_factory=_nothing)
    mode: str = "at_least_once"
    on_error: str = "retry"
    timeout_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule with its file's defaults applied."""

    id: str
    tables: tuple[str, ...]
    actions: tuple[ActionSpec, ...]
    events: tuple[str, ...] = EVENT_NAMES
    when: tuple[str, ...] = ()
    when_is_list: bool = False
    """Whether the author wrote `when` as a list: clauses are then called `when[0]`, `when[1]`, not `when`."""
    unless: tuple[Unless, ...] = ()
    description: str | None = None
    severity: str | None = None
    tags: tuple[str, ...] = ()
    runbook: str | None = None
    owner: str | None = None
    view: str | None = None
    enabled: bool = True
    tests: tuple[Mapping[str, Any], ...] = ()
    scope: Scope = EMPTY_SCOPE
    location: Location | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class RuleSet:
    """All rules of all files, in the order of the paths and then of the files."""

    rules: tuple[Rule, ...] = ()


class Match(NamedTuple):
    """A record that a rule wants. A tuple, because a frozen dataclass takes three times as long to make."""

    rule: Rule
    record: StreamRecord


@dataclass(frozen=True, slots=True)
class Delivery:
    """One unit of work: this action of this match. `id` is the same for every retry in every process."""

    id: str
    match: Match
    action: ActionSpec


Outcome = Literal["delivered", "superseded", "skipped", "dead_lettered"]
"""How a delivery ended: the target took it, or holds something newer; it had been made before; it stands in
the dead-letter queue. One that has none of these is unresolved and comes again."""
