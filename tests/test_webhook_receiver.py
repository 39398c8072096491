"""The receiver, with the `standardwebhooks` library as the sender: two implementations, one specification."""

from __future__ import annotations

import base64
import http.client
import ssl
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from standardwebhooks import Webhook

from rules_engine.local.webhook_receiver import WebhookReceiver

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SECRET = "whsec_" + base64.b64encode(b"a secret of twenty-four.").decode()
OTHER_SECRET = "whsec_" + base64.b64encode(b"another secret, not it..").decode()
BODY = '{"order": "o-1", "total": 12.50}'


def signed(body: str = BODY, secret: str = SECRET, age: timedelta = timedelta()) -> dict[str, str]:
    sent_at = datetime.now(UTC) - age
    return {
        "webhook-id": "MSG1",
        "webhook-timestamp": str(int(sent_at.timestamp())),
        "webhook-signature": Webhook(secret).sign("MSG1", sent_at, body),
    }


def post(receiver: WebhookReceiver, headers: dict[str, str], body: str = BODY) -> tuple[int, bytes]:
    trust = ssl.create_default_context(cadata=receiver.ca_pem.decode())
    connection = http.client.HTTPSConnection(receiver.address, timeout=10, context=trust)
    connection.request("POST", "/orders", body, headers)
    response = connection.getresponse()
    answer = response.status, response.read()
    connection.close()
    return answer


@pytest.fixture
def receiver() -> Iterator[WebhookReceiver]:
    with WebhookReceiver(SECRET) as server:
        yield server


def test_a_signed_request_is_taken_and_kept(receiver: WebhookReceiver) -> None:
    assert post(receiver, signed()) == (204, b"")
    kept = receiver.received
    assert [(one.webhook_id, one.path, one.payload, one.refusal) for one in kept] == [
        ("MSG1", "/orders", {"order": "o-1", "total": 12.5}, None)
    ]


def test_one_fitting_signature_of_several_is_enough(receiver: WebhookReceiver) -> None:
    headers = signed()
    headers["webhook-signature"] = f"v1,AAAA v9,x {headers['webhook-signature']}"
    assert post(receiver, headers) == (204, b"")


@pytest.mark.parametrize(
    ("make_headers", "why"),
    [
        (lambda: signed(secret=OTHER_SECRET), "no signature fits the body"),
        (lambda: signed(body=BODY + " "), "no signature fits the body"),
        (lambda: signed() | {"webhook-id": "MSG2"}, "no signature fits the body"),
        (lambda: signed() | {"webhook-signature": "v1,not base64!"}, "no signature fits the body"),
        (lambda: signed(age=timedelta(minutes=6)), "the timestamp is more than 300 s off"),
        (lambda: signed(age=timedelta(minutes=-6)), "the timestamp is more than 300 s off"),
        (lambda: signed() | {"webhook-timestamp": "now"}, "the timestamp 'now' is not a number of seconds"),
        (lambda: {"webhook-id": "MSG1"}, "no header 'webhook-timestamp'"),
        (lambda: {}, "no header 'webhook-id'"),
    ],
)
def test_a_request_that_cannot_be_believed_is_refused_with_the_reason(
    receiver: WebhookReceiver, make_headers: Callable[[], dict[str, str]], why: str
) -> None:
    assert post(receiver, make_headers()) == (401, f'{{"error": "{why}"}}'.encode())
    assert [one.refusal for one in receiver.received] == [why]


@pytest.mark.parametrize(
    ("secrets", "why"),
    [
        ({"orders": ()}, None),
        ({"orders": (SECRET,)}, None),
        ({"orders": (f"{OTHER_SECRET} {SECRET}",)}, None),
        ({"orders": (OTHER_SECRET, SECRET)}, None),
        ({"orders": (OTHER_SECRET,)}, "no signature fits the body"),
        ({"order": (SECRET,)}, "nobody expects requests at '/orders'"),
    ],
)
def test_a_path_has_secrets_of_its_own(
    receiver: WebhookReceiver, secrets: dict[str, tuple[str, ...]], why: str | None
) -> None:
    receiver.secrets_by_path = secrets
    assert post(receiver, signed())[0] == (204 if why is None else 401)
    assert [one.refusal for one in receiver.received] == [why]


def test_a_sender_that_does_not_know_the_receivers_authority_hangs_up(receiver: WebhookReceiver) -> None:
    connection = http.client.HTTPSConnection(
        receiver.address, timeout=10, context=ssl.create_default_context()
    )
    with pytest.raises(ssl.SSLCertVerificationError):
        connection.request("POST", "/orders", BODY, signed())
    assert receiver.received == []
