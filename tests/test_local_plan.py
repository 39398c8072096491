"""The plan of a local stack: everything a rule set names becomes something local, or is refused by name."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from rules_engine.actions import ACTIONS
from rules_engine.exact_json import loads
from rules_engine.loader import load_rules
from rules_engine.local.derivation import Addresses
from rules_engine.local.effect import Effect
from rules_engine.local.log_lines import entries, failures
from rules_engine.local.ministack import LocalStackError
from rules_engine.local.plan import plan_for
from rules_engine.local.samples import samples_of
from rules_engine.local.target_types import TARGET_TYPES
from rules_engine.local.target_types.table import write_effect
from rules_engine.model import ActionSpec, Rule, RuleSet

if TYPE_CHECKING:
    from pathlib import Path

    from rules_engine.local.plan import Plan

ADDRESS = "127.0.0.1:4443"


def plan_of(*actions: tuple[str, dict[str, Any]], environ: dict[str, str] | None = None) -> Plan:
    specs = tuple(
        ActionSpec(f"{kind}-{number}", kind, config) for number, (kind, config) in enumerate(actions)
    )
    return plan_for(RuleSet((Rule("r", ("orders",), specs),)), [], Addresses(ADDRESS), environ or {})


def urls_of(plan: Plan) -> list[str]:
    return [spec.config["url"] for rule in plan.rule_set.rules for spec in rule.actions]


def test_variables_that_name_targets_are_local_whatever_the_shell_says() -> None:
    outside = {"TOPIC_ARN": "arn:aws:sns:eu-west-1:1:real", "COPIES": "real", "HOOK": "https://real.example"}
    plan = plan_of(
        ("sns", {"topic_arn": "${TOPIC_ARN}"}),
        ("table", {"table": "${COPIES}", "put": "{{ new }}"}),
        ("webhook", {"url": "${HOOK}/x/{{ keys.id }}"}),
        environ=outside,
    )
    assert plan.environment == {
        "TOPIC_ARN": "arn:aws:sns:eu-central-1:000000000000:topic",
        "COPIES": "copies",
        "HOOK": "https://127.0.0.1:4443/hook",
    }


def test_variables_that_insert_text_are_the_shells_or_stand_ins() -> None:
    config = {"message": "${STAGE} ${OTHER} ${WITH_DEFAULT:-default}"}
    plan = plan_of(("log", config), environ={"STAGE": "test", "UNUSED": "x"})
    assert plan.environment == {"STAGE": "test", "OTHER": "local-other"}


@pytest.mark.parametrize(
    ("url", "called"),
    [
        ("https://api.example.com/a/{{ keys.id }}?b=c", "/api.example.com/a/{{ keys.id }}?b=c"),
        ("https://API.example.com:8443", "/api.example.com-8443"),
        ("https://${STAGE}.example.com/a", "/stage-.example.com/a"),
        ("https://${HOST:-api.example.com}/a", "/host-api.example.com/a"),
        ("${SCHEME}://api.example.com/a", "/api.example.com/a"),
        ("http://api.example.com/a", "/api.example.com/a"),
    ],
)
def test_hosts_of_the_outside_world_are_not_called(url: str, called: str) -> None:
    assert urls_of(plan_of(("webhook", {"url": url}))) == [f"https://{ADDRESS}{called}"]


def test_secrets_and_parameters_have_values_of_the_right_kind() -> None:
    plan = plan_of(
        (
            "webhook",
            {
                "url": "${ssm:/hook/url}",
                "signing_secret": "${secret:signing} ${ssm:/signing}",
                "headers": {"authorization": "${secret:api#user} ${secret:api#token}"},
            },
        )
    )
    signing = (plan.secrets["signing"], plan.parameters["/signing"])
    assert [text[:6] for text in signing] == ["whsec_", "whsec_"]
    assert plan.receivers == {"hook-url": signing}
    assert plan.parameters["/hook/url"] == f"https://{ADDRESS}/hook-url"
    user, token = plan.resolved["secret:api#user"], plan.resolved["secret:api#token"]
    assert plan.secrets["api"] == f'{{"user":"{user}","token":"{token}"}}'


NAME = "arn:aws:{}:eu-west-1:123456789012:{}"


@pytest.mark.parametrize(
    ("kind", "key", "given", "here", "needed"),
    [
        (
            "sns",
            "topic_arn",
            NAME.format("sns", "News"),
            "arn:aws:sns:eu-central-1:000000000000:news",
            "news",
        ),
        (
            "sqs",
            "queue_url",
            "https://sqs.eu-west-1.amazonaws.com/123456789012/Work.fifo",
            "https://sqs.eu-central-1.amazonaws.com/000000000000/work.fifo",
            "work.fifo",
        ),
        ("eventbridge", "event_bus", NAME.format("events", "event-bus/shop"), "shop", "shop"),
        ("eventbridge", "event_bus", "default", "default", "default"),
        ("firehose", "delivery_stream", "orders", "orders", "orders"),
        ("s3", "bucket", "orders-${STAGE}", "orders-local-stage", "orders-local-stage"),
        (
            "lambda",
            "function",
            NAME.format("lambda", "function:stock:live"),
            "arn:aws:lambda:eu-central-1:000000000000:function:stock",
            "stock",
        ),
        ("lambda", "function", "stock:7", "arn:aws:lambda:eu-central-1:000000000000:function:stock", "stock"),
        (
            "stepfunctions",
            "state_machine_arn",
            NAME.format("states", "stateMachine:refund:live"),
            "arn:aws:states:eu-central-1:000000000000:stateMachine:refund",
            "refund",
        ),
    ],
)
def test_constant_targets_become_local_ones_of_the_same_name(
    kind: str, key: str, given: str, here: str, needed: str
) -> None:
    plan = plan_of((kind, {key: given}))
    assert plan.rule_set.rules[0].actions[0].config == {key: here}
    assert plan.needs == {kind: (needed,)}


@pytest.mark.parametrize(
    ("kind", "key", "value", "needed"),
    [
        ("sns", "topic_arn", "arn:aws:sns:eu-central-1:000000000000:x-y", "x-y"),
        ("sqs", "queue_url", "https://sqs.eu-central-1.amazonaws.com/000000000000/x-y", "x-y"),
        ("eventbridge", "event_bus", "x-y", "x-y"),
        ("firehose", "delivery_stream", "x-y", "x-y"),
        ("s3", "bucket", "x-y", "x-y"),
        ("lambda", "function", "arn:aws:lambda:eu-central-1:000000000000:function:x-y", "x-y"),
        (
            "stepfunctions",
            "state_machine_arn",
            "arn:aws:states:eu-central-1:000000000000:stateMachine:x-y",
            "x-y",
        ),
    ],
)
def test_variables_name_local_targets_of_every_type(kind: str, key: str, value: str, needed: str) -> None:
    plan = plan_of((kind, {key: "${X_Y}"}), environ={"X_Y": "real"})
    assert plan.environment == {"X_Y": value}
    assert plan.needs == {kind: (needed,)}


@pytest.mark.parametrize(("kind", "key"), [("sns", "topic_arn"), ("sqs", "queue_url")])
def test_what_takes_effect_once_goes_to_a_fifo_topic_or_queue(kind: str, key: str) -> None:
    spec = ActionSpec("a", kind, {key: "${TARGET}"}, mode="once")
    plan = plan_for(RuleSet((Rule("r", ("orders",), (spec,)),)), [], Addresses(ADDRESS), {})
    assert plan.needs == {kind: ("target.fifo",)}
    assert plan.environment["TARGET"].endswith("target.fifo")


def test_the_local_stack_has_a_target_for_every_action_type() -> None:
    assert set(TARGET_TYPES) >= set(ACTIONS)
    assert sorted(TARGET_TYPES) == list(TARGET_TYPES)


def test_numbers_that_rules_add_to_are_known_by_their_tables() -> None:
    plan = plan_of(
        ("table", {"table": "${TOTALS}", "update": {"key": "{{ keys }}", "add": {"b": 1, "a": 1}}}),
        ("table", {"table": "other", "update": {"key": "{{ keys }}", "set": {"c": 1}}}),
    )
    assert plan.counted == {"totals": ("a", "b")}


def test_what_was_added_to_a_counter_counts_and_not_what_it_stands_at() -> None:
    def effect(old: str, new: str) -> Effect:
        images = {"OldImage": {"n": {"N": old}}, "NewImage": {"n": {"N": new}, "id": {"S": "a"}}}
        return write_effect("totals", {"dynamodb": images}, ("n",))

    assert effect("1", "3.5").text == effect("10.0", "12.50").text
    assert effect("1", "3.5") == Effect(
        "in table", "totals", {"item": {"id": "a"}, "added": {"n": Decimal("2.5")}}
    )
    assert effect("1", "2").text != effect("1", "3").text


def test_counters_that_stay_as_they_are_are_no_part_of_what_was_added() -> None:
    images = [{"n": {"N": "1"}}, {"n": {"N": "1"}, "m": {"N": "7"}}]
    record = {"dynamodb": {"OldImage": {**images[1], "n": {"N": "0"}}, "NewImage": images[1]}}
    first = {"dynamodb": {"OldImage": {}, "NewImage": images[0]}}
    expected = Effect("in table", "totals", {"item": {}, "added": {"n": 1}})
    assert [write_effect("totals", each, ("m", "n")) for each in (record, first)] == [expected, expected]


@pytest.mark.parametrize(
    ("actions", "refusal"),
    [
        (
            [("sns", {"topic_arn": "${X}"}), ("table", {"table": "${X}", "put": "{{ new }}"})],
            "'${X}' is a topic in one action and a table in another",
        ),
        (
            [("slack", {})],
            "rule 'r', action 'slack-0': the local stack has no target for actions of type 'slack'",
        ),
        (
            [("webhook", {"url": "${U}", "signing_secret": "${secret:arn:aws:secretsmanager:e:1:secret:s}"})],
            "the local stack has secrets by name, not by ARN",
        ),
    ],
)
def test_what_nothing_local_stands_for_is_refused(actions: list[Any], refusal: str) -> None:
    with pytest.raises(LocalStackError) as refused:
        plan_of(*actions)
    assert refusal in str(refused.value)


@pytest.mark.parametrize(
    ("config", "keys"),
    [
        ({"put": {"name": "x", "pk": "{{ keys.id }}", "sk": "y"}}, (("pk", "N"), ("sk", "S"))),
        ({"put": {"at": "x", "id": "{{ keys.id }}", "day": "2"}}, (("id", "N"),)),
        ({"put": {"nothing": None, "at": 7}}, (("at", "N"),)),
        ({"put": "{{ new }}"}, (("id", "N"),)),
        ({"delete": {"key": "{{ keys }}"}}, (("id", "N"),)),
        ({"update": {"key": {"b": "{{ keys.id }}", "a": "x"}, "remove": ["c"]}}, (("b", "N"), ("a", "S"))),
    ],
)
def test_keys_of_targets_are_found_from_what_the_rules_write(
    config: dict[str, Any], keys: tuple[tuple[str, str], ...]
) -> None:
    test = {"name": "t", "record": {"event": "INSERT", "keys": {"id": 5}, "new": {"id": 5}}}
    spec = ActionSpec("table", "table", {"table": "copies", **config})
    rule_set = RuleSet((Rule("r", ("orders",), (spec,), tests=(test,)),))
    plan = plan_for(rule_set, samples_of(rule_set)[0], Addresses(ADDRESS), {})
    assert plan.sources["orders"].attributes == (("id", "N"),)
    assert plan.targets["copies"].attributes == keys


def test_records_that_no_write_makes_are_handed_to_the_function(tmp_path: Path) -> None:
    records = [
        "{event: INSERT, keys: {id: a}, new: {}}",
        "{event: EXPIRE, keys: {id: a}, old: {}}",
        "{event: REMOVE, keys: {id: a}}",
        "{event: INSERT, new: {id: a}}",
        "{event: MODIFY, keys: {id: a}, old: {x: 1}, new: {x: 1}}",
        "{event: INSERT, keys: {id: a}, new: {id: b}}",
        "{event: INSERT, keys: {id: a}, new: {}, createdAt: 2026-01-01T00:00:00Z}",
        "{event: INSERT, table: elsewhere, keys: {id: a}, new: {}}",
    ]
    tests = "".join(f"      - {{name: t, record: {record}, expect: {{match: true}}}}\n" for record in records)
    file = tmp_path / "rules.yaml"
    file.write_text(
        "version: 1\nrules:\n  - id: r\n    table: orders\n    actions: [{type: log}]\n    tests:\n" + tests
    )
    samples, notes = samples_of(load_rules([file])[0])
    assert [sample.handed for sample in samples] == [
        None,
        "time to live of the local server writes no records",
        "its record lacks an image, which a stream of both images never does",
        "its record has no keys",
        "a write that changes nothing makes no record",
        "an image has another key than its record",
        "its record says 'createdAt', which a stream decides",
        "no rule is for its table 'elsewhere'",
    ]
    assert notes == []


def test_a_record_without_a_place_of_its_own_comes_after_the_newest_of_its_stream(tmp_path: Path) -> None:
    records = [
        "{event: EXPIRE, keys: {id: a}, old: {}}",
        '{event: EXPIRE, keys: {id: a}, old: {}, sequenceNumber: "7"}',
    ]
    tests = "".join(f"      - {{name: t, record: {record}, expect: {{match: true}}}}\n" for record in records)
    file = tmp_path / "rules.yaml"
    file.write_text(
        "version: 1\nrules:\n  - id: r\n    table: orders\n    actions: [{type: log}]\n    tests:\n" + tests
    )
    free, placed = samples_of(load_rules([file])[0])[0]
    after = free.after("00041")
    assert (after.record.sequence_number, after.record.keys) == ("00042", free.record.keys)
    assert after.record.event_id not in (free.record.event_id, free.after("00042").record.event_id)
    assert after.event["Records"][0]["dynamodb"]["SequenceNumber"] == "00042"
    assert placed.after("00041") is placed


def test_a_line_of_the_log_ends_with_a_line_feed_alone() -> None:
    line = '{"level":"ERROR","message":"a\u2028b\u0085c","record":"1"}'
    assert list(entries(f"START\n{line}\n{{half")) == [loads(line)]
    assert failures(f"{line}\n") == [line]
