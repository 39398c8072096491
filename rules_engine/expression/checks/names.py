"""Names that begin a path at the top of an expression and are no field of the record.

In: such a name with where it stands. Out: one finding that says what was probably meant: a root in other
letters or another system's words for it, a string without its quotes, a constant without its backticks,
something the file defines, or else an attribute of the item. Inside of filters and projections every name may
be right.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rules_engine.expression.checks.mistake import ROOTS, shown, string
from rules_engine.expression.checks.own_names import OWN, defined
from rules_engine.expression.checks.places import Place, leftmost, path_from
from rules_engine.expression.checks.spelling import nearest
from rules_engine.expression.functions import FUNCTIONS

if TYPE_CHECKING:
    from rules_engine.expression.checks.report import Report
    from rules_engine.expression.node import Node

CONSTANTS = {
    "true": "`true`",
    "false": "`false`",
    "null": "`null`",
    "none": "`null`",
    "nil": "`null`",
    "undefined": "`null`",
}
"""Words that other languages have for constants, in lower case, and how JMESPath writes them."""

_WRAPPERS = frozenset({"record", "records", "event", "dynamodb", "detail", "data", "payload"})
"""What a record stands in elsewhere, in lower case."""

_OUTSIDE = frozenset({"env", "environ", "process", "secret", "secrets"})
"""What other languages call that which stands here outside of expressions."""

_OTHER_WORDS = {
    "newimage": "new",
    "oldimage": "old",
    "eventtype": "eventName",
    "event": "eventName",
    "tablename": "table",
}
_OTHER_IMAGES = {
    "item": "new",
    "after": "new",
    "before": "old",
    "previous": "old",
    "key": "keys",
    "var": "vars",
    "variables": "vars",
    "constants": "vars",
    "list": "lists",
    "conditions": "is",
    "condition": "is",
}
"""What roots are called elsewhere, in lower case, without underscores; images only where a path goes on."""

_MAPS = ("keys", "new", "old", *OWN)
"""Roots that a path goes on from; it ends with all others."""


def check_root(place: Place, report: Report) -> None:
    """The name at `place`, which begins a path of the record."""
    name = place.node.value
    if name in ROOTS:
        return
    if place.node.text.lower() in CONSTANTS:
        report_constant(place, report)
        return
    if _is_prefix_of_a_call(place):
        _report_prefix(place, report)
        return
    message = f"unknown name {shown(place.node.text)}"
    wrapped = _inside_wrapper(place)
    if wrapped:
        root, marked = wrapped
        report.add(place, "RE206", message, f"did you mean '{root}'?", marked=marked, fix=root)
        return
    question, meant = _question(place, report)
    report.add(place, "RE206", message, question, fix=meant)


def _is_prefix_of_a_call(place: Place) -> bool:
    """Whether it is `Math` in `Math.abs(new.a)`."""
    parent = place.parent
    return (
        parent is not None
        and parent.node.type == "subexpression"
        and parent.node.children[0] is place.node
        and parent.node.children[1].type == "function_expression"
    )


def _report_prefix(place: Place, report: Report) -> None:
    """That functions have no prefix; a function that is unknown, too, is reported as that alone."""
    assert place.parent is not None, "a prefix has a call"
    call = place.parent.node.children[1]
    if call.value in FUNCTIONS:
        message = f"'{place.node.value}.' before a function"
        marked = (place.node.start, call.end)
        report.add(place, "RE206", message, "functions have no prefix", call.text, marked=marked)


def report_constant(place: Place, report: Report) -> None:
    """`true` where `` `true` `` was meant."""
    mend = CONSTANTS[place.node.value.lower()]
    hint = "constants are written between backticks"
    report.add(place, "RE207", f"'{place.node.value}' is a field name here", hint, mend)


def _inside_wrapper(place: Place) -> tuple[str, tuple[int, int]] | None:
    """`record.dynamodb.NewImage.x`: the root that was meant, and what stands for it."""
    parts = path_from(place).parts
    last = None
    for number, part in enumerate(parts):
        if part.type == "index":
            continue
        goes_on = number + 1 < len(parts)
        wraps = part.value.lower() in _WRAPPERS and goes_on
        root = None if wraps else _root_called(part.value, goes_on=goes_on)
        if root:
            return root, (parts[0].start, part.end)
        if not wraps:
            break
        last = part
    return None if last is None else ("new", (parts[0].start, last.end))


def _root_called(name: str, *, goes_on: bool) -> str | None:
    word = name.lower().replace("_", "")
    roots = [root for root in ROOTS if (root in _MAPS) == goes_on or root.lower() == word]
    known = _OTHER_WORDS.get(word) or (_OTHER_IMAGES.get(word) if goes_on else None) or nearest(name, roots)
    return known or (_short_of(name) if goes_on else None)


def _short_of(name: str) -> str | None:
    """An image of whose name one letter is missing, not the first: `nw.status`, `ol.status`."""
    return next((root for root in ("new", "old") if name in (root[0] + root[2], root[:2])), None)


def _question(place: Place, report: Report) -> tuple[str, str | None]:
    """(what was meant instead of a name that is near to no root, its text where there is no doubt of it)."""
    name, text = place.node.value, place.node.text
    if is_quoted(place.node) and re.match(rf"(?:{'|'.join(ROOTS)})\b.", name):
        return f"a path is written without quotes; write: {name}", name
    if place.parent is not None and name.lower() in _OUTSIDE and path_from(place).whole is not place.node:
        form = "${secret:NAME}" if name.lower().startswith("secret") else "${NAME}"
        return f"it is written {form}, outside of holes and conditions", None
    for root in OWN:
        if name in defined(report.scope, root):
            return f"did you mean '{root}.{name}'?", None
    image = "old" if "new" in report.absent and "old" not in report.absent else "new"
    attribute = f"{image}.{name}" if re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", name) else f"{image}.{text}"
    looks_like_text = is_quoted(place.node) or re.fullmatch("[A-Z][A-Z0-9_]+", name)
    if looks_like_text and _may_be_text(place):
        return f"did you mean the string {string(name)}?", string(name)
    if _is_compared_with_path(place):
        return f"did you mean '{attribute}', or the string {string(name)}?", None
    # Of two images, only the author knows which.
    return f"did you mean '{attribute}'?", attribute if len(report.absent) == 1 else None


def is_quoted(node: Node) -> bool:
    return node.text.startswith('"')


def _may_be_text(place: Place) -> bool:
    """Whether a name that looks like text stands where text may stand."""
    parent = place.parent
    if parent is None or path_from(place).whole is not place.node:
        return False
    match parent.node.type:
        case "comparator":
            other = place.siblings[0]
            return other.type != "literal" and not (place.index == 0 and is_quoted(other))
        case "function_expression":
            return place.index > 0
    return parent.node.type in ("or_expression", "and_expression", "multi_select_list")


def _is_compared_with_path(place: Place) -> bool:
    """Whether this is the right side of a comparison with a path, or another argument than the first."""
    parent = place.parent
    if parent is None or place.index == 0 or path_from(place).whole is not place.node:
        return False
    if parent.node.type == "function_expression":
        return True
    head = leftmost(place.siblings[0])
    return parent.node.type == "comparator" and head.type == "field" and head.value in ROOTS
