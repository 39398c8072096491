"""`validate` on a small rule set, as the author waits for it: the whole process from start to exit."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from bench.processes import run
from bench.report import Row, Table
from bench.workload import rules, write_rule_files

if TYPE_CHECKING:
    from bench.session import Session

_RULES = 10


def measure(session: Session) -> Table:
    validate = [sys.executable, "-m", "rules_engine", "validate", "."]
    nothing = [sys.executable, "-c", "pass"]
    environment = dict(os.environ)
    with TemporaryDirectory() as name:
        folder = Path(name)
        write_rule_files(rules("B", _RULES), folder)
        times = [
            (run(validate, environment, folder), run(nothing, environment, folder))
            for _ in range(4 if session.quick else 15)
        ]
    seconds, empty = (min(done.seconds for done in column) for column in zip(*times, strict=True))
    processor = min(done.processor_seconds for done, _ in times)
    note = f"{processor:.3f} s of processor time; an empty Python process: {empty:.3f} s"
    return Table(
        "validate",
        "Validate",
        [Row(f"{_RULES} rules, whole process", seconds, "s", at_most=0.3, note=note)],
    )
