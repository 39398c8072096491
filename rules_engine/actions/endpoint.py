"""What a webhook's URL may look like, checked once, strictly, before anything else reads it.

`authority_of` takes a URL, or the part of one before its first hole, and gives its host and port. It
refuses with ValueError, never showing the URL, whatever two parsers could read in two ways: odd characters,
a backslash, user information, a fragment. Names outside ASCII are to be written in their `xn--` form.
"""

from __future__ import annotations

import re
from urllib.parse import quote

from rules_engine.errors import TemplateError

_is_visible_ascii = re.compile(r"[!-~]*").fullmatch
_match_start = re.compile(r"(https?)://([^/?#]*)").match
_is_authority = re.compile(
    r"(?:[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\.?|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?"
).fullmatch


def authority_of(url: str, *, allow_plain_http: bool, complete: bool = True) -> str:
    """Host and port. Unless `complete`, the URL goes on with a hole, so the host must have ended before."""
    if not _is_visible_ascii(url) or "\\" in url:
        raise ValueError("the URL has a character that must be percent-encoded")
    start = _match_start(url)
    if start is None:
        raise ValueError("the URL must start with https://")
    scheme, authority = start.groups()
    if scheme == "http" and not allow_plain_http:
        raise ValueError("the URL must start with https:// unless 'allow_plain_http' is true")
    if "@" in authority:
        raise ValueError("the URL must not hold user information")
    if not _is_authority(authority):
        raise ValueError("the URL's host and port cannot be read")
    if not complete and start.end() == len(url):
        raise ValueError("a hole must not stand in the URL's host")
    if "#" in url:
        raise ValueError("the URL must not have a fragment")
    return authority


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
