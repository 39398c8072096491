"""What the schema says of a place in a rule file.

In: an outline and a path in it. Out: the part of the schema that is for the value there, or None where the
schema knows nothing. Which keys an action has depends on its `type`, which is looked up in the outline.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from rules_engine.actions import COMMON_PROPERTIES
from rules_engine.loader.files import is_test_file
from rules_engine.schema import Schema, rules_schema, tests_schema

if TYPE_CHECKING:
    from rules_engine.lsp.outline import Outline, Place

EXPRESSION = "condition"
"""Title of every schema whose text is an expression."""


def shape_at(path: str, outline: Outline, place: Place) -> Schema | None:
    """The schema of what stands at the place's path in the file `path`."""
    shape: Schema | None = _schema_of(is_test_file(path))
    for name, mapping in zip(place.path, place.mappings, strict=False):
        shape = _below(_resolved(shape, outline, mapping), name)
        if shape is None:
            return None
    return _resolved(shape, outline, place.mappings[-1])


def keys_of(shape: Schema | None) -> dict[str, Schema]:
    """The keys that a mapping of this shape may have, also where it stands in a list."""
    if shape is None:
        return {}
    known: dict[str, Schema] = shape.get("properties", {})
    return known


def element(shape: Schema | None) -> Schema | None:
    """The schema of a list's elements."""
    return _below(shape, None)


def choices(shape: Schema | None) -> list[Any]:
    """The values that there are, where they are few; also those of a list's elements where it may be one."""
    found: list[Any] = []
    for variant in _variants(shape):
        if "enum" in variant:
            found += variant["enum"]
        elif "const" in variant:
            found.append(variant["const"])
        elif variant.get("type") == "boolean":
            found += [True, False]
    return found


def _resolved(shape: Schema | None, outline: Outline, mapping: int) -> Schema | None:
    """An action's schema by its type; one without a type has the keys that all have."""
    if shape is None or "allOf" not in shape:
        return shape
    written = outline.keys_of(mapping).get("type")
    for one in shape["allOf"]:
        if written is not None and one["if"]["properties"]["type"]["const"] == written.value:
            then: Schema = one["then"]
            properties = {**then["properties"], "type": shape["properties"]["type"]}
            return {**then, "properties": properties}
    return {**shape, "properties": {**COMMON_PROPERTIES, **shape["properties"]}}


def _below(shape: Schema | None, name: str | None) -> Schema | None:
    for variant in _variants(shape):
        if name is None:
            below = variant.get("items")
        else:
            below = variant.get("properties", {}).get(name, variant.get("additionalProperties"))
        if isinstance(below, dict):
            return below
    return None


def _variants(shape: Schema | None) -> list[Schema]:
    return [] if shape is None else [shape, *shape.get("anyOf", [])]


@cache
def _schema_of(of_tests: bool) -> Schema:
    return tests_schema() if of_tests else rules_schema()
