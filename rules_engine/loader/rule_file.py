"""One rule file: its tree to rules.

In: the root of a file. Out: every rule with an id (`LoadedRule`), whole or not, and the problems of the file.
The file's defaults are applied here, and expressions and templates are checked against its own `vars`,
`lists` and `conditions`: what a file means never depends on its neighbours.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import TYPE_CHECKING, Any

from rules_engine.expression.checks.spelling import nearest
from rules_engine.loader.action_checks import check_actions, tests_among
from rules_engine.loader.conditions import Expressions, absent_images, reference_problem
from rules_engine.loader.rule_conditions import check_rule_conditions
from rules_engine.loader.rule_tests import RuleTest, doubtful_parts, read_tests
from rules_engine.loader.secrets import secrets_in_text
from rules_engine.loader.shape import MOST_ERRORS, check_shape, missing_key, too_many_errors
from rules_engine.model import EVENT_NAMES, ActionSpec, Rule, Scope, Unless
from rules_engine.schema import DATE_PATTERN, MOST_CLAUSES, file_shape, rule_shape

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rules_engine.errors import Location, Problem
    from rules_engine.source import Node


MOST_CONDITIONS = 1_000


@dataclass(frozen=True, slots=True)
class LoadedRule:
    """A rule as it was read, whether no error was found in it, and where a few of its keys stand."""

    rule: Rule
    sound: bool
    id_node: Node
    enabled_key: Node | None
    tests_key: Node | None
    tests: tuple[RuleTest, ...]
    writes: Mapping[str, Node]
    """By the id of each action that writes into a table: where it names the table."""
    doubtful: frozenset[str]
    """`clauses` and `actions`, where there is an error in them."""


@dataclass(frozen=True, slots=True)
class _File:
    """What the rules of a file are read with."""

    defaults: Mapping[str, Node]
    expressions: Expressions
    today: date
    table_reported: bool
    """Whether a key of the file was reported that was meant to give every rule its table."""


def load_rule_file(
    root: Node, of_source: list[Problem], today: date
) -> tuple[list[LoadedRule], list[Problem]]:
    """The rules of a file, and the problems found in it besides those that reading it gave (`of_source`)."""
    problems = list(secrets_in_text(root.source))
    if root.kind != "mapping" and not root.broken:
        return [], [*problems, no_mapping(root, "rules")]
    problems += check_shape(root, _file_shape(), "this file")
    problems += _too_many_conditions(root)
    file = _read_file_level(root, today)
    problems += _check_file_level(root, file.expressions)
    rules = root.get("rules")
    nodes = rules.items() if rules is not None else []
    refused = [_node_at(nodes, problem.location) for problem in of_source]
    sections_sound = not _errors(problems) and None not in refused
    unsound = {id(node) for node in refused}
    loaded = []
    errors = _errors(problems)
    for node in nodes:
        if errors > MOST_ERRORS:
            problems.append(too_many_errors(node))
            break
        rule, tests, found = _load_rule(node, file, of_source)
        problems += found
        errors += _errors(found)
        sound = not _errors(found) and id(node) not in unsound and not file.expressions.exhausted
        id_node = node.get("id")
        if rule is not None and id_node is not None:
            keys = node.keys
            loaded.append(
                LoadedRule(
                    rule,
                    sections_sound and sound,
                    id_node,
                    keys.get("enabled"),
                    keys.get("tests") or _first_test_among(node.get("actions")),
                    tests,
                    _writes(node.get("actions")),
                    doubtful_parts(node, [*found, *of_source], _rule_shape()["properties"]),
                )
            )
    return loaded, _without_echoes(root, problems)


def _first_test_among(actions: Node | None) -> Node | None:
    return next(iter(tests_among(actions)), None) if actions is not None else None


def _writes(actions: Node | None) -> dict[str, Node]:
    """Where actions of type `table` name their tables; no more is kept of a file's tree."""
    found = {}
    for action in _mappings(actions):
        kind, table = action.get("type"), action.get("table")
        if kind is not None and kind.value == "table" and table is not None:
            found[_text(action.get("id")) or "table"] = table
    return found


def _node_at(nodes: list[Node], place: Location) -> Node | None:
    """Which of the nodes, in the order of the file, a place lies in."""
    if not nodes:
        return None
    at = nodes[0].source.offset(place.line, place.column)
    number = bisect_right(nodes, at, key=lambda node: node.start) - 1
    return nodes[number] if number >= 0 and at <= nodes[number].end else None


def _errors(problems: list[Problem]) -> int:
    return sum(problem.severity == "error" for problem in problems)


def _read_file_level(root: Node, today: date) -> _File:
    defaults = root.get("defaults")
    known = _file_shape()["properties"]
    return _File(
        defaults=dict(defaults.entries()) if defaults is not None else {},
        expressions=Expressions(_scope(root)),
        today=today,
        table_reported=(defaults is not None and (defaults.kind != "mapping" or defaults.broken))
        or any(
            key == "table" or (key not in known and nearest(key, ["defaults"]))
            for key, _ in root.entries()[:MOST_ERRORS]
        ),
    )


