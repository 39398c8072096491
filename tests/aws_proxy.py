"""A server between a function and the local AWS: it counts calls, and answers some with an error itself."""

from __future__ import annotations

import http.client
import json
import threading
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qs, urlsplit

from rules_engine.local.loopback import Exchange, LoopbackServer

if TYPE_CHECKING:
    from collections.abc import Callable, Collection


ENTRIES = {"SendMessageBatch": "Entries", "PutEvents": "Entries", "PutRecordBatch": "Records"}
"""Calls in JSON of which single entries can be refused, and where these stand."""


@dataclass(frozen=True)
class Fault:
    """What befalls a call: an error with this code and status is its answer, or, without a code, the
    connection is closed instead, or nobody answers until the client gives up. `late`: the call has taken
    effect by then."""

    code: str = ""
    status: int = HTTPStatus.BAD_REQUEST
    hangs: bool = False
    late: bool = False


class AwsProxy(LoopbackServer):
    """`refuse` is asked for each call, by a name such as `PublishBatch`, for an error code to answer with, or
    for a `Fault`.
    `refuse_entries` is asked for the places of entries that fail in a batch call, by its name and how many it
    has; the others are passed on. `done` is told when a call has taken effect and is not answered yet,
    `answered` when it is."""

    def __init__(
        self,
        endpoint_url: str,
        refuse: Callable[[str], str | Fault | None] = lambda name: None,
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

    def note(self, name: str) -> Fault | None:
        with self._lock:
            self.calls.append(name)
            fault = self.refuse(name)
        return Fault(fault) if isinstance(fault, str) else fault

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


S3_CALLS = {"PUT": "PutObject", "GET": "GetObject", "HEAD": "HeadObject", "DELETE": "DeleteObject"}
NOT_PASSED_ON = {"connection", "content-length", "date", "expect", "server", "transfer-encoding"}


class _Forwarding(Exchange):
    def do_POST(self) -> None:  # noqa: N802 - the base class's name
        proxy = cast("AwsProxy", self.server)
        body = self.read_body()
        name = self._name(body)
        fault = proxy.note(name)
        if fault is not None and not fault.late:
            self._suffer(fault)
            return
        sent, failed = proxy.divide(name, body)
        status, headers, data = self._pass_on(sent)
        if failed:
            data = with_failures(name, json.loads(data), failed)
        proxy.done(name)
        if fault is not None:
            self._suffer(fault)
            return
        self.send_response(status)
        for header, value in headers:
            if header.lower() not in NOT_PASSED_ON:
                self.send_header(header, value)
        # What answers a HEAD has the length of what is not sent.
        lengths = [value for header, value in headers if header.lower() == "content-length"]
        self.send_header("Content-Length", lengths[0] if self.command == "HEAD" else str(len(data)))
        self.end_headers()
        self.wfile.write(data)
        self.wfile.flush()
        proxy.answered(name)

    do_PUT = do_GET = do_HEAD = do_DELETE = do_POST  # noqa: N815 - the base class's names

    def read_body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return super().read_body()
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return body

    def _pass_on(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        headers = {key: text for key, text in self.headers.items() if key.lower() not in NOT_PASSED_ON}
        connection = http.client.HTTPConnection(cast("AwsProxy", self.server).behind, timeout=30)
        try:
            connection.request(self.command, self.path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()

    def _suffer(self, fault: Fault) -> None:
        if fault.hangs:
            self.connection.recv(1)  # nothing comes: this is the client's end
        if not fault.code:
            self.close_connection = True
            return
        xml = f"<Code>{fault.code}</Code><Message>canary</Message>"
        data = json.dumps({"__type": f"com.amazonaws.dynamodb.v20120810#{fault.code}", "message": "canary"})
        if self._is_query:
            data = f"<ErrorResponse><Error><Type>Receiver</Type>{xml}</Error></ErrorResponse>"
        elif self._is_of_s3:
            data = f"<Error>{xml}</Error>"
        body = b"" if self.command == "HEAD" else data.encode()
        self.answer(HTTPStatus(fault.status), body, X_Amzn_ErrorType=fault.code)

    @property
    def _is_query(self) -> bool:
        return self.headers.get("Content-Type", "").startswith("application/x-www-form-urlencoded")

    @property
    def _is_of_s3(self) -> bool:
        return "X-Amz-Target" not in self.headers and not self._is_query and not self._is_of_lambda

    @property
    def _is_of_lambda(self) -> bool:
        return self.path.startswith("/2015-03-31/functions/")

    def _name(self, body: bytes) -> str:
        if self._is_query:
            return parse_qs(body.decode()).get("Action", ["?"])[0]
        if self._is_of_lambda:
            return "Invoke"
        if self._is_of_s3:
            return S3_CALLS.get(self.command, "?")
        return str(self.headers["X-Amz-Target"].rpartition(".")[2])
