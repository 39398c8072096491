from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

import pytest
from standardwebhooks.webhooks import Webhook

from rules_engine.actions import ConfigFinding, Permission, webhook
from rules_engine.actions.host_policy import HostPolicy
from rules_engine.aws import Clients
from rules_engine.errors import ActionError, RuleSetError, SettingsError, TemplateError
from rules_engine.local.webhook_receiver import WebhookReceiver
from rules_engine.model import EMPTY_SCOPE
from rules_engine.secret_text import hidden
from tests.receiver import Receiver, authority_of, running_receiver
from tests.units import SHIPPED_CHANGE, action_spec, delivery_of, raw_record

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from rules_engine.model import ActionSpec

URL = "https://hooks.example.com/orders"
HOLE = "{{ new.x }}"
KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OLD_KEY = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"
HEADERS = {"content-type": "application/json", "user-agent": "rules-engine"}


def render(
    record: dict[str, Any] | None = None, environment: Mapping[str, str] | None = None, **config: Any
) -> dict[str, Any]:
    spec = action_spec("webhook", **{"url": URL, **config})
    return webhook.build(spec, EMPTY_SCOPE, environment or {}, None).render(delivery_of(spec, record))


def build(spec: ActionSpec, environment: Mapping[str, str] | None = None) -> webhook.WebhookAction:
    webhook.connect(spec, environment or {}, Clients())
    return webhook.build(spec, EMPTY_SCOPE, environment or {}, Clients())


def build_for(receiver: Receiver | WebhookReceiver, spec: ActionSpec, **known: Any) -> webhook.WebhookAction:
    """With leave to send to this server, which is on loopback; its URL is `${URL}`."""
    clients = Clients(hosts=HostPolicy.of(None, authority_of(receiver.url)))
    return webhook.build(spec, EMPTY_SCOPE, {"URL": receiver.url, **known}, clients)


def test_without_a_body_the_change_is_posted() -> None:
    assert render() == {
        "method": "POST",
        "url": URL,
        "headers": {**HEADERS, "webhook-id": delivery_of(action_spec("webhook")).id},
        "body": SHIPPED_CHANGE,
    }


def test_everything_may_be_said() -> None:
    request = render(
        environment={"HOST": "hooks.example.com", "secret:api#token": "t-1"},
        url="https://${HOST}/orders/{{ keys.order_id }}?status={{ new.status }}",
        method="PUT",
        headers={"Authorization": "Bearer ${secret:api#token}", "Content-Type": "application/vnd.order+json"},
        body={"total": "{{ new.total }}"},
    )
    assert request == {
        "method": "PUT",
        "url": f"{URL}/o-1?status=SHIPPED",
        "headers": {
            "content-type": "application/vnd.order+json",
            "user-agent": "rules-engine",
            "authorization": "Bearer t-1",
            "webhook-id": delivery_of(action_spec("webhook")).id,
        },
        "body": '{"total":12.5}',
    }


def test_a_body_that_is_a_text_is_json_too() -> None:
    new = {"name": {"S": 'a"},{"admin":true'}}
    body = render(raw_record(new, {"id": {"S": "1"}}), body='{"name": "{{ new.name }}"}')["body"]
    assert json.loads(body) == '{"name": "a"},{"admin":true"}'


@pytest.mark.parametrize(
    ("text", "encoded"),
    [
        ("a b", "a%20b"),
        ("../../admin", "..%2F..%2Fadmin"),
        ("x?admin=1&b#c", "x%3Fadmin%3D1%26b%23c"),
        ("@127.0.0.1:80\\", "%40127.0.0.1%3A80%5C"),
        ("ü\r\nHost: x", "%C3%BC%0D%0AHost%3A%20x"),
        ("%2e", "%252e"),
    ],
)
def test_a_value_cannot_leave_its_place_in_the_url(text: str, encoded: str) -> None:
    record = raw_record({"x": {"S": text}}, {"id": {"S": "1"}})
    request = render(record, url=f"{URL}/{{{{ new.x }}}}/lines?q={{{{ new.x }}}}")
    assert request["url"] == f"{URL}/{encoded}/lines?q={encoded}"


@pytest.mark.parametrize("text", [".", ".."])
def test_a_value_cannot_climb_out_of_the_path(text: str) -> None:
    with pytest.raises(TemplateError) as failure:
        render(raw_record({"x": {"S": text}}, {"id": {"S": "1"}}), url=f"{URL}/{{{{ new.x }}}}/lines")
    assert str(failure.value) == "the URL must not have '.' or '..' as a path segment"


