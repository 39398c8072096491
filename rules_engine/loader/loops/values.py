"""What an action writes at a path, as far as it is known without a record: a `Leaf`.

In: a value of a config, with holes. Out: its leaves by their paths: maps are taken apart, so that each text,
number or list stands for itself. A leaf says whether it is the same for every record, what of the record it
copies, and whether it can be the same twice. `{{ createdAt }}`, `{{ eventID }}` and `{{ sequenceNumber }}`
are taken never to be: a loop that rests because two changes fell into one second goes on with the next one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

from rules_engine.expression.checks.facts import Names, path_names
from rules_engine.expression.checks.inference import UNKNOWN, constant
from rules_engine.expression.checks.places import walk
from rules_engine.expression.syntax import parse
from rules_engine.light_dataclass import dataclass
from rules_engine.template import Hole, Reference, scan

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rules_engine.actions.document_path import Path
    from rules_engine.model import Scope

Kind = Literal[
    "constant", "fixed", "copy", "part", "text", "fresh", "counter", "joined", "removed", "any", "unknown"
]

FRESH_FIELDS: Final = ("createdAt", "eventID", "sequenceNumber")


@dataclass(frozen=True, slots=True)
class Leaf:
    """One written value.

    `constant`: `value`, for every record. `fixed`: the same text for every record, but which is not known.
    `copy`: what stands at `reads[0]` of the record, null where nothing does. `part`: the same as a part of
    something larger that is copied, nothing where nothing stands there. `text`: made of what stands at
    `reads`. `fresh`: a text that is never the same twice. `counter`: a number that grows. `joined`:
    a set with `value` in it. `removed`: nothing. `any`: one of the values above. `unknown`: the same, or the
    action fails.
    """

    kind: Kind
    value: Any = None
    reads: tuple[Names, ...] = ()
    field: str | None = None
    """The field of the record that makes it fresh, also of an `unknown` one."""


UNKNOWN_LEAF = Leaf("unknown")
REMOVED = Leaf("removed")


def leaves_of(value: Any, scope: Scope, at: Path = ()) -> Iterator[tuple[Path, Leaf]]:
    """The leaves of a value that is written at the path."""
    if isinstance(value, dict) and value:
        for name, member in value.items():
            yield from leaves_of(member, scope, (*at, name))
    else:
        yield at, _leaf(value, scope)


def _leaf(value: Any, scope: Scope) -> Leaf:
    if isinstance(value, str):
        return text_leaf(value, scope)
    if isinstance(value, list):
        members = [leaf for element in value for _, leaf in leaves_of(element, scope)]
        field = next((leaf.field for leaf in members if leaf.field), None)
        if field or not all(leaf.kind == "constant" for leaf in members):
            return Leaf("unknown", field=field)
    return Leaf("constant", value)


def text_leaf(text: str, scope: Scope) -> Leaf:
    """What a text with holes and references gives."""
    parts = list(scan(text))
    if len(parts) == 1 and isinstance(parts[0], Hole):
        return _hole_leaf(parts[0], scope)
    if not any(isinstance(part, (Hole, Reference)) for part in parts):
        return Leaf("constant", text)
    filled = [_hole_leaf(part, scope) for part in parts if isinstance(part, Hole)]
    field = next((leaf.field for leaf in filled if leaf.field), None)
    if any(leaf.kind == "unknown" for leaf in filled):
        return Leaf("unknown", field=field)
    if field:
        return Leaf("fresh", field=field)
    reads = tuple(names for leaf in filled for names in leaf.reads)
    return Leaf("text", reads=reads) if reads else Leaf("fixed")


def _hole_leaf(hole: Hole, scope: Scope) -> Leaf:
    node = parse(hole.expression)
    value = constant(node, scope)
    if value is not UNKNOWN:
        return Leaf("constant", _plain(value))
    names = path_names(node, scope)
    if names:
        fresh = names[0] in FRESH_FIELDS
        return Leaf("fresh", field=names[0]) if fresh else Leaf("copy", reads=(names,))
    heads = [place.node.value for place in walk(node) if place.is_head and place.meaning == "record"]
    return Leaf("unknown", field=next((name for name in heads if name in FRESH_FIELDS), None))


def _plain(value: Any) -> Any:
    return dict(value) if hasattr(value, "keys") else value


def addend_leaf(value: Any, scope: Scope) -> Leaf:
    """What `add` does at a path: numbers grow, sets are joined."""
    if isinstance(value, (list, str)):
        leaf = _leaf(value, scope)
        return Leaf("joined", leaf.value) if leaf.kind == "constant" else Leaf("unknown", field=leaf.field)
    return Leaf("counter", value) if value else Leaf("unknown")


def key_leaves(key: Any, scope: Scope) -> Mapping[str, Leaf] | Leaf:
    """Of a key: a leaf for each of its attributes, or one for all of it."""
    if isinstance(key, str):
        return text_leaf(key, scope)
    return {name: _leaf(value, scope) for name, value in key.items()}
