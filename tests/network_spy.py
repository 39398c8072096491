"""Every connection that the tests' process asks for, seen by an audit hook: none may leave the machine.

`CONNECTS` has each address in order. One that is neither loopback nor a Unix socket is refused on the spot,
and kept in `FORBIDDEN`, for which the test fails that asked, even if it took the refusal for a dead server.
"""

from __future__ import annotations

import sys
from ipaddress import ip_address
from typing import Any

CONNECTS: list[Any] = []
FORBIDDEN: list[Any] = []


def stays_here(address: Any) -> bool:
    """Whether it is a Unix socket's or a loopback address."""
    if not isinstance(address, tuple):
        return True
    try:
        return ip_address(address[0]).is_loopback
    except ValueError:
        return bool(address[0] == "localhost")


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if event != "socket.connect":
        return
    address = arguments[1]
    CONNECTS.append(address)
    if not stays_here(address):
        FORBIDDEN.append(address)
        raise PermissionError(f"a test must not connect to {address}")


def watch() -> None:
    sys.addaudithook(_watch)
