"""`validate` and `test` on rules with tests, as CI waits for them: the whole process from start to exit.

The tests say what the plain-Python reference says of their records, so a run that fails is a wrong answer.
Seconds are processor time.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from bench.author_tests import write_test_files
from bench.processes import run
from bench.report import Row, Table
from bench.workload import rules, write_rule_files

if TYPE_CHECKING:
    from bench.session import Session

_FEW, _MANY = 10, 1_000


def measure(session: Session) -> Table:
    times = 2 if session.quick else 5
    return Table(
        "tests",
        "Tests of rules",
        [
            _row(["test"], _FEW, times, at_most=0.3),
            _row(["validate"], _MANY, times, at_most=5.0),
            _row(["test"], _MANY, times, at_most=5.0),
            _row(["test", "--coverage"], _MANY, times),
        ],
    )


def _row(words: list[str], n: int, times: int, at_most: float | None = None) -> Row:
    command = [sys.executable, "-m", "rules_engine", *words, "."]
    with TemporaryDirectory() as name:
        described = rules("B", n)
        write_rule_files(described, Path(name))
        tests = write_test_files(described, Path(name))
        finished = [run(command, os.environ, Path(name)) for _ in range(times)]
    seconds = min(done.processor_seconds for done in finished)
    note = finished[-1].printed.strip().splitlines()[-1]
    return Row(
        f"{' '.join(words)}, {n:,} rules with {tests:,} tests", seconds, "s", at_most=at_most, note=note
    )
