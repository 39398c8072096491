"""Send the change to an HTTP endpoint, signed.

```yaml
- type: webhook
  url: https://hooks.example.com/orders/{{ keys.order_id }}
  signing_secret: ${secret:orders-webhook}
  body: {order: "{{ keys.order_id }}", status: "{{ new.status }}"}
```

- `url`: `https://`. Holes may stand in path segments and query values only and are percent-encoded; scheme
  and host come from the rule or from `${NAME}`. Not allowed: user information, a fragment, `.` or `..` as a
  segment. Where a hole makes one of `.` or `..`, nothing is sent and the request becomes a dead letter: put a
  text that users write in a query value or the body, or a fixed text beside it (`/order-{{ new.name }}`).
- `method`: `POST` (default) or `PUT`.
- `headers`: fixed texts, in which `${NAME}` and `${secret:...}` may stand.
- `body`: always sent as JSON, with exact numbers. Default: the change (`eventID`, `eventName`, `table`,
  `createdAt`, `keys`, `new`, `old`).
- `signing_secret`: one or more `whsec_` keys (base64 of 24 to 64 bytes), separated by a space or a comma
  while keys are rotated; only as a reference.
- `allow_plain_http: true`: allows `http://`, never together with a secret.
- `timeout_seconds`: default 10, from the look-up of the name to the answer's headers, however slowly the
  receiver sends them; of it at most 2 s for the look-up and 3 s for connecting.

Where it may go: the name is looked up once, and unless every address that it has is a public one, the request
is not sent and becomes a dead letter. `RULES_ENGINE_ALLOWED_HOSTS` of the function restricts the hosts,
`RULES_ENGINE_PRIVATE_HOSTS` allows a receiver in one's own network. The port is 80, 443, or one from 1024.
The certificate must be good for the host, and TLS at least 1.2; there is no switch for that. Redirects are
not followed, and proxies of the environment not used.

Requests carry the Standard Webhooks headers: `webhook-id` is the delivery id, the same for every repeat, so
the receiver can drop what it already has; `webhook-timestamp` is the time of this attempt; with a signing
secret there is a `webhook-signature` of the bytes that are sent, by every key. Any answer but 2xx is a
failure, a redirect too; after 410 nothing more is sent to that host in the same invocation. What the answer
says beyond its status and `Retry-After` is not used and never logged.

Permissions: none, but for reading the secret. Limits: 256 KiB for the body, 8,192 characters for the URL.
"""

from __future__ import annotations

import hashlib
import re
import time
from typing import TYPE_CHECKING, Any

from rules_engine.actions import ConfigFinding
from rules_engine.actions.endpoint import check_rendered, host_has_ended, parse_url, percent_encode
from rules_engine.actions.rendering import json_of, payload, target, text_of
from rules_engine.actions.signature import parse_keys, sign
from rules_engine.error_class import class_of_status
from rules_engine.errors import ActionError, RuleSetError, SettingsError, TemplateError
from rules_engine.light_dataclass import dataclass
from rules_engine.template import compile_template, holes, references

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rules_engine.actions import Clients, Permission
    from rules_engine.actions.transport import Transport
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
TARGETS = ("headers", "signing_secret")
SECRET_FIELDS = ("url", "headers", "signing_secret")
CONNECTION = ("url", "headers", "signing_secret", "allow_plain_http")

BODY_LIMIT_BYTES = 262_144
TIMEOUT_SECONDS = 10.0

_OURS = "webhook-"
_OF_THE_CONNECTION = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)

_is_header_value = re.compile(r"[!-~]([ -~]*[!-~])?").fullmatch
_are_references = re.compile(r"\s*(?:\$\{[^}]*\}[\s,]*)+").fullmatch


