"""Scalars, and lists as a whole, against the keywords of their schema.

In: a node of the right type and its schema. Out: problems for a value that is none of the allowed ones, a
text that is too long or does not match its pattern, a number out of range, an entry that stands twice. Where
the value that was meant is clear, it is in the hint.
"""

from __future__ import annotations

import operator
import re
from functools import cache
from typing import TYPE_CHECKING, Any

from rules_engine.expression.checks.event_words import EVENT_WORDS
from rules_engine.expression.checks.spelling import nearest
from rules_engine.loader.fixes import fix_of
from rules_engine.loader.shape.types import place_of
from rules_engine.loader.wording import flow, plural
from rules_engine.schema import PATTERN_HINTS

if TYPE_CHECKING:
    from rules_engine.errors import Problem
    from rules_engine.loader.shape.types import Schema
    from rules_engine.source import Node


def check_choice(node: Node, schema: Schema, name: str, key: Node | None, problems: list[Problem]) -> None:
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


def check_text(node: Node, schema: Schema, name: str, key: Node | None, problems: list[Problem]) -> None:
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
    elif "pattern" in schema and not matches(schema["pattern"], text):
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


def check_number(node: Node, schema: Schema, name: str, problems: list[Problem]) -> None:
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


def check_count(node: Node, schema: Schema, name: str, key: Node | None, problems: list[Problem]) -> None:
    """How many entries a list has."""
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


def check_unique(node: Node, name: str, problems: list[Problem]) -> None:
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


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    # JSON Schema's `$` is the end of the text; Python's also stands before a last line end.
    return re.compile(re.sub(r"(?<!\\)\$$", r"\\Z", pattern))


def matches(pattern: str, text: str) -> bool:
    return _compiled(pattern).search(text) is not None
