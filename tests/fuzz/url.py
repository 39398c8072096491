"""A URL that is taken means the same to another parser: scheme, host and port."""

from __future__ import annotations

from ipaddress import IPv6Address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from rules_engine.actions.endpoint import DEFAULT_PORTS, parse_url

if TYPE_CHECKING:
    from collections.abc import Iterator


def check(data: bytes) -> None:
    url = data.decode("utf-8", "replace")
    try:
        read = parse_url(url)
    except ValueError:
        return
    assert url.isascii()
    assert url.isprintable()
    assert " " not in url
    assert "\\" not in url
    parts = urlsplit(url)
    scheme = parts.scheme
    assert scheme in DEFAULT_PORTS
    host = parts.hostname or ""
    expected = str(IPv6Address(host)) if ":" in host else host
    assert read.endpoint == (scheme, expected, parts.port or DEFAULT_PORTS[scheme])
    assert (parts.username, parts.password, parts.fragment) == (None, None, "")
    assert ".." not in parts.path.split("/")


def seeds() -> Iterator[bytes]:
    hosts = ("hooks.example.com", "127.0.0.1", "[::1]", "a.b:8443", "2130706433", "a@b", "a.com\\@127.0.0.1")
    for host in hosts:
        yield f"https://{host}/a/b?c=d%20e".encode()
        yield f"http://{host}".encode()
