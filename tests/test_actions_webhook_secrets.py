"""How the webhook's secrets reach the wire: late, as they are by then, and shown to nobody on the way."""

from __future__ import annotations

import base64
import traceback
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from standardwebhooks.webhooks import Webhook

from rules_engine.actions import webhook
from rules_engine.actions.transport import Answer
from rules_engine.aws import Clients
from rules_engine.errors import ActionError, SettingsError
from rules_engine.model import EMPTY_SCOPE
from rules_engine.secret_text import SecretText
from tests.units import SHIPPED_CHANGE, action_spec, delivery_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rules_engine.model import ActionSpec

URL = "https://hooks.example.com/orders"
SIGNED = {"url": URL, "signing_secret": "${secret:key}"}
TOKEN = {"url": URL, "headers": {"Authorization": "Bearer ${secret:token}"}}


def key(letters: bytes) -> str:
    """A signing key, put together here so that no scanner takes it for a real one."""
    return f"whsec_{base64.b64encode((letters * 30)[:30]).decode()}"


@dataclass
class Rotated:
    """A secret: `texts` is what it is now, and what it is after each renewal."""

    texts: list[str]
    renewals: int = 0

    def current(self) -> str:
        return self.texts[0]

    def renew(self) -> None:
        self.renewals += 1
        if len(self.texts) > 1:
            self.texts.pop(0)


@dataclass
class Wire:
    """A transport that keeps what it was given. `answer` says what comes back, or raises."""

    answer: Callable[[Mapping[str, str]], int] = lambda headers: 204
    sent: list[tuple[str, str, Mapping[str, str], bytes, float]] = field(default_factory=list, repr=False)

    def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, timeout_seconds: float
    ) -> Answer:
        self.sent.append((method, url, headers, body, timeout_seconds))
        return Answer(self.answer(headers))


def environment_of(**secrets: Rotated) -> dict[str, str]:
    return {f"secret:{name}": SecretText(secret) for name, secret in secrets.items()}


def action(spec: ActionSpec, wire: Wire, environment: dict[str, str], **given: Any) -> webhook.WebhookAction:
    webhook.connect(spec, environment, Clients())
    return webhook.build(spec, EMPTY_SCOPE, environment, Clients(), wire, **given)


def test_a_rendered_request_shows_no_secret_and_the_wire_gets_it() -> None:
    spec = action_spec(
        "webhook",
        url="https://h.example.com/${secret:path}/{{ keys.order_id }}?token=${secret:token}",
        headers={"Authorization": "Bearer ${secret:token}"},
        body="fixed",
    )
    wire = Wire()
    built = action(spec, wire, environment_of(path=Rotated(["p-1"]), token=Rotated(["t-1"])))
    request = built.render(delivery_of(spec))
    headers = {"content-type": "application/json", "user-agent": "rules-engine"}
    delivery_id = delivery_of(spec).id
    assert request == {
        "method": "POST",
        "url": "https://h.example.com/***/o-1?token=***",
        "headers": {**headers, "authorization": "Bearer ***", "webhook-id": delivery_id},
        "body": '"fixed"',
    }
    built.perform(request)
    ((_, url, sent, _, _),) = wire.sent
    assert url == "https://h.example.com/p-1/o-1?token=t-1"
    assert (sent["authorization"], sent["webhook-id"]) == ("Bearer t-1", delivery_id)
    assert built.target == "https://h.example.com"
    assert "t-1" not in repr(built)


@pytest.mark.parametrize("status", [401, 403])
def test_a_secret_that_is_no_longer_taken_is_read_anew_and_the_request_sent_once_more(status: int) -> None:
    token = Rotated(["old", "new"])
    wire = Wire(lambda headers: 204 if headers["authorization"] == "Bearer new" else status)
    spec = action_spec("webhook", **TOKEN)
    built = action(spec, wire, environment_of(token=token))
    built.perform(built.render(delivery_of(spec)))
    assert [headers["authorization"] for _, _, headers, _, _ in wire.sent] == ["Bearer old", "Bearer new"]
    assert len({headers["webhook-id"] for _, _, headers, _, _ in wire.sent}) == 1
    assert token.renewals == 1


def test_a_signing_key_that_was_rotated_signs_the_second_try() -> None:
    wire = Wire()
    wire.answer = lambda headers: 401 if len(wire.sent) == 1 else 204
    spec = action_spec("webhook", **SIGNED)
    built = action(spec, wire, environment_of(key=Rotated([key(b"a"), f"{key(b'b')} {key(b'a')}"])))
    built.perform(built.render(delivery_of(spec)))
    first, second = ((dict(headers), body) for _, _, headers, body, _ in wire.sent)
    assert [len(headers["webhook-signature"].split()) for headers, _ in (first, second)] == [1, 2]
    for headers, body in (first, second):
        Webhook(key(b"a")).verify(body, headers)
    Webhook(key(b"b")).verify(second[1], second[0])
    assert second[1].decode() == SHIPPED_CHANGE


