"""A rule set survives its bundle, and a bundle that is not ours is refused."""

from __future__ import annotations

import contextlib
import hashlib
import json
import sys
from dataclasses import fields
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from rules_engine import bundle, exact_json
from rules_engine.bundle.layout import RULES, seal
from rules_engine.bundle_schema import bundle_schema
from rules_engine.delivery.identity import deliveries_of
from rules_engine.engine import Engine, Explanation
from rules_engine.errors import BundleError, Location, RuleSetError, SettingsError
from rules_engine.expression.syntax import parse
from rules_engine.expression.trees import decode_tree, encode_tree
from rules_engine.function import actions_of
from rules_engine.index.outline import outline_of
from rules_engine.model import ActionSpec, Match, Rule, RuleSet, Scope, Surroundings, Unless
from rules_engine.plain_record import record_from_images
from rules_engine.record import parse_record
from tests import mutated_bundles, random_rules

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


def said(explanation: Explanation) -> Any:
    """All but the values, which a malformed attribute makes impossible to compare."""
    clauses = [
        (clause.label, clause.text, clause.outcome, clause.error, [path for path, _ in clause.reads])
        for clause in explanation.clauses
    ]
    return explanation.rule_id, explanation.outcome, explanation.stopped_by, clauses


@pytest.mark.parametrize("seed", range(40))
def test_an_engine_from_a_bundle_matches_and_explains_as_one_from_the_rules(seed: int) -> None:
    rng = Random(seed)
    rule_set = random_rules.rule_set(rng)
    author, function = Engine.from_rules(rule_set), Engine.from_rules(bundle.load(bundle.dump(rule_set)))
    for _ in range(5):
        record = parse_record(random_rules.record(rng))
        ours, theirs = function.evaluate(record), author.evaluate(record)
        assert [match.rule for match in ours.matches] == [match.rule for match in theirs.matches]
        assert ours.errors == theirs.errors
        assert list(map(said, function.explain(record))) == list(map(said, author.explain(record)))


def test_every_expression_has_its_tree_and_each_stands_once() -> None:
    document = json.loads(bundle.dump(RuleSet((FULL, PLAIN))))
    expressions = {"is.big", "new.x == 'é'", "a", "b", "c", "keys.id", "new.total > vars.limit"}
    assert document["trees"].keys() == expressions
    trees = bundle.load(bundle.dump(RuleSet((FULL, PLAIN)))).rules[0].scope.trees
    assert {text: trees[text] for text in trees} == document["trees"]
    assert "absent" not in trees
    assert len(trees) == len(expressions)
    assert all(decode_tree(trees[text], text) == parse(text) for text in trees)


def test_outlines_are_those_of_the_rules() -> None:
    loaded = bundle.load(bundle.dump(RuleSet((FULL, PLAIN))))
    made = [
        outline_of(rule, map(parse, rule.when), [map(parse, exception.when) for exception in rule.unless])
        for rule in (FULL, PLAIN)
    ]
    assert list(loaded.outlines or ()) == made


def test_surroundings_are_those_of_enabled_rules_and_each_stands_once() -> None:
    signed = {"url": "${URL}", "signing_secret": "${secret:a} ${secret:a#old}", "headers": {"x": "${ssm:/b}"}}
    actions = (
        ActionSpec("one", "webhook", {**signed, "body": "${STAGE:-test} ${REGION}"}),
        ActionSpec("two", "webhook", {**signed, "method": "PUT"}),
        ActionSpec("three", "sns", {"topic_arn": "${TOPIC}", "message": "x"}, timeout_seconds=2.5),
    )
    used = Rule("used", ("orders",), actions)
    unused = Rule("unused", ("orders",), (ActionSpec("s", "sns", {"topic_arn": "${X}"}),), enabled=False)
    surroundings = bundle.load(bundle.dump(RuleSet((used, unused)))).surroundings
    assert surroundings == Surroundings(
        ("REGION", "TOPIC", "URL", "secret:a", "secret:a#old", "ssm:/b"),
        (
            ActionSpec("one", "webhook", signed),
            ActionSpec("three", "sns", {"topic_arn": "${TOPIC}"}, timeout_seconds=2.5),
        ),
        (("orders", (True, True)),),
    )


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (Rule("r", ("t",), (), when=("new.a ==",)), "rule 'r': "),
        (Rule("r", ("t",), (), when=("nosuch()",)), "rule 'r': unknown function 'nosuch'"),
        (Rule("r", ("t",), (), when=("a",), unless=(Unless("u", ("b ==",)),)), "rule 'r': "),
        (Rule("r", ("t",), (ActionSpec("l", "log", {"message": "{{ a == }}"}),)), "rule 'r': "),
        (Rule("r", ("t",), (ActionSpec("x", "nosuch"),)), "unknown action type 'nosuch'"),
        (Rule("r", ("t",), (), when=('a == `"\\ud800"`',)), "not valid Unicode"),
    ],
)
def test_what_a_function_could_not_use_is_not_written(rule: Rule, message: str) -> None:
    with pytest.raises(RuleSetError, match=message):
        bundle.dump(RuleSet((rule,)))


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


