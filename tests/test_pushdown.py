"""Filter patterns drop no record that a rule matches, and drop as much else as they can say."""

from __future__ import annotations

import json
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from bench.workload import TABLE, records, rules
from rules_engine import bundle
from rules_engine.deploy.pushdown import MOST_CHARACTERS, MOST_PATTERNS, filter_patterns
from rules_engine.engine import Engine
from rules_engine.model import EVENT_NAMES, Rule, RuleSet
from rules_engine.poller import compile_filters
from tests import random_rules

if TYPE_CHECKING:
    from collections.abc import Callable

RULE_SETS = 400
RECORDS_EACH = 5


def patterns_of(rule_set: RuleSet, table: str = "orders") -> list[Any]:
    outlines = bundle.load(bundle.dump(rule_set)).outlines
    assert outlines is not None
    texts = filter_patterns(outlines, table)
    assert len(texts) <= MOST_PATTERNS
    assert all(len(text) <= MOST_CHARACTERS for text in texts)
    return [json.loads(text) for text in texts]


def wanted_by(patterns: list[Any]) -> Callable[[Any], bool]:
    return compile_filters(patterns) or (lambda record: True)


def wrongly_dropped(seed: int, number: int) -> tuple[list[str], int]:
    """Records of the seed that a rule matches and the filter drops, and how many the filter drops in all."""
    rng = Random(seed)
    rule_set = random_rules.rule_set(rng)
    engine = Engine.from_rules(rule_set)
    tests = {table: wanted_by(patterns_of(rule_set, table)) for table in ("orders", "customers")}
    found, dropped = [], 0
    for _ in range(number):
        record = random_rules.record(rng)
        table = record["eventSourceARN"].split("/")[1]
        if tests[table](record):
            continue
        dropped += 1
        if matched := engine.match(record):
            found.append(f"seed {seed}: {[each.rule.id for each in matched]} match {record}")
    return found, dropped


def test_no_record_that_a_rule_matches_is_dropped() -> None:
    found = [wrongly_dropped(seed, RECORDS_EACH) for seed in range(RULE_SETS)]
    assert [each for wrong, _ in found for each in wrong] == []
    assert sum(dropped for _, dropped in found) > 100


def patterns(*conditions: tuple[str, ...], kinds: tuple[str, ...] = EVENT_NAMES, **fields: Any) -> list[Any]:
    """Of one rule for each of `conditions`, which are clauses of `when`."""
    made = [
        Rule(f"r{number}", ("orders",), (), kinds, when, **fields) for number, when in enumerate(conditions)
    ]
    return patterns_of(RuleSet(tuple(made)))


def new(**attributes: Any) -> dict[str, Any]:
    return {"dynamodb": {"NewImage": attributes}}


EXISTS = [{"exists": True}]


@pytest.mark.parametrize(
    ("when", "pattern"),
    [
        # No base64 has seven characters.
        ("new.status == 'SHIPPED'", new(status={"S": ["SHIPPED"]})),
        ("new.status == 'on its way'", new(status={"S": ["on its way"]})),
        ("new.a.b == 'on its way'", new(a={"M": {"b": {"S": ["on its way"]}}})),
        ("contains(['in Bern', 'in Genf'], new.city)", None),
        ("new.city == 'in Bern' || new.city == 'in Genf'", new(city={"S": ["in Bern", "in Genf"]})),
        ("new.total == `7`", new(total={"N": EXISTS})),
        ("new.total > `7` && new.total < `9`", new(total={"N": EXISTS})),
        ("new.is_open == `true`", new(is_open={"BOOL": [True]})),
        ("starts_with(new.sku, 'A 1')", new(sku={"S": [{"prefix": "A 1"}]})),
        ("new.city == 'in Bern' && starts_with(new.city, 'in B')", new(city={"S": ["in Bern"]})),
        ("old.city == 'in Bern'", {"dynamodb": {"OldImage": {"city": {"S": ["in Bern"]}}}}),
        ("keys.id == 'no. 1'", {"dynamodb": {"Keys": {"id": {"S": ["no. 1"]}}}}),
        ("became(&city, 'in Bern')", new(city={"S": ["in Bern"]})),
        # What no leaf can say for sure lets everything through.
        ("new.city != 'in Bern'", None),
        ("new.city == `null`", None),
        ("new.city == 'in Bern' || new.city == `null`", None),
        ("present(&city)", None),
        ("changed(&city)", None),
        ("contains(new.cities, 'in Bern')", None),
        ("new.items[?sku == 'no. 1']", None),
        ("lower(new.city) == 'in bern'", None),
        ("new.\"a b\" == 'in Bern'", None),
        ("new.\"$or\" == 'in Bern'", None),
    ],
)
def test_a_condition_becomes_what_lambda_can_say_of_it(when: str, pattern: Any) -> None:
    when = when.replace("['in Bern', 'in Genf']", '`["in Bern", "in Genf", null]`')
    assert patterns((when,)) == ([] if pattern is None else [pattern])


