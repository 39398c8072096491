"""The Lambda Runtime API for one function process: hands out events, takes responses and errors.

`RuntimeApi.offer(event)` makes an event the next invocation; what the process does about it comes out of
`happenings` in order: `Taken`, then `Responded` or `Failed`, or `FailedInit` in place of all. The deadline
runs from the moment the process takes the event, not while it waits. A server for each process: with one
listener for several, a process that is being replaced can take an event and lose it.
Only what the Python runtime client uses is here; anything else is answered 404.
"""

from __future__ import annotations

import json
import queue
import re
import time
import uuid
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, cast

from rules_engine.local.loopback import Exchange, LoopbackServer

_ROOT = "/2018-06-01/runtime"
_OUTCOME = re.compile(rf"{_ROOT}/invocation/([^/]+)/(response|error)")


@dataclass(frozen=True, slots=True)
class Taken:
    """The process has this invocation; it must answer before `deadline` (`time.time()` seconds)."""

    request_id: str
    deadline: float


@dataclass(frozen=True, slots=True)
class Responded:
    """The handler returned `payload` (JSON text)."""

    request_id: str
    payload: str


@dataclass(frozen=True, slots=True)
class Failed:
    """The handler raised; `error` holds errorType, errorMessage and stackTrace."""

    request_id: str
    error: dict[str, Any]


@dataclass(frozen=True, slots=True)
class FailedInit:
    """The handler's module could not be imported; `error` as in `Failed`."""

    error: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Exited:
    """The process ended. Put by whoever watches the process, in line with what it said before."""

    code: int


Happening = Taken | Responded | Failed | FailedInit | Exited


class RuntimeApi(LoopbackServer):
    """See the module. `timeout_seconds` is the function's; `function_arn` what the context shows."""

    def __init__(self, timeout_seconds: float, function_arn: str) -> None:
        self.timeout_seconds = timeout_seconds
        self.function_arn = function_arn
        self.happenings: queue.SimpleQueue[Happening] = queue.SimpleQueue()
        self._offered: queue.SimpleQueue[tuple[str, bytes] | None] = queue.SimpleQueue()
        self._open_request: str | None = None
        super().__init__(_RuntimeExchange)

    def offer(self, event: Any) -> str:
        """The request id under which the process will get `event`."""
        request_id = str(uuid.uuid4())
        self._offered.put((request_id, json.dumps(event).encode()))
        return request_id

    def take(self) -> tuple[str, bytes, float] | None:
        """The next invocation and its deadline, once there is one; None when the server closes."""
        offered = self._offered.get()
        if offered is None:
            return None
        deadline = time.time() + self.timeout_seconds
        self._open_request = offered[0]
        self.happenings.put(Taken(offered[0], deadline))
        return (*offered, deadline)

    def settle(self, request_id: str, kind: str, body: bytes) -> bool:
        """Whether `request_id` was the invocation under way, which this answer ends."""
        if request_id != self._open_request:
            return False
        self._open_request = None
        if kind == "response":
            self.happenings.put(Responded(request_id, body.decode()))
        else:
            self.happenings.put(Failed(request_id, json.loads(body)))
        return True

    def close(self) -> None:
        self._offered.put(None)
        super().close()


class _RuntimeExchange(Exchange):
    @property
    def api(self) -> RuntimeApi:
        return cast("RuntimeApi", self.server)

    def do_GET(self) -> None:  # noqa: N802 - the base class's name
        if self.path != f"{_ROOT}/invocation/next":
            self.answer(HTTPStatus.NOT_FOUND)
            return
        taken = self.api.take()
        if taken is None:
            self.answer(HTTPStatus.GONE)
            return
        request_id, body, deadline = taken
        self.answer(
            HTTPStatus.OK,
            body,
            Lambda_Runtime_Aws_Request_Id=request_id,
            Lambda_Runtime_Deadline_Ms=str(int(deadline * 1000)),
            Lambda_Runtime_Invoked_Function_Arn=self.api.function_arn,
        )

    def do_POST(self) -> None:  # noqa: N802 - the base class's name
        body = self.read_body()
        outcome = _OUTCOME.fullmatch(self.path)
        if self.path == f"{_ROOT}/init/error":
            self.api.happenings.put(FailedInit(json.loads(body)))
            self.answer(HTTPStatus.ACCEPTED)
        elif outcome is None:
            self.answer(HTTPStatus.NOT_FOUND)
        elif self.api.settle(outcome[1], outcome[2], body):
            self.answer(HTTPStatus.ACCEPTED)
        else:
            self.answer(HTTPStatus.BAD_REQUEST, b'{"errorType": "InvalidRequestID"}')
