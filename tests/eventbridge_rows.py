"""The table of EventBridge operators in `docs/expressions.md`: for each row its pattern and its condition."""

from __future__ import annotations

import json
import re
from pathlib import Path

_PAGE = (Path(__file__).parent.parent / "docs/expressions.md").read_text()
SECTION = _PAGE.split("## EventBridge operators")[1].split("\n## ")[0]


def _code_span(cell: str) -> str:
    """What a table's cell that is one code span says."""
    span = re.fullmatch(r"(`+)( ?)(.*)\2\1", cell)
    assert span is not None, cell
    return span[3].replace("\\|", "|")


ROWS = [
    (json.loads(_code_span(pattern)), _code_span(condition))
    for pattern, condition in re.findall(r"^\| (`\{.*?`) \| (`.*`) \|$", SECTION, re.MULTILINE)
]
"""(pattern, condition)"""
