"""A tree against a JSON Schema, mistakes in a rule author's words.

In: a `Node` and a schema of the keywords in `KEYWORDS`. Out: `Problem`s, each at the key or value it is
about. The jsonschema package was left for this: its import takes 90 ms of the 300 ms that `validate` may
take, checking a rule takes 0.25 ms (2.5 s of the 10 s for 10,000 rules), and its errors know neither places
nor what was probably meant. A property test holds that both accept the same. It still checks what another
package's action type says in keywords that are not known here.
"""

from __future__ import annotations

import operator
import re
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any

from rules_engine.expression.checks.event_words import EVENT_WORDS
from rules_engine.expression.checks.spelling import nearest, only_near
from rules_engine.loader.fixes import fix_of
from rules_engine.loader.wording import (
    article,
    flow,
    known_keys_hint,
    misplaced_key_hint,
    other_word,
    plural,
    repair_hint,
    repaired_scalar,
)
from rules_engine.schema import PATTERN_HINTS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rules_engine.errors import Location, Problem
    from rules_engine.source import Node

Schema = dict[str, Any]

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


def place_of(node: Node, key: Node | None) -> Location:
    """Where to point for a wrong value: at itself, or at its key where it begins on a line of its own."""
    if key is not None and (node.start == node.end or (node.kind != "scalar" and node.style == "block")):
        return key.location
    return node.location


def _check(node: Node, schema: Schema, name: str, key: Node | None, problems: list[Problem]) -> None:
    if node.broken:
        return
    if "anyOf" in schema:
        schema = _branch(node, schema)
    wanted = schema.get("type")
    if wanted is not None and not _is_of(node, wanted):
        problems.append(_wrong_type(node, wanted, name, key, schema))
        return
    if "const" in schema or "enum" in schema:
        _check_choice(node, schema, name, key, problems)
    if node.kind == "mapping":
        _check_mapping(node, schema, name, key, problems)
    elif node.kind == "sequence":
        _check_sequence(node, schema, name, key, problems)
    elif isinstance(node.value, str):
        _check_text(node, schema, name, key, problems)
    elif isinstance(node.value, int | Decimal) and not isinstance(node.value, bool):
        _check_number(node, schema, name, problems)


def _branch(node: Node, schema: Schema) -> Schema:
    """The alternative that is for this type; where there is none, one that says all the types."""
    for alternative in schema["anyOf"]:
        if _is_of(node, alternative["type"]):
            return {**schema, **alternative}
    items = {key: one[key] for one in schema["anyOf"] for key in ("items",) if key in one}
    return {**schema, **items, "type": [alternative["type"] for alternative in schema["anyOf"]]}


def _is_of(node: Node, wanted: str | list[str]) -> bool:
    if isinstance(wanted, list):
        return any(_is_of(node, one) for one in wanted)
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


def _wrong_type(node: Node, wanted: str | list[str], name: str, key: Node | None, schema: Schema) -> Problem:
    types = [wanted] if isinstance(wanted, str) else wanted
    words = " or ".join(_TYPE_NAMES[one] for one in types if one != "null" or len(types) == 1)
    shown = f"'{name}'" if name not in _UNQUOTED else name
    message = f"{shown} must be {words}, but it is {node.describe()}"
    hint, fix = repair_hint(node, types, key, schema), None
    meant = repaired_scalar(node, types)
    if meant is not None and meant in hint:
        fix = fix_of(node, meant)
    return node.source.problem("RE107", message, place_of(node, key), hint, fix=fix)


def _check_choice(node: Node, schema: Schema, name: str, key: Node | None, problems: list[Problem]) -> None:
    allowed = schema.get("enum", [schema.get("const")])
    if any(_equal(node.value, one) for one in allowed):
        return
    if node.kind != "scalar":
        one = "one of its words" if len(allowed) > 1 else repr(allowed[0])
        message = f"'{name}' must be {one}, but it is {node.describe()}"
    elif len(allowed) == 1:
        kind = "the text " if isinstance(node.value, str) and not isinstance(allowed[0], str) else ""
        message = f"'{name}' must be {allowed[0]}, not {kind}'{node.written()}'"
    else:
        message = f"'{name}' cannot be '{node.written()}'"
    near = _nearest_choice(str(node.value), [one for one in allowed if isinstance(one, str)])
    listed = (
        f"it is one of {', '.join(map(str, allowed))}" if len(allowed) > 1 else f"write {name}: {allowed[0]}"
    )
    hint = _several_choices(node, schema, allowed, name) or (
        f"did you mean '{near}'? {listed}" if near else listed
    )
    meant = near if near is not None else allowed[0] if _is_quoted(node, allowed) else None
    fix = fix_of(node, str(meant)) if meant is not None else None
    problems.append(node.source.problem("RE109", message, place_of(node, key), hint, fix=fix))