@pytest.mark.parametrize(
    "url",
    [
        f"https://hooks.example.com/{HOLE}",
        f"https://hooks.example.com/{HOLE}/lines",
        f"{URL}//{HOLE}",
        f"{URL}/{HOLE}{HOLE}/lines?q=a//b",
        f"${{secret:url}}/{HOLE}/lines",
    ],
)
def test_a_value_cannot_take_a_segment_out_of_the_path(url: str) -> None:
    record = raw_record({"x": {"S": ""}}, {"id": {"S": "1"}})
    with pytest.raises(TemplateError) as failure:
        render(record, environment={"secret:url": f"{URL}//a"}, url=url)
    assert str(failure.value) == "a value leaves a segment of the URL's path empty"


@pytest.mark.parametrize("path", ["/orders//lines", "/orders/", f"/order-{HOLE}", f"/orders?q={HOLE}"])
def test_an_empty_value_elsewhere_and_what_the_author_wrote_stay(path: str) -> None:
    record = raw_record({"x": {"S": ""}}, {"id": {"S": "1"}})
    rendered = render(record, url=f"https://hooks.example.com{path}")["url"]
    assert rendered == f"https://hooks.example.com{path}".replace(HOLE, "")


def test_a_body_that_is_too_large_is_found_before_it_is_sent() -> None:
    assert len(render(body="x" * 262_142)["body"]) == 262_144
    with pytest.raises(TemplateError) as failure:
        render(body="ü" * 131_072)
    assert str(failure.value) == "the body has 262146 bytes: a webhook takes at most 262144"


HOLE_IN_HOST = ConfigFinding(
    "RE303",
    ("url",),
    "a hole must not stand in the URL's scheme or host",
    "holes may stand in path segments and query values only",
)


@pytest.mark.parametrize(
    ("config", "finding"),
    [
        ({"url": "{{ new.url }}"}, HOLE_IN_HOST),
        ({"url": "https://{{ new.host }}/orders"}, HOLE_IN_HOST),
        ({"url": "https://{{ new.host }}/${PATH_OF_ORDERS}"}, HOLE_IN_HOST),
        ({"url": "https://hooks.example.com{{ new.path }}"}, HOLE_IN_HOST),
        (
            {"url": "https://hooks.example.com/{{ new.a }}/b c/{{ new.d }}"},
            ConfigFinding("RE109", ("url",), "the URL has a character that must be percent-encoded"),
        ),
        (
            {"url": "ftp://hooks.example.com/"},
            ConfigFinding("RE109", ("url",), "the URL must start with https://"),
        ),
        (
            {"url": "http://hooks.example.com/"},
            ConfigFinding("RE308", ("url",), "'http://' needs 'allow_plain_http: true'", "write https://"),
        ),
        (
            {"url": "http://h/", "allow_plain_http": True, "signing_secret": "${secret:a}"},
            ConfigFinding(
                "RE308",
                ("url",),
                "'http://' does not go together with a secret",
                "write https://, or all the world can read it",
            ),
        ),
        (
            {"url": "http://h/", "allow_plain_http": True, "headers": {"x-key": "${ssm:/key}"}},
            ConfigFinding(
                "RE308",
                ("url",),
                "'http://' does not go together with a secret",
                "write https://, or all the world can read it",
            ),
        ),
        (
            {"headers": {"Host": "internal"}},
            ConfigFinding(
                "RE109", ("headers", "Host"), "the header 'Host' is set by the engine", "leave it out"
            ),
        ),
        (
            {"headers": {"Webhook-Id": "1"}},
            ConfigFinding(
                "RE109",
                ("headers", "Webhook-Id"),
                "the header 'Webhook-Id' is set by the engine",
                "leave it out",
            ),
        ),
        (
            {"headers": {"x-a": "1", "X-A": "2"}},
            ConfigFinding("RE308", ("headers", "X-A"), "the header 'X-A' is there twice"),
        ),
        (
            {"headers": {"x-a": "one\r\ntwo"}},
            ConfigFinding("RE109", ("headers", "x-a"), "the header 'x-a' must be visible ASCII"),
        ),
        (
            {"signing_secret": KEY},
            ConfigFinding(
                "RE306",
                ("signing_secret",),
                "'signing_secret' must be a reference",
                "keep it in Secrets Manager or Parameter Store and write ${secret:name} or ${ssm:/path}",
            ),
        ),
    ],
)
def test_a_config_that_cannot_work_is_found(config: dict[str, Any], finding: ConfigFinding) -> None:
    config = {"url": URL, **config}
    assert webhook.check(config) == [finding]
    with pytest.raises(RuleSetError) as refusal:
        webhook.build(action_spec("webhook", **config), EMPTY_SCOPE, {}, None)
    assert str(refusal.value) == f"action 'webhook': {finding}"


