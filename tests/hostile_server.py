"""Receivers that misbehave, on loopback: each behaviour is a function of one connection, named for it.

`hostile(behaviour)` runs one and gives what was seen of its client. A behaviour ends when it is done or when
the client has hung up: `hang`, `drip` and `endless` go on until then, so a client without bounds hangs its
test.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator

DRIP_SECONDS = 0.01
OK = b"HTTP/1.1 200 OK\r\n"
EMPTY = OK + b"content-length: 0\r\n\r\n"


@dataclass
class Seen:
    """Of the client: its connections, and the requests in the order of their arrival."""

    port: int
    connections: int = 0
    requests: list[bytes] = field(default_factory=list)


class Peer:
    """The server's end of one connection."""

    def __init__(self, connection: socket.socket, seen: Seen, stopped: threading.Event) -> None:
        self.connection = connection
        self.seen = seen
        self.number = seen.connections
        """1 for the first connection."""
        self.stopped = stopped
        self._rest = b""

    def read_headers(self) -> bytes:
        while b"\r\n\r\n" not in self._rest:
            self._rest += self._receive()
        headers, _, self._rest = self._rest.partition(b"\r\n\r\n")
        return headers

    def read_request(self) -> None:
        headers = self.read_headers()
        (length,) = (
            int(line.partition(b":")[2])
            for line in headers.lower().split(b"\r\n")
            if line.startswith(b"content-length:")
        )
        while len(self._rest) < length:
            self._rest += self._receive()
        body, self._rest = self._rest[:length], self._rest[length:]
        self.seen.requests.append(headers + b"\r\n\r\n" + body)

    def _receive(self) -> bytes:
        data = self.connection.recv(65_536)
        if not data:
            raise ConnectionAbortedError
        return data

    def send(self, data: bytes) -> None:
        self.connection.sendall(data)

    def answer(self, data: bytes) -> None:
        """To one whole request."""
        self.read_request()
        self.send(data)

    def hang(self) -> None:
        while self.connection.recv(65_536):
            pass

    def drip(self, data: bytes) -> None:
        """A byte at a time, again and again."""
        while True:
            for byte in data:
                self.send(bytes([byte]))
                self.stopped.wait(DRIP_SECONDS)

    def endless(self, data: bytes) -> None:
        while True:
            self.send(data)

    def reset(self) -> None:
        """Closes with RST instead of FIN."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()


@contextlib.contextmanager
def hostile(behaviour: Callable[[Peer], None], tls: ssl.SSLContext | None = None) -> Iterator[Seen]:
    """A server of which every connection does this, under TLS where that is given."""
    stopped = threading.Event()
    threads: list[threading.Thread] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        seen = Seen(listener.getsockname()[1])

        def serve(connection: socket.socket) -> None:
            # What a client does to a hostile server is its own affair: it hangs up, mostly.
            with contextlib.suppress(OSError):
                if tls is not None:
                    connection = tls.wrap_socket(connection, server_side=True)
            with connection, contextlib.suppress(OSError):
                behaviour(Peer(connection, seen, stopped))

        def accept() -> None:
            while True:
                connection, _ = listener.accept()
                if stopped.is_set():
                    connection.close()
                    return
                # What is sent before a reset has to be under way by then.
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                seen.connections += 1
                threads.append(threading.Thread(target=serve, args=(connection,)))
                threads[-1].start()

        acceptor = threading.Thread(target=accept)
        acceptor.start()
        try:
            yield seen
        finally:
            stopped.set()
            socket.create_connection(("127.0.0.1", seen.port)).close()
            for thread in (acceptor, *threads):
                thread.join(10)
                assert not thread.is_alive(), "the client did not hang up"


# Before there is an answer


def close_at_once(peer: Peer) -> None:
    pass


def reset_at_the_first_byte(peer: Peer) -> None:
    peer.connection.recv(1)
    peer.reset()


def reset_before_the_body(peer: Peer) -> None:
    peer.read_headers()
    peer.reset()


def reset_after_the_body(peer: Peer) -> None:
    peer.read_request()
    peer.reset()


def close_after_the_body(peer: Peer) -> None:
    peer.read_request()


def hang_before_reading(peer: Peer) -> None:
    peer.stopped.wait()


def read_a_byte_at_a_time(peer: Peer) -> None:
    while peer.connection.recv(1) and not peer.stopped.is_set():
        peer.stopped.wait(DRIP_SECONDS)


def hang_before_the_answer(peer: Peer) -> None:
    peer.hang()


def hang_in_the_status_line(peer: Peer) -> None:
    peer.answer(b"HTTP/1.1 20")
    peer.hang()


def hang_in_the_headers(peer: Peer) -> None:
    peer.answer(OK + b"content-length: 5\r\nx-")
    peer.hang()


def drip_the_status_line(peer: Peer) -> None:
    peer.read_request()
    peer.send(b"HTTP/1.1 200 ")
    peer.drip(b"O")


def drip_the_headers(peer: Peer) -> None:
    peer.answer(OK)
    peer.drip(b"x: y\r\n")


def drip_the_blank_before_an_answer(peer: Peer) -> None:
    peer.read_request()
    peer.drip(b"HTTP/1.1 100 Continue\r\n\r\n")


# Answers that are none


def huge_header(peer: Peer) -> None:
    peer.answer(OK + b"x: " + b"y" * 1_000_000 + b"\r\n\r\n")


def many_headers(peer: Peer) -> None:
    peer.answer(OK + b"x: y\r\n" * 200 + b"\r\n")


def large_headers(peer: Peer) -> None:
    peer.answer(OK + (b"x: " + b"y" * 1_000 + b"\r\n") * 50 + b"\r\n")


def endless_headers(peer: Peer) -> None:
    peer.answer(OK)
    peer.endless(b"x: y\r\n" * 100)


def endless_header(peer: Peer) -> None:
    peer.answer(OK + b"x: ")
    peer.endless(b"y" * 1_000)


def endless_status_line(peer: Peer) -> None:
    peer.answer(b"HTTP/1.1 200 ")
    peer.endless(b"K" * 1_000)


def flood_of_continue(peer: Peer) -> None:
    peer.read_request()
    peer.endless(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)


def flood_of_early_hints(peer: Peer) -> None:
    peer.read_request()
    peer.endless(b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" * 100)


def other_protocol(peer: Peer) -> None:
    peer.send(b"220 smtp.example.com ESMTP\r\n")
    peer.hang()


def no_headers_at_all(peer: Peer) -> None:
    peer.answer(b"<html>all is well</html>\r\n")


def binary_garbage(peer: Peer) -> None:
    peer.answer(bytes(range(256)) * 8)


def http_2_settings(peer: Peer) -> None:
    peer.answer(b"\x00\x00\x00\x04\x00\x00\x00\x00\x00")


def status_of_two_digits(peer: Peer) -> None:
    peer.answer(b"HTTP/1.1 99 Low\r\ncontent-length: 0\r\n\r\n")


def status_of_four_digits(peer: Peer) -> None:
    peer.answer(b"HTTP/1.1 2000 High\r\ncontent-length: 0\r\n\r\n")


def status_in_words(peer: Peer) -> None:
    peer.answer(b"HTTP/1.1 OK fine\r\ncontent-length: 0\r\n\r\n")


def negative_status(peer: Peer) -> None:
    peer.answer(b"HTTP/1.1 -200 OK\r\ncontent-length: 0\r\n\r\n")


def http_of_the_future(peer: Peer) -> None:
    peer.answer(b"HTTP/3.0 200 OK\r\ncontent-length: 0\r\n\r\n")


# Answers whose rest cannot be read


def hang_before_the_rest(peer: Peer) -> None:
    peer.answer(OK + b"content-length: 5\r\n\r\n")
    peer.hang()


def unavailable_and_hang(peer: Peer) -> None:
    peer.answer(b"HTTP/1.1 503 Unavailable\r\ncontent-length: 5\r\n\r\n")
    peer.hang()


def drip_the_rest(peer: Peer) -> None:
    peer.answer(OK + b"content-length: 100000\r\n\r\n")
    peer.drip(b"x")


def reset_before_the_rest(peer: Peer) -> None:
    peer.answer(OK + b"content-length: 5\r\n\r\n")
    peer.reset()


def reset_in_the_rest(peer: Peer) -> None:
    peer.answer(OK + b"content-length: 5\r\n\r\nab")
    peer.reset()


def less_than_the_length(peer: Peer) -> None:
    peer.answer(OK + b"content-length: 100\r\n\r\nshort")


def more_than_the_length(peer: Peer) -> None:
    while True:
        peer.answer(
            OK + b"content-length: 1\r\n\r\n" + b"HTTP/1.1 500 Stray\r\ncontent-length: 0\r\n\r\n" * 999
        )


def negative_length(peer: Peer) -> None:
    peer.answer(OK + b"content-length: -1\r\n\r\nabc")


def length_in_words(peer: Peer) -> None:
    peer.answer(OK + b"content-length: three\r\n\r\nabc")


def two_lengths(peer: Peer) -> None:
    peer.answer(OK + b"content-length: 1\r\ncontent-length: 3\r\n\r\nabc")


def huge_length(peer: Peer) -> None:
    peer.answer(OK + b"content-length: " + b"9" * 400 + b"\r\n\r\n")
    peer.endless(b"x" * 65_536)


def chunks_without_a_size(peer: Peer) -> None:
    peer.answer(OK + b"transfer-encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n")


def chunk_that_breaks_off(peer: Peer) -> None:
    peer.answer(OK + b"transfer-encoding: chunked\r\n\r\n64\r\nabc")


def chunk_of_a_negative_size(peer: Peer) -> None:
    peer.answer(OK + b"transfer-encoding: chunked\r\n\r\n-5\r\nabc\r\n0\r\n\r\n")


def endless_chunks(peer: Peer) -> None:
    peer.answer(OK + b"transfer-encoding: chunked\r\n\r\n")
    peer.endless(b"3e8\r\n" + b"x" * 1_000 + b"\r\n")


def endless_empty_lines_of_chunks(peer: Peer) -> None:
    peer.answer(OK + b"transfer-encoding: chunked\r\n\r\n1")
    peer.endless(b";extension=" + b"x" * 1_000)


def endless_trailers(peer: Peer) -> None:
    peer.answer(OK + b"transfer-encoding: chunked\r\n\r\n0\r\n")
    peer.endless(b"x: y\r\n" * 100)


def endless_rest(peer: Peer) -> None:
    peer.answer(OK + b"\r\n")
    peer.endless(b"x" * 65_536)


def gzip_bomb(peer: Peer) -> None:
    # A megabyte of zeros in a kilobyte, and never an end to it.
    peer.answer(OK + b"content-encoding: gzip\r\n\r\n\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03")
    peer.endless(b"\xec\xc1\x01\x01\x00\x00\x00\x80\x90\xfe\xaf\xee\x08\x0a" + b"\x00" * 1_000)


def headers_that_break_off(peer: Peer) -> None:
    peer.answer(OK + b"content-le")


def odd_headers(peer: Peer) -> None:
    peer.answer(OK + b"no colon\r\n: no name\r\nx:\x00\xff\r\n folded\r\ncontent-length: 0\r\n\r\n")


def retry_after_that_is_no_time(peer: Peer) -> None:
    date = b"Mon, 99 Foo 99999 99:99:99 +999999999999"
    peer.answer(b"HTTP/1.1 503 Busy\r\nretry-after: " + date + b"\r\ncontent-length: 0\r\n\r\n")


# Answers that ask for more


def hints_before_the_answer(peer: Peer) -> None:
    hints = b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n"
    peer.answer(hints + b"HTTP/1.1 100 Continue\r\n\r\n" + EMPTY)


def another_protocol_offered(peer: Peer) -> None:
    peer.answer(b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n")
    peer.hang()


def redirect_to_itself(peer: Peer) -> None:
    location = f"http://127.0.0.1:{peer.seen.port}/".encode()
    peer.answer(b"HTTP/1.1 307 Go\r\nlocation: " + location + b"\r\ncontent-length: 0\r\n\r\n")
    peer.read_request()


def redirect_to_a_file(peer: Peer) -> None:
    peer.answer(b"HTTP/1.1 302 Go\r\nlocation: file:///etc/passwd\r\ncontent-length: 0\r\n\r\n")
    peer.read_request()


def password_wanted(peer: Peer) -> None:
    peer.answer(b"HTTP/1.1 401 No\r\nwww-authenticate: Basic\r\ncontent-length: 0\r\n\r\n")
    peer.read_request()


def proxy_password_wanted(peer: Peer) -> None:
    peer.answer(b"HTTP/1.1 407 No\r\nproxy-authenticate: Basic\r\ncontent-length: 0\r\n\r\n")
    peer.read_request()


def larger_than_it_likes(peer: Peer) -> None:
    """Answers and closes before the body has arrived."""
    peer.read_headers()
    peer.send(b"HTTP/1.1 413 Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
    peer.hang()


def larger_than_it_waits_for(peer: Peer) -> None:
    """The same, and hangs up while the client still sends."""
    peer.read_headers()
    peer.send(b"HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\n\r\n")


# Connections that are kept


def close_after_each_answer(peer: Peer) -> None:
    """Without saying so."""
    peer.answer(EMPTY)


def reset_at_the_second_request(peer: Peer) -> None:
    peer.answer(EMPTY)
    if peer.number == 1:
        peer.connection.recv(1)
        peer.reset()


def speak_unasked(peer: Peer) -> None:
    """The answer to a request that was not sent yet."""
    peer.answer(EMPTY + b"HTTP/1.1 500 Stray\r\ncontent-length: 0\r\n\r\n" * 999)
    peer.answer(EMPTY)


def set_a_cookie(peer: Peer) -> None:
    while True:
        peer.answer(OK + b"set-cookie: a=b\r\ncontent-length: 0\r\n\r\n")


PLAIN = [
    value
    for value in list(vars().values())
    if callable(value) and getattr(value, "__annotations__", {}).get("peer") == "Peer"
]
"""Every behaviour above."""


# Before there is TLS: these are given the connection as it is


def close_in_the_handshake(peer: Peer) -> None:
    peer.connection.recv(65_536)


def reset_in_the_handshake(peer: Peer) -> None:
    peer.connection.recv(65_536)
    peer.reset()


def hang_in_the_handshake(peer: Peer) -> None:
    peer.hang()


def drip_the_handshake(peer: Peer) -> None:
    """A record that is announced as long, and comes a byte at a time."""
    peer.connection.recv(65_536)
    peer.send(b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc")
    peer.drip(b"\x00")


def garbage_for_a_handshake(peer: Peer) -> None:
    peer.connection.recv(65_536)
    peer.send(b"garbage" * 100)
    peer.hang()


def plain_http_under_tls(peer: Peer) -> None:
    peer.connection.recv(65_536)
    peer.send(EMPTY)
    peer.hang()


def alert_in_the_handshake(peer: Peer) -> None:
    peer.connection.recv(65_536)
    peer.send(b"\x15\x03\x03\x00\x02\x02\x28")
    peer.hang()


HANDSHAKES = [
    close_in_the_handshake,
    reset_in_the_handshake,
    hang_in_the_handshake,
    drip_the_handshake,
    garbage_for_a_handshake,
    plain_http_under_tls,
    alert_in_the_handshake,
]
