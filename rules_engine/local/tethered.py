"""Processes that cannot outlive whoever started them: `start_tethered`, `end_process_group`.

This file is also the program such a process runs (`python -P tethered.py MODULE` runs MODULE as `python -m`
would): the parent keeps the write end of its standard input, and when the parent stops, is killed or crashes,
the kernel closes it and the whole process group goes with it. A server left behind by a killed test run
would otherwise listen for ever. `PR_SET_PDEATHSIG` was left: it is Linux alone, and it watches the parent's
thread rather than the parent.
"""

from __future__ import annotations

import contextlib
import os
import runpy
import signal
import subprocess
import sys
import threading
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def start_tethered(
    module: str, directory: Path, environment: Mapping[str, str], log: IO[bytes], python: str = sys.executable
) -> subprocess.Popen[bytes]:
    """A process running `module`, leader of its own group, writing to `log`."""
    return subprocess.Popen(  # noqa: S603 - our own interpreter and a module named in our own source
        [python, "-P", __file__, module],
        stdin=subprocess.PIPE,
        stdout=log,
        stderr=subprocess.STDOUT,
        cwd=directory,
        env=environment,
        start_new_session=True,
    )


def end_process_group(process: subprocess.Popen[bytes], patience_seconds: float) -> None:
    """Asks a process that leads its own group to end, then kills it and whatever it left behind."""
    process.terminate()
    try:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(patience_seconds)
    finally:
        # The group outlives its leader while a member lives; a group that is gone is what we want.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if process.stdin is not None:
            process.stdin.close()


def end_with_parent() -> None:
    """Never returns: blocks until standard input closes, then kills this process and its children."""
    while os.read(0, 1024):
        pass
    os.killpg(os.getpgrp(), signal.SIGKILL)


if __name__ == "__main__":
    threading.Thread(target=end_with_parent, daemon=True).start()
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
