"""What a webhook's URL may look like, checked once, strictly, before anything else reads it.

`check_url` takes a URL and refuses with ValueError, never showing it, whatever two parsers could read in
two ways: odd characters, a backslash, user information, a fragment. Names outside ASCII are to be written
in their `xn--` form. `host_has_ended` tells whether a hole may follow a start of a URL, and
`percent_encode` makes what a hole inserts harmless there; only `.` and `..` as a whole segment are left for
`check_path` to refuse.
"""

from __future__ import annotations

import re
from urllib.parse import quote

from rules_engine.errors import TemplateError

_is_visible_ascii = re.compile(r"[!-~]*").fullmatch
_match_start = re.compile(r"([^:/?#]*)://([^/?#]*)").match
_is_authority = re.compile(
    r"(?:[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\.?|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?"
).fullmatch


def check_url(url: str, *, allow_plain_http: bool) -> None:
    """Refuses a complete URL that is not certain to mean one thing."""
    if not _is_visible_ascii(url) or "\\" in url:
        raise ValueError("the URL has a character that must be percent-encoded")
    start = _match_start(url)
    if start is None or start[1] not in ("https", "http"):
        raise ValueError("the URL must start with https://")
    if start[1] == "http" and not allow_plain_http:
        raise ValueError("the URL must start with https:// unless 'allow_plain_http' is true")
    if "@" in start[2]:
        raise ValueError("the URL must not hold user information")
    if not _is_authority(start[2]):
        raise ValueError("the URL's host and port cannot be read")
    if "#" in url:
        raise ValueError("the URL must not have a fragment")
    check_path(url)


def host_has_ended(start_of_url: str) -> bool:
    """Whether what comes next cannot be part of the scheme, the host or the port."""
    start = _match_start(start_of_url)
    return start is not None and start.end() < len(start_of_url)


def check_path(url: str) -> None:
    """Refuses `.` and `..` as segments: what a hole put in must not lead out of the path it stands in."""
    path = url.partition("://")[2].partition("?")[0]
    if {".", ".."} & set(path.split("/")[1:]):
        raise ValueError("the URL must not have '.' or '..' as a path segment")


def percent_encode(text: str) -> str:
    """`text` as one path segment or query value."""
    try:
        return quote(text, safe="")
    except UnicodeEncodeError:
        raise TemplateError("a text in the URL is not valid Unicode") from None
