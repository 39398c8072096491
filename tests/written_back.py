"""Rules that write into tables, run for real: each write is made, and its change goes to the rules again.

`World.run` is engine, actions and tables together: the engine that runs in Lambda, the actions with a fake of
DynamoDB, and the records that DynamoDB makes of what has changed. `rule_set` makes small rule sets whose
rules have something to do with each other.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from rules_engine.actions import action_type
from rules_engine.attribute_value import encode
from rules_engine.delivery.identity import delivery_id
from rules_engine.engine import Engine
from rules_engine.errors import RulesEngineError
from rules_engine.model import ActionSpec, Delivery, Rule, RuleSet, Scope
from rules_engine.testing import FakeAws
from rules_engine.testing.source_table import SourceTable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

TABLES = ("orders", "parts")
KEY = ("id",)


class World:
    """Tables whose changes rules see, in which writes take a second each."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.engine = Engine.from_rules(RuleSet(tuple(rules)))
        self.aws = FakeAws(tables=dict.fromkeys(TABLES, KEY), call_seconds=1.0)
        self.sources = {table: SourceTable(table, KEY, seed) for seed, table in enumerate(TABLES)}
        self.waiting: deque[dict[str, Any]] = deque()
        self.matched: set[str] = set()
        """Rules that wanted a record."""

    def put(self, table: str, item: dict[str, Any]) -> None:
        raw = {name: encode(value) for name, value in item.items()}
        self.aws.dynamodb.put_item(TableName=table, Item=raw)
        self._see(table)

    def delete(self, table: str, key: str) -> None:
        self.aws.dynamodb.delete_item(TableName=table, Key={"id": {"S": key}})
        self._see(table)

    def _see(self, table: str) -> None:
        """What has changed since becomes records."""
        source, now = self.sources[table], self.aws.sandbox.now
        items = {item["id"]["S"]: item for item in self.aws.dynamodb.items(table)}
        known = {item["id"]["S"]: item for item in source.items().values()}
        changes = [source.put_raw(dict(item), now) for item in items.values()]
        changes += [source.remove({"id": key}, now) for key in known if key not in items]
        self.waiting += [change.record for change in changes if change is not None]

    def run(self, most: int) -> int:
        """How many records were worked on until none was left, at most so many."""
        for number in range(most):
            if not self.waiting:
                return number
            record = self.waiting.popleft()
            for match in self.engine.match(record):
                self.matched.add(match.rule.id)
                for spec in match.rule.actions:
                    self._perform(spec, match)
        return most

    def _perform(self, spec: ActionSpec, match: Any) -> None:
        scope = match.rule.scope
        action = action_type(spec.type).build(spec, scope, {}, self.aws)
        name = delivery_id(match.record.event_id, match.rule.id, spec.id)
        try:
            request = action.render(Delivery(name, match, spec))
            if not request.get("Item", request.get("Key"))["id"].get("S"):
                return  # DynamoDB refuses a key of another type than the table's
            action.perform(request)
        except (RulesEngineError, self.aws.dynamodb.exceptions.ClientError):
            return  # a dead letter
        self._see(spec.config["table"])


