from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from rules_engine.actions.transport import Answer, Urllib3Transport, retry_after
from rules_engine.errors import ActionError
from rules_engine.local.ministack import free_port
from rules_engine.local.webhook_receiver import WebhookReceiver
from tests.receiver import Received, running_receiver, server_sending, silent_server

if TYPE_CHECKING:
    from pathlib import Path

TLS_REFUSED = ("TLS", "the receiver's certificate or TLS version was refused")
SECRET_PATH = "/services/canary?token=canary"


def send(url: str, timeout_seconds: float = 5) -> int:
    headers = {"content-type": "application/json", "user-agent": "rules-engine"}
    return Urllib3Transport().send("POST", url, headers, b'{"a":1}', timeout_seconds).status


def test_a_request_arrives_as_it_was_given() -> None:
    with running_receiver() as receiver:
        status = send(f"{receiver.url}/orders/a%2Fb?q=%26")
    host = receiver.url.removeprefix("http://")
    headers = {
        "host": host,
        "accept-encoding": "identity",
        "content-length": "7",
        "content-type": "application/json",
        "user-agent": "rules-engine",
    }
    assert status == 204
    assert receiver.received == [Received("POST", "/orders/a%2Fb?q=%26", headers, b'{"a":1}')]


@pytest.mark.parametrize("status", [200, 204, 400, 410, 429, 500, 503])
def test_every_status_is_an_answer(status: int) -> None:
    with running_receiver() as receiver:
        receiver.answers.append((status, {}))
        assert send(receiver.url) == status


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    with running_receiver() as receiver:
        receiver.answers.append((status, {"location": f"{receiver.url}/elsewhere"}))
        assert send(receiver.url) == status
    assert len(receiver.received) == 1


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("7", 7.0),
        (" 120 ", 120.0),
        ("0", 0.0),
        ("Mon, 01 Jan 2024 00:01:30 GMT", 90.0),
        ("Sun, 31 Dec 2023 23:00:00 GMT", 0.0),
        ("9" * 400, 999_999_999.0),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("", None),
    ],
)
def test_an_answer_says_how_long_to_wait(header: str | None, seconds: float | None) -> None:
    assert retry_after(header, datetime(2024, 1, 1, tzinfo=UTC)) == seconds


def test_the_header_of_an_answer_is_read() -> None:
    with running_receiver() as receiver:
        receiver.answers.append((429, {"retry_after": "3"}))
        answer = Urllib3Transport().send("POST", receiver.url, {}, b"{}", 5)
    assert answer == Answer(429, 3.0)


def test_a_failure_is_not_retried() -> None:
    with running_receiver() as receiver:
        receiver.answers.append((503, {"retry-after": "0"}))
        assert send(receiver.url) == 503
    assert len(receiver.received) == 1


def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with running_receiver() as proxy, running_receiver() as receiver:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.delenv("no_proxy", raising=False)
        assert send(receiver.url) == 204
    assert (len(proxy.received), len(receiver.received)) == (0, 1)


def test_a_connection_is_used_again() -> None:
    transport = Urllib3Transport()
    with running_receiver() as receiver:
        for _ in range(3):
            assert transport.send("PUT", receiver.url, {}, b"{}", 5) == Answer(204)
    assert len(receiver.received) == 3


def test_a_body_that_breaks_off_does_not_undo_a_success() -> None:
    with server_sending(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort") as url:
        assert send(url) == 200


def code_and_text_of_failure(url: str, timeout_seconds: float = 5) -> tuple[str, str]:
    with pytest.raises(ActionError) as failure:
        send(url + SECRET_PATH, timeout_seconds)
    assert failure.value.__suppress_context__, "the traceback would show the URL"
    return failure.value.code, str(failure.value)


def test_a_refused_connection_is_told_from_a_lost_one() -> None:
    refused = code_and_text_of_failure(f"http://127.0.0.1:{free_port()}")
    assert refused == ("CONNECT", "no connection to the receiver")
    with server_sending(b"") as url:
        lost = code_and_text_of_failure(url)
    assert lost == ("CONNECTION", "the connection broke before there was an answer")


def test_an_answer_that_is_not_http_is_a_broken_connection() -> None:
    with server_sending(b"220 smtp.example.com ESMTP\r\n") as url:
        failure = code_and_text_of_failure(url)
    assert failure == ("CONNECTION", "the connection broke before there was an answer")


def test_silence_ends_at_the_timeout() -> None:
    with silent_server() as url:
        failure = code_and_text_of_failure(url, timeout_seconds=0.05)
    assert failure == ("TIMEOUT", "no answer within 0.05 s")


def test_a_server_without_tls_is_refused_under_https() -> None:
    with running_receiver() as receiver:
        failure = code_and_text_of_failure(receiver.url.replace("http", "https"))
    assert failure == TLS_REFUSED


def test_a_certificate_of_a_known_authority_is_accepted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with WebhookReceiver("whsec_") as receiver:
        (tmp_path / "ca.pem").write_bytes(receiver.ca_pem)
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        # 401: it takes only what is signed. It answered, so it was trusted.
        assert send(receiver.url) == 401


def test_a_certificate_of_an_unknown_authority_is_refused() -> None:
    with WebhookReceiver("whsec_") as receiver:
        assert code_and_text_of_failure(receiver.url) == TLS_REFUSED
    assert receiver.received == []


def test_a_certificate_for_another_host_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with WebhookReceiver("whsec_") as receiver:
        (tmp_path / "ca.pem").write_bytes(receiver.ca_pem)
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        assert code_and_text_of_failure(receiver.url.replace("127.0.0.1", "localhost")) == TLS_REFUSED
    assert receiver.received == []
