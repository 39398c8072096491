"""One index server: the HTTP API of OpenSearch on a loopback port of its own, behind TLS.

    with IndexServer() as server:
        server.request("GET", "/orders/_count")

The server is osmem, a young re-implementation that keeps everything in memory; it ends with this process,
even a killed one, because its standard input closes then. It speaks plain HTTP only, and the `opensearch`
action HTTPS only: in front of it stands a server with a certificate of an authority of its own, `ca_pem`.
Every request that came through there is in `received`, as it came.
"""

from __future__ import annotations

import http.client
import importlib.util
import json
import ssl
import subprocess
import threading
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from rules_engine import exact_json
from rules_engine.local.loopback import Exchange, LoopbackServer
from rules_engine.local.ministack import LocalStackError
from rules_engine.local.tethered import end_process_group

if TYPE_CHECKING:
    from collections.abc import Mapping

START_SECONDS = 60.0
"""Ready in about 1 s alone; a machine busy with other work gets its time."""
STOP_SECONDS = 5.0
ANSWER_SECONDS = 60.0


class IndexRequest(NamedTuple):
    """`headers` by lower-case name."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class IndexServer(LoopbackServer):
    """Runs from construction to `close`; a new one is empty. Raises LocalStackError where it cannot start."""

    def __init__(self) -> None:
        self._process = _started()
        try:
            self._behind = _address(self._process)
            import trustme  # of the extra `local`: importing this module must not need it

            authority = trustme.CA()
            self.ca_pem = authority.cert_pem.bytes()
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            authority.issue_cert("127.0.0.1").configure_cert(tls)
            self._received: list[IndexRequest] = []
            self._lock = threading.Lock()
            super().__init__(_Front, tls)
        except BaseException:
            end_process_group(self._process, STOP_SECONDS)
            raise

    @property
    def url(self) -> str:
        """The endpoint for an action."""
        return f"https://{self.address}"

    @property
    def received(self) -> list[IndexRequest]:
        with self._lock:
            return list(self._received)

    def take(self, request: IndexRequest) -> tuple[int, bytes]:
        """What comes through the front: status and body of the answer."""
        with self._lock:
            self._received.append(request)
        return self._forward(request.method, request.path, request.body)

    def request(self, method: str, path: str, value: Any = None) -> Any:
        """A request of ours to the server itself; the JSON of its answer. Raises LocalStackError."""
        status, body = self._forward(method, path, b"" if value is None else json.dumps(value).encode())
        if not 200 <= status <= 299:
            raise LocalStackError(f"the index server answered {status} to {method} {path}: {body.decode()}")
        return json.loads(body)

    def documents(self, index: str) -> dict[str, Any]:
        """All documents of an index by id, numbers exact; none where there is no such index."""
        self._forward("POST", f"/{index}/_refresh", b"")
        query = json.dumps({"size": 10_000, "query": {"match_all": {}}}).encode()
        status, body = self._forward("POST", f"/{index}/_search", query)
        if status == HTTPStatus.NOT_FOUND:
            return {}
        return {hit["_id"]: hit["_source"] for hit in exact_json.loads(body.decode())["hits"]["hits"]}

    def _forward(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(self._behind, timeout=ANSWER_SECONDS)
        try:
            kind = "application/x-ndjson" if path.partition("?")[0].endswith("_bulk") else "application/json"
            connection.request(method, path, body, {"content-type": kind})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def close(self) -> None:
        super().close()
        end_process_group(self._process, STOP_SECONDS)
        if self._process.stdout is not None:
            self._process.stdout.close()


def _started() -> subprocess.Popen[bytes]:
    found = importlib.util.find_spec("osmem_server")
    if found is None or found.origin is None:
        raise LocalStackError(
            "the local stack needs 'osmem-server', which is not installed: "
            "pip install 'dynamodb-rules-engine[local]'"
        )
    program = Path(found.origin).parent / "bin" / "osmem-server"
    # Without Japanese, whose dictionary takes seconds to load.
    return subprocess.Popen(  # noqa: S603 - a program of a package that we name ourselves
        [str(program), "--addr", "127.0.0.1:0", "--no-ja"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _address(process: subprocess.Popen[bytes]) -> str:
    """Host and port, which the program says in its first line once it is ready."""
    assert process.stdout is not None
    # A process that says nothing for so long is ended, and its silence with it.
    impatience = threading.Timer(START_SECONDS, process.kill)
    impatience.daemon = True
    impatience.start()
    try:
        for line in process.stdout:
            if line.startswith(b"{"):
                return str(json.loads(line)["url"]).removeprefix("http://")
    finally:
        impatience.cancel()
    raise LocalStackError(f"the index server ended, or did not start within {START_SECONDS:.0f} s")


class _Front(Exchange):
    def do_POST(self) -> None:  # noqa: N802 - the base class's name
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = IndexRequest(self.command, self.path, headers, self.read_body())
        status, body = cast("IndexServer", self.server).take(request)
        self.answer(HTTPStatus(status), body)

    do_GET = do_PUT = do_DELETE = do_POST  # noqa: N815 - the base class's names