@pytest.mark.parametrize(
    "config",
    [
        {"url": "${ORDERS_WEBHOOK_URL}"},
        {"url": "${BASE}/orders/{{ keys.order_id }}"},
        {"url": "http://127.0.0.1:8080/", "allow_plain_http": True},
        {"url": URL, "headers": {"Authorization": "Bearer ${secret:api#token}"}},
        {"url": URL, "signing_secret": "${secret:new}, ${secret:old}"},
    ],
)
def test_a_sound_config_has_no_findings(config: dict[str, Any]) -> None:
    assert webhook.check(config) == []


@pytest.mark.parametrize(
    ("config", "environment", "message"),
    [
        ({"url": "${U}"}, {"U": "canary"}, "the URL must start with https://"),
        (
            {"url": "${U}"},
            {"U": "http://h/canary"},
            "the URL must start with https:// unless 'allow_plain_http' is true",
        ),
        (
            {"url": "${U}", "allow_plain_http": True, "signing_secret": "${secret:s}"},
            {"U": "http://h/canary", "secret:s": KEY},
            "the URL must start with https:// where there is a secret",
        ),
        (
            {"url": "${U}{{ new.x }}"},
            {"U": "https://canary"},
            "a hole must not stand in the URL's scheme or host",
        ),
        ({"url": "https://h/{{ new.x }}/${U}"}, {"U": "#canary"}, "the URL must not have a fragment"),
        (
            {"url": "https://h/{{ new.x }}/${U}"},
            {"U": ".."},
            "the URL must not have '.' or '..' as a path segment",
        ),
        (
            {"headers": {"x-a": "${secret:s}"}},
            {"secret:s": "canary\r\n"},
            "the header 'x-a' must be visible ASCII",
        ),
        ({"signing_secret": "${secret:s}"}, {"secret:s": "canary"}, "a signing key must start with 'whsec_'"),
    ],
)
def test_a_reference_that_cannot_be_used_is_refused_when_it_is_connected_and_not_shown(
    config: dict[str, Any], environment: dict[str, str], message: str
) -> None:
    with pytest.raises(SettingsError) as refusal:
        webhook.connect(action_spec("webhook", **{"url": URL, **config}), environment, Clients())
    assert str(refusal.value) == f"action 'webhook': {message}"
    assert (refusal.value.__context__, refusal.value.__cause__) == (None, None)


def test_an_action_that_can_only_render_needs_no_secret_and_sends_nothing() -> None:
    spec = action_spec("webhook", url=URL, signing_secret="${secret:orders}")
    action = webhook.build(spec, EMPTY_SCOPE, {}, None)
    with pytest.raises(ActionError, match="it can only render"):
        action.perform(action.render(delivery_of(spec)))


@pytest.mark.parametrize(
    "url", ["${secret:url}", "https://h/${secret:api#path}/{{ keys.order_id }}", "${URL}"]
)
def test_a_stand_in_for_what_a_reference_means_can_be_rendered(url: str) -> None:
    stand_ins = {name: f"${{{name}}}" for name in ("secret:url", "secret:api#path", "URL")}
    assert render(environment=stand_ins, url=url)["url"] == url.replace("{{ keys.order_id }}", "o-1")


