"""Keys that a mapping has and should not, and those that it lacks.

In: a mapping, the key in question, and the schema. Out: the problem, in the words of who wrote the key: what
was probably meant, where it belongs, or what there is.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rules_engine.expression.checks.spelling import nearest, only_near, slipped
from rules_engine.loader.fixes import fix_of
from rules_engine.loader.shape.values import matches
from rules_engine.loader.wording import article, flow, known_keys_hint, misplaced_key_hint
from rules_engine.schema import PATTERN_HINTS

if TYPE_CHECKING:
    from rules_engine.errors import Problem
    from rules_engine.loader.shape.types import Schema
    from rules_engine.source import Node


def typo_of(entry: str, node: Node, properties: Schema) -> str | None:
    """The key for which `entry` is a slip of the finger; None if it is none, or of more than one key."""
    absent = [known for known in properties if known not in node.value]
    return nearest(entry, properties) or slipped(entry, absent)


def unknown_key(node: Node, entry: str, schema: Schema, name: str) -> tuple[str, Problem]:
    """The key that was probably meant ('' if there is no telling), and the problem."""
    properties = schema["properties"]
    cut = _CUT.fullmatch(entry)
    if cut is not None and is_cut(entry, node, properties):
        return cut["key"], _without_colon(node.keys[entry], cut)
    title = schema.get("title", "")
    where = article(title) if title else f"'{name}'"
    near, hint = misplaced_key_hint(entry, title, properties)
    typo = typo_of(entry, node, properties)
    if not hint:
        near = typo or ""
        hint = f"did you mean '{near}'?" if near else known_keys_hint(entry, where, properties)
    if near in node.value:
        hint = f"'{near}' is there already: keep one of them"
    message = f"unknown key '{entry}' in {where}"
    key = node.keys[entry]
    sure = near not in node.value and near == typo and only_near(entry, properties) in (near, None)
    return near, node.source.problem(
        "RE106", message, key.location, hint, fix=fix_of(key, near) if sure else None
    )


_CUT = re.compile(r"(?P<key>[A-Za-z_]\w*)(?: |(?P<colon>:))(?P<rest>\S.*)")


def is_cut(entry: str, node: Node, properties: Schema) -> bool:
    """Whether a key has a part of its value in it, because no `: ` ends it."""
    cut = _CUT.fullmatch(entry)
    return cut is not None and cut["key"] in properties and cut["key"] not in node.value


def _without_colon(key: Node, cut: re.Match[str]) -> Problem:
    """`expect {match: true}` and `expect:{match: true}`, whose key goes on to the next colon."""
    what = "a space is missing after" if cut["colon"] else "a ':' is missing after"
    shown = f"{cut['key']}:" if cut["colon"] else cut["key"]
    fix = fix_of(key, f"{cut['key']}: {cut['rest']}") if key.style == "" else None
    hint = f"write '{cut['key']}: ', then the value"
    return key.source.problem("RE102", f"{what} '{shown}'", key.location, hint, fix=fix)


def bad_name(key: Node, pattern: str, name: str) -> Problem:
    message = f"'{key.value}' cannot be a name in '{name}'"
    hint = PATTERN_HINTS.get(pattern, f"it must match the pattern {pattern}")
    plain = re.sub(
        r"\W+", "_", str(key.value).removeprefix("is.").removeprefix("vars.").removeprefix("lists.")
    )
    if plain != key.value and matches(pattern, plain):
        hint = f"{hint}: {plain}"
    return key.source.problem("RE109", message, key.location, hint)


def missing_key(node: Node, wanted: str, schema: Schema, name: str, key: Node | None) -> Problem:
    """A required key that is not there, at the place of the mapping that lacks it."""
    title = schema.get("title", "")
    wanted_schema = schema.get("properties", {}).get(wanted, {})
    message = f"this {title} has no '{wanted}'" if title else f"'{wanted}' is missing in '{name}'"
    description = wanted_schema.get("description", "").rstrip(".")
    example = next(iter(wanted_schema.get("examples", ())), None)
    hint = f"add '{wanted}'" if not description else f"add '{wanted}': {description}"
    if example is not None:
        hint = f"add '{wanted}', such as: {wanted}: {flow(example)}"
    location = key.location if key is not None else node.source.location(node.start, node.end)
    return node.source.problem("RE108", message, location, hint)
