"""What is generated from the code is checked in as the code generates it."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
GENERATED = runpy.run_path(str(ROOT / "docs/generate.py"))["generated"]()


@pytest.mark.parametrize("path", [str(path.relative_to(ROOT)) for path in GENERATED])
def test_a_generated_file_is_up_to_date(path: str) -> None:
    assert (ROOT / path).read_text() == GENERATED[ROOT / path], "run `make docs`"
