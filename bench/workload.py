"""The seeded workload: `records(seed)` and `rules(kind, n)`.

Records are changes of an orders table exactly as Lambda delivers them (see `bench.orders`). Rule sets are
nested, the first N rules of one endless seeded stream for each kind:

- A, equality: an event and 1-3 equalities;
- B, mixed: of every hundred rules 60 as A, 12 number ranges, 10 "changed to", 3 new > old, 10 prefix and
  contains, 5 over list items;
- S, very selective equalities, so that matches per record stay next to none while N grows.

Rules come in files of 250 that share constants, lists and named conditions, as `Rule`s beside their
`Description`s; `write_rule_files` writes the same rules as YAML for compile benchmarks.
"""

from __future__ import annotations

import json
from functools import cache
from itertools import count, islice
from random import Random
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

from bench import rule_kinds
from bench.description import Description
from bench.orders import CUSTOMER_IDS, REGIONS, TABLE, stream_records
from rules_engine.model import ActionSpec, Rule, Scope, Unless

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from bench.rule_kinds import Draft

SEED = 20_240_630
RECORDS = 5_000
RULES_PER_FILE = 250
ENVIRONMENT = {
    "ORDER_EVENTS_TOPIC_ARN": "arn:aws:sns:eu-west-1:123456789012:order-events",
    "ORDER_HISTORY_TABLE": "order-history",
}
"""What the function's environment must hold for the rules' actions."""

Kind: TypeAlias = Literal["A", "B", "S"]
KINDS: tuple[Kind, ...] = ("A", "S", "B")

_MIX: dict[str, tuple[tuple[int, Callable[[Random, Scope], Draft]], ...]] = {
    "A": ((100, rule_kinds.equality),),
    "S": ((100, rule_kinds.selective_equality),),
    "B": (
        (60, rule_kinds.equality),
        (12, rule_kinds.number_range),
        (10, rule_kinds.changed_to),
        (3, rule_kinds.increase),
        (10, rule_kinds.prefix_or_contains),
        (5, rule_kinds.list_items),
    ),
}


class DescribedRule(NamedTuple):
    rule: Rule
    description: Description


@cache
def record_texts(seed: int = SEED, number: int = RECORDS) -> tuple[str, ...]:
    """The records as JSON text, compact as Lambda's runtime receives it."""
    made = stream_records(Random(f"records {seed}"), number)
    return tuple(json.dumps(record, separators=(",", ":")) for record in made)


def records(seed: int = SEED, number: int = RECORDS) -> list[dict[str, Any]]:
    """The records as Lambda's runtime parses them, new objects at every call."""
    return [json.loads(text) for text in record_texts(seed, number)]


def rules(kind: Kind, n: int, seed: int = SEED) -> list[DescribedRule]:
    """The first `n` rules of set `kind`, each with what it means."""
    made, stream = _stream(kind, seed)
    made.extend(islice(stream, max(n - len(made), 0)))
    return made[:n]


@cache
def _stream(kind: Kind, seed: int) -> tuple[list[DescribedRule], Iterator[DescribedRule]]:
    """The rules made so far, and those to come."""
    return [], _rules(kind, seed)


