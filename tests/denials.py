"""A server between a client and an AWS that enforces IAM: it keeps what was denied."""

from __future__ import annotations

import http.client
import re
from typing import cast
from urllib.parse import urlsplit

from rules_engine.local.loopback import Exchange, LoopbackServer

_DENIED = re.compile(r"not authorized to perform: ([a-z0-9-]+:[A-Za-z]+)")


class DenialWatch(LoopbackServer):
    """Hands every request on as it is; `denied` are the IAM actions that answers refused."""

    def __init__(self, endpoint_url: str) -> None:
        self.behind = urlsplit(endpoint_url).netloc
        self.denied: set[str] = set()
        self.refusals: list[str] = []
        """What was refused for whatever reason, the beginnings of the answers."""
        super().__init__(_Watching)

    @property
    def url(self) -> str:
        return f"http://{self.address}"


class _Watching(Exchange):
    def do_POST(self) -> None:  # noqa: N802 - the base class's name
        watch = cast("DenialWatch", self.server)
        body = self.read_body()
        headers = {name: value for name, value in self.headers.items() if name.lower() != "expect"}
        connection = http.client.HTTPConnection(watch.behind, timeout=30)
        try:
            connection.request(self.command, self.path, body, headers)
            answer = connection.getresponse()
            data = answer.read()
        finally:
            connection.close()
        if answer.status >= 400:
            watch.denied |= set(_DENIED.findall(data.decode()))
            watch.refusals.append(data.decode()[:300])
        self.send_response(answer.status)
        for header, value in answer.getheaders():
            if header.lower() not in ("content-length", "connection", "transfer-encoding", "date", "server"):
                self.send_header(header, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
        self.wfile.flush()

    do_PUT = do_GET = do_HEAD = do_POST  # noqa: N815 - the base class's names
