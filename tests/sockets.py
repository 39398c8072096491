"""Stand-ins for the name service and the network of `HttpTransport`: real sockets, to where the test says."""

from __future__ import annotations

import socket
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from rules_engine.actions.wire import dial

if TYPE_CHECKING:
    from rules_engine.actions.addresses import Address

LOOPBACK = ip_address("127.0.0.1")


class CountingSocket(socket.socket):
    """How much was read from it."""

    received = 0

    def recv_into(self, *arguments: Any) -> int:
        count = super().recv_into(*arguments)
        self.received += count
        return count


@dataclass
class Names:
    """A name service: each look-up of a name gives the next of its answers, the last one for ever."""

    answers: dict[str, list[list[str]]]
    asked: list[str] = field(default_factory=list)

    def __call__(self, host: str, timeout_seconds: float) -> list[Address]:
        self.asked.append(host)
        answers = self.answers[host]
        return [ip_address(text) for text in (answers.pop(0) if len(answers) > 1 else answers[0])]


@dataclass
class Dialled:
    """The network: `leads_to` is where connections really end, by default where they were to go."""

    leads_to: Address | None = None
    connections: list[CountingSocket] = field(default_factory=list)
    asked: list[tuple[str, int]] = field(default_factory=list)

    def __call__(self, address: Address, port: int, timeout_seconds: float) -> socket.socket:
        self.asked.append((str(address), port))
        connected = dial(self.leads_to or address, port, timeout_seconds)
        self.connections.append(CountingSocket(fileno=connected.detach()))
        return self.connections[-1]

    @property
    def received(self) -> int:
        """Bytes read from all connections."""
        return sum(connection.received for connection in self.connections)


class NoNetwork:
    """Notes where a connection was wanted and makes none."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int]] = []

    def __call__(self, address: Address, port: int, timeout_seconds: float) -> socket.socket:
        self.asked.append((str(address), port))
        raise ConnectionRefusedError
