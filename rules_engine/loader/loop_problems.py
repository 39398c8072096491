"""Loops of rules as problems of their files.

In: the rules of all files. Out: an error for each loop that never ends for certain, a warning for each that
may not, with the places of all its writes; and the ids of the rules that are refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rules_engine.expression.checks.places import path_from, walk
from rules_engine.expression.syntax import parse
from rules_engine.loader.loops import find_loops

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rules_engine.errors import Location, Problem, Severity
    from rules_engine.loader.loops import Loop, Turn
    from rules_engine.loader.loops.writes import Write
    from rules_engine.loader.rule_file import LoadedRule
    from rules_engine.model import Rule

_CODES: dict[bool, tuple[str, Severity]] = {True: ("RE406", "error"), False: ("RE454", "warning")}

_MOST_NAMED = 4
"""Rules of a loop in its message; each has its place below it."""


def check_loops(loaded: Sequence[LoadedRule]) -> tuple[set[str], list[Problem]]:
    """(ids of rules in a loop that never ends, problems)."""
    rules = [one for one in loaded if one.sound]
    found = find_loops([one.rule for one in rules])
    problems = [_problem(loop, rules) for loop in found.loops]
    if found.is_cut:
        one = next(one for one in rules if one.writes)
        message = "so many rules write into tables that rules see that not all were followed to find loops"
        hint = "let each match only the change of what it reacts to, such as changed(&status)"
        problems.append(
            one.id_node.source.problem("RE454", message, one.id_node.location, hint, severity="warning")
        )
    refused = {rules[turn.rule].rule.id for loop in found.loops if loop.is_certain for turn in loop.turns}
    return refused, problems


def _problem(loop: Loop, rules: Sequence[LoadedRule]) -> Problem:
    first, *others = loop.turns
    source = rules[first.rule].id_node.source
    related = tuple((_place(turn, rules), _setting_off(turn, rules)) for turn in others)
    if related:
        place, said = related[-1]
        related = (*related[:-1], (place, f"{said}, which '{rules[first.rule].rule.id}' matches"))
    code, severity = _CODES[loop.is_certain]
    end = "an endless loop" if loop.is_certain else "a loop that may not end"
    message = f"{_said(loop, rules, may=not loop.is_certain)}: {end}"
    return source.problem(
        code, message, _place(first, rules), _hint(loop, rules), severity=severity, related=related
    )


def _place(turn: Turn, rules: Sequence[LoadedRule]) -> Location:
    return rules[turn.rule].writes[turn.write.action.id].location


def _setting_off(turn: Turn, rules: Sequence[LoadedRule]) -> str:
    return f"'{rules[turn.rule].rule.id}' then writes to '{turn.write.table}' here"


def _said(loop: Loop, rules: Sequence[LoadedRule], *, may: bool) -> str:
    ids = list(dict.fromkeys(rules[turn.rule].rule.id for turn in loop.turns))
    if len(ids) == 1:
        matches = "may match" if may else "matches"
        return (
            f"rule '{ids[0]}' {matches} the change that it makes by writing to '{loop.turns[0].write.table}'"
        )
    named = ", ".join(f"'{rule_id}'" for rule_id in ids[:_MOST_NAMED])
    more = f" and {len(ids) - _MOST_NAMED} more" if len(ids) > _MOST_NAMED else ""
    return f"rules {named}{more} {'may set' if may else 'set'} each other off by what they write"


def _hint(loop: Loop, rules: Sequence[LoadedRule]) -> str:
    first, last = rules[loop.turns[0].rule].rule, loop.turns[-1].write
    parts = []
    unsure = next((turn.write for turn in loop.turns if not turn.write.is_table_sure), None)
    if unsure is not None:
        parts.append(f"if '{unsure.action.config['table']}' is the table '{unsure.table}' of its rules")
    fields = [turn.write.field for turn in loop.turns if turn.write.field]
    if last.operation == "sync":
        parts.append("a 'sync' belongs into another table than the one it copies")
    elif fields:
        differs = "'add' counts on" if fields[0] == "add" else f"'{{{{ {fields[0]} }}}}' is another one"
        parts.append(f"{differs} each time, so it does not end by itself")
    condition, remark = _condition(first, last)
    parts.append(f"add {condition} to 'when' of '{first.id}', so that it does not match that change{remark}")
    return "; ".join(parts)


def _condition(first: Rule, last: Write) -> tuple[str, str]:
    """(what the change by the last write of a loop does not meet, a remark on it)."""
    written = [str(path[0]) for path in last.leaves if path]
    if last.operation == "put" and len(written) > 1:
        return f"!present(&{written[-1]})", " a second time"
    attribute = _reacts_to(first, last)
    if attribute is not None:
        return f"changed(&{attribute})", ""
    return "changed(&NAME)", " (NAME: what it reacts to and does not write)"


def _reacts_to(rule: Rule, write: Write) -> str | None:
    """An attribute that a condition of the rule reads and the write does not touch."""
    for text in rule.when:
        for place in walk(parse(text)):
            if not place.is_head or place.meaning != "record" or place.node.value != "new":
                continue
            path = path_from(place)
            names = path.names[1:]
            if names and write.at(tuple(names)) is None:
                return ".".join(part.text for part in path.parts[1 : len(names) + 1])
    return None
