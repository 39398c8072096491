"""Payloads that can pass the size that an action's target takes.

In: an action in which nothing was found. Out: warnings (RE453): for a payload whose own text is larger than
the limit, and for one that copies a whole item into a place for less than an item may have. The payload of an
action that names none is not looked at: nearly every rule would have a warning, and nothing to do about it;
docs/decisions/0006 says more.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from rules_engine import exact_json
from rules_engine.expression.checks.facts import path_names
from rules_engine.expression.syntax import parse
from rules_engine.loader.wording import article
from rules_engine.template import holes, scan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rules_engine.actions import ActionType
    from rules_engine.errors import Problem
    from rules_engine.expression.node import Node as ExpressionNode
    from rules_engine.model import Scope
    from rules_engine.source import Node

MOST_OF_AN_ITEM = 400 * 1024
"""DynamoDB's limit. As JSON an item may be larger still."""


_may_copy = re.compile(r"\b(?:new|old)\s*(?:\}\}|\||\))").search
"""Whether an image may stand in a text as a whole. Nearly all that stands there is one attribute."""


def check_size(node: Node, action_type: ActionType, scope: Scope) -> Iterator[Problem]:
    """What the payload of the action at `node` can be too large for."""
    most = getattr(action_type, "MOST_BYTES", None)
    if most is None:
        return
    for name in action_type.PAYLOAD:
        part = node.get(name)
        if part is None:
            continue
        # A character has 4 bytes at most: what is short in the file need not be measured.
        size = _constant_bytes(part.plain()) if 4 * (part.end - part.start) > most else 0
        if size > most:
            message = f"'{name}' has {size:,} bytes before anything is filled in, and the limit is {most:,}"
            hint = "send less, or send where the receiver finds it"
            yield part.source.problem("RE453", message, node.keys[name].location, hint, severity="warning")
        elif most < MOST_OF_AN_ITEM:
            yield from _copies(part, action_type, most, scope)


def _constant_bytes(value: Any) -> int:
    if isinstance(value, str):
        return sum(len(part.encode()) for part in scan(value) if isinstance(part, str))
    if isinstance(value, dict):
        return sum(len(name.encode()) + _constant_bytes(member) for name, member in value.items())
    if isinstance(value, list):
        return sum(map(_constant_bytes, value))
    return len(exact_json.dumps(value))


def _copies(node: Node, action_type: ActionType, most: int, scope: Scope) -> Iterator[Problem]:
    """Holes that copy a whole image."""
    if node.kind != "scalar":
        for part in node.items() or [value for _, value in node.entries()]:
            yield from _copies(part, action_type, most, scope)
        return
    if not isinstance(node.value, str) or not _may_copy(node.value):
        return
    for hole in holes(node.value):
        if _is_image(parse(hole.expression), scope):
            kind = f"{article(action_type.TYPE)} action"
            message = f"an item may have {_kb(MOST_OF_AN_ITEM)}, and {kind} sends {_kb(most)}"
            hint = "send the attributes that the receiver needs, such as {{ new.status }}"
            place = node.locate(hole.start, hole.end - hole.start)
            yield node.source.problem("RE453", message, place, hint, severity="warning")


def _kb(size: int) -> str:
    return f"up to {size // 1024} KB"


def _is_image(node: ExpressionNode, scope: Scope) -> bool:
    if node.type == "or_expression":
        return any(_is_image(child, scope) for child in node.children)
    return path_names(node, scope) in (("new",), ("old",))
