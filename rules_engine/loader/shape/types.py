"""Which of the types of a schema a node is of.

In: a node and a schema with `type` or `anyOf`. Out: whether it fits, the alternative that is for it, and the
problem where none is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rules_engine.loader.fixes import fix_of
from rules_engine.loader.wording import repair_hint, repaired

if TYPE_CHECKING:
    from rules_engine.errors import Location, Problem
    from rules_engine.source import Node

Schema = dict[str, Any]

_UNQUOTED = ("an action", "a rule")
"""Names of things that have no key."""

_TYPE_NAMES = {
    "object": "a mapping",
    "array": "a list",
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "null": "null",
}


def branch(node: Node, schema: Schema) -> Schema:
    """The alternative that is for this type; where there is none, one that says all the types."""
    for alternative in schema["anyOf"]:
        if is_of(node, alternative["type"]):
            return {**schema, **alternative}
    items = {key: one[key] for one in schema["anyOf"] for key in ("items",) if key in one}
    return {**schema, **items, "type": [alternative["type"] for alternative in schema["anyOf"]]}


def is_of(node: Node, wanted: str | list[str]) -> bool:
    if isinstance(wanted, list):
        return any(is_of(node, one) for one in wanted)
    if node.kind != "scalar":
        return wanted == ("object" if node.kind == "mapping" else "array")
    value = node.value
    if isinstance(value, bool):
        return wanted == "boolean"
    if isinstance(value, str):
        return wanted == "string"
    if value is None:
        return wanted == "null"
    return wanted == "number" or (wanted == "integer" and value == int(value))


def has_type(node: Node, schema: Schema) -> bool:
    wanted = branch(node, schema).get("type") if "anyOf" in schema else schema.get("type")
    return wanted is None or is_of(node, wanted)


def wrong_type(node: Node, wanted: str | list[str], name: str, key: Node | None, schema: Schema) -> Problem:
    types = [wanted] if isinstance(wanted, str) else wanted
    words = " or ".join(_TYPE_NAMES[one] for one in types if one != "null" or len(types) == 1)
    shown = f"'{name}'" if name not in _UNQUOTED else name
    message = f"{shown} must be {words}, but it is {node.describe()}"
    hint, fix = repair_hint(node, types, key, schema), None
    meant = repaired(node, types, schema)
    if meant is not None and meant in hint:
        fix = fix_of(node, meant)
    return node.source.problem("RE107", message, place_of(node, key), hint, fix=fix)


def place_of(node: Node, key: Node | None) -> Location:
    """Where to point for a wrong value: at itself, or at its key where it begins on a line of its own."""
    if key is not None and (node.start == node.end or (node.kind != "scalar" and node.style == "block")):
        return key.location
    return node.location
