"""The texts of one action: templates, references and secrets where they may stand.

In: the config of an action, its type, the file's `Expressions` and which images are never there. Out: the
problems of keys with holes, of holes in targets, of secrets that would be readable, of what YAML took from a
text.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rules_engine.errors import Fix
from rules_engine.loader.secrets import secret_in_place
from rules_engine.source.traps import in_quotes
from rules_engine.template import holes, references
from rules_engine.template_checks.plain_text import is_suspect
from rules_engine.variables import fault_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rules_engine.actions import ActionType
    from rules_engine.errors import Problem
    from rules_engine.loader.conditions import Expressions
    from rules_engine.source import Node

Path = tuple[str | int, ...]


def check_texts(
    config: Mapping[str, Node], action_type: ActionType, expressions: Expressions, absent: Mapping[str, str]
) -> Iterator[Problem]:
    """Everything about the keys and texts of an action's config."""
    yield from _templates_in_keys(config)
    for path, text in _texts(config):
        yield from _check_text(text, path, action_type, expressions, absent)


def _templates_in_keys(config: Mapping[str, Node]) -> Iterator[Problem]:
    """Keys are taken as they are: a hole or a reference in one would be sent as it stands."""
    stack = list(config.values())
    while stack:
        node = stack.pop()
        stack += node.items() or [value for _, value in node.entries()]
        for name, key in node.keys.items():
            if "{{" in name:
                message = f"'{name}' is a key, and keys have no holes"
                hint = "write the name out; only values are filled from the record"
                yield node.source.problem("RE302", message, key.location, hint)
            elif (reference := next(iter(references(name)), None)) is not None:
                message = f"'${{{reference.text}}}' is in a key, and keys are taken as they are"
                hint = "write the name out; only values have variables"
                yield node.source.problem("RE305", message, key.location, hint)


def _texts(config: Mapping[str, Node]) -> Iterator[tuple[Path, Node]]:
    """Every text of the config with its path."""
    stack: list[tuple[Path, Node]] = [((key,), value) for key, value in config.items()]
    while stack:
        path, node = stack.pop()
        if node.kind == "mapping":
            stack.extend(((*path, key), value) for key, value in node.value.items())
        elif node.kind == "sequence":
            stack.extend(((*path, index), value) for index, value in enumerate(node.value))
        elif isinstance(node.value, str) and not node.broken:
            yield path, node


def _check_text(
    node: Node, path: Path, action_type: ActionType, expressions: Expressions, absent: Mapping[str, str]
) -> Iterator[Problem]:
    text = node.value
    if (cut_off := _cut_off_at_a_hole(node)) is not None:
        yield cut_off
        return
    if node.style == "" and "{{" in text and text.endswith('"') and text.count('"') == 1:
        yield _only_closed(node)
    if "{{" not in text and "${" not in text:
        secret = secret_in_place(str(path[-1]), node)
        if secret is not None:
            yield secret
        elif is_suspect(text):
            yield from expressions.check_template(node, absent)
        return
    if _is_in(path, action_type.TARGETS) and (found := holes(text)):
        yield _target_with_hole(node, path, found[0].start, found[0].end)
        return
    yield from expressions.check_template(node, absent)
    yield from _variables_not_for_rules(node)
    if (
        "${s" in text
        and not _is_unknown(path[0], action_type)
        and not _is_in(path, action_type.SECRET_FIELDS)
    ):
        yield from _misplaced_secrets(node, path, action_type)


def _only_closed(node: Node) -> Problem:
    """`message: Order {{ keys.id }} shipped"`."""
    message = "the quote at the end of this text is a part of it, for none opens the text"
    written = node.source.text[node.start : node.end]
    hint = f'write: "{written}' if "\n" not in written else "write another before the text, or delete it"
    place = node.source.location(node.end - 1, node.end)
    return node.source.problem("RE302", message, place, hint, severity="warning")


_HOLE_AS_COMMENT = re.compile(r" +#[^\s{]*[{$]")


def _cut_off_at_a_hole(node: Node) -> Problem | None:
    """`message: Order #{{ keys.id }}`, of which YAML takes all from the `#` on for a comment."""
    if node.style or not _HOLE_AS_COMMENT.match(node.source.text, node.end):
        return None
    rest = node.source.line(node.source.location(node.end - 1).line)
    rest = rest[node.source.location(node.end - 1).column :].rstrip()
    written = node.source.text[node.start : node.end]
    whole = None if "\n" in written else in_quotes(written + rest)
    message = f"the text ends before '{rest.strip().split()[0]}', for ' #' begins a comment in YAML"
    hint = "put the whole text in double quotes" if whole is None else f"write: {whole}"
    place = node.source.location(node.end + len(rest) - len(rest.lstrip()), node.end + len(rest))
    fix = None if whole is None else Fix(node.source.location(node.start, node.end + len(rest)), whole)
    return node.source.problem("RE302", message, place, hint, fix=fix)


def _is_unknown(key: str | int, action_type: ActionType) -> bool:
    """Whether the key was reported, so that where its value may stand is no matter."""
    schema = action_type.SCHEMA
    return schema.get("additionalProperties") is False and key not in schema.get("properties", {})


def _variables_not_for_rules(node: Node) -> Iterator[Problem]:
    for reference in references(node.value):
        fault = fault_of(reference.name) if reference.kind == "env" else None
        if fault is not None:
            written = f"${{{reference.text}}}"
            place = node.locate(node.value.find(written), len(written))
            yield node.source.problem("RE501", f"'{written}' {fault[0]}", place, fault[1])


def _is_in(path: Path, fields: tuple[str, ...]) -> bool:
    dotted = ".".join(step for step in path if isinstance(step, str))
    return any(dotted == field or dotted.startswith(field + ".") for field in fields)


def _target_with_hole(node: Node, path: Path, start: int, end: int) -> Problem:
    name = ".".join(map(str, path))
    message = f"'{name}' must not come from the record"
    fixed = "a header is a fixed text" if path[0] == "headers" else "where an action goes is fixed"
    hint = f"{fixed}: write it out, or ${{NAME}} for a variable of the function"
    return node.source.problem("RE303", message, node.locate(start, end - start), hint)


def _misplaced_secrets(node: Node, path: Path, action_type: ActionType) -> Iterator[Problem]:
    for reference in references(node.value):
        if reference.kind == "env":
            continue
        written = f"${{{reference.text}}}"
        fields = ", ".join(f"'{field}'" for field in action_type.SECRET_FIELDS)
        message = f"'{written}' may not stand in '{'.'.join(map(str, path))}'"
        where = f"it may stand in {fields}" if fields else f"actions of type '{action_type.TYPE}' take none"
        hint = f"a secret would become readable there; {where}"
        yield node.source.problem("RE307", message, node.locate(node.value.find(written), len(written)), hint)