CONDITIONS = [
    "new.s == 'A'", "new.s == 'B'", "new.s != 'A'", "became(&s, 'A')", "became(&s, 'B')", "changed(&s)",
    "changed(&n)", "changed(&t)", "!present(&t)", "present(&t)", "present(&n)", "new.n > `1`", "new.n < `3`",
    "new.n == `1`", "new.s == old.s", "new.s != old.s", "new.n > old.n", "new.n >= old.n", "old.s == 'A'",
    "starts_with(new.s, 'A')", "new.m.a == 'A'", "new.m", "keys.id == 'x'", "new.id == 'x'",
    "eventName == 'MODIFY'", "new.s == 'A' || new.s == 'B'", "!(new.s == 'A') && new.n",
    "contains(['A'], new.s)",
    "is.a", "!(is.a)", "new.t == old.t", "old.n == `1`", "new.s == `null`", "changed(&m)", "changed(&m.a)",
    "new._removed == `true`", "!present(&_removed)",
]  # fmt: skip
SCOPE = Scope(conditions={"a": "new.s == 'A' && present(&id)"}, vars={"b": "B"})
VALUES = [
    "A", "B", 1, 2, None, "{{ vars.b }}", "{{ createdAt }}", "{{ eventID }}", "x{{ sequenceNumber }}",
    "{{ new.s }}", "{{ new.n }}", "{{ old.s }}", "{{ keys.id }}", "{{ new.s }}-{{ keys.id }}",
    "{{ new.m.a }}",
    {"a": "A"}, {"a": "{{ new.s }}"}, ["A", "{{ new.s }}"], "{{ new.n || `1` }}", "{{ new.t }}",
]  # fmt: skip
KEYS = [
    "{{ keys }}",
    {"id": "{{ keys.id }}"},
    {"id": "x"},
    {"id": "{{ new.s }}"},
    {"id": "{{ new.id }}"},
    {"id": "x{{ keys.id }}"},
    {"id": "{{ eventID }}"},
]
ATTRIBUTES = ["s", "n", "t", "m", "m.a"]


def rule_set(rng: Random) -> list[Rule]:
    return [_rule(rng, number) for number in range(rng.randrange(1, 4))]


def _rule(rng: Random, number: int) -> Rule:
    table = rng.choice(TABLES)
    events = rng.choice(
        [
            ("INSERT", "MODIFY", "REMOVE", "EXPIRE"),
            ("INSERT", "MODIFY"),
            ("MODIFY",),
            ("INSERT",),
            ("REMOVE",),
        ]
    )
    target = table if rng.random() < 0.7 else rng.choice(TABLES)
    actions = tuple(
        ActionSpec(f"w{place}", "table", {"table": target, **_write(rng)})
        for place in range(1 + (rng.random() < 0.2))
    )
    when = tuple(rng.sample(CONDITIONS, rng.choice([0, 1, 1, 1, 2, 2])))
    return Rule(f"r{number}", (table,), actions, events, when, when_is_list=True, scope=SCOPE)


def _write(rng: Random) -> dict[str, Any]:
    key = rng.choice([*KEYS[:2] * 3, *KEYS])
    kind = rng.random()
    if kind < 0.6:
        names = rng.sample(ATTRIBUTES[:4], rng.randrange(1, 3))
        update: dict[str, Any] = {"key": key}
        for name in names:
            how = rng.random()
            if how < 0.7:
                update.setdefault("set", {})["m.a" if name == "m" and how < 0.2 else name] = rng.choice(
                    VALUES
                )
            elif how < 0.85:
                update.setdefault("remove", []).append(name)
            else:
                update.setdefault("add", {})["n"] = rng.choice([1, -1])
        for part in ("set", "remove"):
            if "add" in update and "n" in update.get(part, ()):
                update = {"key": key, "add": {"n": 1}}
        return {"update": update}
    if kind < 0.8:
        if rng.random() < 0.2:
            return {"put": rng.choice(["{{ new }}", "{{ old }}"])}
        key = key if isinstance(key, dict) else {"id": "{{ keys.id }}"}
        return {
            "put": {
                **key,
                **{name: rng.choice(VALUES) for name in rng.sample(ATTRIBUTES[:4], rng.randrange(3))},
            }
        }
    if kind < 0.9:
        return {"delete": {"key": key}}
    return {"sync": {} if rng.random() < 0.5 else {"item": {"s": rng.choice(VALUES)}}}


_OF_ITEMS: dict[str, list[Any]] = {
    "s": ["A", "B", "C"],
    "n": [1, 2, 5],
    "t": ["A", "z"],
    "m": [{"a": "A"}, {"a": "B"}],
    "_removed": [True],
}


def item(rng: Random, key: str) -> dict[str, Any]:
    found: dict[str, Any] = {"id": key}
    for name, values in _OF_ITEMS.items():
        if rng.random() < (0.2 if name == "_removed" else 0.6):
            found[name] = rng.choice(values)
    return found
