"""The words of expressions: what an author can name there, and what each means.

In: a file's outline and the text around a cursor. Out: whether an expression stands there, the names that the
file itself defines, and the attributes that its tests' records have. The meaning of functions stands in
`expression/functions.py`; that of the record's fields stands here, for `hover` and `completion`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rules_engine.lsp.shape import EXPRESSION

if TYPE_CHECKING:
    from rules_engine.lsp.outline import Entry, Outline, Place
    from rules_engine.schema import Schema

FIELDS = {
    "new": "The item after the change; null in a removal.",
    "old": "The item before the change; null where it is new.",
    "keys": "The item's key attributes.",
    "eventName": "`INSERT`, `MODIFY` or `REMOVE`.",
    "eventID": "The change's id.",
    "table": "Name of the table.",
    "expired": "True for a removal by time to live.",
    "createdAt": "When the change was made: ISO 8601 text in UTC.",
    "awsRegion": "The table's region.",
    "sequenceNumber": "Place of the change in its shard, as text.",
    "vars": "Constants of this file: `vars.NAME`.",
    "lists": "Lists of constants of this file: `lists.NAME`.",
    "is": "Named conditions of this file: `is.NAME`.",
}
"""What an expression may begin with."""

SECTIONS = {"vars": "vars", "lists": "lists", "is": "conditions"}
"""Where a file defines the names below its own roots."""

_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*")
_RULE_ID = re.compile(r"[a-z0-9][a-z0-9-]*")


def in_expression(place: Place, shape: Schema | None) -> bool:
    """Whether what stands left of the cursor is, or may become, a part of an expression."""
    if shape is not None and shape.get("title") == EXPRESSION:
        return True
    is_config = place.path[:1] == ("rules",) and place.path[2:3] == ("actions",) and len(place.path) > 4
    return is_config and place.before.rfind("{{") > place.before.rfind("}}")


def expression_before(place: Place) -> str:
    """The expression's text left of the cursor, as far as its line has it."""
    text = place.before
    hole = text.rfind("{{")
    return text[hole + 2 :] if hole >= 0 else text.lstrip("'\"")


def word_at(line: str, column: int) -> tuple[str, int, bool] | None:
    """(dotted name, where it starts, whether it is called) around a column of a line."""
    for match in _WORD.finditer(line):
        if match.start() <= column <= match.end():
            return match[0], match.start(), line[match.end() : match.end() + 1] == "("
    return None


def names_a_rule(place: Place) -> bool:
    """Whether a test of a `*.test.yaml` file says here what rule it is about, or which must match."""
    return place.path[:2] == ("tests", None) and place.path[2:] in (("rule",), ("matches", None))


def rule_id_at(line: str, column: int) -> str:
    """What may be a rule's id around a column of a line."""
    return next((m[0] for m in _RULE_ID.finditer(line) if m.start() <= column <= m.end()), "")


def defined(outline: Outline, root: str) -> dict[str, Entry]:
    """What the file defines under `vars`, `lists` or `is`, by name."""
    return {e.key: e for e in outline.entries if e.path == (SECTIONS[root],)}


def attributes(outline: Outline, root: str, path: tuple[str | None, ...]) -> list[str]:
    """Names below `path` in an image of the tests' records, in the order in which they are met."""
    images = ("keys",) if root == "keys" else ("new", "old")
    found: dict[str, None] = {}
    for entry in outline.entries:
        if "record" in entry.path:
            at = entry.path.index("record") + 1
            if entry.path[at : at + 1] and entry.path[at] in images and entry.path[at + 1 :] == path:
                found.setdefault(entry.key)
    return list(found)
