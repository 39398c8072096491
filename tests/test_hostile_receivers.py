"""Every way in which a receiver misbehaves ends in an answer or an error of the right class, within bounds.

Behaviours that never end do so only when the client hangs up, so each of these tests would hang without the
client's deadline. What is to time out has a short one; everything else has more than it needs.
"""

from __future__ import annotations

import ssl
import traceback
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
import trustme

from rules_engine.actions.host_policy import HostPolicy
from rules_engine.actions.http_transport import HttpTransport
from rules_engine.actions.transport import Answer
from rules_engine.errors import ActionError
from rules_engine.local.ministack import free_port
from tests import hostile_server
from tests.hostile_server import EMPTY, HANDSHAKES, PLAIN, Peer, hostile
from tests.sockets import Dialled

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LONG_SECONDS = 30.0
SHORT_SECONDS = 0.3
CANARY = "canary-8f3a"

LOST = ("CONNECTION", "transient", "the connection broke before there was an answer")
LATE = ("TIMEOUT", "transient", f"no answer within {SHORT_SECONDS:g} s")
ODD = ("ANSWER", "unknown", "the receiver's answer is not HTTP, or its headers are too long")
TLS = ("TLS", "systemic", "the receiver's certificate or TLS version was refused")

EXPECTED: dict[str, Answer | tuple[str, str, str]] = {
    "close_at_once": LOST,
    "reset_at_the_first_byte": LOST,
    "reset_before_the_body": LOST,
    "reset_after_the_body": LOST,
    "close_after_the_body": LOST,
    "hang_before_reading": LATE,
    "read_a_byte_at_a_time": LATE,
    "hang_before_the_answer": LATE,
    "hang_in_the_status_line": LATE,
    "hang_in_the_headers": LATE,
    "drip_the_status_line": LATE,
    "drip_the_headers": LATE,
    "drip_the_blank_before_an_answer": LATE,
    "huge_header": ODD,
    "many_headers": ODD,
    "large_headers": ODD,
    "endless_headers": ODD,
    "endless_header": ODD,
    "endless_status_line": ODD,
    "flood_of_continue": ODD,
    "flood_of_early_hints": ODD,
    "other_protocol": ODD,
    "no_headers_at_all": ODD,
    "binary_garbage": ODD,
    "http_2_settings": ODD,
    "status_of_two_digits": ODD,
    "status_of_four_digits": ODD,
    "status_in_words": ODD,
    "negative_status": ODD,
    "http_of_the_future": ODD,
    "hang_before_the_rest": Answer(200),
    "unavailable_and_hang": Answer(503),
    "drip_the_rest": Answer(200),
    "reset_before_the_rest": Answer(200),
    "reset_in_the_rest": Answer(200),
    "less_than_the_length": Answer(200),
    "more_than_the_length": Answer(200),
    "negative_length": Answer(200),
    "length_in_words": Answer(200),
    "two_lengths": Answer(200),
    "huge_length": Answer(200),
    "chunks_without_a_size": Answer(200),
    "chunk_that_breaks_off": Answer(200),
    "chunk_of_a_negative_size": Answer(200),
    "endless_chunks": Answer(200),
    "endless_empty_lines_of_chunks": Answer(200),
    "endless_trailers": Answer(200),
    "endless_rest": Answer(200),
    "gzip_bomb": Answer(200),
    "headers_that_break_off": Answer(200),
    "odd_headers": Answer(200),
    "retry_after_that_is_no_time": Answer(503),
    "hints_before_the_answer": Answer(200),
    "another_protocol_offered": Answer(101),
    "redirect_to_itself": Answer(307),
    "redirect_to_a_file": Answer(302),
    "password_wanted": Answer(401),
    "proxy_password_wanted": Answer(407),
    "larger_than_it_likes": Answer(413),
    "larger_than_it_waits_for": Answer(413),
    "close_after_each_answer": Answer(200),
    "reset_at_the_second_request": Answer(200),
    "speak_unasked": Answer(200),
    "set_a_cookie": Answer(200),
    "close_in_the_handshake": LOST,
    "reset_in_the_handshake": LOST,
    "hang_in_the_handshake": LATE,
    "drip_the_handshake": LATE,
    "garbage_for_a_handshake": TLS,
    "plain_http_under_tls": TLS,
    "alert_in_the_handshake": TLS,
}
LARGE_BODY = {
    "hang_before_reading",
    "read_a_byte_at_a_time",
    "reset_before_the_body",
    "larger_than_it_likes",
    "larger_than_it_waits_for",
}


def transport_for(port: int, dial: Any = None) -> HttpTransport:
    return HttpTransport(HostPolicy.of(None, f"127.0.0.1:{port} localhost:{port}"), dial=dial or Dialled())


