"""Requests over HTTP/1.1 and TLS, to addresses that were checked, and within one deadline.

A URL is read once. Its host must be one that the deployment allows; its name is resolved once, every address
must be allowed, and the connection goes to one of those, with the certificate checked for the name.
Connections are kept for their endpoint, with what was checked when they were made. An answer is its status:
96 KiB at most are read of it, headers and 1xx answers included, and nothing of it is kept, unless whoever
sends asks for the body and says how much of it he takes. No redirects, retries, proxies, netrc or cookies:
`http.client` has none. urllib3 and requests were left: docs/decisions/0007 says why.
"""

from __future__ import annotations

import ssl
import time
import weakref
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import cached_property
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPResponse
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from rules_engine.actions.endpoint import parse_url
from rules_engine.actions.host_policy import HostPolicy
from rules_engine.actions.idle_connections import IdleConnections
from rules_engine.actions.resolver import Resolver
from rules_engine.actions.transport import Answer, retry_after
from rules_engine.actions.wire import Deadline, TooMuch, Wire, dial
from rules_engine.errors import ActionError

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator, Mapping

    from rules_engine.actions.addresses import Address
    from rules_engine.actions.endpoint import Endpoint

    Resolve = Callable[[str, float], list[Address]]
    Dial = Callable[[Address, int, float], socket.socket]

RESOLVE_SECONDS = 2.0
CONNECT_SECONDS = 3.0
REST_SECONDS = 1.0
"""For what follows the status and the headers: it decides nothing, but the connection can be used again."""
HEAD_LIMIT_BYTES = 32_768
ANSWER_LIMIT_BYTES = 65_536
PART_BYTES = 65_536
SWITCHING_PROTOCOLS = 101


class Connection(HTTPConnection):
    """To `endpoint`, over a wire that is connected. Never connects by itself: that would be by name."""

    auto_open = 0

    def __init__(self, endpoint: Endpoint, wire: Wire) -> None:
        super().__init__(endpoint.host, endpoint.port)
        self.endpoint = endpoint
        self.wire = wire
        self.sock: Any = wire
        self.response_class = _FinalResponse

    def is_usable(self) -> bool:
        return self.sock is not None and self.wire.is_quiet()

    def close(self) -> None:
        super().close()
        self.wire.close()


class _FinalResponse(HTTPResponse):
    """The base class takes any 1xx answer but 100 for the final one."""

    def begin(self) -> None:
        super().begin()
        while 100 <= self.status < 200 and self.status != SWITCHING_PROTOCOLS:
            # By which the base class knows that there are none yet.
            self.headers = None  # type: ignore[assignment]
            super().begin()


