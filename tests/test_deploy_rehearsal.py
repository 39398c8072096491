"""Values with which the function would not start are refused before anything is changed."""

from __future__ import annotations

from typing import Any

import pytest

from rules_engine.deploy.rehearsal import rehearse_values
from rules_engine.errors import SettingsError
from rules_engine.model import ActionSpec, Rule, RuleSet

TOPIC = "arn:aws:sns:eu-west-1:123456789012:orders"
DOMAIN = "arn:aws:es:eu-west-1:123456789012:domain/orders"
QUEUE = "arn:aws:sqs:eu-west-1:123456789012:orders"


def rules_with(type_: str, mode: str = "at_least_once", **config: Any) -> RuleSet:
    return RuleSet((Rule("r", ("orders",), (ActionSpec("a", type_, config, mode=mode),)),))


PUBLISH = rules_with("sns", topic_arn="${TOPIC}")
HOOK = rules_with(
    "webhook",
    url="${URL}",
    signing_secret="${secret:key}",
    headers={"Authorization": "Bearer ${secret:token}", "X-Shop": "${SHOP}"},
)
SEARCH = rules_with("opensearch", endpoint="${ENDPOINT}", domain_arn="${DOMAIN}", index="orders")
COUNT = rules_with("table", "once", table="${TOTALS}", key={"id": "x"}, add={"n": 1})


@pytest.mark.parametrize(
    ("rules", "variables"),
    [
        (PUBLISH, {"TOPIC": TOPIC}),
        (PUBLISH, {}),
        (HOOK, {"URL": "https://hooks.example.com/x", "SHOP": "Bern"}),
        (HOOK, {"URL": "https://hooks.example.com/x"}),
        (HOOK, {}),
        (
            SEARCH,
            {"ENDPOINT": "https://search.example.com", "DOMAIN": DOMAIN},
        ),
        (SEARCH, {}),
        (COUNT, {"TOTALS": "totals"}),
    ],
)
@pytest.mark.parametrize("hosts", ["", "hooks.example.com *.example.com:8443"])
def test_values_that_will_do_and_values_that_nobody_knows_yet_pass(
    rules: RuleSet, variables: dict[str, str], hosts: str
) -> None:
    rehearse_values(rules, variables, hosts)


@pytest.mark.parametrize(
    ("rules", "variables", "hosts", "said"),
    [
        (PUBLISH, {"TOPIC": QUEUE}, "", f"action 'a': '{QUEUE}' is not the ARN of an SNS topic"),
        (HOOK, {"URL": "hooks.example.com"}, "", "action 'a': the URL must start with https://"),
        (
            SEARCH,
            {"ENDPOINT": "https://search.example.com", "DOMAIN": QUEUE},
            "",
            f"action 'a': '{QUEUE}' is not the ARN of an OpenSearch Service domain",
        ),
        (COUNT, {"TOTALS": "a/b"}, "", "action 'a': 'a/b' is not the name or ARN of a table"),
        (
            PUBLISH,
            {"TOPIC": TOPIC},
            "https://hooks.example.com/",
            "RULES_ENGINE_ALLOWED_HOSTS: 'https://hooks.example.com/' cannot be used (only host and port are "
            "wanted): write hooks.example.com, *.example.com or hooks.example.com:8443",
        ),
    ],
)
def test_what_would_stop_the_start_is_said_as_the_function_would_say_it(
    rules: RuleSet, variables: dict[str, str], hosts: str, said: str
) -> None:
    with pytest.raises(SettingsError) as refusal:
        rehearse_values(rules, variables, hosts)
    assert str(refusal.value) == f"with these values the function would not start: {said}"
