"""Every hostile rule file is refused, with a place, within a second of the processor and 100 MiB.

A child process reads the files of one generator. The limits are the system's: going over one is its death.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.hostile_files import GENERATORS

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize("generator", GENERATORS)
def test_a_hostile_file_is_refused_within_limits_at_its_place(generator: str) -> None:
    child = subprocess.run(
        [sys.executable, "-m", "tests.hostile_files", generator], cwd=ROOT, capture_output=True, text=True
    )
    read = [json.loads(line) for line in child.stdout.splitlines()]
    assert (child.returncode, child.stderr) == (0, ""), f"after {read[-1:]}"
    missed = [(name, expected, errors[:3]) for name, expected, errors, *_ in read if expected not in errors]
    assert missed == []
    assert [name for name, *_ in read] == [name for name, _ in GENERATORS[generator]()]


def test_there_are_at_least_two_hundred_hostile_files() -> None:
    names = {(kind, name) for kind, generator in GENERATORS.items() for name, _ in generator()}
    assert len(names) >= 200
