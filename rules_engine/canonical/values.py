"""Plain data as YAML, in the style of the canonical form.

In: mappings, lists, texts, numbers, truth values and None. Out: lines that read back as the same. A list of
short values stands in brackets, everything else in lines; a text of several lines is a block where one can
hold it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rules_engine import exact_json
from rules_engine.canonical.scalars import text_of
from rules_engine.canonical.writer import WIDTH
from rules_engine.source.reader import INVISIBLE

_LONGEST_ITEM = 24
"""Characters; a list of longer texts is easier to read below each other."""


def yaml_lines(value: Mapping[str, Any], indent: int = 0) -> list[str]:
    """The lines of a mapping that is not empty."""
    pad = " " * indent
    return [
        line
        for key, each in value.items()
        for line in _lines(f"{pad}{text_of(key, in_flow=False)}:", each, indent)
    ]


def _lines(head: str, value: Any, indent: int) -> list[str]:
    """A value behind its key or dash, which stands at `indent`."""
    if isinstance(value, Mapping) and value:
        inner = yaml_lines(value, indent + 2)
        return _behind_dash(head, inner) if head.endswith("-") else [head, *inner]
    if isinstance(value, (list, tuple)) and value:
        line = f"{head} {_in_line(value, in_flow=False)}"
        if len(line) <= WIDTH and all(_is_short(each) for each in value):
            return [line]
        items = [line for each in value for line in _lines(" " * (indent + 2) + "-", each, indent + 2)]
        return _behind_dash(head, items) if head.endswith("-") else [head, *items]
    if isinstance(value, str) and _fits_a_block(value):
        text = value.removesuffix("\n")
        header = "|" if value.endswith("\n") else "|-"
        pad = " " * (indent + 2)
        return [f"{head} {header}", *(f"{pad}{line}" if line else "" for line in text.split("\n"))]
    return [f"{head} {_in_line(value, in_flow=False)}"]


def _is_short(value: Any) -> bool:
    """Whether a value may stand in brackets beside others: nothing nested, and no condition."""
    return (
        not isinstance(value, (Mapping, list, tuple)) and len(_in_line(value, in_flow=True)) <= _LONGEST_ITEM
    )


def _behind_dash(head: str, inner: list[str]) -> list[str]:
    """The first line of what is nested goes behind the dash."""
    return [f"{head} {inner[0].lstrip(' ')}", *inner[1:]]


def _fits_a_block(text: str) -> bool:
    if "\n" not in text or "\t" in text or INVISIBLE.search(text):
        return False
    return (
        text[0] not in " \n"
        and not text.endswith("\n\n")
        and all(line.strip() or not line for line in text.split("\n"))
    )


def _in_line(value: Any, *, in_flow: bool) -> str:
    if isinstance(value, str):
        return text_of(value, in_flow=in_flow)
    if isinstance(value, Mapping):
        return "{}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(_in_line(each, in_flow=True) for each in value)}]"
    return exact_json.dumps(value)
