"""Which addresses a webhook may go to: global unicast, and nothing else.

In goes an address, out comes None or the kind of address that it is instead (`loopback`, `private`, ...). An
IPv4 address inside an IPv6 one (`::ffff:127.0.0.1`) counts as itself. Of IPv6 only 2000::/3 is global
unicast, and less what is set aside in it. The ranges are written out, after IANA's two registries of
special-purpose addresses: `is_global` of the standard library is a different set in each version of Python,
and takes `64:ff9b::7f00:1`.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

Address = IPv4Address | IPv6Address

PRIVATE_KINDS = frozenset({"loopback", "private", "shared"})
"""Where a receiver of one's own may be, if the deployment names it."""

_KINDS_4 = [
    ("unspecified", "0.0.0.0/8"),
    ("private", "10.0.0.0/8"),
    ("shared", "100.64.0.0/10"),
    ("loopback", "127.0.0.0/8"),
    ("link-local", "169.254.0.0/16"),
    ("private", "172.16.0.0/12"),
    ("reserved", "192.0.0.0/24"),
    ("documentation", "192.0.2.0/24"),
    ("relay", "192.88.99.0/24"),
    ("private", "192.168.0.0/16"),
    ("benchmark", "198.18.0.0/15"),
    ("documentation", "198.51.100.0/24"),
    ("documentation", "203.0.113.0/24"),
    ("multicast", "224.0.0.0/4"),
    ("reserved", "240.0.0.0/4"),
]
_KINDS_6 = [
    ("unspecified", "::/128"),
    ("loopback", "::1/128"),
    ("IPv4-compatible", "::/96"),
    ("translated", "64:ff9b::/96"),
    ("translated", "64:ff9b:1::/48"),
    ("discard-only", "100::/64"),
    ("reserved", "2001::/23"),  # Teredo, ORCHID, benchmarks and the like
    ("documentation", "2001:db8::/32"),
    ("6to4", "2002::/16"),
    ("documentation", "3fff::/20"),
    ("segment-routing", "5f00::/16"),
    ("link-local", "fd00:ec2::/32"),  # what AWS keeps for the services of an instance
    ("private", "fc00::/7"),
    ("link-local", "fe80::/10"),
    ("site-local", "fec0::/10"),
    ("multicast", "ff00::/8"),
]

_NETWORKS_4 = [(kind, IPv4Network(text)) for kind, text in _KINDS_4]
_NETWORKS_6 = [(kind, IPv6Network(text)) for kind, text in _KINDS_6]
_GLOBAL_UNICAST_6 = IPv6Network("2000::/3")


def special_kind(address: Address) -> str | None:
    """None for an address that belongs to one host anywhere in the world; otherwise what it is."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if isinstance(address, IPv4Address):
        return next((kind for kind, network in _NETWORKS_4 if address in network), None)
    kind = next((kind for kind, network in _NETWORKS_6 if address in network), None)
    return kind or (None if address in _GLOBAL_UNICAST_6 else "reserved")