@dataclass(frozen=True, slots=True)
class WebhookAction:
    """Sends one request for each record."""

    target: str
    method: str
    url: Template
    headers: Mapping[str, str]
    body: Callable[[StreamRecord], Any]
    timeout_seconds: float
    keys: tuple[bytes, ...]
    transport: Transport | None
    clock: Callable[[], float]

    def render(self, delivery: Delivery) -> dict[str, Any]:
        record = delivery.match.record
        body = json_of(self.body(record))
        size = len(body.encode())
        if size > BODY_LIMIT_BYTES:
            raise TemplateError(f"the body has {size} bytes: a webhook takes at most {BODY_LIMIT_BYTES}")
        return {
            "method": self.method,
            "url": self._render_url(record),
            "headers": {**self.headers, "webhook-id": delivery.id},
            "body": body,
        }

    def _render_url(self, record: StreamRecord) -> str:
        url = text_of(self.url.render(record.document))
        try:
            check_rendered(url)
        except ValueError as error:
            raise TemplateError(str(error)) from None
        return url

    def perform(self, request: Mapping[str, Any]) -> None:
        if self.transport is None:
            raise ActionError("NOT_CONNECTED", "the action was built without clients: it can only render")
        body = request["body"].encode()
        timestamp = int(self.clock())
        headers = {**request["headers"], "webhook-timestamp": str(timestamp)}
        if self.keys:
            headers["webhook-signature"] = sign(self.keys, headers["webhook-id"], timestamp, body)
        answer = self.transport.send(self.method, request["url"], headers, body, self.timeout_seconds)
        status = answer.status
        if not 200 <= status <= 299:
            message, wait = f"the receiver answered {status}", answer.retry_after_seconds
            raise ActionError(f"HTTP_{status}", message, class_of_status(status), wait)


def connect(spec: ActionSpec, environment: Mapping[str, str], clients: Clients) -> tuple[bytes, ...]:
    """The keys that sign."""
    try:
        keys = _signing_keys(spec.config, environment)
        _check_resolved_url(spec.config, environment)
        _headers(spec.config.get("headers", {}), environment)
    except ValueError as error:
        raise SettingsError(f"action '{spec.id}': {error}") from None
    return keys


def permissions(spec: ActionSpec) -> list[Permission]:
    return []


def check(config: Mapping[str, Any], mode: str = "at_least_once") -> list[ConfigFinding]:
    return [*_check_url(config), *_check_headers(config.get("headers", {})), *_check_secret(config)]


def _check_url(config: Mapping[str, Any]) -> list[ConfigFinding]:
    url = config["url"]
    if url.startswith("http://") and (finding := _check_plain_http(config)) is not None:
        return [finding]
    found = holes(url)
    start = url[: found[0].start] if found else ""
    # What a reference stands for is known, and checked, only when the function starts.
    if found and not references(start) and not host_has_ended(start):
        message = "a hole must not stand in the URL's scheme or host"
        hint = "holes may stand in path segments and query values only"
        return [ConfigFinding("RE303", ("url",), message, hint)]
    if references(url):
        return []
    try:
        parse_url(_without_holes(url))
    except ValueError as error:
        return [ConfigFinding("RE109", ("url",), str(error))]
    return []


def _without_holes(url: str) -> str:
    """The URL as it is with some harmless value in every hole."""
    for hole in reversed(holes(url)):
        url = f"{url[: hole.start]}x{url[hole.end :]}"
    return url


def _check_plain_http(config: Mapping[str, Any]) -> ConfigFinding | None:
    if not config.get("allow_plain_http", False):
        message = "'http://' needs 'allow_plain_http: true'"
        return ConfigFinding("RE308", ("url",), message, "write https://")
    if _holds_secret(config):
        message = "'http://' does not go together with a secret"
        return ConfigFinding("RE308", ("url",), message, "write https://, or all the world can read it")
    return None


