"""In which order the keys of a mapping stand: as in the schema of rule files.

In: the JSON Schema of a place and a mapping there. Out: its parts in order; keys that the schema lacks come
last, as their author had them. Where the schema names no keys (`vars`, payloads, records) the order is the
author's. An action begins with `type` and `id`, then come its type's own keys, then those of all actions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rules_engine.actions import COMMON_PROPERTIES
from rules_engine.errors import RuleSetError
from rules_engine.schema import action_shape, file_shape, rule_shape, tests_file_shape

if TYPE_CHECKING:
    from rules_engine.canonical.parts import Part
    from rules_engine.source import Node

Shape = dict[str, Any]

_ANY_ACTION: Shape = {}
"""Stands for the shape of an action until its type is known."""

RULES = file_shape(rule_shape(_ANY_ACTION))
TESTS = tests_file_shape()


def shape_of_file(root: Node) -> Shape:
    """The shape of a file of rules, or of one that holds tests only."""
    return TESTS if root.get("tests") is not None and root.get("rules") is None else RULES


def shape_below(shape: Shape, part: Part) -> Shape:
    """The shape of the value of `part`, an entry or an item of something of `shape`."""
    if part.key is None:
        below = shape.get("items")
    else:
        below = shape.get("properties", {}).get(part.key.value, shape.get("additionalProperties"))
    if below is _ANY_ACTION:
        return _action(part.value)
    return below if isinstance(below, dict) else {}


def in_order(parts: list[Part], shape: Shape) -> list[Part]:
    """The parts of a mapping or list as they are to be written."""
    places = {name: number for number, name in enumerate(shape.get("properties", {}))}
    return sorted(parts, key=lambda part: places.get(part.key.value if part.key else "", len(places)))


def _action(node: Node) -> Shape:
    type_node = node.get("type")
    try:
        shape = action_shape(str(type_node.value)) if type_node is not None else {}
    except RuleSetError:
        shape = {}
    own = {name: each for name, each in shape.get("properties", {}).items() if name not in COMMON_PROPERTIES}
    first = {name: COMMON_PROPERTIES[name] for name in ("type", "id")}
    return {"properties": {**first, **own, **COMMON_PROPERTIES}}