def resealed(data: bytes, old: bytes, new: bytes) -> bytes:
    """`data` changed, with the sum that it then has."""
    content = data[: data.rindex(b',"sha256"')]
    assert old in content
    return seal(content.replace(old, new, 1))


SOUND = bundle.dump(RuleSet((PLAIN,)))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "the bundle is not JSON"),
        (b"\xff", "the bundle is not JSON"),
        (b"[]", "the bundle is not a JSON object"),
        (b"{}", "the bundle has format None, and this version reads format 2 only"),
        (b'{"format":1,"rules":[],"scopes":[]}', "the bundle has format 1, and this version reads format 2"),
        (b'{"format":20}', "the bundle has format 20, and this version reads format 2 only"),
        (exact_json.dumps(json.loads(SOUND)).encode(), "SHA-256 does not match"),
        (json.dumps(json.loads(SOUND)).encode(), "the bundle is not laid out as"),
        (SOUND[:100], "SHA-256 does not match"),
        (SOUND[:-1], "SHA-256 does not match"),
        (SOUND + b" ", "SHA-256 does not match"),
        (SOUND.replace(b"plain", b"plane"), "SHA-256 does not match"),
        (SOUND.replace(b"plain", b"pl\xe4n"), "SHA-256 does not match"),
        (resealed(SOUND, b"orders", b"\xff"), "the bundle's rules cannot be read"),
        (resealed(SOUND, b'"kinds":', b'"kinds"'), "the bundle's rules cannot be read"),
        (resealed(SOUND, b'"kinds":', b'"kind":'), "the bundle's rules cannot be read"),
        (resealed(SOUND, b'"rules":[', b'"rules":'), "the bundle's rules cannot be read"),
        (resealed(SOUND, b'"needs":[]', b'"needs":[["Nosuch"]]'), "the bundle's outlines cannot be read"),
    ],
)
def test_what_is_no_bundle_of_ours_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(BundleError, match=message):
        bundle.load(data)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (b'{"id"', b'{"nonsense":1,"id"', "the bundle's rules cannot be read"),
        (b'{"id":"plain","tables":["orders"],', b"{", "the bundle's rules cannot be read"),
        (b'{"id":"plain",', b'{"id":', "a line of the bundle is not JSON"),
    ],
)
def test_a_rule_that_cannot_be_read_in_spite_of_a_right_sum_is_refused_when_it_is_needed(
    old: bytes, new: bytes, message: str
) -> None:
    line = SOUND.split(RULES)[1].split(b"\n")[1]
    rule_set = bundle.load(resealed(SOUND, line, line.replace(old, new, 1)))
    with pytest.raises(BundleError, match=message):
        list(rule_set.rules)


def test_a_tree_that_cannot_be_read_in_spite_of_a_right_sum_is_refused_when_it_is_needed() -> None:
    data = bundle.dump(RuleSet((Rule("r", ("orders",), (), when=("changed(&a)",)),)))
    rule_set = bundle.load(resealed(data, b'"changed(&a)":[4,', b'"changed(&a)":[99,'))
    with pytest.raises(BundleError, match="the bundle's tree of 'changed\\(&a\\)' cannot be read"):
        Engine.from_rules(rule_set).explain(random_rules.record(Random(1)))


