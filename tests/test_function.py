from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest

from rules_engine import bundle
from rules_engine.errors import BatchError, BundleError, RecordError, SettingsError
from rules_engine.function import Function
from rules_engine.local.webhook_receiver import WebhookReceiver
from rules_engine.model import ActionSpec, Rule, RuleSet
from rules_engine.plain_record import record_from_images
from rules_engine.settings import Settings
from rules_engine.testing import FakeAws
from tests.receiver import authority_of, running_receiver
from tests.units import SHIPPED

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rules_engine.local.ministack import Ministack


def order(number: int) -> dict[str, Any]:
    plain = {
        **SHIPPED,
        "eventID": f"e-{number}",
        "sequenceNumber": f"{number}00",
        "keys": {"id": f"o-{number}"},
    }
    return record_from_images(plain, "orders")


def event(*numbers: int) -> dict[str, Any]:
    return {"Records": [order(number) for number in numbers]}


def settings_for(rule_set: RuleSet, directory: Path, **settings: Any) -> Settings:
    (directory / "bundle.json").write_bytes(bundle.dump(rule_set))
    return Settings(bundle=directory / "bundle.json", **settings)


def rule(*actions: ActionSpec, **fields: Any) -> RuleSet:
    return RuleSet(
        (Rule("order-shipped", ("orders",), actions, when=("became(&status, 'SHIPPED')",), **fields),)
    )


WEBHOOK = ActionSpec(
    "webhook",
    "webhook",
    {"url": "${URL}/{{ keys.id }}", "allow_plain_http": True, "body": "{{ eventID }}"},
    timeout_seconds=2.5,
)


def test_every_matching_record_reaches_the_target_and_the_answer_is_success(tmp_path: Path) -> None:
    with running_receiver() as receiver:
        settings = settings_for(rule(WEBHOOK), tmp_path, private_hosts=authority_of(receiver.url))
        function = Function.from_settings(settings, {"URL": receiver.url})
        assert function(event(1, 2), None) == {"batchItemFailures": []}
    received = sorted((each.path, each.body) for each in receiver.received)
    assert received == [("/o-1", b'"e-1"'), ("/o-2", b'"e-2"')]


def test_the_first_record_that_failed_is_the_checkpoint(tmp_path: Path) -> None:
    lines: list[str] = []
    with running_receiver() as receiver:
        hosts = authority_of(receiver.url)
        settings = settings_for(rule(WEBHOOK), tmp_path, partial_batch=True, private_hosts=hosts)
        receiver.failing["/o-2"] = 422
        function = Function.from_settings(settings, {"URL": receiver.url}, lines.append)
        answer = function(event(1, 2, 3), None)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "200"}]}
    assert sorted(each.path for each in receiver.received) == ["/o-1", "/o-2", "/o-3"]
    assert [json.loads(line)["code"] for line in lines] == ["HTTP_422"]


def test_without_partial_answers_a_failure_fails_the_batch_and_drags_no_other_error_along(
    tmp_path: Path,
) -> None:
    lines: list[str] = []
    with running_receiver() as receiver:
        receiver.failing["/o-1"] = 422
        settings = settings_for(rule(WEBHOOK), tmp_path, private_hosts=authority_of(receiver.url))
        function = Function.from_settings(settings, {"URL": receiver.url}, lines.append)
        with pytest.raises(BatchError) as failure:
            function(event(1, 2), None)
    assert str(failure.value) == "record 100 failed: the whole batch is to come again"
    assert (failure.value.__context__, failure.value.__cause__) == (None, None)


@pytest.mark.parametrize("nothing", [None, {}, "Records", {"records": []}, {"Records": None}])
def test_an_event_that_is_no_batch_is_never_a_success(tmp_path: Path, nothing: Any) -> None:
    function = Function.from_settings(settings_for(RuleSet(), tmp_path), {})
    with pytest.raises(RecordError):
        function(nothing, None)


def test_a_receiver_that_no_setting_allows_is_never_reached(tmp_path: Path) -> None:
    lines: list[str] = []
    with running_receiver() as receiver:
        settings = settings_for(rule(WEBHOOK), tmp_path, partial_batch=True)
        function = Function.from_settings(settings, {"URL": receiver.url}, lines.append)
        assert function(event(1), None) == {"batchItemFailures": [{"itemIdentifier": "100"}]}
    (line,) = map(json.loads, lines)
    message = "the receiver has a loopback address: webhooks go to public ones only"
    assert (line["class"], line["code"], line["error"]) == ("blocked", "ADDRESS_NOT_ALLOWED", message)
    assert receiver.received == []


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        (
            {"allowed_hosts": "https://hooks.example.com/"},
            "RULES_ENGINE_ALLOWED_HOSTS: 'https://hooks.example.com/' cannot be used (only host and port are "
            "wanted): write hooks.example.com, *.example.com or hooks.example.com:8443",
        ),
        (
            {"private_hosts": "10.0.0.5"},
            "RULES_ENGINE_PRIVATE_HOSTS: '10.0.0.5' has no port: write 10.0.0.5:443",
        ),
    ],
)
def test_hosts_that_cannot_be_read_stop_the_start(
    setting: dict[str, str], message: str, tmp_path: Path
) -> None:
    with pytest.raises(SettingsError) as failure:
        Function.from_settings(settings_for(RuleSet(), tmp_path, **setting), {})
    assert str(failure.value) == message