def _several_choices(node: Node, schema: Schema, allowed: list[Any], name: str) -> str:
    """How to write `INSERT, MODIFY`, `INSERT|MODIFY` and `*` where one choice or a list of them may stand."""
    if "anyOf" not in schema or node.kind != "scalar":
        return ""
    written = str(node.value)
    if written.lower() in ("*", "all", "any"):
        return f"leave '{name}' out for all of them"
    words = re.findall(r"[A-Za-z]+", written)
    if len(words) > 1 and all(word.upper() in allowed for word in words):
        return f"several are a list: {name}: [{', '.join(words).upper()}]"
    return ""


def _is_quoted(node: Node, allowed: list[Any]) -> bool:
    """Whether the one value that there may be, a number, was written as text."""
    return bool(node.style) and len(allowed) == 1 and node.value == str(allowed[0])


def _nearest_choice(written: str, allowed: list[str]) -> str | None:
    """The choice that was meant: another system's word for an event, a typo, or an unmistakable beginning."""
    word = EVENT_WORDS.get(written.upper())
    if word in allowed:
        return word
    begun = [one for one in allowed if written and one.lower().startswith(written.lower())]
    return nearest(written, allowed) or (begun[0] if len(begun) == 1 else None)


def _equal(value: Any, other: Any) -> bool:
    return value == other and isinstance(value, bool) == isinstance(other, bool)


def _check_mapping(node: Node, schema: Schema, name: str, key: Node | None, problems: list[Problem]) -> None:
    properties: dict[str, Schema] = schema.get("properties", {})
    further = schema.get("additionalProperties", True)
    pattern = schema.get("propertyNames", {}).get("pattern")
    meant: dict[str, str] = {}
    for entry, value in node.value.items():
        if len(problems) >= MOST_ERRORS:
            return
        if pattern is not None and not _search(pattern, entry):
            problems.append(_bad_name(node.keys[entry], pattern, name))
        if entry in properties:
            _check(value, properties[entry], entry, node.keys[entry], problems)
        elif further is False:
            near, problem = _unknown_key(node, entry, schema, name)
            problems.append(problem)
            if near and near not in node.value:
                meant.setdefault(near, entry)
        elif isinstance(further, dict):
            _check(value, further, entry, node.keys[entry], problems)
    problems += [
        missing_key(node, wanted, schema, name, key)
        for wanted in schema.get("required", ())
        if wanted not in node.value and wanted not in meant
    ]
    _read_as_meant(node, meant, schema, problems)
    if len(node.value) < schema.get("minProperties", 0):
        message, hint = f"'{name}' is empty", "write its entries, or remove the key"
        problems.append(node.source.problem("RE109", message, place_of(node, key), hint))


def _bad_name(key: Node, pattern: str, name: str) -> Problem:
    message = f"'{key.value}' cannot be a name in '{name}'"
    hint = PATTERN_HINTS.get(pattern, f"it must match the pattern {pattern}")
    plain = re.sub(
        r"\W+", "_", str(key.value).removeprefix("is.").removeprefix("vars.").removeprefix("lists.")
    )
    if plain != key.value and _search(pattern, plain):
        hint = f"{hint}: {plain}"
    return key.source.problem("RE109", message, key.location, hint)


def _read_as_meant(node: Node, meant: Mapping[str, str], schema: Schema, problems: list[Problem]) -> None:
    """Reads each entry as the key that was meant, so that one mistake is not told again as what it lacks.

    What was meant by another word may be made for another language: only what has the right type is read."""
    names = {}
    for wanted, entry in meant.items():
        value, properties = node.value[entry], schema["properties"]
        if value.broken or not _has_type(value, properties[wanted]):
            continue
        if nearest(entry, properties) == wanted:
            names[entry] = wanted
            _check(value, properties[wanted], wanted, node.keys[entry], problems)
        elif other_word(entry, schema.get("title", ""), properties):
            names[entry] = wanted
    if names:
        node.rename(names)


def _has_type(node: Node, schema: Schema) -> bool:
    wanted = _branch(node, schema).get("type") if "anyOf" in schema else schema.get("type")
    return wanted is None or _is_of(node, wanted)


