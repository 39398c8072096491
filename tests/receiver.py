"""Real HTTP endpoints on loopback: one that keeps what it was sent, and some that misbehave."""

from __future__ import annotations

import socket
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from rules_engine.local.loopback import Exchange, LoopbackServer
from rules_engine.settings import PRIVATE_HOSTS

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Received:
    method: str
    path: str
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes


@dataclass
class Receiver:
    """Answers each request with the next of `answers` (status, headers), and with 204 when there is none;
    to a path in `failing` always with its status."""

    url: str
    received: list[Received] = field(default_factory=list)
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    failing: dict[str, int] = field(default_factory=dict)


@contextmanager
def running_receiver() -> Iterator[Receiver]:
    class Keeping(Exchange):
        def do_POST(self) -> None:  # noqa: N802 - the base class's name
            headers = {name.lower(): value for name, value in self.headers.items()}
            receiver.received.append(Received(self.command, self.path, headers, self.read_body()))
            status, answer_headers = receiver.answers.pop(0) if receiver.answers else (204, {})
            status = receiver.failing.get(self.path, status)
            self.answer(HTTPStatus(status), b"", **answer_headers)

        do_PUT = do_GET = do_POST  # noqa: N815 - the base class's names

    with LoopbackServer(Keeping) as server:
        receiver = Receiver(f"http://{server.address}")
        yield receiver


def reaching(url: str) -> dict[str, str]:
    """What a function needs in its environment to send to this server, which is not at a public address."""
    return {"URL": url, PRIVATE_HOSTS: authority_of(url)}


def authority_of(url: str) -> str:
    return urlsplit(url).netloc


@contextmanager
def silent_server() -> Iterator[str]:
    """The URL of a server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
