"""A connected socket as `http.client` uses one, with one deadline for everything and a bound on what is read.

`Wire` lends its socket to one exchange at a time. Before each blocking call the socket gets the time that is
left until the deadline as its timeout, so a receiver that drips, on the way in or out, in the handshake or in
the headers, has no more time than one that is silent. A watchdog thread that closes the socket was left: see
docs/decisions/0007. `dial` connects to an address that was checked, never to a name.
"""

from __future__ import annotations

import io
import selectors
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from ssl import SSLContext

    from _typeshed import WriteableBuffer

    from rules_engine.actions.addresses import Address


class TooMuch(OSError):
    """The receiver sends more than is read of an answer."""


class Deadline:
    """A moment, and how long it is until then. Made with the time there is."""

    def __init__(self, seconds: float, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._end = clock() + seconds

    def remaining(self, most: float | None = None) -> float:
        """Seconds, above zero, and at most `most`. Raises TimeoutError when there are none."""
        left = self._end - self._clock()
        if left <= 0:
            raise TimeoutError
        return left if most is None else min(left, most)

    def sooner(self, seconds: float) -> Deadline:
        """This one, or in so many seconds, whichever comes first."""
        return Deadline(min(seconds, self._end - self._clock()), self._clock)


def dial(address: Address, port: int, timeout_seconds: float) -> socket.socket:
    """A connected socket. Raises OSError."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    connection = socket.socket(family, socket.SOCK_STREAM)
    try:
        connection.settimeout(timeout_seconds)
        connection.connect((str(address), port))
        # The body follows the headers in a packet of its own and must not wait for the first one's receipt.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except OSError:
        connection.close()
        raise
    return connection


class Wire:
    """See the module. For `http.client` it has `sendall`, `makefile` and `close`."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._deadline: Deadline
        self._most_bytes = 0
        self.received_bytes = 0
        """Since `lend` was called."""

    def secure(self, tls: SSLContext, name: str, deadline: Deadline) -> None:
        """The TLS handshake, with a certificate for `name`. Raises OSError."""
        self._socket.settimeout(deadline.remaining())
        self._socket = tls.wrap_socket(self._socket, server_hostname=name)

    def lend(self, deadline: Deadline, most_bytes: int) -> None:
        """For an exchange that ends by then, and reads no more than so much until `allow`."""
        self._deadline, self._most_bytes, self.received_bytes = deadline, most_bytes, 0

    def allow(self, deadline: Deadline, more_bytes: int) -> None:
        self._deadline, self._most_bytes = deadline, self.received_bytes + more_bytes

    def is_quiet(self) -> bool:
        """Whether there is nothing to read: a receiver that hung up, or speaks unasked, is to be left."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._socket, selectors.EVENT_READ)
            return not selector.select(0)

    def sendall(self, data: bytes) -> None:
        # Not the socket's own: under TLS each part of it would have the whole timeout anew.
        rest = memoryview(data)
        while rest:
            self._socket.settimeout(self._deadline.remaining())
            rest = rest[self._socket.send(rest) :]

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Incoming(self, self._socket.makefile("rb", buffering=0)))

    def read_into(self, source: io.RawIOBase, buffer: memoryview) -> int | None:
        room = self._most_bytes - self.received_bytes
        if room <= 0:
            raise TooMuch
        self._socket.settimeout(self._deadline.remaining())
        count: int | None = source.readinto(buffer[:room])
        self.received_bytes += count or 0
        return count

    def close(self) -> None:
        self._socket.close()


class _Incoming(io.RawIOBase):
    """What arrives for one answer. The socket is closed for good once this is, too."""

    def __init__(self, wire: Wire, source: io.RawIOBase) -> None:
        self._wire, self._source = wire, source

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int | None:
        return self._wire.read_into(self._source, memoryview(buffer))

    def close(self) -> None:
        self._source.close()
        super().close()
