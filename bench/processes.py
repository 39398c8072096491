"""Fresh processes and how long they take.

In: a command line. Out: what it printed, and its wall-clock and processor time. A process that fails is an
error, not a fast result.
"""

from __future__ import annotations

import subprocess
from resource import RUSAGE_CHILDREN, getrusage
from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


class ProcessFailed(Exception):
    """A measured process ended with an error."""


class Finished(NamedTuple):
    printed: str
    seconds: float
    processor_seconds: float


def run(command: Sequence[str], environment: Mapping[str, str], folder: Path) -> Finished:
    """Raises ProcessFailed."""
    start, used = perf_counter(), _processor_seconds()
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=False)
    seconds = perf_counter() - start
    if done.returncode != 0:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:]
        raise ProcessFailed(f"exit code {done.returncode}: {' '.join(last)}")
    return Finished(done.stdout, seconds, _processor_seconds() - used)


def _processor_seconds() -> float:
    """Of all processes that were started and have ended."""
    usage = getrusage(RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