@pytest.mark.parametrize(
    ("when", "usual", "rarer"),
    [
        ("new.city == 'Bern'", {"S": ["Bern"]}, [{"B": EXISTS}]),
        ("new.city == ''", {"S": [""]}, [{"B": EXISTS}]),
        ("starts_with(new.city, 'Ber')", {"S": [{"prefix": "Ber"}]}, [{"B": EXISTS}]),
        ("starts_with(new.city, '')", {"S": EXISTS}, [{"B": EXISTS}]),
        ("new.city == 'in Bern' || new.city == `7`", {"S": ["in Bern"]}, [{"N": EXISTS}]),
        (
            "new.city == 'Bern' || new.city == `7` || new.city == `true`",
            {"S": ["Bern"]},
            [{"B": EXISTS}, {"BOOL": EXISTS}, {"N": EXISTS}],
        ),
    ],
)
def test_an_attribute_of_a_rarer_type_has_a_pattern_of_its_own(
    when: str, usual: dict[str, Any], rarer: list[Any]
) -> None:
    found = patterns((when, "new.is_open == `true`"))
    main = new(city=usual, is_open={"BOOL": [True]})
    assert sorted(found, key=json.dumps) == sorted(
        [main, *(new(city=each) for each in rarer)], key=json.dumps
    )


def test_attributes_that_may_have_too_many_types_are_not_asked_for() -> None:
    clauses = tuple(f"new.a{number} == 'Bern'" for number in range(5))
    found = patterns((*clauses, "new.city == 'in Bern'"))
    (main,) = [each for each in found if "city" in each["dynamodb"]["NewImage"]]
    asked_for = sorted(main["dynamodb"]["NewImage"].keys() - {"city"})
    assert len(asked_for) == 4
    assert main == new(city={"S": ["in Bern"]}, **{name: {"S": ["Bern"]} for name in asked_for})
    rarer = [each for each in found if each is not main]
    assert rarer == [new(**{name: {"B": EXISTS}}) for name in asked_for]


@pytest.mark.parametrize(
    ("kinds", "pattern"),
    [
        (("INSERT",), {"eventName": ["INSERT"]}),
        (("MODIFY", "INSERT"), {"eventName": ["INSERT", "MODIFY"]}),
        (("REMOVE",), {"eventName": ["REMOVE"]}),
        (
            ("EXPIRE",),
            {
                "eventName": ["REMOVE"],
                "userIdentity": {"type": ["Service"], "principalId": ["dynamodb.amazonaws.com"]},
            },
        ),
        (("EXPIRE", "INSERT"), {"eventName": ["INSERT", "REMOVE"]}),
    ],
)
def test_events_are_asked_for_by_name(kinds: tuple[str, ...], pattern: Any) -> None:
    assert patterns((), kinds=kinds) == [pattern]


def test_a_rule_for_everything_leaves_nothing_to_filter() -> None:
    assert patterns(("new.city == 'in Bern'",), ()) == []


def test_rules_that_are_switched_off_or_of_another_table_ask_for_nothing() -> None:
    on = Rule("on", ("orders",), (), ("INSERT",))
    off = Rule("off", ("orders",), (), ("REMOVE",), enabled=False)
    other = Rule("other", ("customers",), (), ("MODIFY",))
    assert patterns_of(RuleSet((on, off, other))) == [{"eventName": ["INSERT"]}]


def test_rules_that_ask_for_the_same_attributes_share_a_pattern_beyond_five() -> None:
    cities = [f"city {number}" for number in range(6)]
    found = patterns(*[(f"new.city == '{city}'",) for city in cities], ("new.total > `7`",))
    assert found == [new(city={"S": cities}), new(total={"N": EXISTS})]


def test_a_rule_that_wants_a_part_of_what_another_wants_adds_nothing() -> None:
    found = patterns(("new.city == 'in Bern'", "new.total > `7`"), ("new.city == 'in Bern'",))
    assert found == [new(city={"S": ["in Bern"]})]


def test_a_pattern_that_is_too_long_asks_for_less() -> None:
    cities = [(f"new.city == 'city number {number}'", "new.is_open == `true`") for number in range(500)]
    assert patterns(*cities) == [new(city={"S": EXISTS}, is_open={"BOOL": [True]})]


def test_hundreds_of_rules_about_different_attributes_still_fit() -> None:
    found = patterns(*[(f"new.a{number} == 'in Bern'", "new.b == `true`") for number in range(300)])
    assert found == [new(b={"BOOL": [True]})]


def test_of_the_benchmark_s_orders_a_third_that_no_rule_wants_never_reaches_the_function() -> None:
    rule_set = RuleSet(tuple(each.rule for each in rules("A", 100)))
    wanted = wanted_by(patterns_of(rule_set, TABLE))
    engine = Engine.from_rules(rule_set)
    unmatched = [record for record in records(number=1_000) if not engine.match(record)]
    dropped = sum(not wanted(record) for record in unmatched)
    assert (len(unmatched), dropped) == (964, 319)
