"""The keys of the tables of a local stack, found out from the rules.

`source_keys`: of the tables that rules watch, from the keys in the records of the rules' tests; where there
is none, one text key `id`. `target_keys`: of the tables that rules write to, from what their actions write
for those records; without a record from the text of the action. Two records that disagree are no mistake of
the rules: the more frequent keys win, and the other record is not written but handed to the function.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rules_engine.actions import action_type
from rules_engine.actions.rendering import target
from rules_engine.delivery.identity import deliveries_of
from rules_engine.engine import Engine
from rules_engine.errors import EvaluationError, TemplateError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rules_engine.local.samples import Sample
    from rules_engine.model import RuleSet

Attributes = tuple[tuple[str, str], ...]
"""(name, S or N or B): the partition key and, if there is one, the sort key."""

DEFAULT: Attributes = (("id", "S"),)
_KEY_TYPES = ("S", "N", "B")
_USUAL = (("pk", "sk"), ("PK", "SK"))


@dataclass(frozen=True, slots=True)
class Keys:
    """The key of a table, and what it was found out from."""

    attributes: Attributes
    origin: str

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.attributes]

    def fit(self, attributes: Mapping[str, Any] | None) -> bool:
        """Whether these are exactly the attributes of this key."""
        return attributes is not None and set(_typed(attributes)) == set(self.attributes)

    def __str__(self) -> str:
        return ", ".join(f"{name} ({kind})" for name, kind in self.attributes)


def source_keys(rule_set: RuleSet, samples: Sequence[Sample]) -> tuple[dict[str, Keys], list[str]]:
    """The keys of every table of enabled rules, and a note for each that had to be guessed."""
    seen: dict[str, Counter[Attributes]] = {}
    for sample in samples:
        typed = _typed(sample.record.keys_raw or {})
        if 1 <= len(typed) <= 2:
            seen.setdefault(sample.record.table, Counter())[typed] += 1
    found, notes = {}, []
    for table in dict.fromkeys(table for rule in rule_set.rules if rule.enabled for table in rule.tables):
        if table in seen:
            found[table] = Keys(seen[table].most_common(1)[0][0], "from the tests' keys")
        else:
            found[table] = Keys(DEFAULT, "assumed: no test names one")
            notes.append(f"table '{table}' has the key id (S), because no test of a rule says 'keys'")
    return found, notes


def target_keys(
    rule_set: RuleSet,
    samples: Sequence[Sample],
    sources: Mapping[str, Keys],
    environment: Mapping[str, str],
) -> dict[str, Keys]:
    """The keys of every table that enabled rules write to."""
    written: dict[str, list[dict[str, Any]]] = {}
    for request, table in _requests(rule_set, samples, environment):
        written.setdefault(table, []).append(request)
    found: dict[str, Keys] = {}
    for rule, spec in _table_actions(rule_set):
        table = target(spec.config["table"], environment)
        if table in sources:
            found[table] = sources[table]
        if table not in found:
            watched = sources[rule.tables[0]]
            configs = [
                each.config
                for _, each in _table_actions(rule_set)
                if target(each.config["table"], environment) == table
            ]
            found[table] = _keys_of_target(written.get(table, []), configs, watched)
    return found


def _keys_of_target(
    requests: Sequence[Mapping[str, Any]], configs: Sequence[Mapping[str, Any]], watched: Keys
) -> Keys:
    for request in requests:
        if "Key" in request and 1 <= len(request["Key"]) <= 2:
            return Keys(_typed(request["Key"]), "from the keys its rules name")
    for config in configs:
        default = {"key": "{{ keys }}"} if "sync" in config else {}
        key = (default | config.get("update", config.get("delete", config.get("sync", {})))).get("key")
        if isinstance(key, Mapping):
            return Keys(tuple((name, "S") for name in [*key][:2]), "from the keys its rules name")
        if key is not None:
            return Keys(watched.attributes, "as the table it is written from")
    if any(re.fullmatch(r"\{\{\s*(new|old|keys)\s*\}\}", str(config.get("put"))) for config in configs):
        return Keys(watched.attributes, "as the table it is written from")
    items = [request["Item"] for request in requests if request.get("Item")]
    if items:
        return _keys_of_item(items[0], watched)
    for config in configs:
        if isinstance(config.get("put"), Mapping):
            return _keys_of_item({name: {"S": ""} for name in config["put"]}, watched)
    return Keys(watched.attributes, "as the table it is written from")


def _keys_of_item(item: Mapping[str, Any], watched: Keys) -> Keys:
    """Which attributes of an item are its key, nobody says: the usual names, the source's, or the first."""
    for names in _USUAL:
        given = [name for name in names if name in item]
        if given == [*names] or (given and given[0] == names[0]):
            return Keys(_as_key(given, item), "by the usual names")
    if set(watched.names) <= set(item):
        return Keys(_as_key(watched.names, item), "as the table it is written from")
    usable = [name for name in item if _typed({name: item[name]})]
    if not usable:
        return Keys(DEFAULT, "assumed")
    return Keys(_typed({usable[0]: item[usable[0]]}), "assumed: the item's first attribute")


def _requests(
    rule_set: RuleSet, samples: Sequence[Sample], environment: Mapping[str, str]
) -> Iterator[tuple[dict[str, Any], str]]:
    """What table actions would write for the samples, as far as that can be rendered."""
    engine = Engine.from_rules(rule_set)
    actions = {
        (rule.id, spec.id): action_type("table").build(spec, rule.scope, environment, None)
        for rule, spec in _table_actions(rule_set)
    }
    for sample in samples:
        for match in engine.match(sample.record):
            for delivery in deliveries_of(match):
                action = actions.get((match.rule.id, delivery.action.id))
                if action is None:
                    continue
                try:
                    request = action.render(delivery)
                except (TemplateError, EvaluationError):
                    continue  # it is shown when the sample is played
                yield request, str(request["TableName"])


def _table_actions(rule_set: RuleSet) -> Iterator[tuple[Any, Any]]:
    for rule in rule_set.rules:
        if rule.enabled:
            yield from ((rule, spec) for spec in rule.actions if spec.type == "table")


def _as_key(names: Sequence[str], item: Mapping[str, Any]) -> Attributes:
    """These attributes with the types they have in `item`; text where that is none for a key."""
    types = dict(_typed(item))
    return tuple((name, types.get(name, "S")) for name in names)


def _typed(attributes: Mapping[str, Any]) -> Attributes:
    """The attributes that a key may have, with their types."""
    return tuple(
        (name, kind) for name, attribute in attributes.items() for kind in attribute if kind in _KEY_TYPES
    )
