"""What docs/security.md promises of webhooks, each through the action as a function builds it.

The single parts are tested more closely elsewhere: URLs in test_hostile_urls, receivers in
test_hostile_receivers.
"""

from __future__ import annotations

import json
import ssl
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
import trustme
from standardwebhooks.webhooks import Webhook

from rules_engine.actions import webhook
from rules_engine.actions.host_policy import HostPolicy
from rules_engine.actions.http_transport import ANSWER_LIMIT_BYTES, HEAD_LIMIT_BYTES, HttpTransport
from rules_engine.aws import Clients
from rules_engine.delivery.failure import classify
from rules_engine.delivery.policy import LONGEST_WAIT_SECONDS, wait_seconds
from rules_engine.errors import ActionError, SettingsError, TemplateError
from rules_engine.model import EMPTY_SCOPE
from tests import hostile_server
from tests.hostile_server import EMPTY, PLAIN, Peer, Seen, hostile
from tests.sockets import Dialled, Names, NoNetwork
from tests.units import action_spec, delivery_of, raw_record

if TYPE_CHECKING:
    from pathlib import Path

KEYS = ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX")
NAME = "hooks.example.com"
PUBLIC = "93.184.215.14"


@pytest.fixture
def trusting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    authority = trustme.CA()
    (tmp_path / "ca.pem").write_bytes(authority.cert_pem.bytes())
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    return authority


