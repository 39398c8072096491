"""Values as they are written in YAML: without quotes where every reader takes them for the same.

In: a value. Out: its text on one line. Text goes without quotes only where both YAML 1.2 and the readers of
YAML 1.1 that are still around take it for text: `on`, `no`, `1:30` and `2027-06-30` are quoted, and so is
what holds `{{`, which would be a mapping if a word before it were taken away. Quotes are double, or single
where that saves escapes.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from yaml.nodes import ScalarNode
from yaml.resolver import Resolver

from rules_engine.source.reader import INVISIBLE
from rules_engine.source.scalars import NumberRefused, resolve

if TYPE_CHECKING:
    from rules_engine.source import Node

_YAML_1_1 = Resolver()
_YAML_1_1_TEXT = "tag:yaml.org,2002:str"
_BOOLEANS_OF_1_1 = {"y", "Y", "n", "N"}
"""In the specification of YAML 1.1, though not in PyYAML."""

_INDICATORS = re.compile(r"[\[\]{},#&*!|>'\"%@`?:]|-(?:[ \[\]{},]|$)|---|\.\.\.")
"""What a plain text must not begin with."""
_ENDS_PLAIN = re.compile(r": | #|:$|\{\{")
_ENDS_PLAIN_IN_FLOW = re.compile(r"[\[\]{},]|:[\[\]{},]")

_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t"}


def scalar_text(node: Node, *, in_flow: bool) -> str:
    """A scalar on one line. Numbers stay as their author wrote them; nothing at all is written `null`."""
    if isinstance(node.value, str):
        return text_of(node.value, in_flow=in_flow)
    if node.value is None:
        return "null"
    if isinstance(node.value, bool):
        return "true" if node.value else "false"
    return node.source.text[node.start : node.end].strip()


@lru_cache(maxsize=4096)
def text_of(value: str, *, in_flow: bool) -> str:
    """A text on one line, in quotes where it needs them."""
    if _can_be_plain(value, in_flow=in_flow):
        return value
    if "\n" in value or "\t" in value or INVISIBLE.search(value):
        return _in_double_quotes(value)
    if value.count("'") < value.count('"') + value.count("\\"):
        return "'" + value.replace("'", "''") + "'"
    return _in_double_quotes(value)


def _can_be_plain(value: str, *, in_flow: bool) -> bool:
    if not value or value != value.strip() or "\n" in value or "\t" in value:
        return False
    if INVISIBLE.search(value) or _INDICATORS.match(value) or _ENDS_PLAIN.search(value):
        return False
    if in_flow and _ENDS_PLAIN_IN_FLOW.search(value):
        return False
    return _is_text_everywhere(value)


def _is_text_everywhere(value: str) -> bool:
    if value in _BOOLEANS_OF_1_1:
        return False
    try:
        is_text = isinstance(resolve(value), str)
    except NumberRefused:
        return False
    tag = _YAML_1_1.resolve(ScalarNode, value, (True, False))  # type: ignore[no-untyped-call]
    return is_text and bool(tag == _YAML_1_1_TEXT)


def _in_double_quotes(value: str) -> str:
    return '"' + "".join(_escaped(character) for character in value) + '"'


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if not INVISIBLE.match(character):
        return character
    number = ord(character)
    if number > 0xFFFF:
        return f"\\U{number:08X}"
    return f"\\x{number:02X}" if number <= 0xFF else f"\\u{number:04X}"
