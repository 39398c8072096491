"""URLs and answers of name services, one case a line: what is refused is refused before there is a socket.

`refused_urls.jsonl` has a URL and why, `accepted_urls.jsonl` a URL and how it is read,
`special_addresses.txt` an address and its kind. Lines that begin with # are headings.
"""

from __future__ import annotations

import json
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from rules_engine.actions.endpoint import Endpoint, Url, parse_url
from rules_engine.actions.http_transport import HttpTransport
from rules_engine.errors import ActionError
from tests.sockets import Names, NoNetwork

if TYPE_CHECKING:
    from rules_engine.actions.addresses import Address

CASES = Path(__file__).parent / "cases" / "webhook"
PUBLIC = "93.184.215.14"
NAME = "hooks.example.com"


def lines(name: str) -> list[str]:
    return [line for line in (CASES / name).read_text().splitlines() if not line.startswith("#")]


REFUSED: list[Any] = list(map(json.loads, lines("refused_urls.jsonl")))
ACCEPTED: list[Any] = list(map(json.loads, lines("accepted_urls.jsonl")))
SPECIAL = [line.split()[0] for line in lines("special_addresses.txt")]


def test_there_are_many_cases() -> None:
    assert len({url for url, _ in REFUSED} | set(SPECIAL)) >= 600
    assert len({url for url, *_ in ACCEPTED}) >= 150


@pytest.mark.parametrize(("url", "message"), REFUSED, ids=range(len(REFUSED)))
def test_a_hostile_url_is_refused_and_says_why_without_showing_it(url: str, message: str) -> None:
    network = NoNetwork()
    with pytest.raises(ActionError) as failure:
        HttpTransport(resolve=_only_literals, dial=network).send("POST", url, {}, b"{}", 30)
    error = failure.value
    expected = (
        ("ADDRESS_NOT_ALLOWED", "blocked") if message.startswith("the receiver") else ("URL", "permanent")
    )
    assert (error.code, error.error_class, str(error)) == (*expected, message)
    assert network.asked == []


def _only_literals(host: str, timeout_seconds: float) -> list[Address]:
    """As the real one with an address; no name gets as far as this."""
    return [ip_address(host)]


@pytest.mark.parametrize(("url", "scheme", "host", "port", "target"), ACCEPTED, ids=range(len(ACCEPTED)))
def test_a_sound_url_is_read_in_one_way_and_its_host_asked_for(
    url: str, scheme: str, host: str, port: int, target: str
) -> None:
    assert parse_url(url) == Url(Endpoint(scheme, host, port), target)
    names, network = Names({host: [[PUBLIC]]}), NoNetwork()
    with pytest.raises(ActionError) as failure:
        HttpTransport(resolve=names, dial=network).send("POST", url, {}, b"{}", 30)
    assert failure.value.code == "CONNECT"
    assert (names.asked, network.asked) == ([host], [(PUBLIC, port)])


@pytest.mark.parametrize("address", SPECIAL)
@pytest.mark.parametrize("scheme", ["https", "http"])
def test_an_answer_with_a_special_address_in_it_is_refused(scheme: str, address: str) -> None:
    for answer in ([address], [address, PUBLIC], [PUBLIC, address], [PUBLIC, "1.1.1.1", address, PUBLIC]):
        names, network = Names({NAME: [answer]}), NoNetwork()
        with pytest.raises(ActionError) as failure:
            HttpTransport(resolve=names, dial=network).send("POST", f"{scheme}://{NAME}/", {}, b"{}", 30)
        assert (failure.value.code, failure.value.error_class) == ("ADDRESS_NOT_ALLOWED", "blocked")
        assert (names.asked, network.asked) == ([NAME], [])