def outcome(send: Callable[[], Answer]) -> Answer | tuple[str, str, str]:
    try:
        return send()
    except ActionError as error:
        return error.code, error.error_class, str(error)


def request_to(
    transport: HttpTransport, port: int, name: str, scheme: str = "http", host: str = "127.0.0.1"
) -> Answer | tuple[str, str, str]:
    seconds = SHORT_SECONDS if EXPECTED.get(name) == LATE else LONG_SECONDS
    body = b"x" * (8_000_000 if name in LARGE_BODY else 1_000)
    url = f"{scheme}://{host}:{port}/{CANARY}?token={CANARY}"
    return outcome(lambda: transport.send("POST", url, {"x-token": CANARY}, body, seconds))


def test_there_are_many_behaviours_and_each_has_its_outcome() -> None:
    names = [behaviour.__name__ for behaviour in (*PLAIN, *HANDSHAKES)]
    assert sorted(names) == sorted(EXPECTED)
    assert len(names) >= 60


@pytest.mark.parametrize("behaviour", PLAIN, ids=lambda behaviour: behaviour.__name__)
def test_a_hostile_receiver_ends_in_the_right_outcome_and_is_read_within_bounds(
    behaviour: Callable[[Peer], None],
) -> None:
    dialled = Dialled()
    with hostile(behaviour) as seen:
        transport = transport_for(seen.port, dialled)
        assert request_to(transport, seen.port, behaviour.__name__) == EXPECTED[behaviour.__name__]
        transport.close()
    assert dialled.received <= 96 * 1024
    assert (len(dialled.connections), seen.connections) == (1, 1)
    assert len(seen.requests) <= 1


@pytest.mark.parametrize("behaviour", HANDSHAKES, ids=lambda behaviour: behaviour.__name__)
def test_a_handshake_that_fails_is_told_from_one_that_is_late(behaviour: Callable[[Peer], None]) -> None:
    dialled = Dialled()
    with hostile(behaviour) as seen:
        transport = transport_for(seen.port, dialled)
        assert request_to(transport, seen.port, behaviour.__name__, "https") == EXPECTED[behaviour.__name__]
        transport.close()
    assert seen.connections == 1


def test_a_port_that_nobody_listens_on() -> None:
    port = free_port()
    refused = ("CONNECT", "transient", "no connection to the receiver")
    assert request_to(transport_for(port), port, "") == refused


def test_an_address_that_does_not_answer_at_all() -> None:
    def silent(*_: Any) -> Any:
        raise TimeoutError

    unreachable = ("CONNECT", "transient", "no connection to the receiver")
    assert request_to(transport_for(8080, silent), 8080, "") == unreachable


# Connections that are kept


