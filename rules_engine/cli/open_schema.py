"""The JSON Schema (draft 2020-12) of a document that a command writes for programs.

It is open: a later version of the same number may add keys, and a reader that refuses unknown keys would
break with it. What is required here stays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection


def document_schema(
    title: str,
    version: int,
    properties: dict[str, Any],
    definitions: dict[str, Any],
    optional: Collection[str] = (),
) -> dict[str, Any]:
    """A document with these keys beside its version. `definitions` are what `list_of` refers to."""
    said = {"const": version, "description": "Another one only where a key changes its meaning."}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        **object_of({"version": said, **properties}, optional),
        "$defs": definitions,
    }


def object_of(properties: dict[str, Any], optional: Collection[str] = ()) -> dict[str, Any]:
    """An object that has all of these keys but the optional ones."""
    required = [name for name in properties if name not in optional]
    return {"type": "object", "required": required, "properties": properties}


def list_of(name: str, description: str) -> dict[str, Any]:
    """A list of what is defined under `name`."""
    return {"type": "array", "items": {"$ref": f"#/$defs/{name}"}, "description": description}