def no_mapping(root: Node, key: str) -> Problem:
    """A file that is empty, a list or a text. `key` is what it should begin with."""
    if root.value is None:
        message = "this file is empty"
        hint = f"write '{key}:' and the {key} below it, or remove the file"
    else:
        message = f"a file must be a mapping, but this is {root.describe()}"
        hint = f"begin it with '{key}:' and indent the {key} below that"
    return root.source.problem("RE107", message, root.location, hint)


@cache
def _file_shape() -> dict[str, Any]:
    return file_shape({})


@cache
def _rule_shape() -> dict[str, Any]:
    return rule_shape({})


def _scope(root: Node) -> Scope:
    """What the file defines; a name whose value is wrong is still defined, or each use would be a problem."""
    named = {section: root.get(section) for section in ("vars", "lists", "conditions")}
    values = {section: dict(node.entries()) if node is not None else {} for section, node in named.items()}
    return Scope(
        vars={name: node.plain() for name, node in values["vars"].items()},
        lists={name: node.plain() for name, node in values["lists"].items()},
        conditions={
            name: node.value if isinstance(node.value, str) else ""
            for name, node in values["conditions"].items()
        },
    )


def _check_file_level(root: Node, expressions: Expressions) -> Iterator[Problem]:
    conditions = root.get("conditions")
    if conditions is not None and not conditions.broken:
        nodes = dict(conditions.entries())
        for node in nodes.values():
            found = expressions.check_condition(node)
            yield from found or expressions.check_certain([node])
        yield from expressions.check_circles(nodes)
    for section in ("defaults", "vars", "lists"):
        section_node = root.get(section)
        if section_node is not None:
            yield from _references(section_node)


def _too_many_conditions(root: Node) -> Iterator[Problem]:
    """Whether there are more named conditions than anybody wrote, whose uses take time to follow."""
    conditions = root.get("conditions")
    if conditions is not None and len(conditions.entries()) > MOST_CONDITIONS:
        message = f"the file has more than {MOST_CONDITIONS:,} named conditions"
        hint = "split it into several files"
        conditions.broken = True
        yield root.source.problem("RE110", message, root.keys["conditions"].location, hint)


def _references(node: Node) -> Iterator[Problem]:
    """`${NAME}` in any text of `node`, where nothing replaces it."""
    if node.kind == "scalar":
        problem = reference_problem(node)
        if problem is not None:
            yield problem
        return
    for child in node.items() or [value for _, value in node.entries()]:
        yield from _references(child)


def _load_rule(
    node: Node, file: _File, of_source: list[Problem]
) -> tuple[Rule | None, tuple[RuleTest, ...], list[Problem]]:
    problems = _named_by_key(node) or check_shape(node, _rule_shape(), "a rule")
    if node.kind != "mapping" or node.broken:
        return None, (), problems
    keys = {**file.defaults, **node.value}
    meant = any(problem.hint == "did you mean 'table'?" for problem in problems)
    if "table" not in keys and not meant and not file.table_reported:
        problems.append(_without_table(node))
    events = _events(keys.get("event"))
    view = keys.get("view")
    absent = absent_images(events, view.value if view is not None and view.kind == "scalar" else None)
    when = _when(keys.get("when"))
    problems += file.expressions.check_conditions(when, absent)
    unless, found = _unless(keys.get("unless"), absent, file)
    problems += found
    for name in ("id", "table", "owner", "description", "event", "runbook", "severity", "tags"):
        if name in node.value:
            problems += _references(node.value[name])
    actions_node = node.get("actions")
    actions: tuple[ActionSpec, ...] = ()
    if actions_node is not None:
        actions, found = check_actions(actions_node, file.expressions, absent)
        problems += found
    rule = Rule(
        **_description(node, keys),
        scope=file.expressions.scope,
        actions=actions,
        events=events,
        when=tuple(str(condition.value) for condition in when),
        when_is_list="when" in keys and keys["when"].kind == "sequence",
        unless=unless,
    )
    tests = node.get("tests")
    if not any(problem.code.startswith(("RE2", "RE305", "RE402")) for problem in problems):
        exceptions = [_when(item.get("when")) for item in _mappings(keys.get("unless"))]
        problems += check_rule_conditions(rule, absent, [when, *exceptions], tests, file.expressions)
    if tests is None:
        return rule, (), problems
    doubtful = doubtful_parts(node, [*problems, *of_source], _rule_shape()["properties"])
    read, found = read_tests(tests, rule, doubtful)
    return rule, tuple(read), problems + found


def _named_by_key(node: Node) -> list[Problem]:
    """`- order-shipped:` and the keys of the rule below it, as other systems name things."""
    entries = node.entries()
    if (
        len(entries) != 1
        or entries[0][1].kind != "mapping"
        or not {"table", "actions", "when"} & entries[0][1].value.keys()
    ):
        return []
    name = entries[0][0]
    node.broken = True
    message = f"unknown key '{name}' in a rule"
    hint = f"write '- id: {name}', and the other keys of the rule in the column of 'id'"
    return [node.source.problem("RE106", message, node.keys[name].location, hint)]


