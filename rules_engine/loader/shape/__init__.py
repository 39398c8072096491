"""A tree against a JSON Schema, mistakes in a rule author's words.

In: a `Node` and a schema of the keywords in `KEYWORDS`. Out: `Problem`s, each at the key or value it is
about. The jsonschema package was left for this: its import takes 90 ms of the 300 ms that `validate` may
take, checking a rule takes 0.25 ms (2.5 s of the 10 s for 10,000 rules), and its errors know neither places
nor what was probably meant. A property test holds that both accept the same. It still checks what another
package's action type says in keywords that are not known here.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from rules_engine.loader.shape.foreign import check_foreign_shape
from rules_engine.loader.shape.keys import bad_name, is_cut, missing_key, typo_of, unknown_key
from rules_engine.loader.shape.types import branch, has_type, is_of, place_of, wrong_type
from rules_engine.loader.shape.values import (
    check_choice,
    check_count,
    check_number,
    check_text,
    check_unique,
    matches,
)
from rules_engine.loader.wording import other_word, where_it_belongs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rules_engine.errors import Problem
    from rules_engine.loader.shape.types import Schema
    from rules_engine.source import Node

__all__ = ["check_foreign_shape", "check_shape", "is_known", "missing_key", "too_many_errors"]

KEYWORDS = frozenset(
    {
        "type", "properties", "required", "additionalProperties", "propertyNames", "items", "enum", "const",
        "pattern", "minLength", "maxLength", "minItems", "maxItems", "uniqueItems", "minProperties",
        "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "anyOf",
        "title", "description", "examples", "default",
    }
)  # fmt: skip
"""`anyOf` only between schemas of different types."""

MOST_ERRORS = 1_000
"""Of one file: nobody reads more, and looking for what was meant takes time."""


def check_shape(node: Node, schema: Schema, name: str, key: Node | None = None) -> list[Problem]:
    """What `schema` has against `node`, which the author knows as `name` and wrote under `key`."""
    problems: list[Problem] = []
    _check(node, schema, name, key, problems)
    if len(problems) >= MOST_ERRORS:
        problems.append(too_many_errors(node))
    return problems


def too_many_errors(node: Node) -> Problem:
    """Says that in and behind `node` there may be more mistakes than are told."""
    message = f"the file has more than {MOST_ERRORS:,} mistakes"
    hint = "mend those above; from here on the file was not checked"
    return node.source.problem("RE110", message, node.location, hint)


def is_known(schema: Any) -> bool:
    """Whether all keywords of a schema are known here."""
    if not isinstance(schema, dict):
        return isinstance(schema, bool)
    below = [*schema.get("properties", {}).values(), *schema.get("anyOf", ())]
    below += [schema[key] for key in ("items", "additionalProperties", "propertyNames") if key in schema]
    return schema.keys() <= KEYWORDS and all(is_known(part) for part in below)


def _check(node: Node, schema: Schema, name: str, key: Node | None, problems: list[Problem]) -> None:
    if node.broken:
        return
    if "anyOf" in schema:
        schema = branch(node, schema)
    wanted = schema.get("type")
    if wanted is not None and not is_of(node, wanted):
        problems.append(wrong_type(node, wanted, name, key, schema))
        return
    if "const" in schema or "enum" in schema:
        check_choice(node, schema, name, key, problems)
    if node.kind == "mapping":
        _check_mapping(node, schema, name, key, problems)
    elif node.kind == "sequence":
        _check_sequence(node, schema, name, key, problems)
    elif isinstance(node.value, str):
        check_text(node, schema, name, key, problems)
    elif isinstance(node.value, int | Decimal) and not isinstance(node.value, bool):
        check_number(node, schema, name, problems)


def _check_mapping(node: Node, schema: Schema, name: str, key: Node | None, problems: list[Problem]) -> None:
    properties: dict[str, Schema] = schema.get("properties", {})
    meant: dict[str, str] = {}
    misplaced: set[str] = set()
    _check_entries(node, schema, name, meant, misplaced, problems)
    if len(problems) >= MOST_ERRORS:
        return
    if not misplaced or not properties.keys().isdisjoint(node.value):
        problems += [
            missing_key(node, wanted, schema, name, key)
            for wanted in schema.get("required", ())
            if wanted not in node.value and wanted not in meant and not _is_too_deep(wanted, node, properties)
        ]
    _read_as_meant(node, meant, schema, problems)
    if len(node.value) < schema.get("minProperties", 0):
        message, hint = f"'{name}' is empty", "write its entries, or remove the key"
        problems.append(node.source.problem("RE109", message, place_of(node, key), hint))


def _check_entries(
    node: Node,
    schema: Schema,
    name: str,
    meant: dict[str, str],
    misplaced: set[str],
    problems: list[Problem],
) -> None:
    """What is wrong with each entry. `meant` gets what was written for a key, by that key, `misplaced` where
    keys of other mappings belong."""
    properties: dict[str, Schema] = schema.get("properties", {})
    further = schema.get("additionalProperties", True)
    pattern = schema.get("propertyNames", {}).get("pattern")
    for entry, value in node.value.items():
        if len(problems) >= MOST_ERRORS:
            return
        if pattern is not None and not matches(pattern, entry):
            problems.append(bad_name(node.keys[entry], pattern, name))
        if entry in properties:
            _check(value, properties[entry], entry, node.keys[entry], problems)
        elif isinstance(further, dict):
            _check(value, further, entry, node.keys[entry], problems)
        elif further is False and _is_first_of_its_place(entry, schema, misplaced):
            near, problem = unknown_key(node, entry, schema, name)
            problems.append(problem)
            if near and near not in node.value:
                meant.setdefault(near, entry)


def _is_first_of_its_place(entry: str, schema: Schema, misplaced: set[str]) -> bool:
    """Whether no key before it in the mapping belongs where this one does: they were moved there together."""
    title = schema.get("title", "")
    where = where_it_belongs(entry, title)
    if where is None:
        return True
    place = where if title == "rule" else title
    is_first = place not in misplaced
    misplaced.add(place)
    return is_first


def _is_too_deep(wanted: str, node: Node, properties: Mapping[str, Schema]) -> bool:
    """Whether a key that is missing stands in a mapping below, where it is unknown, and reported."""
    return any(
        value.kind == "mapping"
        and wanted in value.value
        and wanted not in properties[key].get("properties", ())
        for key, value in node.value.items()
        if key in properties
    )


def _read_as_meant(node: Node, meant: Mapping[str, str], schema: Schema, problems: list[Problem]) -> None:
    """Reads each entry as the key that was meant, so that one mistake is not told again as what it lacks.

    What was meant by another word may be made for another language: only what has the right type is read."""
    names = {}
    for wanted, entry in meant.items():
        value, properties = node.value[entry], schema["properties"]
        if is_cut(entry, node, properties):
            value.broken = True  # its beginning is in the key
            names[entry] = wanted
        if value.broken or not has_type(value, properties[wanted]):
            continue
        if typo_of(entry, node, properties) == wanted:
            names[entry] = wanted
            _check(value, properties[wanted], wanted, node.keys[entry], problems)
        elif other_word(entry, schema.get("title", ""), properties):
            names[entry] = wanted
    if names:
        node.rename(names)


def _check_sequence(node: Node, schema: Schema, name: str, key: Node | None, problems: list[Problem]) -> None:
    check_count(node, schema, name, key, problems)
    items = schema.get("items")
    if items is not None:
        for index, item in enumerate(node.value):
            if len(problems) >= MOST_ERRORS:
                return
            _check(item, items, f"{name}[{index}]", None, problems)
    if schema.get("uniqueItems"):
        check_unique(node, name, problems)
