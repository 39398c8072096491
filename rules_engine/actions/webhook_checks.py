"""What is wrong with a `webhook` action whatever the record: its URL, its headers and its signing secret.

In: a config that the schema accepts, templates unrendered. Out: findings. What a `${NAME}` stands for is
known, and checked, only when the function starts.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from rules_engine.actions import ConfigFinding
from rules_engine.actions.endpoint import host_has_ended, parse_url
from rules_engine.template import holes, references

if TYPE_CHECKING:
    from collections.abc import Mapping

SECRET_FIELDS = ("url", "headers", "signing_secret")
"""Where a secret may stand."""

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

is_header_value = re.compile(r"[!-~]([ -~]*[!-~])?").fullmatch
_are_references = re.compile(r"\s*(?:\$\{[^}]*\}[\s,]*)+").fullmatch


def check_webhook(config: Mapping[str, Any]) -> list[ConfigFinding]:
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
        parse_url(without_holes(url))
    except ValueError as error:
        return [ConfigFinding("RE109", ("url",), str(error))]
    return []


def without_holes(url: str) -> str:
    """The URL as it is with some harmless value in every hole."""
    for hole in reversed(holes(url)):
        url = f"{url[: hole.start]}x{url[hole.end :]}"
    return url


def _check_plain_http(config: Mapping[str, Any]) -> ConfigFinding | None:
    if not config.get("allow_plain_http", False):
        message = "'http://' needs 'allow_plain_http: true'"
        return ConfigFinding("RE308", ("url",), message, "write https://")
    if holds_secret(config):
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
        elif not references(value) and not is_header_value(value):
            message = f"the header '{name}' must be visible ASCII"
            findings.append(ConfigFinding("RE109", ("headers", name), message))
        seen.add(lower)
    return findings


def _check_secret(config: Mapping[str, Any]) -> list[ConfigFinding]:
    secret = config.get("signing_secret")
    if secret is None or _are_references(secret):
        return []
    message = "'signing_secret' must be a reference"
    hint = "keep it in Secrets Manager or Parameter Store and write ${secret:name} or ${ssm:/path}"
    return [ConfigFinding("RE306", ("signing_secret",), message, hint)]


def holds_secret(config: Mapping[str, Any]) -> bool:
    if "signing_secret" in config:
        return True
    return any(
        reference.kind != "env" for key in SECRET_FIELDS for reference in references(config.get(key, ""))
    )
