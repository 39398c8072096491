"""What a webhook's URL may look like: read once, strictly, and nothing else reads it.

`parse_url` takes a URL apart into what the connection and the request are made of. It refuses with
ValueError, never showing it, whatever two parsers could read in two ways: odd characters, a backslash, user
information, a fragment, a host that looks like a number (`2130706433`, `0x7f.1` and `127.1` are addresses to
a resolver). Names outside ASCII are to be written in their `xn--` form. Ports are 80, 443 and those from
1024: below are other protocols. `host_has_ended` tells whether a hole may follow a start of a URL, and
`percent_encode` makes what a hole inserts harmless there; what is left to refuse when the holes are filled is
`check_rendered`'s.
"""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import NamedTuple
from urllib.parse import quote

from rules_engine.errors import TemplateError

DEFAULT_PORTS = {"https": 443, "http": 80}
FIRST_FREE_PORT = 1024
MOST_CHARACTERS = 8_192
"""Of a URL: what common servers take at least."""

_is_visible_ascii = re.compile(r"[!-~]*").fullmatch
_match_start = re.compile(r"([^:/?#]*)://([^/?#]*)").match
_match_authority = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\[\]:]+)(?::([0-9]+))?").fullmatch
_is_label = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)").fullmatch
_looks_numeric = re.compile(r"[0-9]+|0x[0-9a-f]*").fullmatch
_has_bad_escape = re.compile(r"%(?![0-9A-Fa-f]{2})").search
_is_port = re.compile(r"[1-9][0-9]{0,4}").fullmatch


class Endpoint(NamedTuple):
    """What a connection goes to. `host` is a name in lower case, or an address without brackets."""

    scheme: str
    host: str
    port: int

    @property
    def authority(self) -> str:
        """As in a `Host` header: the port only where it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"


class Url(NamedTuple):
    """`target` is path and query, as they are sent."""

    endpoint: Endpoint
    target: str


def parse_url(url: str, *, allow_plain_http: bool = True) -> Url:
    """Raises ValueError for a URL that is not certain to mean one thing."""
    start = _match_start(url)
    if start is not None and not _is_visible_ascii(start[2]):
        raise ValueError("the URL's host must be ASCII: write an international name in its 'xn--' form")
    if not _is_visible_ascii(url) or "\\" in url:
        raise ValueError("the URL has a character that must be percent-encoded")
    if start is None or start[1] not in DEFAULT_PORTS:
        raise ValueError("the URL must start with https://")
    if start[1] == "http" and not allow_plain_http:
        raise ValueError("the URL must start with https:// unless 'allow_plain_http' is true")
    if "@" in start[2]:
        raise ValueError("the URL must not hold user information")
    host, port = parse_authority(start[2])
    if "#" in url:
        raise ValueError("the URL must not have a fragment")
    if _has_bad_escape(url, start.end()):
        raise ValueError(
            "the URL has a '%' without two hexadecimal digits: write %25 for the character itself"
        )
    check_rendered(url)
    rest = url[start.end() :]
    target = rest if rest.startswith("/") else f"/{rest}"
    return Url(Endpoint(start[1], host, DEFAULT_PORTS[start[1]] if port is None else port), target)


def parse_authority(text: str) -> tuple[str, int | None]:
    """The host, as `Endpoint` has it, and the port, if there is one, of `host` or `host:port`."""
    parts = _match_authority(text)
    if parts is None:
        raise ValueError("the URL's host and port cannot be read")
    return _parse_host(parts[1].lower()), None if parts[2] is None else _parse_port(parts[2])


def _parse_host(host: str) -> str:
    if host.startswith("["):
        try:
            return str(IPv6Address(host[1:-1]))
        except AddressValueError:
            raise ValueError("the URL's host is not an IPv6 address") from None
    labels = host.split(".")
    if _looks_numeric(labels[-1]):
        try:
            return str(IPv4Address(host))
        except AddressValueError:
            raise ValueError(
                "the URL's host looks like an address and is none: write all of a.b.c.d"
            ) from None
    if len(host) > 253 or not all(map(_is_label, labels)):
        raise ValueError("the URL's host is not a valid name")
    if not all(_is_sound_punycode(label[4:]) for label in labels if label.startswith("xn--")):
        raise ValueError("the URL's host has a label in 'xn--' that stands for nothing")
    return host


def _is_sound_punycode(text: str) -> bool:
    """Whether it stands for a visible name that cannot be written without it, and as that name is written."""
    try:
        name = text.encode("ascii").decode("punycode")
    except ValueError:
        return False
    is_needed = not name.isascii() and name.isprintable()
    return is_needed and name.encode("punycode").decode("ascii") == text


def _parse_port(text: str) -> int:
    port = int(text) if _is_port(text) else 0
    if not (port in DEFAULT_PORTS.values() or FIRST_FREE_PORT <= port <= 65_535):
        raise ValueError(f"the URL's port must be 80, 443, or from {FIRST_FREE_PORT} to 65535")
    return port


def host_has_ended(start_of_url: str) -> bool:
    """Whether what comes next cannot be part of the scheme, the host or the port."""
    start = _match_start(start_of_url)
    return start is not None and start.end() < len(start_of_url)


def check_rendered(url: str) -> None:
    """Refuses what encoded values can still do: make a URL too long, or be `.` or `..` as a segment, which
    leads out of the path that the hole stands in."""
    if len(url) > MOST_CHARACTERS:
        raise ValueError(f"the URL has {len(url)} characters: at most {MOST_CHARACTERS} are sent")
    path = url.partition("://")[2].partition("?")[0]
    # Some servers read `..;v=1` as `..` with a parameter.
    segments = [part.partition(";")[0] for part in path.lower().replace("%2e", ".").split("/")[1:]]
    if not {".", ".."}.isdisjoint(segments):
        raise ValueError("the URL must not have '.' or '..' as a path segment")


def empty_segments(url: str) -> int:
    """How many parts of its path are empty: more than before where values of holes are empty."""
    return url.partition("?")[0].split("/").count("")


def percent_encode(text: str) -> str:
    """`text` as one path segment or query value."""
    try:
        return quote(text, safe="")
    except UnicodeEncodeError:
        raise TemplateError("a text in the URL is not valid Unicode") from None