def _unknown_key(node: Node, entry: str, schema: Schema, name: str) -> tuple[str, Problem]:
    """The key that was probably meant ('' if there is no telling), and the problem."""
    properties = schema["properties"]
    title = schema.get("title", "")
    where = article(title) if title else f"'{name}'"
    near, hint = misplaced_key_hint(entry, title, properties)
    if not hint:
        near = nearest(entry, properties) or ""
        hint = f"did you mean '{near}'?" if near else known_keys_hint(entry, where, properties)
    if near in node.value:
        hint = f"'{near}' is there already: keep one of them"
    message = f"unknown key '{entry}' in {where}"
    key = node.keys[entry]
    fix = fix_of(key, near) if near not in node.value and only_near(entry, properties) == near else None
    return near, node.source.problem("RE106", message, key.location, hint, fix=fix)


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


def _check_sequence(node: Node, schema: Schema, name: str, key: Node | None, problems: list[Problem]) -> None:
    count = len(node.value)
    least, most = schema.get("minItems", 0), schema.get("maxItems", count)
    if count < least or count > most:
        limit = f"at least {plural(least, 'entry')}" if count < least else f"at most {plural(most, 'entry')}"
        message = (
            f"'{name}' is an empty list" if count == 0 else f"'{name}' must have {limit}, but has {count}"
        )
        example = next(iter(schema.get("examples", ())), None)
        such_as = f", such as: {name}: {flow(example)}" if example is not None else ""
        hint = f"add an entry{such_as}" if count < least else "remove entries"
        problems.append(node.source.problem("RE109", message, place_of(node, key), hint))
    items = schema.get("items")
    if items is not None:
        for index, item in enumerate(node.value):
            if len(problems) >= MOST_ERRORS:
                return
            _check(item, items, f"{name}[{index}]", None, problems)
    if schema.get("uniqueItems"):
        _check_unique(node, name, problems)


def _check_unique(node: Node, name: str, problems: list[Problem]) -> None:
    seen: dict[Any, Node] = {}
    for item in node.value:
        if item.kind != "scalar":
            continue
        identity = (type(item.value) is bool, item.value)
        if identity in seen:
            message = f"'{item.value}' stands twice in '{name}'"
            related = ((seen[identity].location, "first written here"),)
            problems.append(
                node.source.problem("RE109", message, item.location, "remove one of them", related=related)
            )
        seen.setdefault(identity, item)


def _check_text(node: Node, schema: Schema, name: str, key: Node | None, problems: list[Problem]) -> None:
    text = node.value
    least, most = schema.get("minLength", 0), schema.get("maxLength", len(text))
    fix = None
    if len(text) < least:
        message = (
            f"'{name}' is empty" if not text else f"'{name}' must have at least {plural(least, 'character')}"
        )
        hint = "write its text, or remove the key" if not text else "write more"
    elif len(text) > most:
        message = f"'{name}' must have at most {plural(most, 'character')}, but has {len(text)}"
        hint = "shorten it"
    elif "pattern" in schema and not _search(schema["pattern"], text):
        message = f"'{name}' cannot be '{text if len(text) <= 60 else text[:57] + '...'}'"
        hint = PATTERN_HINTS.get(schema["pattern"], f"it must match the pattern {schema['pattern']}")
        meant = _meant_by(hint, text)
        if meant is not None:
            hint, fix = f"{hint}: {meant}", fix_of(node, meant)
    else:
        return
    problems.append(node.source.problem("RE109", message, place_of(node, key), hint, fix=fix))


def _meant_by(hint: str, text: str) -> str | None:
    """A text that does not match a pattern, written so that it does: an id, the table of an ARN."""
    if hint.startswith("use lower-case"):
        words = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", text).lower()
        slug = re.sub(r"[^a-z0-9]+", "-", words).strip("-")
        return slug if slug and len(slug) <= 60 else None
    arn = re.fullmatch(r"arn:[^:]+:dynamodb:[^:]*:[^:]*:table/([^/]+).*", text)
    return arn[1] if arn and hint.startswith("write the name") else None


def _check_number(node: Node, schema: Schema, name: str, problems: list[Problem]) -> None:
    limits = (
        ("minimum", operator.ge, "at least"),
        ("maximum", operator.le, "at most"),
        ("exclusiveMinimum", operator.gt, "more than"),
        ("exclusiveMaximum", operator.lt, "less than"),
    )
    for keyword, holds, words in limits:
        if keyword in schema and not holds(node.value, schema[keyword]):
            message = f"'{name}' must be {words} {schema[keyword]}, not {node.written()}"
            hint = f"write a number that is {words} {schema[keyword]}"
            problems.append(node.source.problem("RE109", message, node.location, hint))


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    # JSON Schema's `$` is the end of the text; Python's also stands before a last line end.
    return re.compile(re.sub(r"(?<!\\)\$$", r"\\Z", pattern))


def _search(pattern: str, text: str) -> bool:
    return _compiled(pattern).search(text) is not None


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
