"""The address filter, against another list: IANA's registries of special-purpose addresses, as bits."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules_engine.actions.addresses import special_kind

CASES = Path(__file__).parent / "cases" / "webhook"

# Written apart from the module: hexadecimal prefixes and their lengths, from the text of the registries.
SPECIAL_4 = """
00/8 0a/8 6440/10 7f/8 a9fe/16 ac10/12 c00000/24 c00002/24 c05863/24 c0a8/16 c612/15 c63364/24 cb0071/24
e0/4 f0/4
"""
SPECIAL_6 = """
2001:0000/23 20010db8/32 2002/16 3fff00/20
"""


def bits(prefix: str, width: int) -> str:
    digits, length = prefix.replace(":", "").split("/")
    return f"{int(digits, 16):0{len(digits) * 4}b}".ljust(width, "0")[: int(length)]


PREFIXES_4 = [bits(prefix, 32) for prefix in SPECIAL_4.split()]
PREFIXES_6 = [bits(prefix, 128) for prefix in SPECIAL_6.split()]


def is_public(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv4Address):
        return not f"{int(address):032b}".startswith(tuple(PREFIXES_4))
    text = f"{int(address):0128b}"
    if text.startswith("0" * 80 + "1" * 16):
        return is_public(IPv4Address(int(address) & 0xFFFF_FFFF))
    return text.startswith("001") and not text.startswith(tuple(PREFIXES_6))


def around(prefixes: list[str], width: int) -> st.SearchStrategy[int]:
    """Numbers at the edges of the ranges, one outside and one inside, and within them."""
    starts = [int(prefix.ljust(width, "0"), 2) for prefix in prefixes]
    ends = [int(prefix.ljust(width, "1"), 2) for prefix in prefixes]
    edges = {edge + step for edge in (*starts, *ends) for step in (-1, 0, 1)}
    inside = [st.integers(start, end) for start, end in zip(starts, ends, strict=True)]
    most = 2**width - 1
    return st.one_of(
        st.sampled_from(sorted(edge for edge in edges if 0 <= edge <= most)), *inside, st.integers(0, most)
    )


V4 = around(PREFIXES_4, 32).map(IPv4Address)
WORTH_A_LOOK_6 = [*PREFIXES_6, "001", "0" * 96, "0" * 80 + "1" * 16, "1" * 8, "1111110"]
V6 = around(WORTH_A_LOOK_6, 128).map(IPv6Address)
MAPPED = V4.map(lambda address: IPv6Address(f"::ffff:{address}"))


@given(st.one_of(V4, V6, MAPPED))
def test_an_address_is_public_exactly_where_the_other_list_says_so(
    address: IPv4Address | IPv6Address,
) -> None:
    assert (special_kind(address) is None) == is_public(address)


@given(V4)
def test_an_address_inside_another_counts_as_itself(address: IPv4Address) -> None:
    assert special_kind(IPv6Address(f"::ffff:{address}")) == special_kind(address)


def lines(name: str) -> list[str]:
    return [line for line in (CASES / name).read_text().splitlines() if line and not line.startswith("#")]


@pytest.mark.parametrize("line", lines("special_addresses.txt"))
def test_a_special_address_is_refused_by_its_kind(line: str) -> None:
    address, kind = line.split(maxsplit=1)
    assert special_kind(ip_address(address)) == kind


@pytest.mark.parametrize("address", lines("public_addresses.txt"))
def test_a_public_address_is_none_of_them(address: str) -> None:
    assert special_kind(ip_address(address)) is None