@pytest.mark.parametrize("seed", range(30))
def test_made_up_content_with_a_right_sum_is_an_error_of_ours_or_works(seed: int) -> None:
    """Security line 17."""
    random = Random(seed)
    data = mutated_bundles.sound_bundle(random)
    records = [parse_record(random_rules.record(random)) for _ in range(3)]
    mutated_bundles.use(data, records)
    for _ in range(10):
        with contextlib.suppress(BundleError, RuleSetError, SettingsError):
            mutated_bundles.use(mutated_bundles.mutated(random, data), records)


def test_every_tree_of_the_parser_is_read_back() -> None:
    random = Random(1)
    for _ in range(500):
        text = random_rules.condition(random)
        assert decode_tree(exact_json.loads(exact_json.dumps(encode_tree(parse(text)))), text) == parse(text)


WRONG_TREES: dict[str, Any] = {
    "no array": {},
    "an unknown type": [22, "a", 0, 1],
    "a type from the end": [-1, "a", 0, 1],
    "a name that is a number": [0, 1, 0, 1],
    "a name with a child": [0, "a", 0, 1, [0, "a", 0, 1]],
    "a comparison of one": [2, "eq", 0, 1, [0, "a", 0, 1]],
    "an unknown comparison": [2, "is", 0, 1, [0, "a", 0, 1], [0, "a", 0, 1]],
    "an index of text": [9, "1", 0, 1],
    "a step of nothing": [11, [None, None, 0], 0, 1],
    "a pair alone": [21, "a", 0, 1, [0, "a", 0, 1]],
    "a place before the text": [0, "a", -1, 1],
}


@pytest.mark.parametrize("tree", WRONG_TREES.values(), ids=WRONG_TREES.keys())
def test_a_tree_that_no_parser_gives_is_refused(tree: Any) -> None:
    with pytest.raises(BundleError, match="the bundle's tree of 'a' cannot be read"):
        decode_tree(tree, "a")


def test_an_action_that_no_schema_lets_through_is_refused_when_it_is_built() -> None:
    written = Rule("r", ("orders",), (ActionSpec("a", "sns", {"topic_arn": mutated_bundles.TOPIC}),))
    data = bundle.dump(RuleSet((written,)))
    line = data.split(RULES)[1].split(b"\n")[1]
    data = resealed(data, line, line.replace(b'"topic_arn"', b'"topic"'))
    with pytest.raises(BundleError, match="the bundle's action 'a' cannot be read: KeyError"):
        actions_of(bundle.load(data), {}, None)["r", "a"]


def test_rules_of_a_bundle_are_a_sequence() -> None:
    rules = bundle.load(bundle.dump(RuleSet((FULL, PLAIN)))).rules
    assert (rules[-1], list(rules[1:]), len(rules), PLAIN in rules) == (PLAIN, [PLAIN], 2, True)
    with pytest.raises(IndexError):
        rules[2]


def test_the_digest_changes_with_the_rules() -> None:
    written = bundle.dump(RuleSet((PLAIN,)))
    assert bundle.digest(RuleSet((PLAIN,))) == hashlib.sha256(written).hexdigest()
    assert bundle.digest(RuleSet((PLAIN,))) != bundle.digest(RuleSet((FULL,)))


@pytest.mark.parametrize(
    ("action_type", "config"),
    [
        ("log", {}),
        ("sns", {"topic_arn": "arn:aws:sns:eu-west-1:123456789012:orders"}),
        ("table", {"table": "copies", "sync": {}}),
        ("webhook", {"url": "https://hooks.example.com/orders"}),
    ],
)
def test_what_an_action_sends_by_itself_needs_no_parser(
    action_type: str, config: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    written = Rule("r", ("orders",), (ActionSpec("a", action_type, config),))
    rule_set = bundle.load(bundle.dump(RuleSet((written,))))
    monkeypatch.setitem(sys.modules, "rules_engine.expression.syntax", None)
    action = actions_of(rule_set, {}, None)["r", "a"]
    images = {"event": "INSERT", "keys": {"id": "1"}, "new": {"id": "1"}}
    record = parse_record(record_from_images(images, "orders"))
    (delivery,) = deliveries_of(Match(rule_set.rules, 0, record))
    assert action.render(delivery)