def _rules(kind: Kind, seed: int) -> Iterator[DescribedRule]:
    rng = Random(f"rules {kind} {seed}")
    makers = _makers(kind, rng)
    for number in count():
        scope = _scope(number // RULES_PER_FILE, seed)
        make = next(makers)
        draft = make(rng, scope)
        if kind == "B":
            draft = rule_kinds.with_exception(rng, scope, draft)
        yield _described_rule(f"{kind.lower()}-{number:06d}", draft, scope, rng)


def _makers(kind: Kind, rng: Random) -> Iterator[Callable[[Random, Scope], Draft]]:
    """Every hundred in the mix's exact shares, in random order."""
    while True:
        hundred = [make for share, make in _MIX[kind] for _ in range(share)]
        rng.shuffle(hundred)
        yield from hundred


@cache
def _scope(file: int, seed: int) -> Scope:
    rng = Random(f"file {file} {seed}")
    return Scope(
        vars={"home_region": rng.choice(REGIONS), "big_order": 500 * rng.randrange(10, 30)},
        lists={"test_customers": [rng.choice(CUSTOMER_IDS) for _ in range(5)]},
        conditions={"gold": "new.customer.tier == 'gold'"},
    )


def _described_rule(rule_id: str, draft: Draft, scope: Scope, rng: Random) -> DescribedRule:
    texts = tuple(phrase.text for phrase in draft.phrases)
    as_list = len(texts) > 1 and rng.random() < 0.5
    exception = draft.exception
    rule = Rule(
        id=rule_id,
        tables=(TABLE,),
        actions=(_action(rng, draft.events),),
        events=draft.events,
        when=texts if as_list else (" && ".join(texts),),
        when_is_list=as_list,
        unless=() if exception is None else (Unless("not for these", (exception.text,)),),
        description=f"Rule {rule_id} of the benchmark workload.",
        scope=scope,
    )
    clauses = tuple(clause for phrase in draft.phrases for clause in phrase.clauses)
    exceptions = () if exception is None else (exception.clauses,)
    return DescribedRule(rule, Description(draft.events, clauses, exceptions))


def _action(rng: Random, events: tuple[str, ...]) -> ActionSpec:
    image = "old" if events == ("REMOVE",) else "new"
    status = f"{{{{ {image}.status }}}}"
    config: dict[str, Any]
    chance = rng.random()
    if chance < 0.4:
        message = {"order": "{{ keys.order_id }}", "status": status, "total": f"{{{{ {image}.total }}}}"}
        config = {"topic_arn": "${ORDER_EVENTS_TOPIC_ARN}", "message": message}
        return ActionSpec("sns", "sns", config)
    if chance < 0.7:
        item = {"pk": "order#{{ keys.order_id }}", "sk": "{{ eventID }}", "status": status}
        return ActionSpec("table", "table", {"table": "${ORDER_HISTORY_TABLE}", "put": item})
    return ActionSpec("log", "log", {"message": f"order {{{{ keys.order_id }}}} is {status}"})


def write_rule_files(described: list[DescribedRule], folder: Path) -> None:
    """The rules as an author would have written them, 250 to a file."""
    for start in range(0, len(described), RULES_PER_FILE):
        rules_of_file = [entry.rule for entry in described[start : start + RULES_PER_FILE]]
        path = folder / f"rules-{start // RULES_PER_FILE:04d}.yaml"
        path.write_text(_rule_file(rules_of_file), encoding="utf-8")


def _rule_file(rules_of_file: list[Rule]) -> str:
    scope = rules_of_file[0].scope
    lines = [
        "version: 1",
        f"defaults: {{table: {TABLE}, view: NEW_AND_OLD_IMAGES, owner: fulfilment}}",
        f"vars: {{{_flow(scope.vars)}}}",
        f"lists: {{test_customers: [{', '.join(scope.lists['test_customers'])}]}}",
        "conditions:",
        *(f"  {name}: {text}" for name, text in scope.conditions.items()),
        "",
        "rules:",
        *(line for rule in rules_of_file for line in _rule_lines(rule)),
    ]
    return "\n".join(lines) + "\n"


def _rule_lines(rule: Rule) -> Iterator[str]:
    yield f"  - id: {rule.id}"
    yield f"    description: {rule.description}"
    yield (
        f"    event: {rule.events[0]}" if len(rule.events) == 1 else f"    event: [{', '.join(rule.events)}]"
    )
    if rule.when_is_list:
        yield "    when:"
        yield from (f"      - {text}" for text in rule.when)
    else:
        yield f"    when: {rule.when[0]}"
    if rule.unless:
        yield "    unless:"
    for exception in rule.unless:
        yield f"      - name: {exception.name}"
        yield f"        when: {exception.when[0]}"
    yield "    actions:"
    for action in rule.actions:
        yield f"      - type: {action.type}"
        for key, value in action.config.items():
            # JSON is YAML too.
            yield f"        {key}: {json.dumps(value)}"


def _flow(constants: Any) -> str:
    return ", ".join(f"{name}: {value}" for name, value in constants.items())


def rule_text_bytes(described: list[DescribedRule]) -> int:
    """How much text the rules are, as YAML."""
    return sum(len("\n".join(_rule_lines(entry.rule))) + 1 for entry in described)
