"""What docs/security.md claims: every rule has its row, and the code and tests it names are there."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROWS = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in (ROOT / "docs/security.md").read_text().splitlines()
    if re.match(r"\| \d+ \|", line)
]
RULES = 27


def named(cell: str) -> list[str]:
    return re.findall("`([^`]+)`", cell)


@cache
def cases_in(name: str) -> set[str]:
    tree = ast.parse((ROOT / "tests" / name).read_text())
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_every_rule_has_its_row() -> None:
    assert [row[0] for row in ROWS] == [str(number) for number in range(1, RULES + 1)]
    assert {len(row) for row in ROWS} == {4}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_what_a_row_names_exists(row: list[str]) -> None:
    _, _, where, tests = row
    assert named(where)
    assert [path for path in named(where) if not (ROOT / "rules_engine" / path).is_file()] == []
    assert named(tests)
    files = [test.split("::") for test in named(tests)]
    assert [f"{file}::{test}" for file, test in files if test not in cases_in(file)] == []


@pytest.mark.parametrize("path", sorted((ROOT / "requirements").glob("*.txt")), ids=lambda path: path.name)
def test_every_requirement_is_pinned_with_a_hash(path: Path) -> None:
    text = re.sub(r"(?m)#.*$", "", path.read_text()).replace("\\\n", " ")
    requirements = [line for line in text.splitlines() if line.strip()]
    assert requirements
    assert [
        line for line in requirements if not re.match(r"\S+==\S+ .*--hash=sha256:[0-9a-f]{64}", line)
    ] == []


def test_links_within_the_documentation_lead_somewhere() -> None:
    for path in (ROOT / "SECURITY.md", ROOT / "docs/security.md"):
        links = re.findall(r"\]\((?!https://)([^)#]+)", path.read_text())
        assert links
        assert [link for link in links if not (path.parent / link).exists()] == []
