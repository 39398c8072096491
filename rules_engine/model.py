"""The nouns that every other module speaks in. Frozen, without behaviour.

`RuleSet` is what the loader makes of the author's files, what a bundle holds, and what the engine is built
from. Expressions and templates are kept as the author wrote them; whoever needs them compiled compiles them.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from rules_engine.light_dataclass import dataclass, field

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rules_engine.errors import Location
    from rules_engine.expression.needs import Need
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
    trees: Mapping[str, Any] = field(default_factory=_nothing, compare=False, repr=False)
    """Expressions by their text, as `expression.trees` writes them, where a bundle brought them."""


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


class Outline(NamedTuple):
    """What the index must know of a rule.

    `kinds` are the kinds of records that its `event` list names: event names, with EXPIRE for what time to
    live removed. `exceptions` are what each of `unless` needs.
    """

    rule_id: str
    tables: tuple[str, ...]
    kinds: tuple[str, ...]
    needs: tuple[Need, ...]
    exceptions: tuple[tuple[Need, ...], ...]
    scope: Scope
    enabled: bool


Images = tuple[bool, bool]
"""Whether the new and the old image are counted on."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What enabled rules take from the function's environment.

    `references` are the keys of `${...}` without a default, each once; `connections` are actions of which
    `config` has only what says where they send to, each combination once.
    """

    references: tuple[str, ...] = ()
    connections: tuple[ActionSpec, ...] = ()
    images: tuple[tuple[str, Images], ...] = ()
    """Tables, and the images of them that rules count on."""


@dataclass(frozen=True, slots=True)
class RuleSet:
    """All rules of all files, in the order of the paths and then of the files.

    One that came from a bundle has the rules' outlines and surroundings with it, and reads a rule when it is
    asked for.
    """

    rules: Sequence[Rule] = ()
    outlines: tuple[Outline, ...] | None = field(default=None, compare=False, repr=False)
    surroundings: Surroundings | None = field(default=None, compare=False, repr=False)


class Match:
    """A record that a rule wants: `rules[position]`, which a bundle reads when it is first asked for.

    No dataclass: a frozen one takes three times as long to make, and there is one for every rule that wants a
    record.
    """

    __slots__ = ("_rules", "position", "record")

    position: int
    record: StreamRecord
    _rules: Sequence[Rule]

    def __init__(self, rules: Sequence[Rule], position: int, record: StreamRecord) -> None:
        self._rules = rules
        self.position = position
        self.record = record

    @property
    def rule(self) -> Rule:
        return self._rules[self.position]

    def __repr__(self) -> str:
        return f"Match({self.rule.id!r}, {self.record!r})"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One unit of work: this action of this match. `id` is the same for every retry in every process."""

    id: str
    match: Match
    action: ActionSpec


Outcome = Literal["delivered", "superseded", "skipped", "dead_lettered"]
"""How a delivery ended: the target took it, or holds something newer; it had been made before; it stands in
the dead-letter queue. One that has none of these is unresolved and comes again."""
