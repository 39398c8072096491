"""What only all rules together show: ids that meet, rules without tests.

In: the rules of all files and the trees of the test files. Out: the ids that more than one rule has, and
problems.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rules_engine.expression.checks.spelling import nearest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rules_engine.errors import Problem
    from rules_engine.loader.rule_file import LoadedRule
    from rules_engine.source import Node


def check_rule_set(loaded: list[LoadedRule], tests: list[Node]) -> tuple[set[str], list[Problem]]:
    """(ids that stand twice, problems)."""
    twice = list(_same_ids(loaded))
    problems = [problem for _, problem in twice]
    problems += _tests(loaded, _tested_in_files(tests, {one.rule.id for one in loaded}))
    return {rule_id for rule_id, _ in twice}, problems


def _same_ids(loaded: list[LoadedRule]) -> Iterator[tuple[str, Problem]]:
    first: dict[str, LoadedRule] = {}
    for one in loaded:
        known = first.setdefault(one.rule.id, one)
        if known is not one and isinstance(one.id_node.value, str):
            message = f"two rules have the id '{one.rule.id}'"
            hint = "give one of them another id; a rule that was deployed should keep its own"
            related = ((known.id_node.location, "the first one is here"),)
            problem = one.node.source.problem("RE401", message, one.id_node.location, hint, related=related)
            yield one.rule.id, problem


def _tested_in_files(tests: list[Node], known: set[str]) -> set[str]:
    """Ids that the tests of `*.test.yaml` files name, or mean."""
    named: set[str] = set()
    for root in tests:
        list_node = root.get("tests")
        for test in list_node.items() if list_node is not None else []:
            rule, matches = test.get("rule"), test.get("matches")
            nodes = [rule] if rule is not None else matches.items() if matches is not None else []
            named.update(node.value for node in nodes if isinstance(node.value, str))
    return {name if name in known else nearest(name, known) or name for name in named}


def _tests(loaded: list[LoadedRule], tested: set[str]) -> Iterator[Problem]:
    for one in loaded:
        has_tests = bool(one.rule.tests) or one.rule.id in tested or one.node.get("tests") is not None
        if one.rule.enabled and not has_tests:
            message = f"rule '{one.rule.id}' has no tests"
            hint = "add 'tests' with a record that must match and one that must not"
            code, place = "RE450", one.id_node.location
        elif not one.rule.enabled and has_tests:
            message = f"rule '{one.rule.id}' is switched off and has tests"
            hint = "its tests can only show that it is off: switch it on, or remove them"
            code, place = "RE451", one.node.keys["enabled"].location
        else:
            continue
        yield one.node.source.problem(code, message, place, hint, severity="warning")
