from __future__ import annotations

import ssl
from concurrent.futures import ThreadPoolExecutor
from http.client import NotConnected
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

import pytest
import trustme

from rules_engine.actions.endpoint import parse_url
from rules_engine.actions.host_policy import HostPolicy
from rules_engine.actions.http_transport import Connection, HttpTransport
from rules_engine.actions.transport import Answer
from rules_engine.actions.wire import Wire, dial
from rules_engine.errors import ActionError
from rules_engine.local.webhook_receiver import WebhookReceiver
from tests.hostile_server import EMPTY, Peer, hostile
from tests.receiver import Received, authority_of, running_receiver
from tests.sockets import LOOPBACK, Dialled, Names, NoNetwork

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PUBLIC = "93.184.215.14"
METADATA = "169.254.169.254"


def transport_for(*urls: str, **known: Any) -> HttpTransport:
    """With leave to send to these, which are on loopback."""
    return HttpTransport(HostPolicy.of(None, ",".join(map(authority_of, urls))), **known)


def send(transport: HttpTransport, url: str, headers: Mapping[str, str] | None = None) -> Answer:
    return transport.send("POST", url, headers or {}, b'{"a":1}', 30)


def refusal(transport: HttpTransport, url: str) -> tuple[str, str, str]:
    with pytest.raises(ActionError) as failure:
        send(transport, url)
    return failure.value.code, failure.value.error_class, str(failure.value)


def test_a_request_arrives_as_it_was_given() -> None:
    given = {"content-type": "application/json", "user-agent": "rules-engine"}
    with running_receiver() as receiver:
        answer = send(transport_for(receiver.url), f"{receiver.url}/orders/a%2fb?q=%26", given)
    host = authority_of(receiver.url)
    headers = {"host": host, "accept-encoding": "identity", "content-length": "7", **given}
    assert answer == Answer(204)
    assert receiver.received == [Received("POST", "/orders/a%2fb?q=%26", headers, b'{"a":1}')]


@pytest.mark.parametrize(
    ("rest", "target"), [("", "/"), ("?a=b", "/?a=b"), ("//evil.example/x", "//evil.example/x")]
)
def test_the_path_is_sent_as_it_was_read(rest: str, target: str) -> None:
    with hostile(lambda peer: peer.answer(EMPTY)) as seen:
        url = f"http://127.0.0.1:{seen.port}"
        assert send(transport_for(url), f"{url}{rest}") == Answer(200)
    assert [request.split(b" ")[1].decode() for request in seen.requests] == [target]


@pytest.mark.parametrize("status", [200, 204, 400, 410, 429, 500, 503])
def test_every_status_is_an_answer(status: int) -> None:
    with running_receiver() as receiver:
        receiver.answers.append((status, {}))
        assert send(transport_for(receiver.url), receiver.url) == Answer(status)
    assert len(receiver.received) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    with running_receiver() as receiver:
        receiver.answers.append((status, {"location": f"{receiver.url}/elsewhere"}))
        assert send(transport_for(receiver.url), receiver.url) == Answer(status)
    assert len(receiver.received) == 1


def test_the_header_of_an_answer_is_read() -> None:
    with running_receiver() as receiver:
        receiver.answers.append((429, {"retry_after": "3"}))
        assert send(transport_for(receiver.url), receiver.url) == Answer(429, 3.0)


@pytest.mark.parametrize("variable", ["http_proxy", "HTTPS_PROXY", "all_proxy"])
def test_a_proxy_of_the_environment_is_not_used(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with running_receiver() as proxy, running_receiver() as receiver:
        monkeypatch.setenv(variable, proxy.url)
        monkeypatch.delenv("no_proxy", raising=False)
        assert send(transport_for(receiver.url, proxy.url), receiver.url) == Answer(204)
    assert (len(proxy.received), len(receiver.received)) == (0, 1)


def test_a_password_of_netrc_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login canary password canary\ndefault login canary\n")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    with running_receiver() as receiver:
        receiver.answers.append((401, {"www_authenticate": "Basic"}))
        assert send(transport_for(receiver.url), receiver.url) == Answer(401)
    assert [each.headers.get("authorization") for each in receiver.received] == [None]


# Which host, which address


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:{}/", "http://localhost:{}/", "http://[::ffff:7f00:1]:{}/"]
)
def test_a_receiver_on_loopback_is_refused_unless_the_deployment_names_it(
    url: str, connects: list[Any]
) -> None:
    with running_receiver() as receiver:
        port = receiver.url.rpartition(":")[2]
        refused = refusal(HttpTransport(), url.format(port))
    message = "the receiver has a loopback address: webhooks go to public ones only"
    assert refused == ("ADDRESS_NOT_ALLOWED", "blocked", message)
    assert (receiver.received, connects) == ([], [])


