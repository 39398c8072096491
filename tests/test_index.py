"""The index gives what evaluating every rule gives, and reads nothing twice."""

from __future__ import annotations

import tracemalloc
from collections import Counter, OrderedDict
from random import Random
from typing import Any

import pytest

from rules_engine import bundle
from rules_engine.engine import Engine
from rules_engine.model import Rule, RuleSet, Scope
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


IMAGES: list[tuple[Any, Any]] = [
    ({}, {"n": {"N": None}}),
    ({"n": {"N": "5"}}, {"n": {"N": "5.0"}}),
    ({"s": {"NS": ["1", "2"]}}, None),
    ({"s": {"SS": ["a"]}}, {"s": {"L": []}}),
    ({"m": {"M": OrderedDict(a={"S": "x"})}}, {"m": {"M": {"a": {"S": "x"}}}}),
    ({"l": {"L": ({"M": {"n": {"N": "5"}}}, {"M": {}})}}, None),
    ({"l": {"L": [{"M": {"n": {"N": "5"}}}, {"M": {"n": {"NULL": True}}}]}}, {}),
    ({"l": {"L": [{"M": {"n": {"N": "0.1"}}}, {"M": {"n": {"N": "0.2"}}}]}}, {}),
]


@pytest.mark.parametrize("loaded", [False, True], ids=["made of rules", "of a bundle"])
def test_what_once_went_wrong_goes_right(loaded: bool) -> None:
    conditions = (
        "new == 'a' && old != 'a'",
        "new != old",
        "new.n > `3`",
        "old.n == `null`",
        "max(new.s[].n) != `2`",
        "sum(new.s[*].n) == `0`",
        "min(new.s[*].n) == `null`",
        "sum(new[*].a) != `5`",
        "max(keys[*].a) != 'x'",
        "sum(foo[*].a) == `null`",
        "new.m.a == 'x'",
        "changed(&m)",
        "sum(new.l[*].n) == `5`",
        "sum(new.l[*].n) == `0.3`",
        "new.l[?n > `1` && n < `9`]",
        "new.n >= old.n",
    )
    rule_set = RuleSet(tuple(Rule(text, ("orders",), (), when=(text,)) for text in conditions))
    engine = Engine.from_rules(bundle.load(bundle.dump(rule_set)) if loaded else rule_set)
    for new, old in IMAGES:
        images = {name: image for name, image in (("NewImage", new), ("OldImage", old)) if image is not None}
        record = {
            "eventID": "e-1",
            "eventName": "MODIFY",
            "eventSourceARN": "arn:aws:dynamodb:eu-west-1:1:table/orders/stream/1",
            "dynamodb": {**images, "SequenceNumber": "1"},
        }
        matched = [match.rule.id for match in engine.match(record)]
        assert matched == [each.rule_id for each in engine.explain(record) if each.outcome == "matched"]


def test_an_empty_list_beside_long_ones_makes_no_more_look_ups_than_they_do() -> None:
    lists = {"none": [], "one": [f"a{n}" for n in range(600)], "two": [f"b{n}" for n in range(600)]}
    parts = (("none", "c"), ("one", "a"), ("two", "b"))
    condition = " && ".join(f"contains(lists.{name}, new.{path})" for name, path in parts)
    rules = RuleSet((Rule("r", ("orders",), (), when=(condition,), scope=Scope(lists=lists)),))
    engine = Engine.from_rules(rules)
    arn = "arn:aws:dynamodb:eu-west-1:1:table/orders/stream/1"
    record = {**random_rules.record(Random(1)), "eventSourceARN": arn}
    tracemalloc.start()
    engine.match(record)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4_000_000


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
