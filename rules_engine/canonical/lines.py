"""Texts of several lines, with the lines that their author gave them.

In: a scalar. Out: its lines without indentation. A block (`|`, `>`) gets the header that its value asks for;
in a plain or quoted text of several lines the lines themselves stay as they are: how a text is folded is how
its author reads it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rules_engine.source import Node


BLOCKS = ("|", ">")
"""The styles of block scalars."""


def is_of_lines(node: Node) -> bool:
    """Whether this is a plain or quoted text on more than one line."""
    return node.kind == "scalar" and node.style not in BLOCKS and "\n" in _written(node)


def lines_of(node: Node) -> list[str]:
    """The lines of a plain or quoted text, an empty one where it has an empty line."""
    first, *others = (_without_end(line, node.style) for line in _written(node).split("\n"))
    return [first, *(line.lstrip(" \t") for line in others)]


def block_lines(node: Node) -> list[str]:
    """Header and lines of a block whose value is not only line ends."""
    value: str = node.value
    text = value.rstrip("\n")
    ends = len(value) - len(text)
    lines = text.split("\n") if node.style == "|" else _folded_lines(node)
    while not lines[-1]:
        lines.pop()
    # Readers take the first line with text as the measure of indentation.
    first = next(line for line in lines if line.strip(" "))
    ambiguous = first.startswith(" ") or any(line for line in lines[: lines.index(first)])
    header = f"{node.style}{'2' if ambiguous else ''}{'-' if ends == 0 else '' if ends == 1 else '+'}"
    return [header, *lines, *[""] * (ends - 1)]


def _folded_lines(node: Node) -> list[str]:
    """The lines below the header, as deep as the first character of the value that is no line end."""
    source = node.source
    places = source.places(node) or []
    at = next(number for number, character in enumerate(node.value) if character != "\n")
    depth = source.location(node.start + places[at][0]).column - 1
    _, *lines = _written(node).split("\n")
    return [line[depth:] for line in lines]


def _written(node: Node) -> str:
    written = node.source.text[node.start : node.end]
    return written if node.style else written.rstrip(" \t\n")


def _without_end(line: str, style: str) -> str:
    """A line without the spaces at its end, but for one that a backslash keeps."""
    shorter = line.rstrip(" \t")
    backslashes = len(shorter) - len(shorter.rstrip("\\"))
    kept = style == '"' and backslashes % 2 == 1
    return line[: len(shorter) + 1] if kept else shorter
