"""What `webhook` actions call: a receiver of ours in place of every host, one path for each of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from rules_engine import exact_json
from rules_engine.local.derivation import signing_key, stand_in
from rules_engine.local.effect import Effect
from rules_engine.local.ministack import LocalStackError
from rules_engine.template import Reference, references, scan

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rules_engine.actions import Action
    from rules_engine.local.derivation import Derivation
    from rules_engine.local.surroundings import Surroundings
    from rules_engine.local.webhook_receiver import Received
    from rules_engine.model import ActionSpec

AT_RECEIVER = "at the receiver,"
PURPOSE = ""

_URL = re.compile(r"(?P<scheme>(?:https?|\$\{[^}]*\})://)(?P<authority>(?:\$\{[^}]*\}|[^/?#])*)")
_HEADERS_OF_ANY_REQUEST = {"accept-encoding", "content-length", "content-type", "host", "user-agent"}
_STANDARD_HEADERS = {"content-type", "user-agent", "webhook-id"}


def localise(spec: ActionSpec, derivation: Derivation, where: str) -> dict[str, Any]:
    derivation.need("webhook")
    slug, url = _local_url(spec.config["url"], derivation, where)
    keys = references(spec.config.get("signing_secret", ""))
    for reference in keys:
        derivation.assign(reference, "a signing key", signing_key(reference.key))
    derivation.receivers.setdefault(slug, []).extend(reference.key for reference in keys)
    return {**spec.config, "url": url}


def _local_url(url: str, derivation: Derivation, where: str) -> tuple[str, str]:
    """The receiver's path for this URL, and the URL as it is called here."""
    address = derivation.addresses.receiver
    first = next(iter(scan(url)), None)
    if isinstance(first, Reference) and not url[len(first.text) + 3 :].startswith("://"):
        slug = stand_in(first.name)
        rest = url[len(first.text) + 3 :]
        slash = "" if not rest or rest.startswith(("/", "?")) else "/"
        derivation.assign(first, "a URL", f"https://{address}/{slug}{slash}")
        return slug, url
    match = _URL.match(url)
    if match is None:
        raise LocalStackError(f"{where}: the host of the URL '{url}' cannot be told")
    slug = stand_in(match["authority"])
    derivation.note(f"{match['authority']} is not called: its requests go to https://{address}/{slug}")
    return slug, f"https://{address}/{slug}{url[match.end() :]}"


class WebhookTarget:
    def __init__(self, surroundings: Surroundings) -> None:
        self._receiver = surroundings.receiver

    def arrivals(self) -> list[Effect]:
        return [_arrival(request) for request in self._receiver.received]

    def owed(self, action: Action, request: Mapping[str, Any]) -> list[Effect]:
        path = "/" + request["url"].partition("://")[2].partition("/")[2]
        headers = {name: text for name, text in request["headers"].items() if name not in _STANDARD_HEADERS}
        webhook_id = request["headers"]["webhook-id"]
        return [request_effect(request["method"], path, headers, webhook_id, request["body"])]


def open_target(surroundings: Surroundings) -> WebhookTarget:
    return WebhookTarget(surroundings)


def _arrival(request: Received) -> Effect:
    """What a webhook brought, without the headers that every request has or each attempt has anew."""
    headers = {
        name: value
        for name, value in request.headers.items()
        if name not in _HEADERS_OF_ANY_REQUEST and not name.startswith("webhook-")
    }
    return request_effect(
        request.method, request.path, headers, request.webhook_id, request.body.decode(), request.refusal
    )


def request_effect(
    method: str, path: str, headers: Mapping[str, str], webhook_id: str, body: str, refusal: str | None = None
) -> Effect:
    content: dict[str, Any] = {"id": webhook_id, "method": method, "path": path}
    if headers:
        content["headers"] = dict(sorted(headers.items()))
    content["body"] = exact_json.loads(body)
    if refusal is not None:
        content["refused"] = refusal
    return Effect(AT_RECEIVER, "/" + path.strip("/").partition("/")[0].partition("?")[0], content)
