"""A server between a function and the local AWS: it counts calls, and answers some with an error itself."""

from __future__ import annotations

import http.client
import json
import threading
from http import HTTPStatus
from typing import TYPE_CHECKING, cast
from urllib.parse import parse_qs, urlsplit

from rules_engine.local.loopback import Exchange, LoopbackServer

if TYPE_CHECKING:
    from collections.abc import Callable


class AwsProxy(LoopbackServer):
    """`refuse` is asked for each call, by a name such as `PublishBatch`, for an error code to answer with.
    `done` is told when a call has taken effect and is not answered yet, `answered` when it is."""

    def __init__(
        self,
        endpoint_url: str,
        refuse: Callable[[str], str | None] = lambda name: None,
        done: Callable[[str], None] = lambda name: None,
        answered: Callable[[str], None] = lambda name: None,
    ) -> None:
        self.behind = urlsplit(endpoint_url).netloc
        self.refuse, self.done, self.answered = refuse, done, answered
        self.calls: list[str] = []
        self._lock = threading.Lock()
        super().__init__(_Forwarding)

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    def note(self, name: str) -> str | None:
        with self._lock:
            self.calls.append(name)
            return self.refuse(name)


class _Forwarding(Exchange):
    def do_POST(self) -> None:  # noqa: N802 - the base class's name
        proxy = cast("AwsProxy", self.server)
        body = self.read_body()
        name = self._name(body)
        code = proxy.note(name)
        if code is not None:
            error = {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": "canary"}
            self.answer(HTTPStatus.BAD_REQUEST, json.dumps(error).encode())
            return
        connection = http.client.HTTPConnection(proxy.behind, timeout=30)
        try:
            connection.request("POST", self.path, body, dict(self.headers))
            answer = connection.getresponse()
            data = answer.read()
        finally:
            connection.close()
        proxy.done(name)
        self.send_response(answer.status)
        for header, value in answer.getheaders():
            if header.lower() not in ("content-length", "connection", "transfer-encoding", "date", "server"):
                self.send_header(header, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
        self.wfile.flush()
        proxy.answered(name)

    def _name(self, body: bytes) -> str:
        target = self.headers.get("X-Amz-Target")
        if target is not None:
            return str(target.rpartition(".")[2])
        return parse_qs(body.decode()).get("Action", ["?"])[0]