def test_a_name_is_resolved_once_and_connected_to_by_its_address() -> None:
    names, network = Names({"hooks.example.com": [[PUBLIC, "2606:2800:21f::14"]]}), NoNetwork()
    refused = refusal(HttpTransport(resolve=names, dial=network), "https://hooks.example.com:8443/canary")
    assert refused == ("CONNECT", "transient", "no connection to the receiver")
    assert names.asked == ["hooks.example.com"]
    assert network.asked == [(PUBLIC, 8443), ("2606:2800:21f::14", 8443)]


@pytest.mark.parametrize("answer", [[METADATA], [PUBLIC, METADATA], [METADATA, PUBLIC], [PUBLIC, "::1"]])
def test_one_address_that_is_not_public_is_reason_enough(answer: list[str]) -> None:
    names, network = Names({"hooks.example.com": [answer]}), NoNetwork()
    transport = HttpTransport(resolve=names, dial=network)
    code, error_class, _ = refusal(transport, "https://hooks.example.com/canary")
    assert (code, error_class) == ("ADDRESS_NOT_ALLOWED", "blocked")
    assert network.asked == []


def test_a_name_that_is_rebound_between_check_and_connection_gains_nothing() -> None:
    names, network = Names({"rebind.example": [[PUBLIC], ["127.0.0.1"]]}), NoNetwork()
    transport = HttpTransport(resolve=names, dial=network)
    first = refusal(transport, "http://rebind.example:8080/")
    assert (first[0], names.asked, network.asked) == ("CONNECT", ["rebind.example"], [(PUBLIC, 8080)])
    second = refusal(transport, "http://rebind.example:8080/")
    assert second[:2] == ("ADDRESS_NOT_ALLOWED", "blocked")
    assert network.asked == [(PUBLIC, 8080)]


def test_a_connection_that_leads_elsewhere_is_given_up_before_anything_is_sent() -> None:
    with running_receiver() as receiver:
        names, network = Names({"hooks.example.com": [[PUBLIC]]}), Dialled(leads_to=LOOPBACK)
        url = receiver.url.replace("127.0.0.1", "hooks.example.com")
        for policy in (HostPolicy(), HostPolicy.of(None, authority_of(url))):
            transport = HttpTransport(policy, resolve=names, dial=network)
            assert refusal(transport, url)[:2] == ("ADDRESS_NOT_ALLOWED", "blocked")
    assert receiver.received == []
    assert [each.fileno() for each in network.connections] == [-1, -1]


def test_a_kept_connection_is_used_for_its_own_endpoint_alone() -> None:
    with running_receiver() as receiver:
        port = receiver.url.rpartition(":")[2]
        urls = [f"http://{host}:{port}/" for host in ("a.example", "b.example", "a.example")]
        names = Names({"a.example": [["127.0.0.1"]], "b.example": [["127.0.0.1"]]})
        network = Dialled()
        transport = transport_for(*urls, resolve=names, dial=network)
        assert [send(transport, url) for url in urls] == [Answer(204)] * 3
        transport.close()
    assert (names.asked, len(network.connections)) == (["a.example", "b.example"], 2)
    assert [each.headers["host"] for each in receiver.received] == [authority_of(url) for url in urls]


def test_a_host_that_the_deployment_does_not_allow_is_not_even_looked_up() -> None:
    names, network = Names({}), NoNetwork()
    transport = HttpTransport(HostPolicy.of("*.example.com", None), resolve=names, dial=network)
    refused = refusal(transport, "https://example.com/canary")
    message = "the receiver's host is not in RULES_ENGINE_ALLOWED_HOSTS"
    assert refused == ("HOST_NOT_ALLOWED", "blocked", message)
    assert (names.asked, network.asked) == ([], [])


def test_an_allowed_host_is_no_leave_for_its_address() -> None:
    names = Names({"a.example.com": [["10.0.0.5"]]})
    transport = HttpTransport(HostPolicy.of("*.example.com", None), resolve=names, dial=NoNetwork())
    assert refusal(transport, "https://a.example.com/")[:2] == (
        "ADDRESS_NOT_ALLOWED",
        "blocked",
    )


@pytest.mark.parametrize("error", [OSError("no such name"), TimeoutError()])
def test_a_name_that_cannot_be_resolved_says_so(error: OSError) -> None:
    def unknown(host: str, timeout_seconds: float) -> list[Any]:
        raise error

    for resolve in (unknown, Names({"hooks.example.com": [[]]})):
        refused = refusal(HttpTransport(resolve=resolve), "https://hooks.example.com/canary")
        assert refused == ("DNS", "systemic", "the receiver's name cannot be resolved")


def test_an_address_that_takes_no_connection_is_followed_by_the_next() -> None:
    with running_receiver() as receiver:
        names = Names({"hooks.example.com": [["127.0.0.2", "127.0.0.1"]]})
        network = _FirstRefused()
        url = receiver.url.replace("127.0.0.1", "hooks.example.com")
        transport = transport_for(url, resolve=names, dial=network)
        assert send(transport, url) == Answer(204)
        transport.close()
    assert [address for address, _ in network.asked] == ["127.0.0.2", "127.0.0.1"]


