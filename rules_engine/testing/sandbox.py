"""The machine a simulated function runs on: a virtual clock, a deadline, and a process that can die.

Time passes only when somebody spends it: the fake services for each call, the simulator for each invocation,
and the handler itself through `sleep`. A process that passes its deadline or is crashed is gone:
`FunctionDied` is raised then and at everything it tries afterwards, so a handler that catches it does no
more harm.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NoReturn

START_SECONDS = 1_767_225_600.0
"""2026-01-01T00:00:00Z"""
CRASHED = "crashed"
TIMED_OUT = "timed out"


class FunctionDied(BaseException):
    """The process is gone. Not an Exception: nothing that a handler catches may keep it alive."""


class Sandbox:
    """See the module. `now` is in seconds since 1970; `time` and `sleep` stand in for those of `time`."""

    def __init__(self, start_seconds: float = START_SECONDS) -> None:
        self.now = start_seconds
        self.deadline = math.inf
        self.death: str | None = None
        """CRASHED or TIMED_OUT once the process is gone."""

    def time(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        """Time passes for the function. Raises FunctionDied at the deadline."""
        if self.death is not None:
            raise FunctionDied(self.death)
        self.now += seconds
        if self.now >= self.deadline:
            self.now = self.deadline
            self._die(TIMED_OUT)

    def crash(self) -> NoReturn:
        """The process ends here."""
        self._die(CRASHED)

    def _die(self, how: str) -> NoReturn:
        self.death = how
        raise FunctionDied(how)

    def begin(self, timeout_seconds: float) -> None:
        """An invocation starts, in a new process if the last one is gone."""
        self.death = None
        self.deadline = self.now + timeout_seconds

    def end(self) -> str | None:
        """How the process died in this invocation; None if it lives."""
        self.deadline = math.inf
        return self.death

    @property
    def remaining_seconds(self) -> float:
        return max(0.0, self.deadline - self.now)


@dataclass(frozen=True, slots=True)
class LambdaContext:
    """What a Python handler gets as its second argument, on the virtual clock."""

    sandbox: Sandbox
    aws_request_id: str
    function_name: str
    invoked_function_arn: str
    function_version: str = "$LATEST"
    memory_limit_in_mb: str = "256"

    def get_remaining_time_in_millis(self) -> int:
        return int(self.sandbox.remaining_seconds * 1000)
