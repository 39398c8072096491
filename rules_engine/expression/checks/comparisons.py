"""Comparisons that cannot mean what their author thought, and signs that bind otherwise than elsewhere.

In: `==`, `<`, `!`, `|` and the like with their operands. Out: findings for names in double quotes that were
meant as text, numbers compared with text, event names that no record has, `!a.b`, `a < b < c`, and `|` meant
as `||`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from rules_engine.expression.checks.event_words import EVENT_WORDS
from rules_engine.expression.checks.inference import UNKNOWN, constant, known_type
from rules_engine.expression.checks.mistake import ROOTS, shown, string
from rules_engine.expression.checks.names import CONSTANTS, is_quoted, report_constant
from rules_engine.expression.checks.own_names import OWN, called_condition, report_called
from rules_engine.expression.checks.places import Place, leftmost, walk
from rules_engine.record import RECORD_EVENT_NAMES

if TYPE_CHECKING:
    from rules_engine.expression.checks.report import Report
    from rules_engine.expression.node import Node

ORDERINGS = ("lt", "lte", "gt", "gte")
_PATH_TEXT = re.compile(rf"(?:{'|'.join(ROOTS)})(?:\.\w+)+")
_NUMBER_TEXT = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
_TEXTS = frozenset({"awsRegion", "createdAt", "eventID", "eventName", "sequenceNumber", "table"})
"""Fields of a record that are text."""

_ORDERS_NUMBERS = (
    "such a comparison is never true: compare numbers (to_number makes one of text), or use == or !="
)


def check_comparison(place: Place, report: Report) -> None:
    """A comparator with its two operands."""
    if _check_chain(place, report) or _check_negated_side(place, report) or _check_event_name(place, report):
        return
    sides = [Place(side, place.meaning, place, index) for index, side in enumerate(place.node.children)]
    for side, other in (sides, sides[::-1]):
        _check_quotes(side, other, report)
    for side, other in (sides, sides[::-1]):
        if place.node.value in ORDERINGS:
            _check_orderable(side, other, report)
        else:
            _check_equal_types(side, other, report)


def _check_chain(place: Place, report: Report) -> bool:
    """`1 < x < 10` compares the outcome of the first comparison."""
    node, left = place.node, place.node.children[0]
    if node.value not in ORDERINGS or left.type != "comparator" or left.value not in ORDERINGS:
        return False
    mend = f"{left.text} && {left.children[1].text} {report.text[left.end : node.end].strip()}"
    report.add_alone(place, "RE202", "comparisons cannot be chained", "", mend)
    return True


_OPPOSITES = {"eq": "!=", "ne": "=="}


def _check_negated_side(place: Place, report: Report) -> bool:
    """`!new.status == 'A'`: `!` binds before the path and before the comparison."""
    node = place.node
    left, right = node.children
    if not _negates_its_head(left, report):
        return False
    path = left.text[1:].lstrip()
    opposite = _OPPOSITES.get(node.value)
    mend = f"{path} {opposite} {right.text}" if opposite else f"!({path}{report.text[left.end : node.end]})"
    report.add_alone(place, "RE210", _binding(left), "", mend)
    report.claim(left)
    return True


def _negates_its_head(node: Node, report: Report) -> bool:
    head = leftmost(node)
    return node.type != "not_expression" and head.type == "not_expression" and report.text[node.start] == "!"


def _binding(path: Node) -> str:
    head = leftmost(path)
    return f"'{path.text}' reads as '({head.text}){path.source[head.end : path.end]}'"


def check_negated_path(place: Place, report: Report) -> None:
    """`!a.b` reads as `(!a).b`. Seen at the whole path."""
    node, parent = place.node, place.parent
    if _negates_its_head(node, report) and not (parent and _negates_its_head(parent.node, report)):
        (negated,) = leftmost(node).children
        if negated.type == "field" and negated.value == "is" and (name := called_condition(node)):
            report_called(place, report, name, negated=True)
            return
        report.add_alone(place, "RE210", _binding(node), "", f"!({node.text[1:].lstrip()})")
        if negated.type == "field" and (negated.value in OWN or negated.value in report.absent):
            # `is` stands without a name only because of the `!`; an image is looked at when that is mended.
            report.claim(negated)


def check_filtered(place: Place, report: Report) -> None:
    """`[?new.total > `100`]`: a filter with no list before it, which would filter the record."""
    node = place.node
    if place.meaning != "record" or leftmost(node).type not in ("identity", "current"):
        return
    condition = node.children[2]
    message = "'[?' filters a list, and none stands before it"
    if any(each.is_head and each.node.value in ROOTS for each in walk(condition)):
        report.add(place, "RE201", message, "a condition of the record has no brackets", condition.text)
    else:
        inner = node.text[node.text.index("[?") :]
        report.add(place, "RE201", message, f"name the list, such as new.items{inner}")


_FILTERS = frozenset({"abs", "length", "lower", "reverse", "sort", "trim", "upper"})
"""Functions that template languages apply with `|`."""


def check_pipe(place: Place, report: Report) -> None:
    """`a == b | c == d` passes on the outcome of a condition, and `name | upper` takes a field of a text."""
    left, right = place.node.children
    if known_type(left, report.scope) == "boolean" or left.type in ("or_expression", "and_expression"):
        sign = report.text.index("|", left.end)
        message = "'|' does not join conditions"
        report.add_alone(place, "RE202", message, "", "||", marked=(sign, sign + 1))
    elif right.type == "field" and right.text in _FILTERS and left.type != "multi_select_dict":
        message = f"'{right.value}' is a field name here"
        hint = "a function is called, with what was passed on as @"
        report.add(Place(right, "element", place, 1), "RE207", message, hint, f"{right.value}(@)")


# Operands


def _check_quotes(side: Place, other: Place, report: Report) -> None:
    """Names that were meant as text or constants, and text that was meant as a path."""
    node = side.node
    if node.type == "field":
        if node.text.lower() in CONSTANTS:
            report_constant(side, report)
        elif is_quoted(node) and _is_text_in_double_quotes(side, other, report):
            report.add(side, "RE207", f"{node.text} in double quotes is a field name", *_text_meant(node))
    elif node.type == other.node.type == "literal" and _PATH_TEXT.fullmatch(str(node.value)):
        report.add(side, "RE207", f"{node.text} is text, not a path", "a path has no quotes", node.value)


def _is_text_in_double_quotes(side: Place, other: Place, report: Report) -> bool:
    if other.node.type == "literal" or (is_quoted(other.node) and side.index == 0):
        return False
    return side.meaning != "record" or side.node.value not in ROOTS


def _text_meant(node: Node) -> tuple[str, str]:
    if _PATH_TEXT.fullmatch(node.value):
        return "a path has no quotes", node.value
    return "text is written between single quotes", string(node.value)


def _check_orderable(side: Place, other: Place, report: Report) -> None:
    """`<` and its kin order numbers; whatever else they meet, the outcome is null."""
    node, value = side.node, constant(side.node, report.scope)
    kind = known_type(node, report.scope)
    if kind in (None, "number") or report.is_claimed(node):
        return
    if isinstance(value, str) and _NUMBER_TEXT.fullmatch(value) and not _is_text_of_record(other):
        _report_quoted_number(side, value, report)
        return
    what = {"string": "text", "boolean": "true or false", "null": "null", "array": "a list"}.get(
        kind, "a map"
    )
    message = f"'{_sign(side)}' orders numbers, and {shown(node.text)} is {what}"
    report.add(side, "RE211", message, _ORDERS_NUMBERS)


def _is_text_of_record(place: Place) -> bool:
    return place.meaning == "record" and place.is_head and place.node.value in _TEXTS


def _sign(side: Place) -> str:
    assert side.parent is not None, "an operand has a comparator"
    return {"lt": "<", "lte": "<=", "gt": ">", "gte": ">="}[side.parent.node.value]


def _report_quoted_number(side: Place, value: str, report: Report) -> None:
    node = side.node
    message = f"a number is compared with the text {string(value)}"
    if node.type == "literal":
        report.add(side, "RE211", message, "numbers are written between backticks", f"`{value}`")
    else:
        report.add(side, "RE211", message, f"where '{node.text}' is defined, write the number without quotes")


def _check_equal_types(side: Place, other: Place, report: Report) -> None:
    """Text in a comparison with a function that never gives text."""
    value = constant(side.node, report.scope)
    kind = known_type(other.node, report.scope)
    if other.node.type == "field" and other.node.value == "expired" and other.meaning == "record":
        kind = "boolean"
    if not isinstance(value, str) or other.node.type == "literal":
        return
    if kind == "number" and _NUMBER_TEXT.fullmatch(value):
        _report_quoted_number(side, value, report)
    elif kind == "boolean" and value.lower() in ("true", "false") and side.node.type == "literal":
        message = f"{side.node.text} is text, and '{other.node.text}' is true or false"
        report.add(side, "RE207", message, "constants are written between backticks", f"`{value.lower()}`")


def _check_event_name(place: Place, report: Report) -> bool:
    """`eventName == 'UPDATE'`."""
    for name, word in (place.node.children, place.node.children[::-1]):
        if place.meaning != "record" or name.type != "field" or name.value != "eventName" or name.follows_dot:
            continue
        value = constant(word, report.scope)
        if value is UNKNOWN or value in RECORD_EVENT_NAMES or place.node.value not in ("eq", "ne"):
            continue
        _report_event_name(place, word, value, report)
        report.claim(place.node)
        return True
    return False


def _report_event_name(place: Place, word: Node, value: Any, report: Report) -> None:
    shown = string(value) if isinstance(value, str) else word.text
    message = f"no record has the eventName {shown}"
    written = str(value).strip().upper()
    if written in ("EXPIRE", "EXPIRED", "TTL"):
        mend = "expired" if place.node.value == "eq" else "!expired"
        report.add(place, "RE215", message, "a removal by time to live is a REMOVE with 'expired' set", mend)
        return
    meant = written if written in RECORD_EVENT_NAMES else EVENT_WORDS.get(written)
    side = Place(word, place.meaning, place, 1)
    if meant and word.type == "literal":
        report.add(side, "RE215", message, f"did you mean the string '{meant}'?", fix=string(meant))
    else:
        report.add(side, "RE215", message, "it is 'INSERT', 'MODIFY' or 'REMOVE'")
