"""A small HTTP server on a free loopback port, in a thread: the Runtime API and the receiver are built on it.

One listener is up from construction to `close`. Nagle's algorithm is off: with it, a client that waits for
the body after the headers gets it 40 ms late (88 ms a call were measured with the Lambda runtime client).
`http.server.HTTPServer` was left because it looks its own name up in the DNS when it binds.
"""

from __future__ import annotations

import socketserver
import threading
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    import socket
    import ssl
    from http import HTTPStatus
    from types import TracebackType


class Exchange(BaseHTTPRequestHandler):
    """One request and its answer. A subclass writes `do_GET`, `do_POST`, ..."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def read_body(self) -> bytes:
        """The request's body; empty without a Content-Length (no client of ours sends chunks)."""
        return self.rfile.read(int(self.headers.get("Content-Length", "0")))

    def answer(self, status: HTTPStatus, body: bytes = b"", **headers: str) -> None:
        """Sends the answer; `Lambda_Runtime_Deadline_Ms` becomes `Lambda-Runtime-Deadline-Ms`."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Nothing: these servers keep what matters themselves."""


class LoopbackServer(socketserver.ThreadingTCPServer):
    """Serves `exchange` until `close`, under TLS where `tls` is given; each connection has its own thread."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, exchange: type[Exchange], tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        super().__init__(("127.0.0.1", 0), exchange)
        self._thread = threading.Thread(
            target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )
        self._thread.start()

    @property
    def address(self) -> str:
        """Host and port, as `127.0.0.1:41234`."""
        return f"127.0.0.1:{self.server_address[1]}"

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, client_address = super().get_request()
        if self._tls is not None:
            # The handshake takes place in the connection's own thread, at its first read.
            connection = self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return connection, client_address

    def handle_error(self, request: object, client_address: object) -> None:
        """Nothing: a client that hung up has no further interest in its answer."""

    def close(self) -> None:
        self.shutdown()
        self.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
