"""What may stand at a place: keys, values of closed sets, and the words of expressions.

In: a file's text, the cursor, and the ids of the rule set. Out: `Completion`s, the likeliest first. Nothing
is proposed where the language is open (a description, a text in an expression): a list of guesses there hides
what the author writes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from rules_engine.expression.functions import FUNCTIONS
from rules_engine.lsp.outline import read_outline
from rules_engine.lsp.scope import last_path, scope_at_end, steps
from rules_engine.lsp.shape import choices, element, keys_of, shape_at
from rules_engine.lsp.words import (
    FIELDS,
    SECTIONS,
    attributes,
    defined,
    expression_before,
    in_expression,
    names_a_rule,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rules_engine.lsp.outline import Outline, Place
    from rules_engine.lsp.scope import Scope
    from rules_engine.schema import Schema

Kind = Literal["key", "value", "function", "field", "name", "attribute", "rule"]


@dataclass(frozen=True, slots=True)
class Completion:
    """One proposal: `insert` replaces what stands from column `start` to the cursor, at `end`."""

    label: str
    kind: Kind
    insert: str
    start: int
    end: int
    detail: str = ""
    documentation: str = ""


def complete(path: str, text: str, line: int, column: int, rule_ids: Iterable[str]) -> list[Completion]:
    """The proposals for a cursor, which is counted from 0 in characters."""
    outline = read_outline(text, line, column)
    place = outline.place
    if place is None:
        return []
    shape = shape_at(path, outline, place)
    if in_expression(place, shape):
        return _words(outline, expression_before(place), place.start + len(place.before))
    found = []
    if place.role != "value":
        found = _keys(outline, place, shape)
    if place.role != "key" and not found:
        found = _values(place, choices(shape), "value")
        if names_a_rule(place):
            found = _values(place, sorted(rule_ids), "rule")
    return found


def _keys(outline: Outline, place: Place, shape: Schema | None) -> list[Completion]:
    known, dash = keys_of(shape), ""
    if not known and not place.in_flow:
        known, dash = keys_of(element(shape)), "- "
    there = outline.keys_of(place.mappings[-1]) if not dash else {}
    typed = place.before.lstrip("'\"")
    return [
        Completion(
            label=key,
            kind="key",
            insert=f"{dash}{key}:{'' if _is_nested(one) and not place.in_flow else ' '}",
            start=place.start,
            end=place.start + len(place.before),
            detail=str(one.get("title", "")),
            documentation=one.get("description", ""),
        )
        for key, one in known.items()
        if key.startswith(typed) and (key not in there or key == typed)
    ]


def _is_nested(shape: Schema) -> bool:
    """Whether the value begins on the next line."""
    return shape.get("type") in ("object", "array")


def _values(place: Place, values: Iterable[Any], kind: Kind) -> list[Completion]:
    texts = [str(value).lower() if isinstance(value, bool) else str(value) for value in values]
    typed = place.before.lstrip("'\"")
    end = place.start + len(place.before)
    return [Completion(text, kind, text, end - len(typed), end) for text in texts if text.startswith(typed)]


def _words(outline: Outline, before: str, cursor: int) -> list[Completion]:
    """Words for the end of an expression. Within a text or a constant nothing is known."""
    if before.count("'") % 2 or before.count("`") % 2 or before.count('"') % 2:
        return []
    word = last_path(before)
    in_front = before.removesuffix(word)
    root, *path = word.split(".", 1)
    is_index = in_front.endswith("[") and last_path(in_front[:-1])
    if is_index or in_front.endswith((".", ")", "]")) or word.endswith("]"):
        return []
    if path and root in SECTIONS:
        return _own_names(outline, root, path[0], cursor)
    scope = scope_at_end(in_front)
    if path or in_front.endswith("&"):
        *above, typed = steps(word)
        return _attributes(outline, scope.below(tuple(above)), typed or "", cursor)
    start = cursor - len(root)
    found = [] if not scope.path else _attributes(outline, scope, root, cursor)
    found += [
        Completion(name, "field", name, start, cursor, "", doc)
        for name, doc in FIELDS.items()
        if name.startswith(root) and (defined(outline, name) if name in SECTIONS else scope.path == ())
    ]
    functions = [
        Completion(
            label=one.name,
            kind="function",
            insert=f"{one.name}(",
            start=start,
            end=cursor,
            detail=one.signature,
            documentation=f"{one.doc}\n\n`` {one.example} ``",
        )
        for one in sorted(FUNCTIONS.values(), key=lambda one: (not one.extension, one.name))
        if one.name.startswith(root)
    ]
    return found + functions


def _own_names(outline: Outline, root: str, typed: str, cursor: int) -> list[Completion]:
    return [
        Completion(name, "name", name, cursor - len(typed), cursor, entry.value)
        for name, entry in defined(outline, root).items()
        if name.startswith(typed) and not _is_being_defined(outline, root, name)
    ]


def _is_being_defined(outline: Outline, root: str, name: str) -> bool:
    """Whether the cursor is in the definition of the name, which cannot be made of itself."""
    return outline.place is not None and outline.place.path[:2] == (SECTIONS[root], name)


def _attributes(outline: Outline, scope: Scope, typed: str, cursor: int) -> list[Completion]:
    if not scope.path:
        return []
    image, *above = scope.path
    return [
        Completion(name, "attribute", _as_field(name), cursor - len(typed), cursor)
        for name in attributes(outline, str(image), tuple(above))
        if name.startswith(typed)
    ]


def _as_field(name: str) -> str:
    """A name as a path may have it."""
    return name if re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII) else f'"{name}"'
