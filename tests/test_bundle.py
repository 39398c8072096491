"""A rule set survives its bundle, and a bundle that is not ours is refused."""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields
from decimal import Decimal

import pytest
from jsonschema import Draft202012Validator

from rules_engine import bundle, exact_json
from rules_engine.bundle_schema import bundle_schema
from rules_engine.errors import BundleError, Location
from rules_engine.model import ActionSpec, Rule, RuleSet, Scope, Unless

FULL = Rule(
    id="order-shipped",
    tables=("orders", "orders-archive"),
    events=("MODIFY", "EXPIRE"),
    when=("is.big", "new.x == 'é'"),
    when_is_list=True,
    unless=(Unless("tests", ("a", "b"), reason="load", expires="2099-01-01"), Unless("bare", ("c",))),
    actions=(
        ActionSpec("first", "table", {"table": "t", "put": {"pk": "{{ keys.id }}", "n": Decimal("0.10")}}),
        ActionSpec("log", "log", mode="once", on_error="continue", timeout_seconds=2.5),
    ),
    description="d",
    severity="info",
    tags=("x", "y"),
    runbook="https://wiki.example.com",
    owner="o",
    view="KEYS_ONLY",
    enabled=False,
    scope=Scope({"limit": 10**37}, {"l": ["a", 1]}, {"big": "new.total > vars.limit"}),
)
PLAIN = Rule(id="plain", tables=("orders",), actions=(ActionSpec("log", "log"),))


def test_every_field_survives() -> None:
    rule_set = RuleSet((FULL, PLAIN))
    assert bundle.load(bundle.dump(rule_set)) == rule_set


def test_numbers_come_back_exactly() -> None:
    [rule] = bundle.load(bundle.dump(RuleSet((FULL,)))).rules
    assert str(rule.actions[0].config["put"]["n"]) == "0.10"


def test_tests_and_positions_stay_with_the_author() -> None:
    written = Rule(
        id="plain",
        tables=("orders",),
        actions=PLAIN.actions,
        tests=({"name": "x"},),
        location=Location("f", 1, 1),
    )
    assert bundle.dump(RuleSet((written,))) == bundle.dump(RuleSet((PLAIN,)))


def test_a_bundle_is_what_its_schema_says() -> None:
    validator = Draft202012Validator(bundle_schema())
    Draft202012Validator.check_schema(bundle_schema())
    document = json.loads(bundle.dump(RuleSet((FULL, PLAIN))))
    assert list(validator.iter_errors(document)) == []
    document["rules"][0]["nonsense"] = 1
    assert [list(error.path) for error in validator.iter_errors(document)] == [["rules", 0]]


def test_the_schema_of_a_rule_names_its_fields() -> None:
    rule = bundle_schema()["properties"]["rules"]["items"]
    assert set(rule["properties"]) == {field.name for field in fields(Rule)} - {"tests", "location"}


def test_rules_of_one_file_share_their_scope() -> None:
    sibling = Rule(id="sibling", tables=("orders",), actions=(), scope=FULL.scope)
    document = json.loads(bundle.dump(RuleSet((FULL, PLAIN, sibling))))
    assert len(document["scopes"]) == 2
    assert [rule["scope"] for rule in document["rules"]] == [0, 1, 0]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "the bundle is not JSON"),
        (b"\xff", "the bundle is not JSON"),
        (b"[]", "the bundle is not a JSON object"),
        (b"{}", "the bundle has format None, and this version reads format 1 only"),
        (b'{"format":2}', "the bundle has format 2, and this version reads format 1 only"),
        (b'{"format":1,"rules":[],"scopes":[]}', "SHA-256 does not match"),
        (bundle.dump(RuleSet((PLAIN,))).replace(b"plain", b"plane"), "SHA-256 does not match"),
    ],
)
def test_what_is_no_bundle_of_ours_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(BundleError, match=message):
        bundle.load(data)


def test_a_bundle_with_a_right_sum_and_wrong_rules_is_refused() -> None:
    data = bundle.dump(RuleSet((PLAIN,)))
    document = json.loads(data)
    document["rules"][0]["nonsense"] = 1
    content = {"scopes": document["scopes"], "rules": document["rules"]}
    document["sha256"] = hashlib.sha256(exact_json.dumps(content).encode()).hexdigest()
    with pytest.raises(BundleError, match="the bundle's rules cannot be read"):
        bundle.load(json.dumps(document).encode())


def test_the_digest_changes_with_the_rules() -> None:
    assert bundle.digest(RuleSet((PLAIN,))) == json.loads(bundle.dump(RuleSet((PLAIN,))))["sha256"]
    assert bundle.digest(RuleSet((PLAIN,))) != bundle.digest(RuleSet((FULL,)))
