"""What is generated from the code is checked in as the code generates it."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from rules_engine.cli.main import rules_engine, run

ROOT = Path(__file__).parent.parent
GENERATED = runpy.run_path(str(ROOT / "docs/generate.py"))["generated"]()


@pytest.mark.parametrize("path", [str(path.relative_to(ROOT)) for path in GENERATED])
def test_a_generated_file_is_up_to_date(path: str) -> None:
    assert (ROOT / path).read_text() == GENERATED[ROOT / path], "run `make docs`"


@pytest.mark.parametrize("path", sorted((ROOT / "schemas").iterdir()), ids=lambda path: path.name)
def test_the_command_prints_every_schema(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(rules_engine, ["schema", path.name.removesuffix(".schema.json")]) == 0
    assert capsys.readouterr() == (path.read_text(), "")
