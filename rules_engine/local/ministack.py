"""One ministack server process: the AWS API over HTTP on a loopback port of its own.

    with Ministack() as aws:
        aws.client("dynamodb").list_tables()

Comes up ready (its health page answers) or raises `LocalStackError` with the end of its log. Goes down with
the `with` block whatever ends that, and with this process even when it is killed (see `tethered.py`).
Files it writes, the log too, stand in a temporary directory of its own. The server runs with a closed
environment: functions it starts inherit that, and must not see the variables of a developer's shell.
"""

from __future__ import annotations

import http.client
import importlib.util
import json
import os
import shutil
import socket
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import boto3
from botocore.config import Config

from rules_engine.errors import RulesEngineError
from rules_engine.local.tethered import end_process_group, start_tethered

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping
    from types import TracebackType

REGION = "eu-central-1"
ACCOUNT_ID = "000000000000"
START_SECONDS = 60.0
"""Ready in about 1 s alone; a machine busy with other work gets its time."""
STOP_SECONDS = 5.0
ATTEMPTS = 3
"""Between choosing a free port and listening on it, another process may take it."""


class LocalStackError(RulesEngineError):
    """A part of the local stack that is not installed, does not start, or does not answer."""


def free_port() -> int:
    """A loopback port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def require_local_extra() -> None:
    """Raises `LocalStackError` saying what to install unless everything the stack runs is there."""
    for module in ("ministack", "awslambdaric", "trustme"):
        if importlib.util.find_spec(module) is None:
            raise LocalStackError(
                f"the local stack needs '{module}', which is not installed: "
                "pip install 'dynamodb-rules-engine[local]'"
            )


class Ministack:
    """The server, from `start` to `stop`. A stopped one can be started again; it has forgotten everything.

    `python` is the interpreter that has it, `options` are variables of its own.
    """

    def __init__(self, python: str = sys.executable, options: Mapping[str, str] | None = None) -> None:
        self._python, self._options = python, dict(options or {})
        self.port = 0
        self._directory: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """What boto3, here or in a function, needs to talk to this server and to nothing else."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def client(self, service: str) -> Any:
        """A boto3 client of this server. `Any`: the service is a name, so no stub fits."""
        return boto3.client(  # type: ignore[call-overload]
            service,
            endpoint_url=self.endpoint_url,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",  # noqa: S106 - the server takes any
            # No proxies: one that a shell names for http:// would be asked for our loopback address.
            config=Config(connect_timeout=5, read_timeout=30, retries={"total_max_attempts": 2}, proxies={}),
        )

    def log_tail(self, lines: int = 30) -> str:
        """The end of the server's log: what an error message shows."""
        return "\n".join(self.log.splitlines()[-lines:])

    @property
    def log(self) -> str:
        """Everything the server has logged."""
        if self._directory is None:
            return ""
        log = self._directory / "ministack.log"
        return log.read_text(errors="replace") if log.exists() else ""

    def start(self) -> None:
        require_local_extra()
        for attempt in range(1, ATTEMPTS + 1):
            try:
                self._start_once()
            except LocalStackError as error:
                self.stop()
                if attempt == ATTEMPTS or "already in use" not in str(error):
                    raise
            except BaseException:
                self.stop()
                raise
            else:
                return

    def _start_once(self) -> None:
        self.port = free_port()
        self._directory = Path(tempfile.mkdtemp(prefix="rules-engine-ministack-"))
        with (self._directory / "ministack.log").open("wb") as log:
            environment = self._server_environment(self._directory)
            self._process = start_tethered("ministack", self._directory, environment, log, self._python)
        deadline = time.monotonic() + START_SECONDS
        while not self._answers(self._directory):
            if self._process.poll() is not None:
                raise LocalStackError(f"ministack ended while it started:\n{self.log_tail()}")
            if time.monotonic() > deadline:
                raise LocalStackError(
                    f"ministack did not answer on {self.endpoint_url} within {START_SECONDS:.0f} s:\n"
                    f"{self.log_tail()}"
                )
            time.sleep(0.05)

    def _server_environment(self, directory: Path) -> dict[str, str]:
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(directory),
            "TMPDIR": str(directory),
            "STATE_DIR": str(directory / "state"),
            "S3_DATA_DIR": str(directory / "s3"),
            "BIND_HOST": "127.0.0.1",
            "MINISTACK_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(self.port),
            "MINISTACK_REGION": REGION,
            "MINISTACK_EDITION": directory.name,
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONUNBUFFERED": "1",
            **self._options,
        }

    def _answers(self, directory: Path) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/_ministack/health")
            answer = json.loads(connection.getresponse().read())
            # Another process's server may have got the port: the edition is the name we gave ours.
            return bool(answer.get("edition") == directory.name)
        except (OSError, http.client.HTTPException, ValueError):
            return False
        finally:
            connection.close()

    def stop(self) -> None:
        """Ends the server and every function process it started. Does nothing if it does not run."""
        process, self._process = self._process, None
        if process is not None:
            end_process_group(process, STOP_SECONDS)
        directory, self._directory = self._directory, None
        if directory is not None:
            shutil.rmtree(directory, ignore_errors=True)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
