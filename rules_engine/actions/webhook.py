"""Send the change to an HTTP endpoint, signed.

```yaml
- type: webhook
  url: https://hooks.example.com/orders/{{ keys.order_id }}
  signing_secret: ${secret:orders-webhook}
  body: {order: "{{ keys.order_id }}", status: "{{ new.status }}"}
```

- `url`: `https://`. Holes may stand in path segments and query values only and are percent-encoded; scheme
  and host come from the rule or from `${NAME}`. Not allowed: user information, a fragment, `.` or `..` as a
  segment. Where a hole makes one of `.` or `..`, or leaves one empty, nothing is sent and the request becomes
  a dead letter: put a text that users write in a query value or the body, or a fixed text beside it
  (`/order-{{ new.name }}`).
- `method`: `POST` (default) or `PUT`.
- `headers`: fixed texts, in which `${NAME}` and `${secret:...}` may stand.
- `body`: always sent as JSON, with exact numbers. Default: the change (`eventID`, `eventName`, `table`,
  `createdAt`, `keys`, `new`, `old`).
- `signing_secret`: one or more `whsec_` keys (base64 of 24 to 64 bytes), separated by a space or a comma
  while keys are rotated; only as a reference.
- `allow_plain_http: true`: allows `http://`, never together with a secret.
- A secret is put in when the request is sent, as it is then; until then the request shows `***`. After 401 or
  403 the secrets are read anew, and if they have changed the request is sent once more at once.
- `timeout_seconds`: default 10, from the look-up of the name to the answer's headers, however slowly the
  receiver sends them, both requests together; of it at most 2 s for the look-up and 3 s for connecting.

Where it may go: the name is looked up once, and unless every address that it has is a public one, the request
is not sent and becomes a dead letter. `RULES_ENGINE_ALLOWED_HOSTS` of the function restricts the hosts,
`RULES_ENGINE_PRIVATE_HOSTS` allows a receiver in one's own network. The port is 80, 443, or one from 1024.
The certificate must be good for the host, and TLS at least 1.2; there is no switch for that. Redirects are
not followed, and proxies of the environment not used.

Requests carry the Standard Webhooks headers: `webhook-id` is the delivery id, the same for every repeat, so
the receiver can drop what it already has; `webhook-timestamp` is the time of this attempt; with a signing
secret there is a `webhook-signature` of the bytes that are sent, by every key. Any answer but 2xx is a
failure, a redirect too. What the answer says beyond its status and `Retry-After` is not used and never
logged.

Permissions: none, but for reading the secrets. Limits: 256 KiB for the body, 8,192 characters for the URL.
"""

from __future__ import annotations

import hashlib
import re
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from rules_engine.actions import refuse_errors
from rules_engine.actions.endpoint import (
    check_rendered,
    empty_segments,
    host_has_ended,
    parse_url,
    percent_encode,
)
from rules_engine.actions.rendering import json_of, payload, target
from rules_engine.actions.signature import parse_keys, sign
from rules_engine.actions.webhook_checks import (
    SECRET_FIELDS,
    check_webhook,
    holds_secret,
    is_header_value,
    without_holes,
)
from rules_engine.error_class import class_of_status
from rules_engine.errors import ActionError, SettingsError, TemplateError
from rules_engine.light_dataclass import dataclass
from rules_engine.secret_text import SecretText, hidden, revealed
from rules_engine.template import compile_template, holes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rules_engine.actions import Clients, ConfigFinding, Permission
    from rules_engine.actions.transport import Answer, Transport
    from rules_engine.model import ActionSpec, Delivery, Scope
    from rules_engine.record import StreamRecord
    from rules_engine.template import Template

TYPE = "webhook"

SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["url"],
    "properties": {
        "url": {
            "type": "string",
            "minLength": 1,
            "description": "Where to send to. Holes may stand in path segments and query values only.",
            "examples": ["https://hooks.example.com/orders/{{ keys.order_id }}", "${ORDERS_WEBHOOK_URL}"],
        },
        "method": {
            "enum": ["POST", "PUT"],
            "default": "POST",
            "description": "HTTP method.",
            "examples": ["PUT"],
        },
        "headers": {
            "type": "object",
            "propertyNames": {"pattern": r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$"},
            "additionalProperties": {"type": "string"},
            "description": "Further request headers; never holes.",
            "examples": [{"authorization": "Bearer ${secret:orders-api#token}"}],
        },
        "body": {
            "description": "What to send, as JSON. Default: the change.",
            "examples": [{"order": "{{ keys.order_id }}", "status": "{{ new.status }}"}],
        },
        "signing_secret": {
            "type": "string",
            "minLength": 1,
            "description": "Reference to the `whsec_` keys that sign the request (Standard Webhooks).",
            "examples": ["${secret:orders-webhook}", "${ssm:/orders/webhook-key}"],
        },
        "allow_plain_http": {
            "type": "boolean",
            "default": False,
            "description": "Allow `http://`. Not together with a secret.",
            "examples": [True],
        },
    },
}

