"""The benchmark workload is what docs and figures say it is, and the engine agrees with its reference.

Nothing here is timed. Records of the same seed must stay the same for ever: figures are compared over time.
"""

from __future__ import annotations

import json
from collections import Counter
from hashlib import sha256
from random import Random
from statistics import mean
from typing import TYPE_CHECKING, Any, get_args

import pytest

from bench import rule_kinds
from bench.description import Clause, Description
from bench.orders import stream_records
from bench.reference import TESTS, Reference
from bench.workload import KINDS, Kind, record_texts, records, rules, write_rule_files
from rules_engine.engine import Engine
from rules_engine.loader import load_rules
from rules_engine.model import RuleSet
from rules_engine.record import parse_record

if TYPE_CHECKING:
    from pathlib import Path

SMALL = 1_000


def image_of(record: dict[str, Any]) -> dict[str, Any]:
    data = record["dynamodb"]
    image: dict[str, Any] = data.get("NewImage") or data["OldImage"]
    return image


def matches_per_record(kind: Kind, n: int) -> float:
    found = Reference(records(number=SMALL)).matches(entry.description for entry in rules(kind, n))
    return mean(map(len, found))


def test_the_records_of_a_seed_are_the_same_for_ever() -> None:
    digest = sha256("\n".join(record_texts()).encode()).hexdigest()
    assert (len(record_texts()), digest[:16]) == (5_000, "c4aa21031627367f")


def test_the_rules_of_a_seed_are_the_same_for_ever() -> None:
    digests = {
        kind: sha256("\n".join(" && ".join(rule.when) for rule, _ in rules(kind, SMALL)).encode()).hexdigest()
        for kind in KINDS
    }
    assert {kind: digest[:16] for kind, digest in digests.items()} == {
        "A": "b4ce1bbcb574d39c",
        "S": "1d2c1aa13d81afad",
        "B": "47c6bd504a9c1b93",
    }


def test_another_seed_gives_other_records_and_rules() -> None:
    assert record_texts(1, 10) != record_texts(2, 10)
    assert rules("A", 10, seed=1) != rules("A", 10, seed=2)


def test_fewer_records_are_the_first_of_more() -> None:
    assert stream_records(Random("a"), 20) == stream_records(Random("a"), 50)[:20]


@pytest.mark.parametrize("kind", get_args(Kind))
def test_rule_sets_are_nested(kind: Kind) -> None:
    assert rules(kind, 100) == rules(kind, SMALL)[:100]


def test_records_are_as_large_and_as_mixed_as_stated() -> None:
    counted = Counter(record["eventName"] for record in records())
    assert counted == {"MODIFY": 3_000, "INSERT": 1_500, "REMOVE": 500}
    assert 1_600 <= mean(map(len, record_texts())) <= 1_750
    attributes = [len(image_of(record)) for record in records()]
    assert (min(attributes), round(mean(attributes)), max(attributes)) == (17, 18, 19)


def test_attributes_have_the_stated_cardinalities() -> None:
    images = [image_of(record) for record in records()]
    assert {
        name: len({image[name]["S"] for image in images})
        for name in ("status", "region", "category", "warehouse")
    } == {"status": 8, "region": 12, "category": 200, "warehouse": 30}
    assert {len(image["items"]["L"]) for image in images} == {1, 2, 3, 4, 5}


def test_every_record_is_one_that_lambda_could_deliver() -> None:
    for record in records(number=SMALL):
        parsed = parse_record(record)
        for image in (parsed.keys, parsed.new, parsed.old):
            dict(image or {})
        assert json.loads(json.dumps(record)) == record


def test_a_change_changes_something() -> None:
    data = [record["dynamodb"] for record in records() if record["eventName"] == "MODIFY"]
    assert all(change["NewImage"] != change["OldImage"] for change in data)
    statuses_changed = sum(change["NewImage"]["status"] != change["OldImage"]["status"] for change in data)
    assert 0.5 <= statuses_changed / len(data) <= 0.6


def test_every_hundred_rules_of_set_b_have_the_stated_shares() -> None:
    tests = [
        {clause.test for clause in entry.description.clauses} - {"equals"} for entry in rules("B", SMALL)
    ]
    over_items = sum(bool(used & {"any_item", "sum_above"}) for used in tests)
    risen = sum("rose" in used for used in tests)
    in_text_or_list = sum(bool(used & {"starts_with", "has_text", "has_element", "one_of"}) for used in tests)
    ranges = sum(bool(used & {"above", "at_least", "below", "at_most"}) for used in tests)
    assert (over_items, risen, in_text_or_list, ranges) == (50, 30, 100, 120)


def test_sets_a_and_s_hold_nothing_but_one_to_three_equalities() -> None:
    for kind in ("A", "S"):
        described = [entry.description for entry in rules(kind, SMALL)]
        assert {clause.test for entry in described for clause in entry.clauses} == {"equals"}
        assert {len(entry.clauses) for entry in described} == ({1, 2, 3} if kind == "A" else {2, 3})


def test_shares_of_shapes_sum_to_a_hundred() -> None:
    assert sum(weight for weight, _ in rule_kinds.A_SHAPES) == 100
    assert sum(weight for weight, _ in rule_kinds.S_SHAPES) == 100


def test_names_of_the_rule_file_are_used_in_part() -> None:
    texts = [text for entry in rules("B", SMALL) for text in entry.rule.when]
    named = {root: sum(f"{root}." in text for text in texts) for root in ("vars", "lists", "is")}
    assert all(count >= 5 for count in named.values()), named