def test_a_bundle_that_is_not_there_stops_the_start(tmp_path: Path) -> None:
    path = tmp_path / "bundle.json"
    with pytest.raises(BundleError) as failure:
        Function.from_settings(Settings(bundle=path), {})
    assert str(failure.value) == f"the bundle '{path}' cannot be read: No such file or directory"


def test_a_variable_that_is_not_set_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="URL"):
        Function.from_settings(settings_for(rule(WEBHOOK), tmp_path), {})


CREDENTIALS = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
]


def saying(text: str) -> RuleSet:
    config = {"url": "${URL}/orders", "allow_plain_http": True, "body": text}
    return rule(ActionSpec("webhook", "webhook", config))


@pytest.mark.parametrize("name", CREDENTIALS)
def test_a_bundle_that_wants_a_credential_of_the_function_stops_the_start(name: str, tmp_path: Path) -> None:
    settings = settings_for(saying(f"${{{name}}}"), tmp_path)
    with pytest.raises(SettingsError) as refused:
        Function.from_settings(settings, {"URL": "http://127.0.0.1:9", name: "canary"})
    assert str(refused.value) == f"an action names ${{{name}}}, one of the function's own credentials"


def test_a_credential_with_a_default_stands_for_that(tmp_path: Path) -> None:
    text = " ".join(f"${{{name}:-none}}" for name in CREDENTIALS)
    with running_receiver() as receiver:
        settings = settings_for(saying(text), tmp_path, private_hosts=authority_of(receiver.url))
        environ = dict.fromkeys(CREDENTIALS, "canary") | {"URL": receiver.url}
        function = Function.from_settings(settings, environ)
        assert function(event(1), None) == {"batchItemFailures": []}
    assert [each.body for each in receiver.received] == [b'"none none none none"']


def test_a_disabled_rule_needs_nothing(tmp_path: Path) -> None:
    secret = ActionSpec("signed", "webhook", {"url": "${URL}", "signing_secret": "${secret:absent}"})
    disabled = rule(secret, enabled=False)
    function = Function.from_settings(settings_for(disabled, tmp_path), {})
    assert function(event(1), None) == {"batchItemFailures": []}


BAD_SURROUNDINGS = [
    (
        ActionSpec("s", "sns", {"topic_arn": "${X}"}),
        "arn:aws:sqs:eu-west-1:123456789012:orders",
        "action 's': 'arn:aws:sqs:eu-west-1:123456789012:orders' is not the ARN of an SNS topic",
    ),
    (
        ActionSpec("t", "table", {"table": "${X}", "put": {"pk": "{{ keys.id }}"}}),
        "no table",
        "action 't': 'no table' is not the name or ARN of a table",
    ),
    (
        ActionSpec("w", "webhook", {"url": "${X}/{{ keys.id }}"}),
        "ftp://h",
        "action 'w': the URL must start with https://",
    ),
    (
        ActionSpec("w", "webhook", {"url": "${X}{{ keys.id }}"}),
        "https://h",
        "action 'w': a hole must not stand in the URL's scheme or host",
    ),
    (
        ActionSpec("w", "webhook", {"url": "https://h/", "headers": {"x": "${X}"}}),
        "a\nb",
        "action 'w': the header 'x' must be visible ASCII",
    ),
]


@pytest.mark.parametrize(("spec", "text", "message"), BAD_SURROUNDINGS)
def test_what_a_variable_cannot_stand_for_stops_the_start(
    spec: ActionSpec, text: str, message: str, tmp_path: Path
) -> None:
    """Although an action is built only when a record needs it."""
    with pytest.raises(SettingsError) as failure:
        Function.from_settings(settings_for(rule(spec), tmp_path), {"X": text})
    assert str(failure.value) == message


def test_a_variable_in_a_payload_that_is_not_set_stops_the_start(tmp_path: Path) -> None:
    spec = ActionSpec("log", "log", {"message": "in ${STAGE:-test} of ${REGION}"})
    with pytest.raises(SettingsError) as failure:
        Function.from_settings(settings_for(rule(spec), tmp_path), {})
    assert str(failure.value) == "'REGION' is not set, and an action names it as ${REGION}"


KEY = f"whsec_{base64.b64encode(b'canary' * 5).decode()}"