def _check_headers(headers: Mapping[str, str]) -> list[ConfigFinding]:
    findings = []
    seen: set[str] = set()
    for name, value in headers.items():
        lower = name.lower()
        if lower.startswith(_OURS) or lower in _OF_THE_CONNECTION:
            message = f"the header '{name}' is set by the engine"
            findings.append(ConfigFinding("RE109", ("headers", name), message, "leave it out"))
        elif lower in seen:
            findings.append(ConfigFinding("RE308", ("headers", name), f"the header '{name}' is there twice"))
        elif not references(value) and not _is_header_value(value):
            message = f"the header '{name}' must be visible ASCII"
            findings.append(ConfigFinding("RE109", ("headers", name), message))
        seen.add(lower)
    return findings


def _check_secret(config: Mapping[str, Any]) -> list[ConfigFinding]:
    secret = config.get("signing_secret")
    if secret is None or _are_references(secret):
        return []
    message = "'signing_secret' must be a reference"
    return [ConfigFinding("RE306", ("signing_secret",), message, "write ${secret:name} or ${ssm:/path}")]


def _holds_secret(config: Mapping[str, Any]) -> bool:
    if "signing_secret" in config:
        return True
    return any(
        reference.kind != "env" for key in SECRET_FIELDS for reference in references(config.get(key, ""))
    )


def build(
    spec: ActionSpec,
    scope: Scope,
    environment: Mapping[str, str],
    clients: Clients | None,
    transport: Transport | None = None,
    clock: Callable[[], float] = time.time,
) -> WebhookAction:
    """`transport` and `clock` are for tests and for whoever brings a network of his own."""
    config = spec.config
    findings = check(config)
    if findings:
        raise RuleSetError(f"action '{spec.id}': {findings[0].message}")
    # Without clients the texts in `environment` may be stand-ins, which are neither keys nor hosts.
    keys = connect(spec, environment, clients) if clients is not None else ()
    try:
        headers = _headers(config.get("headers", {}), environment)
    except ValueError as error:
        raise SettingsError(f"action '{spec.id}': {error}") from None
    return WebhookAction(
        target=_host(config["url"], environment),
        method=config.get("method", "POST"),
        url=compile_template(config["url"], scope, environment, encode=percent_encode),
        headers=headers,
        body=payload(spec, "body", scope, environment),
        # A bundle's numbers are Decimal, which sockets do not take.
        timeout_seconds=float(spec.timeout_seconds or TIMEOUT_SECONDS),
        keys=keys,
        transport=transport or (None if clients is None else clients.transport),
        clock=clock,
    )


def _host(url: str, environment: Mapping[str, str]) -> str:
    """Scheme, host and port, which never come from a record: what is down together. Logs show it, so one that
    a secret gives is shown by its hash."""
    found = holes(url)
    start = url[: found[0].start] if found else url
    scheme, _, rest = target(start, environment).partition("://")
    host = f"{scheme}://{re.split('[/?#]', rest, maxsplit=1)[0]}"
    if any(reference.kind != "env" for reference in references(start)):
        return f"webhook {hashlib.sha256(host.encode()).hexdigest()[:12]}"
    return host


def _signing_keys(config: Mapping[str, Any], environment: Mapping[str, str]) -> tuple[bytes, ...]:
    return parse_keys(target(config["signing_secret"], environment)) if "signing_secret" in config else ()


def _check_resolved_url(config: Mapping[str, Any], environment: Mapping[str, str]) -> None:
    url = config["url"]
    found = holes(url)
    if found and not host_has_ended(target(url[: found[0].start], environment)):
        raise ValueError("a hole must not stand in the URL's scheme or host")
    resolved = target(_without_holes(url), environment)
    if resolved.startswith("http://") and _holds_secret(config):
        raise ValueError("the URL must start with https:// where there is a secret")
    parse_url(resolved, allow_plain_http=config.get("allow_plain_http", False))


def _headers(given: Mapping[str, str], environment: Mapping[str, str]) -> dict[str, str]:
    headers = {"content-type": "application/json", "user-agent": "rules-engine"}
    for name, value in given.items():
        text = target(value, environment)
        if not _is_header_value(text):
            raise ValueError(f"the header '{name}' must be visible ASCII")
        headers[name.lower()] = text
    return headers
