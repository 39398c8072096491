"""`vars`, `lists` and `is`: what the rule's own file defines.

In: a name that begins a path with one of these roots, wherever it stands. Out: findings for what the file
does not define, and for named conditions that use each other in a circle. A named condition is checked where
it is defined, not again at each use.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from rules_engine.errors import ExpressionError
from rules_engine.expression.checks.places import Path, Place, path_from, walk
from rules_engine.expression.checks.spelling import nearest
from rules_engine.expression.syntax import parse

if TYPE_CHECKING:
    from rules_engine.expression.checks.report import Report
    from rules_engine.expression.node import Node
    from rules_engine.model import Scope

OWN = ("vars", "lists", "is")


def defined(scope: Scope, root: str) -> Mapping[str, Any]:
    """What the file defines under this root."""
    found: Mapping[str, Any] = {"vars": scope.vars, "lists": scope.lists, "is": scope.conditions}[root]
    return found


def check_own_name(place: Place, report: Report) -> None:
    """The name `vars`, `lists` or `is` at the beginning of a path."""
    root, path = place.node.value, path_from(place)
    known = defined(report.scope, root)
    if len(path.names) == 1:
        if known or place.meaning == "record":
            hint = f"write {root}.NAME, with a name from '{_section(root)}' of this file"
            report.add(place, "RE208", f"'{root}' stands without a name", hint)
    elif path.names[1] not in known:
        _report_undefined(place, report, path)
    elif root == "is":
        _check_circle(place, report, path)
    else:
        _check_inside(place, report, path)


def _section(root: str) -> str:
    return "conditions" if root == "is" else root


def _report_undefined(place: Place, report: Report, path: Path) -> None:
    root, name = path.names[:2]
    known = defined(report.scope, root)
    near = nearest(name, known)
    elsewhere = next((other for other in OWN if name in defined(report.scope, other)), None)
    if near or elsewhere:
        hint = f"did you mean '{root}.{near}'?" if near else f"did you mean '{elsewhere}.{name}'?"
    else:
        section = _section(root)
        there = f"'{section}' of this file has {_listed(known)}" if known else f"this file has no '{section}'"
        hint = f"{there}; define '{name}' there, or correct the name"
    report.add(place, "RE208", f"'{root}.{name}' is not defined", hint, marked=_first_two(path))


def _first_two(path: Path) -> tuple[int, int]:
    return path.parts[0].start, path.parts[1].end


def _listed(known: Mapping[str, Any]) -> str:
    names = [f"'{name}'" for name in known]
    return ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")


def _check_inside(place: Place, report: Report, path: Path) -> None:
    """`vars.limits.gold`: the names after the first must be there too."""
    value: Any = defined(report.scope, path.names[0])[path.names[1]]
    for number, name in enumerate(path.names[2:], 2):
        if not isinstance(value, Mapping):
            return
        if name not in value:
            known = ".".join(path.names[:number])
            near = nearest(name, map(str, value))
            hint = (
                f"did you mean '{known}.{near}'?" if near else f"'{known}' has {_listed(value) or 'nothing'}"
            )
            marked = (path.parts[0].start, path.parts[number].end)
            report.add(place, "RE208", f"'{known}.{name}' is not defined", hint, marked=marked)
            return
        value = value[name]


def _check_circle(place: Place, report: Report, path: Path) -> None:
    """A circle is one mistake: it is reported in the first of its conditions, at the name that leads back."""
    conditions, used = report.scope.conditions, path.names[1]
    here = next((name for name, text in conditions.items() if text == report.text), None)
    circle = _way_back(report.scope, used, here) if here else None
    if circle is None or here != min(circle, key=list(conditions).index):
        return
    round_trip = " -> ".join(f"is.{name}" for name in (here, *circle))
    message = f"named conditions use each other in a circle: {round_trip}"
    hint = "write out in one of them what it needs of the next"
    report.add(place, "RE213", message, hint, marked=_first_two(path))


def _way_back(scope: Scope, start: str, goal: str) -> list[str] | None:
    """The shortest chain of named conditions from `start` to `goal`, both included."""
    came_from: dict[str, str | None] = {start: None}
    queue = [start]
    for name in queue:
        if name == goal:
            chain = [name]
            while (before := came_from[chain[-1]]) is not None:
                chain.append(before)
            return chain[::-1]
        for other in conditions_used(scope, name):
            if other not in came_from:
                came_from[other] = name
                queue.append(other)
    return None


def conditions_used(scope: Scope, name: str) -> Iterator[str]:
    """The named conditions that the condition `name` uses."""
    try:
        tree = parse(scope.conditions.get(name, ""))
    except ExpressionError:
        return
    yield from _named_in(tree)


def _named_in(tree: Node) -> Iterator[str]:
    for place in walk(tree):
        if place.is_head and place.node.value == "is":
            yield from path_from(place).names[1:2]
