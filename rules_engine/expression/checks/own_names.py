"""`vars`, `lists` and `is`: what the rule's own file defines.

In: a name that begins a path with one of these roots, wherever it stands. Out: findings for what the file
does not define. A named condition is checked where it is defined, not again at each use.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

from rules_engine.expression.checks.places import Path, Place, path_from
from rules_engine.expression.checks.spelling import only_near

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
        if root == "is" and place.parent and (call := called_condition(place.parent.node)):
            report_called(place.parent, report, call)
        elif place.parent and (call := called_condition(place.parent.node)):
            hint = "an operator is missing before '(': compare with ==, join conditions with && or ||"
            report.add(place.parent, "RE208", f"'{root}.{call}' is a constant, not a function", hint)
        elif known or place.meaning == "record":
            hint = f"write {root}.NAME, with a name from '{_section(root)}' of this file"
            report.add(place, "RE208", f"'{root}' stands without a name", hint)
    elif path.names[1] not in known:
        _report_undefined(place, report, path)
    elif root != "is":
        _check_inside(place, report, path)


def called_condition(node: Node) -> str | None:
    """The name in `is.vip()` and `is.vip(new)`: a condition takes nothing, it is about the record anyway."""
    call = node.children[1] if node.type == "subexpression" else None
    return str(call.value) if call is not None and call.type == "function_expression" else None


def report_called(place: Place, report: Report, name: str, *, negated: bool = False) -> None:
    """That `is.NAME(...)` at `place` is no call, or, if there is no such condition, that there is none."""
    known = report.scope.conditions
    if name in known:
        mend = f"!(is.{name})" if negated else f"is.{name}"
        report.add(place, "RE208", f"'is.{name}' is a condition, not a function", "", mend)
        return
    near = report.named.suggest(name, known)
    hint = f"did you mean 'is.{near}'? It takes nothing" if near else _where_to_define("is", name, known)
    report.add(place, "RE208", f"'is.{name}' is not defined", hint)


def _section(root: str) -> str:
    return "conditions" if root == "is" else root


def _report_undefined(place: Place, report: Report, path: Path) -> None:
    root, name = path.names[:2]
    known = defined(report.scope, root)
    near = report.named.suggest(name, known)
    fix = f"{root}.{near}" if near and only_near(name, known) else None
    elsewhere = next((other for other in OWN if name in defined(report.scope, other)), None)
    if near or elsewhere:
        hint = f"did you mean '{root}.{near}'?" if near else f"did you mean '{elsewhere}.{name}'?"
    else:
        hint = _where_to_define(root, name, known)
    report.add(place, "RE208", f"'{root}.{name}' is not defined", hint, marked=_first_two(path), fix=fix)


def _where_to_define(root: str, name: str, known: Mapping[str, Any]) -> str:
    section = _section(root)
    there = f"'{section}' of this file has {_listed(known)}" if known else f"this file has no '{section}'"
    return f"{there}; define '{name}' there, or correct the name"


def _first_two(path: Path) -> tuple[int, int]:
    return path.parts[0].start, path.parts[1].end


def _listed(known: Mapping[str, Any]) -> str:
    names = [f"'{name}'" for name in islice(known, 6)]
    return ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")


def _check_inside(place: Place, report: Report, path: Path) -> None:
    """`vars.limits.gold`: the names after the first must be there too."""
    value: Any = defined(report.scope, path.names[0])[path.names[1]]
    for number, name in enumerate(path.names[2:], 2):
        if not isinstance(value, Mapping):
            return
        if name not in value:
            known = ".".join(path.names[:number])
            near = report.named.suggest(name, [str(other) for other in value])
            hint = (
                f"did you mean '{known}.{near}'?" if near else f"'{known}' has {_listed(value) or 'nothing'}"
            )
            marked = (path.parts[0].start, path.parts[number].end)
            report.add(place, "RE208", f"'{known}.{name}' is not defined", hint, marked=marked)
            return
        value = value[name]