def _description(node: Node, keys: Mapping[str, Node]) -> dict[str, Any]:
    """What a rule has besides what it matches and does."""
    return {
        "id": str(_text(node.get("id"))),
        "tables": tuple(_texts(keys.get("table"))),
        "description": _text(node.get("description")),
        "severity": _text(node.get("severity")),
        "tags": tuple(_texts(node.get("tags"))),
        "runbook": _text(node.get("runbook")),
        "owner": _text(keys.get("owner")),
        "view": _text(keys.get("view")),
        "enabled": not ("enabled" in keys and keys["enabled"].value is False),
        "tests": tuple(test.plain() for test in _mappings(node.get("tests"))),
        "location": (node.get("id") or node).location,
    }


def _without_table(node: Node) -> Problem:
    problem = missing_key(node, "table", _rule_shape(), "rule", None)
    hint = "add table: NAME to the rule, or under 'defaults' for all rules of the file"
    return node.source.problem(problem.code, problem.message, problem.location, hint)


def _events(node: Node | None) -> tuple[str, ...]:
    """The events of a rule; all of them where what is written is wrong, and said to be."""
    events = tuple(_texts(node))
    known = bool(events) and all(event in EVENT_NAMES for event in events)
    return tuple(dict.fromkeys(events)) if known else EVENT_NAMES


def _when(node: Node | None) -> list[Node]:
    if node is None:
        return []
    nodes = node.items() if node.kind == "sequence" else [node]
    return [one for one in nodes[:MOST_CLAUSES] if isinstance(one.value, str)]


def _unless(
    node: Node | None, absent: Mapping[str, str], file: _File
) -> tuple[tuple[Unless, ...], list[Problem]]:
    found = []
    problems: list[Problem] = []
    names: dict[str, Node] = {}
    for item in _mappings(node):
        name, when, expires = item.get("name"), _when(item.get("when")), item.get("expires")
        problems += file.expressions.check_conditions(when, absent)
        if expires is not None and isinstance(expires.value, str):
            problems += _check_expiry(expires, file.today)
        if name is not None and isinstance(name.value, str):
            if name.value in names:
                related = ((names[name.value].location, "the first one is here"),)
                message = f"two exceptions of this rule are called '{name.value}'"
                hint = "traces and tests tell them apart by name: choose another"
                problems.append(item.source.problem("RE109", message, name.location, hint, related=related))
            names.setdefault(name.value, name)
        texts = tuple(str(condition.value) for condition in when)
        found.append(Unless(str(_text(name)), texts, _text(item.get("reason")), _text(expires)))
    return tuple(found), problems


def _check_expiry(node: Node, today: date) -> Iterator[Problem]:
    if not re.search(DATE_PATTERN, node.value):
        return  # its shape was refused; `fromisoformat` takes weeks too
    try:
        last_day = date.fromisoformat(node.value)
    except ValueError:
        hint = "write a date of the calendar as YYYY-MM-DD"
        yield node.source.problem("RE109", f"there is no day '{node.value}'", node.location, hint)
        return
    if last_day < today:
        message = f"this exception expired on {node.value}"
        hint = "remove the exception if it is no longer needed, or give it a later date"
        yield node.source.problem("RE403", message, node.location, hint)


def _text(node: Node | None) -> str | None:
    return node.value if node is not None and isinstance(node.value, str) else None


def _texts(node: Node | None) -> list[str]:
    if node is None:
        return []
    nodes = node.items() if node.kind == "sequence" else [node]
    return [one.value for one in nodes if isinstance(one.value, str)]


def _mappings(node: Node | None) -> list[Node]:
    return [item for item in node.items() if item.kind == "mapping"] if node is not None else []


def _without_echoes(root: Node, problems: list[Problem]) -> list[Problem]:
    """Without findings about names of this file whose own definition has a problem."""
    broken: set[str] = set()
    for section, prefix in (("vars", "vars"), ("lists", "lists"), ("conditions", "is")):
        node = root.get(section)
        if node is None:
            continue
        if node.broken or node.kind != "mapping":
            broken.add(prefix)
        else:
            broken |= {f"{prefix}.{name}" for name, value in node.entries() if _is_wrong(value, section)}
    if not broken:
        return problems
    return [p for p in problems if not p.code.startswith("RE2") or not broken & _names_marked(p)]


def _is_wrong(node: Node, section: str) -> bool:
    return node.broken or (section == "lists" and node.kind != "sequence")


def _names_marked(problem: Problem) -> set[str]:
    """`vars.a` and `vars` for each such name in what a problem marks."""
    start = problem.location.column - 1
    marked = problem.source_line[start : start + problem.location.length]
    names = re.findall(r"\b((vars|lists|is)\.\w+)", marked)
    return {name for pair in names for name in pair}
