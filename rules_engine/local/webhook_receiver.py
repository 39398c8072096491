"""A webhook receiver as a careful customer would write it: takes only what is signed, fresh and whole.

Verifies by the Standard Webhooks specification (`webhook-id`, `webhook-timestamp`, `webhook-signature`:
HMAC-SHA256 over `id.timestamp.body`), written apart from the code that signs, so that one cannot excuse the
other. With `secrets_by_path` each first segment of a path has secrets of its own, and one that has none takes
requests unsigned. Answers 204, or 401 and why not. Everything that arrived, refused or not, is in `received`.
Speaks HTTPS, since the `webhook` action sends nothing signed in the clear: with a certificate of an authority
made for this receiver, which a sender trusts through `ca_pem` (a file of it named in `SSL_CERT_FILE`).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
import ssl
import threading
import time
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast

from rules_engine.local.loopback import Exchange, LoopbackServer

if TYPE_CHECKING:
    from collections.abc import Mapping

TOLERANCE_SECONDS = 300
SECRET_PREFIX = "whsec_"  # noqa: S105 - how the specification marks a secret, not one


@dataclass(frozen=True, slots=True)
class Received:
    """One request. `refusal` says why it was turned away; None where it was taken."""

    webhook_id: str
    path: str
    body: bytes
    refusal: str | None
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def payload(self) -> Any:
        return json.loads(self.body)


def refusal(secret: str, headers: Mapping[str, str], body: bytes, now_seconds: float) -> str | None:
    """Why this request is not to be believed, or None. `headers` by lower-case name."""
    missing = [
        name for name in ("webhook-id", "webhook-timestamp", "webhook-signature") if name not in headers
    ]
    if missing:
        return f"no header '{missing[0]}'"
    webhook_id, timestamp = headers["webhook-id"], headers["webhook-timestamp"]
    if not (timestamp.isascii() and timestamp.isdigit()):
        return f"the timestamp {timestamp!r} is not a number of seconds"
    if abs(now_seconds - int(timestamp)) > TOLERANCE_SECONDS:
        return f"the timestamp is more than {TOLERANCE_SECONDS} s off"
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    signed = b".".join([webhook_id.encode(), timestamp.encode(), body])
    expected = hmac.new(key, signed, hashlib.sha256).digest()
    for signature in headers["webhook-signature"].split():
        version, _, encoded = signature.partition(",")
        if version == "v1" and hmac.compare_digest(_decoded(encoded), expected):
            return None
    return "no signature fits the body"


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        return b""


class WebhookReceiver(LoopbackServer):
    """Listens from construction to `close`; `secret` is the one shared with the sender."""

    def __init__(self, secret: str = "") -> None:
        import trustme  # of the extra `local`: importing this module must not need it

        authority = trustme.CA()
        self.ca_pem = authority.cert_pem.bytes()
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(tls)
        self.secret = secret
        self.secrets_by_path: Mapping[str, tuple[str, ...]] | None = None
        self._received: list[Received] = []
        self._lock = threading.Lock()
        super().__init__(_ReceiverExchange, tls)

    @property
    def url(self) -> str:
        return f"https://{self.address}/orders"

    @property
    def received(self) -> list[Received]:
        with self._lock:
            return list(self._received)

    def refusal(self, path: str, headers: Mapping[str, str], body: bytes) -> str | None:
        """Why a request is not to be believed, or None."""
        if self.secrets_by_path is None:
            return refusal(self.secret, headers, body, time.time())
        segment = path.split("?")[0].strip("/").partition("/")[0]
        if segment not in self.secrets_by_path:
            return f"nobody expects requests at '/{segment}'"
        secrets = [part for text in self.secrets_by_path[segment] for part in re.split(r"[\s,]+", text)]
        reasons = [refusal(secret, headers, body, time.time()) for secret in secrets]
        return None if not reasons or None in reasons else reasons[0]

    def take(self, request: Received) -> None:
        with self._lock:
            self._received.append(request)


class _ReceiverExchange(Exchange):
    def do_POST(self) -> None:  # noqa: N802 - the base class's name
        receiver = cast("WebhookReceiver", self.server)
        body = self.read_body()
        headers = {name.lower(): value for name, value in self.headers.items()}
        reason = receiver.refusal(self.path, headers, body)
        receiver.take(Received(headers.get("webhook-id", ""), self.path, body, reason, self.command, headers))
        if reason is None:
            self.answer(HTTPStatus.NO_CONTENT)
        else:
            self.answer(HTTPStatus.UNAUTHORIZED, json.dumps({"error": reason}).encode())

    do_PUT = do_POST  # noqa: N815 - the base class's name