@pytest.mark.local
def test_the_whole_way_from_a_bundle_to_three_targets(
    aws: Ministack,
    unique_name: Callable[[str], str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    topic = aws.client("sns").create_topic(Name=unique_name("orders"))["TopicArn"]
    history, secret = unique_name("history"), unique_name("secret")
    aws.client("secretsmanager").create_secret(Name=secret, SecretString=KEY)
    aws.client("dynamodb").create_table(
        TableName=history,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    rules = rule(
        ActionSpec("sns", "sns", {"topic_arn": "${TOPIC}"}),
        ActionSpec("webhook", "webhook", {"url": "${URL}", "signing_secret": f"${{secret:{secret}}}"}),
        ActionSpec(
            "table", "table", {"table": "${HISTORY}", "put": {"pk": "{{ keys.id }}", "new": "{{ new }}"}}
        ),
        ActionSpec("log", "log", {"message": "{{ keys.id }} shipped"}),
    )
    with WebhookReceiver(KEY) as receiver:
        (tmp_path / "ca.pem").write_bytes(receiver.ca_pem)
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        environ = {"TOPIC": topic, "URL": receiver.url, "HISTORY": history}
        settings = settings_for(rules, tmp_path, private_hosts=receiver.address)
        function = Function.from_settings(settings, environ)
        assert function(event(1, 2), None) == {"batchItemFailures": []}
    received = sorted((each.payload["eventID"], each.refusal) for each in receiver.received)
    assert received == [("e-1", None), ("e-2", None)]
    stored = aws.client("dynamodb").scan(TableName=history, ConsistentRead=True)["Items"]
    assert sorted(stored, key=lambda item: item["pk"]["S"]) == [
        {"pk": {"S": f"o-{number}"}, "new": {"M": order(number)["dynamodb"]["NewImage"]}} for number in (1, 2)
    ]


@pytest.mark.local
def test_a_rotated_key_is_seen_by_a_running_function_and_no_record_waits_for_it(
    aws: Ministack,
    unique_name: Callable[[str], str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The receiver takes the new key only, and says 401 to the old one; the function reads the new one."""
    secret, new_key = unique_name("secret"), f"whsec_{base64.b64encode(b'rotate' * 5).decode()}"
    aws.client("secretsmanager").create_secret(Name=secret, SecretString=KEY)
    rules = rule(
        ActionSpec("webhook", "webhook", {"url": "${URL}", "signing_secret": f"${{secret:{secret}}}"})
    )
    with WebhookReceiver(KEY) as receiver:
        (tmp_path / "ca.pem").write_bytes(receiver.ca_pem)
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        settings = settings_for(rules, tmp_path, private_hosts=authority_of(receiver.url))
        lines: list[str] = []
        function = Function.from_settings(settings, {"URL": receiver.url}, lines.append)
        assert function(event(1), None) == {"batchItemFailures": []}
        aws.client("secretsmanager").put_secret_value(SecretId=secret, SecretString=new_key)
        receiver.secret = new_key
        assert function(event(*range(2, 20)), None) == {"batchItemFailures": []}
    taken = {each.payload["eventID"] for each in receiver.received if each.refusal is None}
    assert taken == {f"e-{number}" for number in range(1, 20)}
    # Only those that were under way when the first 401 came were refused, and each of them once.
    refused = [each.payload["eventID"] for each in receiver.received if each.refusal is not None]
    assert 1 <= len(refused) == len(set(refused))
    assert lines == []


@pytest.mark.local
def test_a_secret_that_is_not_there_stops_the_start(aws: Ministack, tmp_path: Path) -> None:
    rules = rule(ActionSpec("w", "webhook", {"url": "https://h/", "signing_secret": "${secret:absent}"}))
    with pytest.raises(SettingsError) as failure:
        Function.from_settings(settings_for(rules, tmp_path), {})
    assert str(failure.value) == "'${secret:absent}' cannot be read: ResourceNotFoundException"


def test_rules_that_the_deployment_was_not_made_for_stop_the_start(tmp_path: Path) -> None:
    settings = settings_for(rule(), tmp_path, rules_sha256="5f1d")
    with pytest.raises(SettingsError) as failure:
        Function.from_settings(settings, {})
    assert str(failure.value) == (
        f"the bundle has the SHA-256 {bundle.digest(rule())}, and RULES_ENGINE_RULES_SHA256 is 5f1d: "
        "deploy the template of these rules, whose filters and role fit them"
    )


def test_a_dead_letter_has_the_sum_that_the_deployment_was_made_for(tmp_path: Path) -> None:
    aws, url = FakeAws(), "https://sqs.eu-west-1.amazonaws.com/123456789012/dead"
    settings = settings_for(
        rule(), tmp_path, rules_sha256=bundle.digest(rule()), dead_letter_queue_url=url, partial_batch=True
    )
    function = Function.from_settings(settings, {}, make_clients=lambda **_: aws)
    damaged = {**order(1), "eventName": "canary"}
    assert function({"Records": [damaged]}, None) == {"batchItemFailures": []}
    (message,) = aws.client("sqs").receive_message(QueueUrl=url)["Messages"]
    assert json.loads(message["Body"])["rules_hash"] == bundle.digest(rule())