@pytest.mark.parametrize(
    ("secret", "config"), [("token", TOKEN), ("key", SIGNED), ("path", {"url": "https://h/${secret:path}"})]
)
def test_a_secret_that_stays_the_same_is_sent_once(secret: str, config: dict[str, Any]) -> None:
    rotated = Rotated([key(b"a")])
    wire = Wire(lambda headers: 401)
    spec = action_spec("webhook", **config)
    built = action(spec, wire, environment_of(**{secret: rotated}))
    with pytest.raises(ActionError) as failure:
        built.perform(built.render(delivery_of(spec)))
    assert (failure.value.code, failure.value.error_class) == ("HTTP_401", "systemic")
    assert (len(wire.sent), rotated.renewals) == (1, 1)


def test_a_new_secret_that_is_not_taken_either_is_the_end_of_the_try() -> None:
    rotated = Rotated(["one", "two", "three"])
    wire = Wire(lambda headers: 403)
    spec = action_spec("webhook", **TOKEN)
    built = action(spec, wire, environment_of(token=rotated))
    with pytest.raises(ActionError, match="the receiver answered 403"):
        built.perform(built.render(delivery_of(spec)))
    assert (len(wire.sent), rotated.renewals) == (2, 1)


@pytest.mark.parametrize("status", [200, 400, 404, 410, 429, 500])
def test_no_other_answer_reads_a_secret_anew(status: int) -> None:
    rotated = Rotated(["one", "two"])
    spec = action_spec("webhook", **TOKEN)
    built = action(spec, Wire(lambda headers: status), environment_of(token=rotated))
    with suppress(ActionError):
        built.perform(built.render(delivery_of(spec)))
    assert rotated.renewals == 0


def test_both_tries_share_the_timeout() -> None:
    now = [100.0]

    def answer(headers: Mapping[str, str]) -> int:
        now[0] += 4
        return 401

    wire = Wire(answer)
    spec = action_spec("webhook", **TOKEN)
    secrets = environment_of(token=Rotated(["old", "new"]))
    built = action(spec, wire, secrets, monotonic=lambda: now[0])
    with pytest.raises(ActionError, match="the receiver answered 401"):
        built.perform(built.render(delivery_of(spec)))
    assert [seconds for _, _, _, _, seconds in wire.sent] == [10.0, 6.0]


def test_no_secret_is_read_anew_when_the_time_is_over() -> None:
    now = [100.0]

    def answer(headers: Mapping[str, str]) -> int:
        now[0] += 10
        return 401

    rotated = Rotated(["old", "new"])
    wire = Wire(answer)
    spec = action_spec("webhook", **TOKEN)
    built = action(spec, wire, environment_of(token=rotated), monotonic=lambda: now[0])
    with pytest.raises(ActionError, match="the receiver answered 401"):
        built.perform(built.render(delivery_of(spec)))
    assert (len(wire.sent), rotated.renewals) == (1, 0)


def test_reading_a_secret_takes_from_the_timeout() -> None:
    now = [100.0]

    class Slow(Rotated):
        def current(self) -> str:
            now[0] += 11
            return super().current()

    wire = Wire()
    spec = action_spec("webhook", **TOKEN)
    built = action(spec, wire, environment_of(token=Slow(["t"])), monotonic=lambda: now[0])
    with pytest.raises(ActionError) as failure:
        built.perform(built.render(delivery_of(spec)))
    assert (failure.value.code, str(failure.value), wire.sent) == ("TIMEOUT", "no answer within 10 s", [])


@pytest.mark.parametrize(
    ("config", "secret", "sound", "message"),
    [
        (TOKEN, "token", "t", "the header 'authorization' must be visible ASCII"),
        (SIGNED, "key", key(b"a"), "a signing key must start with 'whsec_'"),
        ({"url": "${secret:u}"}, "u", URL, "the URL has a character that must be percent-encoded"),
        ({"url": "https://h/${secret:u}"}, "u", "x", "the URL has a character that must be percent-encoded"),
    ],
)
def test_a_secret_that_has_become_unusable_is_not_sent_and_not_shown(
    config: dict[str, Any], secret: str, sound: str, message: str
) -> None:
    rotated = Rotated([sound, "canary\r\nx: y"])
    wire = Wire()
    spec = action_spec("webhook", **config)
    built = action(spec, wire, environment_of(**{secret: rotated}))
    rotated.renew()
    with pytest.raises(ActionError) as failure:
        built.perform(built.render(delivery_of(spec)))
    assert (failure.value.code, failure.value.error_class) == ("SECRET_UNUSABLE", "systemic")
    assert str(failure.value) == f"a secret cannot be used: {message}"
    assert "canary" not in told(failure.value)
    assert wire.sent == []


