from __future__ import annotations

from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules_engine.actions.endpoint import check_rendered, host_has_ended, parse_url, percent_encode
from rules_engine.errors import TemplateError


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example.com",
        "https://hooks.example.com/",
        "https://hooks.example.com?a=b",
        "https://Hooks.example.com:8443/a/b?c=d/e",
        "https://xn--bcher-kva.example/",
        "https://192.0.2.1/",
        "https://[2001:db8::1]:8443/",
    ],
)
def test_a_url_that_means_one_thing_is_taken(url: str) -> None:
    parse_url(url, allow_plain_http=False)


ODD = "the URL has a character that must be percent-encoded"
SCHEME = "the URL must start with https://"
HOST = "the URL's host and port cannot be read"
NAME = "the URL's host is not a valid name"
PORT = "the URL's port must be 80, 443, or from 1024 to 65535"
ASCII = "the URL's host must be ASCII: write an international name in its 'xn--' form"


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("", SCHEME),
        ("hooks.example.com/canary", SCHEME),
        ("ftp://hooks.example.com/canary", SCHEME),
        ("HTTPS://hooks.example.com/canary", SCHEME),
        ("https:/hooks.example.com/canary", SCHEME),
        ("http://hooks.example.com/canary", f"{SCHEME} unless 'allow_plain_http' is true"),
        ("https:///canary", HOST),
        ("https://hooks..example.com/canary", NAME),
        ("https://hooks.example.com:/canary", HOST),
        ("https://hooks.example.com:port/canary", HOST),
        ("https://hooks.example.com:123456/canary", PORT),
        ("https://hooks.example.com:80:80/canary", HOST),
        ("https://hooks%2Eexample.com/canary", NAME),
        ("https://[::1/canary", HOST),
        ("https://user:canary@hooks.example.com/", "the URL must not hold user information"),
        ("https://hooks.example.com\\@127.0.0.1/canary", ODD),
        ("https://hooks.example.com/can ary", ODD),
        ("https://hooks.example.com/can\nary", ODD),
        ("https://hooks.example.com/canary\x00", ODD),
        ("https://bücher.example/canary", ASCII),
        ("https://\uff11\uff12\uff17.0.0.1/canary", ASCII),
        ("https://hooks.example.com/#canary", "the URL must not have a fragment"),
        ("https://hooks.example.com#canary", "the URL must not have a fragment"),
    ],
)
def test_what_two_parsers_could_read_in_two_ways_is_refused_and_not_shown(url: str, message: str) -> None:
    with pytest.raises(ValueError, match="URL") as refusal:
        parse_url(url, allow_plain_http=False)
    assert str(refusal.value) == message


def test_plain_http_has_to_be_allowed() -> None:
    parse_url("http://127.0.0.1:8080/", allow_plain_http=True)


@pytest.mark.parametrize("start", ["https://h/", "https://h?id=", "https://h:80/a/b", "http://h#"])
def test_a_hole_may_follow_the_end_of_the_host(start: str) -> None:
    assert host_has_ended(start) is True


@pytest.mark.parametrize(
    "start", ["", "h", "https:", "https://", "https://h", "https://h:80", "/a/b", "//h/"]
)
def test_a_hole_must_not_add_to_the_scheme_or_the_host(start: str) -> None:
    assert host_has_ended(start) is False


@pytest.mark.parametrize("path", ["/..", "/../a", "/a/../b", "/a/.", "/a/..?b"])
def test_a_segment_of_dots_is_refused(path: str) -> None:
    for check in (check_rendered, lambda url: parse_url(url, allow_plain_http=False)):
        with pytest.raises(ValueError, match="as a path segment"):
            check(f"https://hooks.example.com{path}")


@pytest.mark.parametrize("rest", ["", "/", "/a..b/...", "/a?b=..", "?..", "/?a=/../b"])
def test_dots_elsewhere_are_no_matter(rest: str) -> None:
    check_rendered(f"https://hooks.example.com{rest}")


@given(st.text(st.characters(codec="utf-8")))
def test_an_encoded_text_cannot_leave_its_place(text: str) -> None:
    encoded = percent_encode(text)
    url = f"https://hooks.example.com/a/{encoded}/b?c={encoded}&d"
    parts = urlsplit(url)
    assert parts.netloc == "hooks.example.com"
    assert [unquote(segment) for segment in parts.path.split("/")] == ["", "a", text, "b"]
    assert [unquote(part) for part in parts.query.split("&")] == [f"c={text}", "d"]


def test_half_a_surrogate_pair_cannot_be_encoded() -> None:
    with pytest.raises(TemplateError, match="not valid Unicode"):
        percent_encode("\ud800")
