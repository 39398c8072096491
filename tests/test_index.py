"""The index gives what evaluating every rule gives, and reads nothing twice."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any

from rules_engine.engine import Engine
from rules_engine.model import Rule, RuleSet
from tests import random_rules

RULE_SETS = 500
RECORDS_EACH = 4


def differences(seed: int, records: int) -> list[str]:
    """Where matching and explaining, which evaluates every rule, disagree for the rule set of a seed."""
    rng = Random(seed)
    rule_set = random_rules.rule_set(rng)
    engine = Engine.from_rules(rule_set)
    found = []
    for _ in range(records):
        record = random_rules.record(rng)
        matched = [match.rule.id for match in engine.match(record)]
        explained = [each.rule_id for each in engine.explain(record) if each.outcome == "matched"]
        if matched != explained:
            found.append(f"seed {seed}: index {matched}, evaluation {explained}, record {record}")
    return found


def test_the_index_gives_the_matches_of_a_linear_scan_in_rule_order() -> None:
    assert [each for seed in range(RULE_SETS) for each in differences(seed, RECORDS_EACH)] == []


def test_the_random_rule_sets_are_worth_the_comparison() -> None:
    matched = evaluated = 0
    for seed in range(50):
        rng = Random(seed)
        engine = Engine.from_rules(random_rules.rule_set(rng))
        for _ in range(RECORDS_EACH):
            record = random_rules.record(rng)
            matched += len(engine.match(record))
            evaluated += sum(
                each.outcome != "not_matched" or bool(each.stopped_by) for each in engine.explain(record)
            )
    assert 0.1 < matched / evaluated < 0.9


class CountingImage(dict[str, Any]):
    """An image that counts how often each attribute is looked up."""

    def __init__(self, attributes: dict[str, Any]) -> None:
        super().__init__(attributes)
        self.looked_up: Counter[str] = Counter()

    def get(self, name: str, default: Any = None) -> Any:
        self.looked_up[name] += 1
        return super().get(name, default)

    def __getitem__(self, name: str) -> Any:
        self.looked_up[name] += 1
        return super().__getitem__(name)


def engine_of(*conditions: str) -> Engine:
    rules = [Rule(f"r{number}", ("orders",), (), when=(text,)) for number, text in enumerate(conditions)]
    return Engine.from_rules(RuleSet(tuple(rules)))


def test_a_path_is_read_once_however_many_rules_read_it_and_nothing_else_is() -> None:
    image = CountingImage({name: {"S": name} for name in "abcdefgh"})
    engine = engine_of(
        "new.a == 'a'",
        "new.a == 'b'",
        "new.a != 'c' && starts_with(new.b, 'b')",
        "became(&b, 'b') && contains(new.b, 'b')",
        'contains(`["a", "b"]`, new.a) && new.b > `1`',
    )
    record = {
        "eventID": "e-1",
        "eventName": "INSERT",
        "eventSourceARN": "arn:aws:dynamodb:eu-west-1:1:table/orders/stream/1",
        "dynamodb": {"NewImage": image, "SequenceNumber": "1"},
    }
    assert [match.rule.id for match in engine.match(record)] == ["r0", "r2", "r3"]
    assert image.looked_up == {"a": 1, "b": 1}


def test_a_wrong_type_is_reported_and_an_absent_attribute_is_not() -> None:
    engine = engine_of("starts_with(new.n, 'a')", "contains(new.n, 'a')", "starts_with(new.x, 'a')")
    record = {
        "eventID": "e-1",
        "eventName": "INSERT",
        "eventSourceARN": "arn:aws:dynamodb:eu-west-1:1:table/orders/stream/1",
        "dynamodb": {"NewImage": {"n": {"N": "1"}}, "SequenceNumber": "1"},
    }
    evaluation = engine.evaluate(record)
    assert (evaluation.matches, [error.rule_id for error in evaluation.errors]) == ([], ["r0", "r1"])