@pytest.mark.parametrize("keys", [KEY, f"{KEY} {OLD_KEY}", f"{OLD_KEY},{KEY}"])
def test_what_is_received_is_signed_by_every_key(
    keys: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = action_spec(
        "webhook", url="${URL}", signing_secret="${secret:s}", body={"name": "{{ new.status }}ü"}
    )
    with WebhookReceiver(KEY) as receiver:
        (tmp_path / "ca.pem").write_bytes(receiver.ca_pem)
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        action = build_for(receiver, spec, **{"secret:s": keys})
        action.perform(action.render(delivery_of(spec)))
    (received,) = receiver.received
    assert (received.refusal, received.webhook_id) == (None, delivery_of(spec).id)
    assert received.body == '{"name":"SHIPPEDü"}'.encode()


def test_the_reference_library_accepts_the_request_as_it_arrived() -> None:
    spec = action_spec("webhook", url="${URL}/orders", allow_plain_http=True)
    with running_receiver() as receiver:
        # Signed over plain HTTP, which no config can ask for, to see every byte of the request.
        action = build_for(receiver, spec)
        signing = dataclasses.replace(action, signing_secret=hidden(KEY))
        signing.perform(signing.render(delivery_of(spec)))
    (received,) = receiver.received
    assert Webhook(KEY).verify(received.body, received.headers) == json.loads(SHIPPED_CHANGE)
    assert set(received.headers) == {
        *HEADERS,
        "host",
        "accept-encoding",
        "content-length",
        "webhook-id",
        "webhook-timestamp",
        "webhook-signature",
    }


def test_each_attempt_has_its_own_time_and_the_same_id() -> None:
    times = iter([1_700_000_000.9, 1_700_000_100.0])
    spec = action_spec("webhook", url="${URL}", allow_plain_http=True)
    with running_receiver() as receiver:
        action = dataclasses.replace(build_for(receiver, spec), clock=lambda: next(times))
        request = action.render(delivery_of(spec))
        action.perform(request)
        action.perform(request)
    attempts = [(each.headers["webhook-id"], each.headers["webhook-timestamp"]) for each in receiver.received]
    assert attempts == [(delivery_of(spec).id, "1700000000"), (delivery_of(spec).id, "1700000100")]


@pytest.mark.parametrize(
    ("status", "error_class"),
    [(301, "unknown"), (400, "permanent"), (404, "systemic"), (410, "gone"), (503, "transient")],
)
def test_any_other_answer_is_a_failure_that_does_not_show_the_url(status: int, error_class: str) -> None:
    spec = action_spec("webhook", url="${URL}/canary?token=canary", allow_plain_http=True)
    with running_receiver() as receiver:
        receiver.answers.append((status, {"location": "/", "retry_after": "7"}))
        action = build_for(receiver, spec)
        with pytest.raises(ActionError) as failure:
            action.perform(action.render(delivery_of(spec)))
    assert (failure.value.code, str(failure.value)) == (f"HTTP_{status}", f"the receiver answered {status}")
    assert (failure.value.error_class, failure.value.retry_after_seconds) == (error_class, 7.0)


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://hooks.example.com/orders/{{ keys.order_id }}", "https://hooks.example.com"),
        ("https://hooks.example.com?order={{ keys.order_id }}", "https://hooks.example.com"),
        ("https://hooks.example.com:8443/${PATH}", "https://hooks.example.com:8443"),
        ("${URL}/{{ keys.order_id }}", "https://h.example.com"),
    ],
)
def test_what_is_down_together_is_a_host(url: str, target: str) -> None:
    environment = {"URL": "https://h.example.com/orders", "PATH": "orders"}
    assert build(action_spec("webhook", url=url), environment).target == target


def test_a_host_out_of_a_secret_is_not_shown() -> None:
    spec = action_spec("webhook", url="${secret:url}")
    action = build(spec, {"secret:url": hidden("https://canary.example.com/x")})
    assert "canary" not in action.target
    assert action.target == build(spec, {"secret:url": hidden("https://canary.example.com/y")}).target
    assert action.target != build(spec, {"secret:url": hidden("https://other.example.com/x")}).target


def test_a_webhook_without_secrets_needs_no_permission() -> None:
    assert webhook.permissions(action_spec("webhook", url=f"{URL}/${{PATH}}")) == []


def test_a_webhook_may_read_each_of_its_secrets_and_no_more() -> None:
    arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:orders/key-a1B2c3"
    spec = action_spec(
        "webhook",
        url="https://${HOST}/${secret:api#path}",
        headers={"authorization": "Bearer ${secret:api#token}", "x-key": "${ssm:/orders/key}"},
        signing_secret=f"${{secret:{arn}#new}} ${{secret:{arn}}} ${{secret:{arn.removesuffix('-a1B2c3')}}}",
    )
    here = "${AWS::Region}:${AWS::AccountId}"
    assert webhook.permissions(spec) == [
        Permission(
            "secretsmanager:GetSecretValue",
            f"arn:${{AWS::Partition}}:secretsmanager:{here}:secret:api-??????",
        ),
        Permission("ssm:GetParameter", f"arn:${{AWS::Partition}}:ssm:{here}:parameter/orders/key"),
        Permission("secretsmanager:GetSecretValue", arn),
        Permission("secretsmanager:GetSecretValue", f"{arn.removesuffix('-a1B2c3')}-??????"),
    ]
