"""Rule files for what the documentation of EventBridge, Lambda filters and IoT rules is used for.

They stand in `tests/cases/use_cases/`, one use case each, and are treated as an author's: no problem,
canonical form, tests that see every outcome and notice every change. Together they use the whole language
and every kind of action.
"""

from __future__ import annotations

import json
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from rules_engine.actions import action_types
from rules_engine.cli.main import rules_engine, run
from rules_engine.effective import effective_rule
from rules_engine.expression.functions import FUNCTIONS
from rules_engine.expression.syntax import parse
from rules_engine.expression.trees import COMPARATORS, TYPES
from rules_engine.loader import load_rules
from rules_engine.model import EVENT_NAMES
from rules_engine.template import holes
from tests.eventbridge_rows import ROWS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rules_engine.expression.node import Node
    from rules_engine.model import Rule

DIRECTORY = Path(__file__).parent / "cases/use_cases"
FILES = sorted(path for path in DIRECTORY.glob("*.yaml") if not path.name.endswith(".test.yaml"))
RULES = [effective_rule(rule) for rule in load_rules([str(DIRECTORY)])[0].rules]


def conditions_of(rule: Rule) -> list[Node]:
    exceptions = chain.from_iterable(exception.when for exception in rule.unless)
    return [parse(text) for text in (*rule.when, *exceptions)]


def expressions_of(rule: Rule) -> list[Node]:
    configs = chain.from_iterable(holes(action.config) for action in rule.actions)
    return [*conditions_of(rule), *(parse(hole.expression) for hole in configs)]


def nodes_below(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from nodes_below(child)


NODES = [node for rule in RULES for tree in expressions_of(rule) for node in nodes_below(tree)]


def test_there_is_a_file_for_each_of_twenty_use_cases_and_says_which() -> None:
    assert len(FILES) >= 20
    sources = ("# EventBridge", "# Lambda", "# IoT rules")
    assert [path.name for path in FILES if not path.read_text().startswith(sources)] == []
    rules, problems = load_rules([str(DIRECTORY)])
    assert problems == []
    assert {rule.location.path for rule in rules.rules if rule.location} == {str(path) for path in FILES}
    assert [rule.id for rule in rules.rules if not rule.description] == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["validate", "--strict"],
        ["fmt", "--check"],
        ["test", "--strict", "--min-coverage", "100", "--mutate"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_nothing_is_wrong_or_left_out(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    code = run(rules_engine, [*arguments, str(DIRECTORY)])
    captured = capsys.readouterr()
    assert (code, captured.err) == (0, ""), captured.out
    assert "warning" not in captured.out


def test_every_function_is_used() -> None:
    used = {node.value for node in NODES if node.type == "function_expression"}
    assert used == set(FUNCTIONS)


def test_everything_an_expression_can_be_made_of_is_used() -> None:
    assert {node.type for node in NODES} == set(TYPES)
    assert {node.value for node in NODES if node.type == "comparator"} == COMPARATORS


def test_every_action_and_event_is_used() -> None:
    actions = [action for rule in RULES for action in rule.actions]
    assert {action.type for action in actions} == set(action_types())
    writes = {name for action in actions if action.type == "table" for name in action.config}
    assert writes == {"table", "put", "update", "delete", "sync"}
    assert {action.mode for action in actions} == {"at_least_once", "once"}
    assert {event for rule in RULES for event in rule.events} == set(EVENT_NAMES)


# Operators of EventBridge: a rule has what the table's condition has, with other names and constants


def item_path(node: Node) -> str | None:
    """What stands for an attribute of the new image: `new.a.b`, or `&a.b` of `present`."""
    text = node.text
    if node.type == "expref":
        return text.removeprefix("&")
    is_path = node.type == "subexpression" and all(each.type == "field" for each in node.children)
    return text.removeprefix("new.") if is_path and text.startswith("new.") else None


def kind_of(constant: Any) -> Any:
    """What any other constant in its place must be, too. Empty text and null are kinds of their own."""
    return constant if constant in ("", None) else type(constant).__name__.replace("Decimal", "int")


def fits(wanted: Node, found: Node, paths: dict[str, str]) -> bool:
    """Whether `found` is `wanted` with other names: one for each name, the same wherever that stands."""
    path, other = item_path(wanted), item_path(found)
    if path is not None:
        if path not in paths and other is not None and other not in paths.values():
            paths[path] = other
        return other is not None and paths.get(path) == other
    if wanted.type == "literal" == found.type:
        return bool(kind_of(wanted.value) == kind_of(found.value))
    return (wanted.type, wanted.value, len(wanted.children)) == (
        found.type,
        found.value,
        len(found.children),
    ) and all(map(fits, wanted.children, found.children, [paths] * len(wanted.children)))


def operands(node: Node, connective: str) -> list[Node]:
    if node.type != connective:
        return [node]
    return [each for child in node.children for each in operands(child, connective)]


def all_fit(wanted: Sequence[Node], found: Sequence[Node], paths: dict[str, str]) -> bool:
    """Whether each of `wanted` is another one of `found`."""
    if not wanted:
        return True
    for number, node in enumerate(found):
        bound = dict(paths)
        rest = [*found[:number], *found[number + 1 :]]
        if fits(wanted[0], node, bound) and all_fit(wanted[1:], rest, bound):
            return True
    return False


def has(rule: Rule, condition: str) -> bool:
    """Whether all operands of the condition stand together; clauses of `when` are joined by `&&`."""
    wanted = parse(condition)
    connective = "or_expression" if wanted.type == "or_expression" else "and_expression"
    together = [operands(node, connective) for tree in conditions_of(rule) for node in nodes_below(tree)]
    if connective == "and_expression":
        together.append([each for text in rule.when for each in operands(parse(text), connective)])
    return any(all_fit(operands(wanted, connective), found, {}) for found in together)


@pytest.mark.parametrize(("pattern", "condition"), ROWS, ids=[json.dumps(pattern) for pattern, _ in ROWS])
def test_every_operator_of_eventbridge_is_used(pattern: dict[str, Any], condition: str) -> None:
    assert any(has(rule, condition) for rule in RULES), condition


def test_another_condition_is_not_taken_for_an_operator() -> None:
    rule = effective_rule(RULES[0])
    assert not has(rule, "present(&file) && !glob(new.other, '*/lib/*')")
    assert not has(rule, "cidr_contains('10.0.0.0/8', new.address)")