@pytest.mark.parametrize(
    ("config", "text"),
    [
        (TOKEN, "canary\r\nx: y"),
        (SIGNED, "canary"),
        ({"url": "${secret:s}"}, "ftp://canary"),
        ({"url": "${secret:s}{{ keys.order_id }}"}, "https://canary"),
        ({"url": "https://h/${secret:s}"}, "#canary"),
    ],
)
def test_what_a_secret_holds_does_not_stop_the_start_and_is_not_sent(
    config: dict[str, Any], text: str
) -> None:
    wire = Wire()
    spec = action_spec("webhook", **config)
    built = action(spec, wire, environment_of(token=Rotated([text]), key=Rotated([text]), s=Rotated([text])))
    with pytest.raises(ActionError) as failure:
        built.perform(built.render(delivery_of(spec)))
    assert (failure.value.code, failure.value.error_class) == ("SECRET_UNUSABLE", "systemic")
    assert "canary" not in told(failure.value)
    assert wire.sent == []


def test_what_a_variable_holds_stops_the_start_beside_a_secret_too() -> None:
    spec = action_spec("webhook", url="${BASE}/${secret:path}", headers={"x": "${NAME}"})
    sound = {"BASE": "https://h", "NAME": "x", "secret:path": SecretText(Rotated(["p"]))}
    webhook.connect(spec, sound, Clients())
    for wrong in ({"BASE": "http://h"}, {"NAME": "a\nb"}):
        with pytest.raises(SettingsError):
            webhook.connect(spec, {**sound, **wrong}, Clients())


@pytest.mark.parametrize("start", ["https://h", "https://h.example.com:80", "https:"])
def test_a_hole_never_ends_up_in_the_host_behind_a_secret_that_has_changed(start: str) -> None:
    rotated = Rotated(["https://h/", start])
    wire = Wire()
    spec = action_spec("webhook", url="${secret:u}{{ keys.order_id }}")
    built = action(spec, wire, environment_of(u=rotated))
    built.perform(built.render(delivery_of(spec)))
    rotated.renew()
    message = "^a secret cannot be used: a hole must not stand in the URL's scheme or host$"
    with pytest.raises(ActionError, match=message):
        built.perform(built.render(delivery_of(spec)))
    assert [url for _, url, _, _, _ in wire.sent] == ["https://h/o-1"]


def test_a_secret_address_that_has_become_plain_is_not_sent() -> None:
    rotated = Rotated([URL, "http://canary/"])
    wire = Wire()
    spec = action_spec("webhook", url="${secret:u}", allow_plain_http=True)
    built = action(spec, wire, environment_of(u=rotated))
    rotated.renew()
    with pytest.raises(ActionError, match="must start with https://"):
        built.perform(built.render(delivery_of(spec)))
    assert wire.sent == []


@pytest.mark.parametrize(
    ("error", "code", "message", "error_class"),
    [
        (ActionError("DNS", "no such name", "systemic", 7.0), "DNS", "no such name", "systemic"),
        (ValueError("canary"), "ValueError", "the request could not be sent", "unknown"),
    ],
)
def test_a_failure_shows_the_secret_in_no_text_cause_or_frame(
    error: Exception, code: str, message: str, error_class: str
) -> None:
    def fail(headers: Mapping[str, str]) -> int:
        try:
            raise OSError(f"POST canary {headers}")
        except OSError:
            raise error  # noqa: B904 - with its context, as a careless library would

    spec = action_spec(
        "webhook",
        url="https://h/${secret:path}",
        headers={"Authorization": "${secret:token}"},
        signing_secret="${secret:key}",
    )
    canaries = {"path": "canary-1", "token": "canary-2", "key": key(b"canary")}
    secrets = environment_of(**{name: Rotated([text]) for name, text in canaries.items()})
    built = action(spec, Wire(fail), secrets)
    with pytest.raises(ActionError) as failure:
        built.perform(built.render(delivery_of(spec)))
    assert (failure.value.code, str(failure.value)) == (code, message)
    assert failure.value.error_class == error_class
    assert (failure.value.__context__, failure.value.__cause__) == (None, None)
    text = told(failure.value)
    assert "authorization" in text
    assert not [canary for canary in ("canary", *canaries.values()) if canary in text]


def told(error: BaseException) -> str:
    """A traceback with all local variables but those of this test."""
    trace = traceback.TracebackException.from_exception(error, capture_locals=True)
    trace.stack[:] = [frame for frame in trace.stack if frame.filename != __file__]
    return "".join(trace.format())
