"""Any bytes give a tree or problems, each with a hint and a place in the file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rules_engine.source import parse_source

if TYPE_CHECKING:
    from collections.abc import Iterator

CASES = Path(__file__).parent.parent / "cases/validate"


def check(data: bytes) -> None:
    root, problems = parse_source("r.yaml", data)
    assert root is not None or problems
    lines = data.decode("utf-8-sig", "replace").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for problem in problems:
        place = problem.location
        assert 1 <= place.line <= len(lines)
        assert 1 <= place.column <= len(lines[place.line - 1]) + 1
        assert place.length >= 1
        assert problem.hint
        assert "\n" not in problem.message + (problem.hint or "")


def seeds() -> Iterator[bytes]:
    for path in sorted(CASES.glob("*/*.yaml")):
        yield path.read_bytes()
