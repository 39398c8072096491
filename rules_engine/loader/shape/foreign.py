"""A tree against the schema of another package's action type, in keywords that are not known here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rules_engine.loader.shape.types import place_of

if TYPE_CHECKING:
    from rules_engine.errors import Problem
    from rules_engine.loader.shape.types import Schema
    from rules_engine.source import Node


def check_foreign_shape(node: Node, schema: Schema, name: str) -> list[Problem]:
    """What a schema in keywords that are not known here has against `node`, in jsonschema's words."""
    from jsonschema import Draft202012Validator

    problems = []
    for error in Draft202012Validator(schema).iter_errors(node.plain()):
        at, at_name = node, name
        at_key: Node | None = None
        for step in error.absolute_path:
            at_key = at.keys[step] if isinstance(step, str) else None
            at_name = step if isinstance(step, str) else f"{at_name}[{step}]"
            at = at.value[step]
        message = f"'{at_name}' is not as the schema of this action type wants it: {error.message}"
        problems.append(at.source.problem("RE109", message, place_of(at, at_key), schema.get("description")))
    return problems