@pytest.mark.parametrize(
    ("behaviour", "connections"),
    [
        (hostile_server.close_after_each_answer, 3),
        (hostile_server.reset_at_the_second_request, 3),
        (hostile_server.speak_unasked, 3),
        (hostile_server.more_than_the_length, 3),
        (hostile_server.set_a_cookie, 1),
        (hostile_server.another_protocol_offered, 3),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_each_request_has_its_own_answer_whatever_became_of_the_connection(
    behaviour: Callable[[Peer], None], connections: int
) -> None:
    with hostile(behaviour) as seen:
        transport = transport_for(seen.port)
        answers = [request_to(transport, seen.port, behaviour.__name__) for _ in range(3)]
        transport.close()
    assert answers == [EXPECTED[behaviour.__name__]] * 3
    assert len(seen.requests) == 3
    assert seen.connections <= connections
    assert b"cookie" not in b"".join(seen.requests).lower()


# Certificates


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def tls_of(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


def self_signed(authority: trustme.CA, tmp_path: Path) -> ssl.SSLContext:
    path = tmp_path / "self-signed.pem"
    lone = trustme.CA()
    path.write_bytes(lone.private_key_pem.bytes() + lone.cert_pem.bytes())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


def of_an_unknown_authority(authority: trustme.CA, tmp_path: Path) -> ssl.SSLContext:
    return tls_of(trustme.CA().issue_cert("127.0.0.1"))


def for_another_address(authority: trustme.CA, tmp_path: Path) -> ssl.SSLContext:
    return tls_of(authority.issue_cert("127.0.0.2"))


def for_a_name(authority: trustme.CA, tmp_path: Path) -> ssl.SSLContext:
    return tls_of(authority.issue_cert("hooks.example.com"))


def for_a_name_that_looks_like_the_address(authority: trustme.CA, tmp_path: Path) -> ssl.SSLContext:
    return tls_of(authority.issue_cert(common_name="127.0.0.1"))


def expired(authority: trustme.CA, tmp_path: Path) -> ssl.SSLContext:
    return tls_of(authority.issue_cert("127.0.0.1", not_after=datetime(2020, 1, 1, tzinfo=UTC)))


def not_valid_yet(authority: trustme.CA, tmp_path: Path) -> ssl.SSLContext:
    future = datetime(2190, 1, 1, tzinfo=UTC)
    return tls_of(authority.issue_cert("127.0.0.1", not_before=future, not_after=future.replace(year=2191)))


def only_tls_1_1(authority: trustme.CA, tmp_path: Path) -> ssl.SSLContext:
    context = tls_of(authority.issue_cert("127.0.0.1"))
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1 is deprecated"):
        context.minimum_version = ssl.TLSVersion.TLSv1
    with pytest.warns(DeprecationWarning, match="TLSv1_1 is deprecated"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    return context


def wants_a_certificate_of_the_client(authority: trustme.CA, tmp_path: Path) -> ssl.SSLContext:
    context = tls_of(authority.issue_cert("127.0.0.1"))
    context.verify_mode = ssl.CERT_REQUIRED
    # With TLS 1.3 it refuses after the handshake, and its reason may be lost with the connection.
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    authority.configure_trust(context)
    return context


REFUSED = [
    self_signed,
    of_an_unknown_authority,
    for_another_address,
    for_a_name,
    for_a_name_that_looks_like_the_address,
    expired,
    not_valid_yet,
    only_tls_1_1,
    wants_a_certificate_of_the_client,
]


def answering(peer: Peer) -> None:
    peer.answer(EMPTY)


@pytest.fixture
def trusting(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    """Clients made in this test trust this authority, and no other."""
    (tmp_path / "ca.pem").write_bytes(authority.cert_pem.bytes())
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    return authority


@pytest.mark.parametrize("make_tls", REFUSED, ids=lambda make: make.__name__)
def test_a_certificate_that_does_not_fit_is_refused_before_anything_is_sent(
    make_tls: Callable[[trustme.CA, Path], ssl.SSLContext], trusting: trustme.CA, tmp_path: Path
) -> None:
    with hostile(answering, make_tls(trusting, tmp_path)) as seen:
        assert request_to(transport_for(seen.port), seen.port, "", "https") == TLS
    assert seen.requests == []


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_certificate_that_fits_is_accepted(host: str, trusting: trustme.CA) -> None:
    with hostile(answering, tls_of(trusting.issue_cert(host))) as seen:
        assert request_to(transport_for(seen.port), seen.port, "", "https", host) == Answer(200)
    assert len(seen.requests) == 1


@pytest.mark.parametrize(
    ("behaviour", "expected"),
    [
        (hostile_server.reset_after_the_body, LOST),
        (hostile_server.close_after_the_body, LOST),
        (hostile_server.drip_the_headers, LATE),
        (hostile_server.hang_before_reading, LATE),
        (hostile_server.read_a_byte_at_a_time, LATE),
        (hostile_server.endless_headers, ODD),
        (hostile_server.reset_before_the_rest, Answer(200)),
        (hostile_server.less_than_the_length, Answer(200)),
        (hostile_server.endless_rest, Answer(200)),
        (hostile_server.drip_the_rest, Answer(200)),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_under_tls_the_outcome_is_the_same(
    behaviour: Callable[[Peer], None], expected: Any, trusting: trustme.CA
) -> None:
    with hostile(behaviour, tls_of(trusting.issue_cert("127.0.0.1"))) as seen:
        transport = transport_for(seen.port)
        assert request_to(transport, seen.port, behaviour.__name__, "https") == expected
        transport.close()
    assert seen.connections == 1


@pytest.mark.parametrize(
    ("scheme", "behaviour"),
    [
        ("http", hostile_server.close_after_the_body),
        ("http", hostile_server.hang_before_the_answer),
        ("http", hostile_server.no_headers_at_all),
        ("https", hostile_server.plain_http_under_tls),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_no_traceback_shows_what_was_sent(scheme: str, behaviour: Callable[[Peer], None]) -> None:
    with hostile(behaviour) as seen:
        url = f"{scheme}://127.0.0.1:{seen.port}/{CANARY}?token={CANARY}"
        with pytest.raises(ActionError) as failure:
            transport_for(seen.port).send("POST", url, {"x-token": CANARY}, b"{}", SHORT_SECONDS)
    shown = "".join(traceback.format_exception_only(failure.value))
    assert CANARY not in shown
    assert (failure.value.__cause__, failure.value.__suppress_context__) == (None, True)