class _FirstRefused(Dialled):
    def __call__(self, address: Any, port: int, timeout_seconds: float) -> Any:
        if address == ip_address("127.0.0.2"):
            self.asked.append((str(address), port))
            raise ConnectionRefusedError
        return super().__call__(address, port, timeout_seconds)


def test_a_url_that_is_not_sound_is_refused_here_too() -> None:
    refused = refusal(HttpTransport(), "http://a.com\\@127.0.0.1/")
    assert refused == ("URL", "permanent", "the URL has a character that must be percent-encoded")


# Time


class Clock:
    """Each look at it takes a second."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1
        return self.now


def test_look_up_connection_and_answer_share_one_deadline() -> None:
    given: list[float] = []

    def resolve(host: str, timeout_seconds: float) -> list[Any]:
        given.append(timeout_seconds)
        return [ip_address(PUBLIC), ip_address("1.1.1.1")]

    def dial(address: Any, port: int, timeout_seconds: float) -> Any:
        given.append(timeout_seconds)
        raise TimeoutError

    transport = HttpTransport(resolve=resolve, dial=dial, clock=Clock())
    with pytest.raises(ActionError):
        transport.send("POST", "https://hooks.example.com/", {}, b"", 10)
    # 2 s at most for the look-up; for both addresses together what is left of 3 s, half of it for the first.
    assert given == [2.0, 1.0, 1.0]


def test_what_is_left_when_the_time_is_over_is_not_begun() -> None:
    transport = HttpTransport(resolve=Names({}), dial=NoNetwork(), clock=Clock())
    with pytest.raises(ActionError) as failure:
        transport.send("POST", "https://hooks.example.com/", {}, b"", 0.5)
    assert failure.value.code == "TIMEOUT"


# Connections that are kept


def test_a_connection_is_used_again() -> None:
    network = Dialled()
    with running_receiver() as receiver:
        transport = transport_for(receiver.url, dial=network)
        assert [send(transport, receiver.url) for _ in range(3)] == [Answer(204)] * 3
        transport.close()
    assert (len(receiver.received), len(network.connections)) == (3, 1)
    assert network.connections[0].fileno() == -1, "it is closed with its transport"


def test_many_threads_share_the_connections_and_no_request_is_lost_or_doubled() -> None:
    network = Dialled()

    def answer_all(peer: Peer) -> None:
        while True:
            peer.answer(EMPTY)

    with hostile(answer_all) as seen:
        transport = transport_for(f"http://127.0.0.1:{seen.port}", dial=network)
        with ThreadPoolExecutor(16) as pool:
            urls = [f"http://127.0.0.1:{seen.port}/{number}" for number in range(200)]
            answers = list(pool.map(lambda url: send(transport, url), urls))
        transport.close()
    assert answers == [Answer(200)] * 200
    paths = sorted(int(request.split(b" ")[1][1:]) for request in seen.requests)
    assert paths == list(range(200))
    assert len(network.connections) <= 16


def test_a_connection_that_was_closed_is_not_opened_again_by_name(connects: list[Any]) -> None:
    with running_receiver() as receiver:
        endpoint = parse_url(receiver.url).endpoint
        connection = Connection(endpoint, Wire(dial(LOOPBACK, endpoint.port, 30)))
        connection.close()
        with pytest.raises(NotConnected):
            connection.request("POST", "/", b"{}")
    assert (receiver.received, connects) == ([], [("127.0.0.1", endpoint.port)])


# TLS


@pytest.fixture
def names_it_was_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[ssl.SSLContext, list[Any]]:
    """A server's TLS for hooks.example.com, which is trusted here, and the names that clients ask for."""
    authority = trustme.CA()
    (tmp_path / "ca.pem").write_bytes(authority.cert_pem.bytes())
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("hooks.example.com").configure_cert(context)
    asked: list[Any] = []
    context.sni_callback = lambda connection, name, _: asked.append(name)
    context.set_alpn_protocols(["h2", "http/1.1"])
    return context, asked


def test_the_name_is_what_the_certificate_is_asked_and_checked_for(
    names_it_was_asked_for: tuple[ssl.SSLContext, list[Any]],
) -> None:
    context, asked = names_it_was_asked_for
    names = Names({"hooks.example.com": [["127.0.0.1"]], "other.example.com": [["127.0.0.1"]]})
    with hostile(lambda peer: peer.answer(EMPTY), context) as seen:
        url = f"https://hooks.example.com:{seen.port}/"
        other = f"https://other.example.com:{seen.port}/"
        transport = transport_for(url, other, resolve=names)
        assert send(transport, url) == Answer(200)
        assert refusal(transport, other)[:2] == ("TLS", "systemic")
        transport.close()
    assert asked == ["hooks.example.com", "other.example.com"]
    assert len(seen.requests) == 1


def test_a_certificate_of_an_unknown_authority_is_refused() -> None:
    with WebhookReceiver("whsec_") as receiver:
        refused = refusal(transport_for(receiver.url), receiver.url)
    message = "the receiver's certificate or TLS version was refused"
    assert refused == ("TLS", "systemic", message)
    assert receiver.received == []
