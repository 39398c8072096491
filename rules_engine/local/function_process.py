"""A function package under the real Lambda runtime client, in a sub-process with a closed environment.

    with FunctionProcess(package, {"ORDERS_TABLE": "orders"}) as function:
        result = function.invoke({"Records": [...]})

Behaves as Lambda does: the process is started by the first invocation and kept; an import error, a crash and
a timeout are errors of the invocation, and the next one gets a new process. Standard output and error go to
a file, read with `log`. The environment is exactly what is given, plus what the runtime itself sets. One
invocation at a time: an object of this class is not for two threads at once.
"""

from __future__ import annotations

import io
import json
import os
import queue
import subprocess
import tempfile
import threading
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from rules_engine.local.lambda_runtime import HANDLER, link_runtime, python_path, runtime_command
from rules_engine.local.ministack import ACCOUNT_ID, REGION
from rules_engine.local.runtime_api import Exited, Failed, FailedInit, Responded, RuntimeApi, Taken
from rules_engine.local.tethered import end_process_group

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

FUNCTION_NAME = "rules-engine"
FUNCTION_ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT_ID}:function:{FUNCTION_NAME}"
INIT_SECONDS = 60.0
"""Lambda allows 10 s; a machine busy with other work gets its time."""
STOP_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class InvocationResult:
    """What an invocation came to: `payload` as the handler returned it, or `error` as Lambda reports it."""

    payload: Any = None
    error: Mapping[str, Any] | None = None
    request_id: str = ""


class FunctionProcess:
    """See the module. Until `close`, the unzipped function stands in a temporary directory, and its log too
    unless it is given a file to append to."""

    def __init__(
        self,
        package: bytes,
        environment: Mapping[str, str],
        *,
        handler: str = HANDLER,
        timeout_seconds: float = 10.0,
        log_file: Path | None = None,
    ) -> None:
        self._environment = dict(environment)
        self._handler = handler
        self._timeout_seconds = timeout_seconds
        self._work = tempfile.TemporaryDirectory(prefix="rules-engine-function-")
        self._function = Path(self._work.name) / "function"
        self._runtime = Path(self._work.name) / "runtime"
        self._log = log_file or Path(self._work.name) / "function.log"
        self._log.touch()
        with zipfile.ZipFile(io.BytesIO(package)) as archive:
            archive.extractall(self._function)
        link_runtime(self._runtime)
        self._api: RuntimeApi | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> str:
        """Everything the function printed or logged so far, in all its processes."""
        return self._log.read_text(errors="replace")

    def invoke(self, event: Any) -> InvocationResult:
        """Runs the handler on `event`; starts the process if none is there. Never raises for the function."""
        api = self._api or self._start()
        request_id = api.offer(event)
        deadline, late = time.time() + INIT_SECONDS, f"Init timed out after {INIT_SECONDS:.2f} seconds"
        while True:
            try:
                happening = api.happenings.get(timeout=max(0.0, deadline - time.time()))
            except queue.Empty:
                self._end_process()
                return _sandbox_error(request_id, "Sandbox.Timedout", late)
            match happening:
                case Taken():
                    deadline = happening.deadline
                    late = f"Task timed out after {self._timeout_seconds:.2f} seconds"
                case Responded():
                    return InvocationResult(json.loads(happening.payload), None, request_id)
                case Failed():
                    return InvocationResult(None, happening.error, request_id)
                case FailedInit():
                    self._end_process()
                    return InvocationResult(None, happening.error, request_id)
                case Exited():
                    self._end_process()
                    text = f"Runtime exited with exit status {happening.code}"
                    return _sandbox_error(request_id, "Runtime.ExitError", text)

    def _start(self) -> RuntimeApi:
        self._api = api = RuntimeApi(self._timeout_seconds, FUNCTION_ARN)
        with self._log.open("ab") as log:
            self._process = process = subprocess.Popen(  # noqa: S603 - our own interpreter, a closed environment
                runtime_command(self._handler),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self._function,
                env=self._process_environment(api),
                start_new_session=True,
            )
        threading.Thread(target=lambda: api.happenings.put(Exited(process.wait())), daemon=True).start()
        return api

    def _process_environment(self, api: RuntimeApi) -> dict[str, str]:
        return self._environment | {
            "PATH": os.defpath,
            "PYTHONPATH": python_path(self._function, self._runtime),
            "AWS_LAMBDA_RUNTIME_API": api.address,
            "AWS_LAMBDA_FUNCTION_NAME": FUNCTION_NAME,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "LAMBDA_TASK_ROOT": str(self._function),
            "_HANDLER": self._handler,
        }

    def _end_process(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            end_process_group(process, STOP_SECONDS)
        api, self._api = self._api, None
        if api is not None:
            api.close()

    def kill(self) -> None:
        """Ends the process as when its machine is lost, whatever it is at; for another thread than the one
        that invokes. The invocation under way ends with an error."""
        process = self._process
        if process is not None:
            process.kill()
            process.wait()

    def close(self) -> None:
        """Ends the process and removes its files."""
        self._end_process()
        self._work.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _sandbox_error(request_id: str, error_type: str, text: str) -> InvocationResult:
    """An error that Lambda itself reports, because the function could not."""
    message = f"RequestId: {request_id} Error: {text}"
    return InvocationResult(None, {"errorType": error_type, "errorMessage": message}, request_id)