def test_matches_grow_with_a_and_b_and_stay_next_to_none_with_s() -> None:
    assert 0.2 <= matches_per_record("A", 1_000) <= 1.0
    assert 3.0 <= matches_per_record("A", 10_000) <= 6.0
    assert 1.0 <= matches_per_record("B", 1_000) <= 2.5
    assert 0.0 < matches_per_record("S", 10_000) <= 0.1


@pytest.mark.parametrize("kind", get_args(Kind))
def test_the_engine_agrees_with_the_reference(kind: Kind) -> None:
    described = rules(kind, 300)
    some = records(number=300)
    engine = Engine.from_rules(RuleSet(tuple(entry.rule for entry in described)))
    matched = [[match.rule.id for match in engine.match(record)] for record in some]
    expected = Reference(some).matches(entry.description for entry in described)
    assert matched == [[described[number].rule.id for number in numbers] for numbers in expected]


@pytest.mark.parametrize("kind", get_args(Kind))
def test_no_condition_of_the_workload_fails_on_a_record(kind: Kind) -> None:
    engine = Engine.from_rules(RuleSet(tuple(entry.rule for entry in rules(kind, 300))))
    assert [error for record in records(number=100) for error in engine.evaluate(record).errors] == []


ORDER = {
    "status": {"S": "SHIPPED"},
    "gift": {"BOOL": True},
    "version": {"N": "1"},
    "total": {"N": "12.5"},
    "customer": {"M": {"email": {"S": "ada1@post.example"}}},
    "tags": {"SS": ["tag-01", "tag-02"]},
    "items": {
        "L": [
            {"M": {"sku": {"S": "sku-001"}, "qty": {"N": "2"}, "price": {"N": "5.25"}}},
            {"M": {"sku": {"S": "sku-002"}, "qty": {"N": "1"}, "price": {"N": "2"}}},
        ]
    },
}
BEFORE = {**ORDER, "status": {"S": "PACKED"}, "total": {"N": "12.49"}}


@pytest.mark.parametrize(
    ("clause", "holds"),
    [
        (Clause("equals", "new.status", "SHIPPED"), True),
        (Clause("equals", "new.status", "PACKED"), False),
        (Clause("equals", "new.gift", True), True),
        (Clause("equals", "new.version", True), False),
        (Clause("equals", "new.gift", 1), False),
        (Clause("equals", "new.total", "12.5"), False),
        (Clause("equals", "new.absent", "x"), False),
        (Clause("differs", "old.status", "SHIPPED"), True),
        (Clause("differs", "new.absent", "SHIPPED"), True),
        (Clause("one_of", "new.status", ("PAID", "SHIPPED")), True),
        (Clause("above", "new.total", 12), True),
        (Clause("above", "new.status", 12), False),
        (Clause("at_least", "new.version", 1), True),
        (Clause("below", "new.version", 1), False),
        (Clause("at_most", "new.absent", 1), False),
        (Clause("starts_with", "new.customer.email", "ada1@"), True),
        (Clause("has_text", "new.customer.email", "@home"), False),
        (Clause("has_element", "new.tags", "tag-02"), True),
        (Clause("any_item", "new.items", (("sku", "equals", "sku-001"), ("qty", "at_least", 2))), True),
        (Clause("any_item", "new.items", (("sku", "equals", "sku-002"), ("qty", "at_least", 2))), False),
        (Clause("sum_above", "new.items", ("qty", 2)), True),
        (Clause("sum_above", "new.items", ("qty", 3)), False),
        (Clause("became", "status", "SHIPPED"), True),
        (Clause("became", "gift", True), False),
        (Clause("changed", "total"), True),
        (Clause("changed", "version"), False),
        (Clause("rose", "total"), True),
        (Clause("rose", "version"), False),
    ],
    ids=str,
)
def test_the_reference_decides_each_test_on_its_own(clause: Clause, holds: bool) -> None:
    record = {"eventName": "MODIFY", "dynamodb": {"NewImage": ORDER, "OldImage": BEFORE}}
    found = Reference([record]).matches([Description(("MODIFY",), (clause,)), Description(("INSERT",), ())])
    assert found == ([[0]] if holds else [[]])


def test_every_test_of_the_reference_is_used_by_the_workload() -> None:
    assert {clause.test for entry in rules("B", SMALL) for clause in entry.description.clauses} == TESTS


def test_an_exception_takes_records_away() -> None:
    record = {"eventName": "INSERT", "dynamodb": {"NewImage": ORDER}}
    gift = (Clause("equals", "new.gift", True),)
    cheap = (Clause("below", "new.total", 5),)
    descriptions = [Description(("INSERT",), (), (gift,)), Description(("INSERT",), (), (cheap,))]
    assert Reference([record]).matches(descriptions) == [[1]]


def test_rule_files_hold_the_same_rules(tmp_path: Path) -> None:
    described = rules("B", 300)
    write_rule_files(described, tmp_path)
    rule_set, problems = load_rules([tmp_path])
    assert [problem for problem in problems if problem.code != "RE450"] == []
    loaded = [(rule.id, rule.events, rule.when, rule.unless, rule.scope) for rule in rule_set.rules]
    written = [(rule.id, rule.events, rule.when, rule.unless, rule.scope) for rule, _ in described]
    assert loaded == written
