"""The condition that was meant by a pattern of another system.

In: a mapping that stands where a condition belongs: `{status: SHIPPED}`, `{status: [SHIPPED, PACKED]}` as
EventBridge has it, `{any: [..., ...]}` as other rule languages join conditions. Out: the expression that asks
the same, as an example of how it is written.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from rules_engine.expression.checks.mistake import ROOTS, string

if TYPE_CHECKING:
    from rules_engine.source import Node

_MOST_ENTRIES = 3
_LONGEST = 100
_NAME = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")


def condition_of_pattern(node: Node) -> str | None:
    """`new.status == 'SHIPPED' && ...`; None for what is no such pattern, or a long one."""
    if not 0 < len(node.value) <= _MOST_ENTRIES:
        return None
    if node.value.keys() <= _JOINTS.keys():
        return _joined(*next(iter(node.value.items()))) if len(node.value) == 1 else None
    parts = [_entry(key, value) for key, value in node.value.items()]
    return " && ".join(filter(None, parts)) if all(parts) else None


_JOINTS = {"all": " && ", "and": " && ", "any": " || ", "or": " || ", "not": ""}


def _joined(key: str, value: Node) -> str | None:
    """`a && b` for `{all: [a, b]}`."""
    texts = [item.value for item in (value.items() or [value])]
    if not all(isinstance(text, str) and 0 < len(text) <= _LONGEST for text in texts):
        return None
    if len(texts) > _MOST_ENTRIES or (key == "not" and len(texts) > 1):
        return None
    if key == "not":
        return f"!({texts[0]})"
    return _JOINTS[key].join(f"({text})" if "||" in text and len(texts) > 1 else text for text in texts)


def _entry(key: str, value: Node) -> str | None:
    if not _NAME.fullmatch(key):
        return None
    path = key if key.partition(".")[0] in ROOTS else f"new.{key}"
    if value.kind == "scalar":
        constant = _constant(value.value)
        return None if constant is None else f"{path} == {constant}"
    constants = [_constant(item.value) if item.kind == "scalar" else None for item in value.items()]
    if not constants or None in constants or len(constants) > _MOST_ENTRIES:
        return None
    if len(constants) == 1:
        return f"{path} == {constants[0]}"
    return f"contains([{', '.join(filter(None, constants))}], {path})"


def _constant(value: Any) -> str | None:
    if isinstance(value, str):
        return string(value) if len(value) <= 60 else None
    if value is None or isinstance(value, bool):
        return {None: "`null`", True: "`true`", False: "`false`"}[value]
    return f"`{value}`" if isinstance(value, int | Decimal) else None