MODES = ("at_least_once",)
PAYLOAD = ("body",)
MOST_BYTES = 256 * 1024
TARGETS = ("headers", "signing_secret")
CONNECTION = ("url", "headers", "signing_secret", "allow_plain_http")

TIMEOUT_SECONDS = 10.0

REFUSED_AS_UNKNOWN = frozenset({401, 403})
"""What a receiver answers to a secret that it does not take, or no longer."""


class _Sending(NamedTuple):
    """The texts of a request that may hold secrets, as they are sent."""

    url: str
    headers: Mapping[str, str]
    keys: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class WebhookAction:
    """Sends one request for each record. `clock` is in seconds since 1970, `monotonic` measures."""

    target: str
    method: str
    url: Template
    empty_segments: int
    """Of the URL where no hole is empty."""
    headers: Mapping[str, str]
    body: Callable[[StreamRecord], Any]
    timeout_seconds: float
    signing_secret: SecretText | None
    transport: Transport | None
    clock: Callable[[], float]
    monotonic: Callable[[], float]

    def render(self, delivery: Delivery) -> dict[str, Any]:
        record = delivery.match.record
        body = json_of(self.body(record))
        size = len(body.encode())
        if size > MOST_BYTES:
            raise TemplateError(f"the body has {size} bytes: a webhook takes at most {MOST_BYTES}")
        return {
            "method": self.method,
            "url": self._render_url(record),
            "headers": {**self.headers, "webhook-id": delivery.id},
            "body": body,
        }

    def _render_url(self, record: StreamRecord) -> str:
        """Secrets in it stay masked until it is sent."""
        url: str = self.url.render(record.document)
        try:
            check_rendered(url)
        except ValueError as error:
            raise TemplateError(str(error)) from None
        if empty_segments(url) > self.empty_segments:
            raise TemplateError("a value leaves a segment of the URL's path empty")
        return url

    def perform(self, request: Mapping[str, Any]) -> None:
        outcome = self._outcome(request)
        # Raised here, where no variable holds a secret and no other exception is under way.
        if isinstance(outcome, ActionError):
            raise outcome
        status = outcome.status
        if not 200 <= status <= 299:
            message, wait = f"the receiver answered {status}", outcome.retry_after_seconds
            raise ActionError(f"HTTP_{status}", message, class_of_status(status), wait)

    def _outcome(self, request: Mapping[str, Any]) -> Answer | ActionError:
        """Never raises: its frames have the secrets, and tracebacks may be logged with what frames hold."""
        try:
            return self._exchange(request)
        except ActionError as error:
            return ActionError(error.code, str(error), error.error_class, error.retry_after_seconds)
        except Exception as error:  # noqa: BLE001 - what a library says may quote the request
            return ActionError(type(error).__name__, "the request could not be sent")

    def _exchange(self, request: Mapping[str, Any]) -> Answer:
        """Sends it; once more if the receiver does not take a secret and there is a newer one."""
        until = self.monotonic() + self.timeout_seconds
        sending = self._revealed(request)
        answer = self._send(request, sending, until)
        if answer.status not in REFUSED_AS_UNKNOWN:
            return answer
        for text in (request["url"], *request["headers"].values(), self.signing_secret):
            if isinstance(text, SecretText) and self.monotonic() < until:
                text.renew()
        newer = self._revealed(request)
        return answer if newer == sending else self._send(request, newer, until)

    def _revealed(self, request: Mapping[str, Any]) -> _Sending:
        """A secret may have changed into something that cannot be sent: that is found here. Raises
        ActionError."""
        try:
            keys = () if self.signing_secret is None else parse_keys(self.signing_secret.reveal())
            return _Sending(_revealed_url(request["url"]), _revealed_headers(request["headers"]), keys)
        except ValueError as error:
            raise ActionError("SECRET_UNUSABLE", f"a secret cannot be used: {error}", "systemic") from None

    def _send(self, request: Mapping[str, Any], sending: _Sending, until: float) -> Answer:
        """All that one delivery does takes `timeout_seconds` at most, reading secrets too."""
        if self.transport is None:
            raise ActionError("NOT_CONNECTED", "the action was built without clients: it can only render")
        # Rounded, for messages may say it.
        seconds = round(until - self.monotonic(), 3)
        if seconds <= 0:
            raise ActionError("TIMEOUT", f"no answer within {self.timeout_seconds:g} s", "transient")
        body = request["body"].encode()
        timestamp = int(self.clock())
        headers = {**sending.headers, "webhook-timestamp": str(timestamp)}
        if sending.keys:
            headers["webhook-signature"] = sign(sending.keys, headers["webhook-id"], timestamp, body)
        return self.transport.send(self.method, sending.url, headers, body, seconds)


