"""A text of any length is told to be no number, or a damaged one, in time that grows with its length alone.

Rule files have their own test (`test_hostile_files.py`); this is for what records bring, and for the line in
front of an editor's cursor. A child process has
two seconds of the processor, and the system ends it beyond.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

PROGRAM = """
import resource
from rules_engine.attribute_value import decode
from rules_engine.errors import AttributeValueError
resource.setrlimit(resource.RLIMIT_CPU, (2, 2))
try:
    decode({"N": %s})
except AttributeValueError as error:
    print(error)
"""


@pytest.mark.parametrize("text", ["'0' * 400_000 + '!'", "'9' * 400_000 + '.' + '9' * 400_000 + 'e'"])
def test_a_long_number_that_is_none_is_refused_at_once(text: str) -> None:
    child = subprocess.run(
        [sys.executable, "-c", PROGRAM % text], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (child.returncode, child.stdout, child.stderr) == (0, "N is not a number\n", "")


COMPLETION = """
import resource
from rules_engine.lsp.completion import complete
resource.setrlimit(resource.RLIMIT_CPU, (3, 3))
line = "    when: " + %s
print(len(complete("rules.yaml", "rules:\\n  - id: a\\n" + line, 2, len(line), [])))
"""


@pytest.mark.parametrize(
    "text", ["'a' * 100_000 + '-'", "'a.' * 50_000 + ' '", "'a[?(' * 50_000", "'f(&' * 50_000"]
)
def test_a_long_line_is_completed_at_once(text: str) -> None:
    child = subprocess.run(
        [sys.executable, "-c", COMPLETION % text], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (child.returncode, child.stderr) == (0, "")