class HttpTransport:
    """One for the whole function; used by several threads. Arguments but the first are for tests."""

    def __init__(
        self,
        policy: HostPolicy | None = None,
        *,
        resolve: Resolve | None = None,
        dial: Dial = dial,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._policy = policy or HostPolicy()
        self._resolve = resolve or Resolver()
        self._dial = dial
        self._clock = clock
        self._idle: IdleConnections[Connection] = IdleConnections(clock)
        self.close = weakref.finalize(self, self._idle.close)
        """Hangs up, at the latest when the transport is gone."""

    def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes,
        timeout_seconds: float,
        most_answer_bytes: int = 0,
    ) -> Answer:
        try:
            endpoint, target = parse_url(url)
        except ValueError as error:
            raise ActionError("URL", str(error), "permanent") from None
        refusal = self._policy.refusal_of_host(endpoint)
        if refusal is not None:
            raise ActionError("HOST_NOT_ALLOWED", refusal, "blocked")
        with _failures_told(timeout_seconds):
            deadline = Deadline(timeout_seconds, self._clock)
            request = (method, target, body, {"Host": endpoint.authority, **headers})
            return self._send(endpoint, request, deadline, most_answer_bytes)

    def _send(
        self, endpoint: Endpoint, request: tuple[Any, ...], deadline: Deadline, most_answer_bytes: int
    ) -> Answer:
        kept = self._idle.take(endpoint)
        if kept is not None:
            try:
                return self._exchange(kept, request, deadline, most_answer_bytes)
            except TimeoutError:
                raise
            except OSError:
                # The receiver had closed it meanwhile, which says nothing about the request.
                if kept.wire.received_bytes > 0:
                    raise
        return self._exchange(self._connect(endpoint, deadline), request, deadline, most_answer_bytes)

    def _exchange(
        self, connection: Connection, request: tuple[Any, ...], deadline: Deadline, most_answer_bytes: int
    ) -> Answer:
        connection.wire.lend(deadline, HEAD_LIMIT_BYTES)
        try:
            # Who hangs up before the body has arrived may have answered: 413, for example.
            with suppress(ConnectionError):
                connection.request(*request)
            response = connection.getresponse()
        except BaseException:
            connection.close()
            raise
        wait = retry_after(response.headers.get("retry-after"), datetime.now(UTC))
        if most_answer_bytes and response.status == HTTPStatus.OK:
            return self._with_body(connection, response, wait, deadline, most_answer_bytes)
        # What follows may fail or never end: the status is the answer. ValueError: a chunk of negative size.
        with response, suppress(HTTPException, OSError, ValueError):
            connection.wire.allow(deadline.sooner(REST_SECONDS), ANSWER_LIMIT_BYTES)
            response.read(ANSWER_LIMIT_BYTES)
            is_whole = response.isclosed() and response.status >= 200
            if is_whole and connection.sock is not None:
                self._idle.put(endpoint=connection.endpoint, connection=connection)
                return Answer(response.status, wait)
        connection.close()
        return Answer(response.status, wait)

    def _with_body(
        self,
        connection: Connection,
        response: HTTPResponse,
        wait: float | None,
        deadline: Deadline,
        most_bytes: int,
    ) -> Answer:
        """The whole answer, or none."""
        try:
            with response:
                # What frames the body comes on top of it.
                connection.wire.allow(deadline, 2 * most_bytes + HEAD_LIMIT_BYTES)
                body = _body_of(response, most_bytes)
        except BaseException:
            connection.close()
            raise
        if connection.sock is not None:
            self._idle.put(endpoint=connection.endpoint, connection=connection)
        return Answer(response.status, wait, body)

    def _connect(self, endpoint: Endpoint, deadline: Deadline) -> Connection:
        addresses = self._checked_addresses(endpoint, deadline)
        wire = Wire(self._dial_any(endpoint, addresses, deadline))
        if endpoint.scheme == "https":
            try:
                wire.secure(self._tls, endpoint.host, deadline)
            except BaseException:
                wire.close()
                raise
        return Connection(endpoint, wire)

    def _checked_addresses(self, endpoint: Endpoint, deadline: Deadline) -> list[Address]:
        """All that the name stands for, once: one of them that is not allowed is reason enough."""
        seconds = deadline.remaining(RESOLVE_SECONDS)
        try:
            addresses = self._resolve(endpoint.host, seconds)
        except OSError:
            addresses = []
        if not addresses:
            raise ActionError("DNS", "the receiver's name cannot be resolved", "systemic")
        for address in addresses:
            refusal = self._policy.refusal_of_address(endpoint, address)
            if refusal is not None:
                raise ActionError("ADDRESS_NOT_ALLOWED", refusal, "blocked")
        return list(dict.fromkeys(addresses))

    def _dial_any(self, endpoint: Endpoint, addresses: list[Address], deadline: Deadline) -> socket.socket:
        """A connection to the first address that takes one; each has its share of the time that is left."""
        time_to_connect = deadline.sooner(CONNECT_SECONDS)
        for tried, address in enumerate(addresses):
            try:
                share = time_to_connect.remaining() / (len(addresses) - tried)
                connected = self._dial(address, endpoint.port, share)
            except OSError:
                continue
            try:
                _check_peer(address, connected)
            except BaseException:
                connected.close()
                raise
            return connected
        raise ActionError("CONNECT", "no connection to the receiver", "transient")

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        """The authorities that OpenSSL knows, or those of `SSL_CERT_FILE`; the name is always checked."""
        context = ssl.create_default_context()
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        return context


def _body_of(response: HTTPResponse, most_bytes: int) -> bytes:
    """All of it. In parts: the length that an answer says must not decide how much memory is taken."""
    parts, size = [], 0
    try:
        while part := response.read(PART_BYTES):
            parts.append(part)
            size += len(part)
            if size > most_bytes:
                raise TooMuch
    except (HTTPException, ValueError):  # ValueError: a chunk of negative size
        raise ConnectionError from None
    if response.length:
        raise ConnectionError
    return b"".join(parts)


def _check_peer(address: Address, connected: socket.socket) -> None:
    """Whether the connection is to the address that was checked."""
    if ip_address(connected.getpeername()[0]) != address:
        message = "the connection leads to another address than was asked for"
        raise ActionError("ADDRESS_NOT_ALLOWED", message, "blocked")


@contextmanager
def _failures_told(timeout_seconds: float) -> Iterator[None]:
    """What goes wrong on the wire as an ActionError. The original's text may show what was sent."""
    try:
        yield
    except TimeoutError:
        raise ActionError("TIMEOUT", f"no answer within {timeout_seconds:g} s", "transient") from None
    except (ssl.SSLEOFError, ssl.SSLZeroReturnError, ConnectionError):
        message = "the connection broke before there was an answer"
        raise ActionError("CONNECTION", message, "transient") from None
    except ssl.SSLError:
        message = "the receiver's certificate or TLS version was refused"
        raise ActionError("TLS", message, "systemic") from None
    except (HTTPException, TooMuch):
        message = "the receiver's answer is not HTTP, or its headers are too long"
        raise ActionError("ANSWER", message, "unknown") from None
    except OSError:
        message = "the connection broke before there was an answer"
        raise ActionError("CONNECTION", message, "transient") from None