def _revealed_url(url: str) -> str:
    """Raises ValueError."""
    if not isinstance(url, SecretText):
        return url
    text = url.reveal()
    parse_url(text, allow_plain_http=False)
    return text


def _revealed_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Raises ValueError."""
    texts = {name: revealed(text) for name, text in headers.items()}
    for name, text in texts.items():
        if not is_header_value(text):
            raise ValueError(f"the header '{name}' must be visible ASCII")
    return texts


def connect(spec: ActionSpec, environment: Mapping[str, str], clients: Clients) -> None:
    fault = _fault_of_connection(spec.config, environment)
    if fault is not None:
        raise SettingsError(f"action '{spec.id}': {fault}")


def _fault_of_connection(config: Mapping[str, Any], environment: Mapping[str, str]) -> str | None:
    """What is wrong with the texts as they are now; not raised, for its frames have the secrets."""
    try:
        if "signing_secret" in config:
            parse_keys(revealed(target(config["signing_secret"], environment, takes_secrets=True)))
        _check_resolved_url(config, environment)
        _revealed_headers(_headers(config.get("headers", {}), environment))
    except ValueError as error:
        return str(error)
    return None


def permissions(spec: ActionSpec) -> list[Permission]:
    # Imported here: the function itself never asks.
    from rules_engine.actions.secret_permissions import secret_permissions

    return secret_permissions([spec.config.get(key) for key in SECRET_FIELDS])


def check(config: Mapping[str, Any], mode: str = "at_least_once") -> list[ConfigFinding]:
    return check_webhook(config)


def build(
    spec: ActionSpec,
    scope: Scope,
    environment: Mapping[str, str],
    clients: Clients | None,
    transport: Transport | None = None,
    clock: Callable[[], float] = time.time,
    monotonic: Callable[[], float] = time.monotonic,
) -> WebhookAction:
    """`transport` and the clocks are for tests and for whoever brings a network of his own."""
    config = spec.config
    refuse_errors(spec, check(config))
    try:
        headers = _headers(config.get("headers", {}), environment)
    except ValueError as error:
        raise SettingsError(f"action '{spec.id}': {error}") from None
    secret = config.get("signing_secret") if clients is not None else None
    return WebhookAction(
        target=_host(config["url"], environment),
        method=config.get("method", "POST"),
        url=compile_template(config["url"], scope, environment, encode=percent_encode, takes_secrets=True),
        empty_segments=empty_segments(target(without_holes(config["url"]), environment, takes_secrets=True)),
        headers=headers,
        body=payload(spec, "body", scope, environment),
        # A bundle's numbers are Decimal, which sockets do not take.
        timeout_seconds=float(spec.timeout_seconds or TIMEOUT_SECONDS),
        # Without clients the texts in `environment` may be stand-ins, which are no keys.
        signing_secret=None if secret is None else hidden(target(secret, environment, takes_secrets=True)),
        transport=transport or (None if clients is None else clients.transport),
        clock=clock,
        monotonic=monotonic,
    )


def _host(url: str, environment: Mapping[str, str]) -> str:
    """Scheme, host and port, which never come from a record: what is down together. Logs show it, so one that
    a secret gives is shown by its hash."""
    found = holes(url)
    start = target(url[: found[0].start] if found else url, environment, takes_secrets=True)
    scheme, _, rest = revealed(start).partition("://")
    host = f"{scheme}://{re.split('[/?#]', rest, maxsplit=1)[0]}"
    if start.startswith(host):
        return host
    return f"webhook {hashlib.sha256(host.encode()).hexdigest()[:12]}"


def _check_resolved_url(config: Mapping[str, Any], environment: Mapping[str, str]) -> None:
    """Raises ValueError."""
    url = config["url"]
    found = holes(url)
    if found and not host_has_ended(_revealed_target(url[: found[0].start], environment)):
        raise ValueError("a hole must not stand in the URL's scheme or host")
    resolved = _revealed_target(without_holes(url), environment)
    if resolved.startswith("http://") and holds_secret(config):
        raise ValueError("the URL must start with https:// where there is a secret")
    parse_url(resolved, allow_plain_http=config.get("allow_plain_http", False))


def _revealed_target(text: str, environment: Mapping[str, str]) -> str:
    return revealed(target(text, environment, takes_secrets=True))


def _headers(given: Mapping[str, str], environment: Mapping[str, str]) -> dict[str, str]:
    """Secrets in them stay masked, and are looked at when they are sent. Raises ValueError."""
    headers = {"content-type": "application/json", "user-agent": "rules-engine"}
    for name, value in given.items():
        text = target(value, environment, takes_secrets=True)
        if not isinstance(text, SecretText) and not is_header_value(text):
            raise ValueError(f"the header '{name}' must be visible ASCII")
        headers[name.lower()] = text
    return headers
