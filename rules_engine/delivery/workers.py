"""The threads in which effects take place, and where their results come back.

`submit` starts a job, `finished` waits for one that has ended, `close` waits for all: a thread that outlived
the invocation would go on in the next one. A job's exception is its result. asyncio was left: boto3 blocks.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_THREADS = 32
"""One target uses at most half of them, and one that has not answered yet two: many dead endpoints together
still leave room for the others."""


class Finished(NamedTuple):
    """`value` is what the job returned, or the exception that it raised."""

    job: Any
    value: Any


class Workers(Protocol):
    @property
    def most(self) -> int:
        """How many jobs run at a time: one that had to wait would start too late to end in time."""

    def submit(self, job: Any, run: Callable[[], Any]) -> None: ...

    def finished(self, timeout_seconds: float | None) -> Finished | None:
        """A job that has ended; None if none has within the timeout."""

    def close(self) -> None:
        """Returns when no job is under way."""


class ThreadWorkers:
    """Threads of one invocation, started as they are needed."""

    def __init__(self, most: int = MOST_THREADS) -> None:
        self.most = most
        self._executor = ThreadPoolExecutor(most, "delivery")
        self._results: SimpleQueue[Finished] = SimpleQueue()

    def submit(self, job: Any, run: Callable[[], Any]) -> None:
        self._executor.submit(self._run, job, run)

    def _run(self, job: Any, run: Callable[[], Any]) -> None:
        try:
            value = run()
        except BaseException as error:  # noqa: BLE001 - handed to the thread that asked, whatever it is
            value = error
        self._results.put(Finished(job, value))

    def finished(self, timeout_seconds: float | None) -> Finished | None:
        try:
            return self._results.get(timeout=timeout_seconds)
        except Empty:
            return None

    def close(self) -> None:
        self._executor.shutdown(wait=True, cancel_futures=True)
