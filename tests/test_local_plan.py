"""The plan of a local stack: everything a rule set names becomes something local, or is refused by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from rules_engine.loader import load_rules
from rules_engine.local.derivation import Addresses
from rules_engine.local.ministack import LocalStackError
from rules_engine.local.plan import plan_for
from rules_engine.local.samples import samples_of
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