def tls(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    return context


def answering(peer: Peer) -> None:
    while True:
        peer.answer(EMPTY)


def transport_to(seen: Seen, dial: Any = None) -> HttpTransport:
    """To which hooks.example.com is this server, which is on loopback, and allowed to be."""
    policy = HostPolicy.of(None, f"{NAME}:{seen.port}")
    return HttpTransport(policy, resolve=Names({NAME: [["127.0.0.1"]]}), dial=dial or Dialled())


def perform(
    transport: HttpTransport,
    url: str,
    environment: dict[str, str] | None = None,
    record: dict[str, Any] | None = None,
    **config: Any,
) -> None:
    spec = action_spec("webhook", url=url, **config)
    webhook.connect(spec, environment or {}, Clients())
    action = webhook.build(spec, EMPTY_SCOPE, environment or {}, Clients(), transport)
    try:
        action.perform(action.render(delivery_of(spec, record)))
    finally:
        transport.close()


def failure_of(*arguments: Any, **config: Any) -> tuple[str, str]:
    with pytest.raises(ActionError) as failure:
        perform(*arguments, **config)
    assert "canary" not in str(failure.value)
    return classify(failure.value).code, classify(failure.value).error_class


def test_plain_http_needs_leave_and_never_goes_with_a_secret(trusting: trustme.CA) -> None:
    findings = [webhook.check({"url": "http://h/", **config})[0].message for config in ({}, SIGNED)]
    assert findings == [
        "'http://' needs 'allow_plain_http: true'",
        "'http://' does not go together with a secret",
    ]
    with pytest.raises(SettingsError, match="must start with https:// where there is a secret"):
        perform(HttpTransport(), "${U}", {"U": "http://h/", "secret:s": KEYS[0]}, **SIGNED)


SIGNED = {"allow_plain_http": True, "signing_secret": "${secret:s}"}


def test_a_certificate_is_checked_and_no_config_can_say_otherwise(trusting: trustme.CA) -> None:
    with hostile(answering, tls(trusting, "other.example.com")) as seen:
        refused = failure_of(transport_to(seen), f"https://{NAME}:{seen.port}/", allow_plain_http=True)
    assert (refused, seen.requests) == (("TLS", "systemic"), [])
    assert sorted(webhook.SCHEMA["properties"]) == [
        "allow_plain_http", "body", "headers", "method", "signing_secret", "url",
    ]  # fmt: skip


def test_user_data_stays_in_path_segments_and_query_values() -> None:
    record = raw_record({"x": {"S": "/../@127.0.0.1:80\\?a=b&c#d\r\nx: y"}}, {"id": {"S": "1"}})
    with hostile(answering) as seen:
        url = f"http://{NAME}:{seen.port}/a/{{{{ new.x }}}}/b?q={{{{ new.x }}}}"
        perform(transport_to(seen), url, record=record, allow_plain_http=True)
    encoded = "%2F..%2F%40127.0.0.1%3A80%5C%3Fa%3Db%26c%23d%0D%0Ax%3A%20y"
    (request,) = seen.requests
    assert request.split(b"\r\n")[0].decode() == f"POST /a/{encoded}/b?q={encoded} HTTP/1.1"


@pytest.mark.parametrize(
    "text", ["http://a.com\\@127.0.0.1/", "http://2130706433/", "http://\uff11\uff12\uff17.1/"]
)
def test_a_host_that_two_parsers_read_in_two_ways_stops_the_start(text: str) -> None:
    with pytest.raises(SettingsError, match="the URL"):
        perform(HttpTransport(dial=NoNetwork()), "${U}", {"U": text}, allow_plain_http=True)


def test_the_list_of_hosts_comes_first_and_the_address_filter_second() -> None:
    names = Names({NAME: [["10.0.0.5"]]})
    for allowed, code in (("other.example.com", "HOST_NOT_ALLOWED"), (NAME, "ADDRESS_NOT_ALLOWED")):
        transport = HttpTransport(HostPolicy.of(allowed, None), resolve=names, dial=NoNetwork())
        assert failure_of(transport, f"https://{NAME}/canary") == (code, "blocked")
    assert names.asked == [NAME]


def test_the_checked_address_is_the_one_that_is_connected_to(trusting: trustme.CA) -> None:
    rebinding = Names({NAME: [["127.0.0.1"], ["169.254.169.254"]]})
    with hostile(answering, tls(trusting, NAME)) as seen:
        policy, network = HostPolicy.of(None, f"{NAME}:{seen.port}"), Dialled()
        perform(HttpTransport(policy, resolve=rebinding, dial=network), f"https://{NAME}:{seen.port}/")
    assert (rebinding.asked, network.asked, len(seen.requests)) == ([NAME], [("127.0.0.1", seen.port)], 1)


@pytest.mark.parametrize("address", ["127.0.0.1", "169.254.169.254", "::ffff:10.0.0.1", "64:ff9b::7f00:1"])
def test_only_global_unicast_is_connected_to(address: str) -> None:
    network = NoNetwork()
    transport = HttpTransport(resolve=Names({NAME: [[PUBLIC, address]]}), dial=network)
    assert failure_of(transport, f"https://{NAME}/canary") == ("ADDRESS_NOT_ALLOWED", "blocked")
    assert network.asked == []


def test_no_redirect_is_followed_and_no_cookie_kept() -> None:
    for behaviour, code in (
        (hostile_server.redirect_to_itself, ("HTTP_307", "unknown")),
        (hostile_server.proxy_password_wanted, ("HTTP_407", "unknown")),
    ):
        with hostile(behaviour) as seen:
            url = f"http://{NAME}:{seen.port}/canary"
            assert failure_of(transport_to(seen), url, allow_plain_http=True) == code
        assert len(seen.requests) == 1


def test_one_deadline_is_for_everything(trusting: trustme.CA) -> None:
    with hostile(hostile_server.drip_the_headers, tls(trusting, NAME)) as seen:
        spec = action_spec("webhook", url=f"https://{NAME}:{seen.port}/canary")
        action = webhook.build(spec, EMPTY_SCOPE, {}, Clients(), transport_to(seen))
        assert action.timeout_seconds == 10.0
        with pytest.raises(ActionError) as failure:
            action.transport.send("POST", f"https://{NAME}:{seen.port}/canary", {}, b"{}", 0.3)
    assert (failure.value.code, str(failure.value)) == ("TIMEOUT", "no answer within 0.3 s")


def test_the_bytes_that_are_signed_are_sent_and_verified_by_the_reference_library(
    trusting: trustme.CA,
) -> None:
    body = {"name": "{{ new.x }} ü", "total": "{{ new.n }}"}
    record = raw_record({"x": {"S": "\u2028é"}, "n": {"N": "1.10"}}, {"id": {"S": "1"}})
    with hostile(answering, tls(trusting, NAME)) as seen:
        environment = {"secret:s": " ".join(KEYS)}
        perform(
            transport_to(seen),
            f"https://{NAME}:{seen.port}/",
            environment,
            record,
            signing_secret="${secret:s}",
            body=body,
        )
    head, _, sent = seen.requests[0].partition(b"\r\n\r\n")
    headers = dict(line.decode().split(": ", 1) for line in head.split(b"\r\n")[1:])
    assert [Webhook(key).verify(sent, headers) for key in KEYS] == [{"name": "\u2028é ü", "total": 1.1}] * 2
    assert headers["webhook-signature"].count("v1,") == 2
    assert headers["webhook-id"] == delivery_of(action_spec("webhook"), record).id


def test_a_body_is_at_most_256_kib() -> None:
    with pytest.raises(TemplateError, match="a webhook takes at most 262144"):
        perform(HttpTransport(dial=NoNetwork()), f"https://{NAME}/", body="x" * 262_143)


@pytest.mark.parametrize(
    "name",
    ["Host", "Content-Length", "Transfer-Encoding", "Connection", "Keep-Alive", "TE", "Trailer", "Upgrade",
     "Proxy-Authorization", "Expect", "Accept-Encoding", "Webhook-Id", "webhook-signature", "webhook-any"],
)  # fmt: skip
def test_a_header_of_the_connection_or_of_ours_cannot_be_set(name: str) -> None:
    (finding,) = webhook.check({"url": f"https://{NAME}/", "headers": {name: "x"}})
    assert finding.message == f"the header '{name}' is set by the engine"


@pytest.mark.parametrize("text", ["a\r\nb: c", "a\nb", "a\x00b", "a\tb", "é", " a", "a ", ""])
def test_a_header_is_static_and_visible_ascii(text: str) -> None:
    (finding,) = webhook.check({"url": f"https://{NAME}/", "headers": {"x-a": text}})
    assert finding.message == "the header 'x-a' must be visible ASCII"
    with pytest.raises(SettingsError, match="the header 'x-a' must be visible ASCII"):
        perform(HttpTransport(), f"https://{NAME}/", {"secret:s": text}, headers={"x-a": "${secret:s}"})


@pytest.mark.parametrize(
    ("behaviour", "expected"),
    [
        (hostile_server.endless_rest, None),
        (hostile_server.gzip_bomb, None),
        (hostile_server.reset_before_the_rest, None),
        (hostile_server.unavailable_and_hang, ("HTTP_503", "transient")),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_the_status_is_the_answer_and_little_is_read_beyond_it(behaviour: Any, expected: Any) -> None:
    network = Dialled()
    with hostile(behaviour) as seen:
        transport, url = transport_to(seen, network), f"http://{NAME}:{seen.port}/canary"
        if expected is None:
            perform(transport, url, allow_plain_http=True)
        else:
            assert failure_of(transport, url, allow_plain_http=True) == expected
    assert network.received <= HEAD_LIMIT_BYTES + ANSWER_LIMIT_BYTES
    assert b"\r\nAccept-Encoding: identity\r\n" in seen.requests[0]


def test_410_says_that_the_target_is_gone() -> None:
    def gone(peer: Peer) -> None:
        peer.answer(b"HTTP/1.1 410 Gone\r\ncontent-length: 0\r\n\r\n")

    with hostile(gone) as seen:
        url = f"http://{NAME}:{seen.port}/canary"
        assert failure_of(transport_to(seen), url, allow_plain_http=True) == ("HTTP_410", "gone")


def test_retry_after_makes_nobody_wait_beyond_a_second() -> None:
    def busy(peer: Peer) -> None:
        peer.answer(b"HTTP/1.1 503 Busy\r\nretry-after: 86400\r\ncontent-length: 0\r\n\r\n")

    with hostile(busy) as seen, pytest.raises(ActionError) as failure:
        perform(transport_to(seen), f"http://{NAME}:{seen.port}/", allow_plain_http=True)
    assert failure.value.retry_after_seconds == 86_400.0
    assert wait_seconds(1, classify(failure.value), Random(1)) == LONGEST_WAIT_SECONDS == 1.0


def test_a_hostile_receiver_has_at_least_30_behaviours() -> None:
    assert len({behaviour.__name__ for behaviour in PLAIN}) >= 30


def test_no_answer_of_a_receiver_reaches_a_message(trusting: trustme.CA) -> None:
    def talkative(peer: Peer) -> None:
        text = b"HTTP/1.1 500 canary\r\nx-canary: canary\r\ncontent-length: 6\r\n\r\ncanary"
        peer.answer(text)

    with hostile(talkative) as seen:
        url = f"http://{NAME}:{seen.port}/"
        assert failure_of(transport_to(seen), url, allow_plain_http=True) == ("HTTP_500", "transient")


def test_what_a_repeat_sends_has_the_same_id() -> None:
    with hostile(answering) as seen:
        for _ in range(2):
            perform(transport_to(seen), f"http://{NAME}:{seen.port}/", allow_plain_http=True)
    ids = {line for each in seen.requests for line in each.split(b"\r\n") if line.startswith(b"webhook-id")}
    bodies = {json.dumps(json.loads(each.partition(b"\r\n\r\n")[2])) for each in seen.requests}
    assert (len(seen.requests), len(ids), len(bodies)) == (2, 1, 1)
