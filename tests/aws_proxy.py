"""A server between a function and the local AWS: it counts calls, and answers some with an error itself."""

from __future__ import annotations

import http.client
import json
import threading
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qs, urlsplit

from rules_engine.local.loopback import Exchange, LoopbackServer

if TYPE_CHECKING:
    from collections.abc import Callable, Collection


ENTRIES = {"SendMessageBatch": "Entries", "PutEvents": "Entries", "PutRecordBatch": "Records"}
"""Calls in JSON of which single entries can be refused, and where these stand."""


class AwsProxy(LoopbackServer):
    """`refuse` is asked for each call, by a name such as `PublishBatch`, for an error code to answer with.
    `refuse_entries` is asked for the places of entries that fail in a batch call, by its name and how many it
    has; the others are passed on. `done` is told when a call has taken effect and is not answered yet,
    `answered` when it is."""

    def __init__(
        self,
        endpoint_url: str,
        refuse: Callable[[str], str | None] = lambda name: None,
        done: Callable[[str], None] = lambda name: None,
        answered: Callable[[str], None] = lambda name: None,
        refuse_entries: Callable[[str, int], Collection[int]] = lambda name, count: (),
    ) -> None:
        self.behind = urlsplit(endpoint_url).netloc
        self.refuse, self.done, self.answered = refuse, done, answered
        self.refuse_entries = refuse_entries
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

    def divide(self, name: str, body: bytes) -> tuple[bytes, list[tuple[int, Any]]]:
        """What to pass on of a call, and the entries that fail, by their places."""
        if name not in ENTRIES:
            return body, []
        request = json.loads(body)
        entries = request[ENTRIES[name]]
        with self._lock:
            places = sorted(self.refuse_entries(name, len(entries)))
        if not places:
            return body, []
        request[ENTRIES[name]] = [entry for place, entry in enumerate(entries) if place not in places]
        return json.dumps(request).encode(), [(place, entries[place]) for place in places]


def with_failures(name: str, answer: dict[str, Any], failed: list[tuple[int, Any]]) -> bytes:
    """A batch call's answer for all entries, of which `failed`, by their places, were not passed on."""
    if name == "SendMessageBatch":
        told = [{"Id": entry["Id"], "Code": "InternalError", "SenderFault": False} for _, entry in failed]
        answer["Failed"] = [*answer.get("Failed", []), *told]
    else:
        results = answer["Entries" if name == "PutEvents" else "RequestResponses"]
        for place, _ in failed:
            results.insert(place, {"ErrorCode": "InternalFailure", "ErrorMessage": "canary"})
    return json.dumps(answer).encode()


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
        sent, failed = proxy.divide(name, body)
        connection = http.client.HTTPConnection(proxy.behind, timeout=30)
        try:
            headers = {key: text for key, text in self.headers.items() if key.lower() != "content-length"}
            connection.request("POST", self.path, sent, headers)
            answer = connection.getresponse()
            data = answer.read()
            if failed:
                data = with_failures(name, json.loads(data), failed)
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
