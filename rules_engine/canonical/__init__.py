"""The canonical form of a rule file, with every comment kept.

In: the bytes of one file. Out: the bytes it should have, or the problems that keep it from being read as
YAML: such a file is left alone. The form changes no meaning, and that is not trusted: what was written is
read again, and must hold the same values and the same comments, or CanonicalFormError is raised. Line ends
stay as the file's first line has them; a byte order mark goes.

A round-trip YAML library was left: decision 0006 has the measurements.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from rules_engine.canonical.comments import comments_of
from rules_engine.canonical.parts import parts_of
from rules_engine.canonical.writer import write
from rules_engine.errors import RulesEngineError
from rules_engine.source import parse_source

if TYPE_CHECKING:
    from rules_engine.errors import Problem
    from rules_engine.source import Node

__all__ = ["CanonicalFormError", "canonical_form"]


class CanonicalFormError(RulesEngineError):
    """The new text would not mean what the old one does: a mistake of ours, and nothing was written."""


def canonical_form(path: str, data: bytes) -> tuple[bytes, list[Problem]]:
    """The bytes that the file at `path` should have, and what keeps it from being read.

    Where there is a problem, and where the file is no mapping with entries, the bytes are `data`.
    """
    root, problems = parse_source(path, data)
    if problems or root is None or not root.entries():
        return data, problems
    text = write(parts_of(root))
    _require_equal(path, root, text)
    line_end = "\r\n" if data.partition(b"\n")[0].endswith(b"\r") else "\n"
    return text.replace("\n", line_end).encode(), []


def _require_equal(path: str, root: Node, text: str) -> None:
    again, problems = parse_source(path, text.encode())
    if problems or again is None or _typed(again) != _typed(root):
        raise CanonicalFormError(
            f"{path}: its canonical form would change its meaning; it was left as it is. "
            "This is a mistake in rules-engine: please report it with the file"
        )
    if Counter(each.text for each in comments_of(again)) != Counter(each.text for each in comments_of(root)):
        raise CanonicalFormError(
            f"{path}: its canonical form would lose a comment; it was left as it is. "
            "This is a mistake in rules-engine: please report it with the file"
        )


def _typed(node: Node) -> object:
    """The values of a tree, in which 1, 1.0 and true are three, and in which the order of keys is nothing."""
    if node.kind == "mapping":
        return {key: _typed(child) for key, child in node.entries()}
    if node.kind == "sequence":
        return [_typed(child) for child in node.items()]
    return type(node.value), str(node.value)
