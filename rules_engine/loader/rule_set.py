"""What only all rules together show: ids that meet, rules that do the same, loops, rules without tests.

In: the rules of all files, and which of them test files name. Out: the ids of rules that are refused for it,
and problems.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rules_engine.expression.checks.spelling import nearest
from rules_engine.loader.rule_tests import MOST_SUGGESTIONS
from rules_engine.loader.same_rules import check_same
from rules_engine.loader.variable_problems import check_variables
from rules_engine.schema import ID_PATTERN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rules_engine.errors import Problem
    from rules_engine.loader.rule_file import LoadedRule


def check_rule_set(loaded: list[LoadedRule], tested: set[str]) -> tuple[set[str], list[Problem]]:
    """(ids of refused rules, problems). `tested` are ids that the tests of `*.test.yaml` files name."""
    twice = list(_same_ids(loaded))
    problems = [problem for _, problem in twice]
    known = {one.rule.id for one in loaded}
    # A name with a typing error was reported: its rule need not be called untested, too.
    unknown = sorted(tested - known)[:MOST_SUGGESTIONS]
    meant = tested | {nearest(name, known) or name for name in unknown}
    problems += _tests(loaded, meant)
    refused = {rule_id for rule_id, _ in twice}
    single = [one for one in loaded if one.rule.id not in refused]
    problems += check_same(single)
    problems += check_variables(single)
    if not any(one.writes for one in single):
        return refused, problems
    # Not at the top: few rule sets write into tables, and the others start without it.
    from rules_engine.loader.loop_problems import check_loops

    in_loops, of_loops = check_loops(single)
    return refused | in_loops, problems + of_loops


def _same_ids(loaded: list[LoadedRule]) -> Iterator[tuple[str, Problem]]:
    first: dict[str, LoadedRule] = {}
    for one in loaded:
        known = first.setdefault(one.rule.id, one)
        if known is not one and isinstance(one.id_node.value, str):
            message = f"two rules have the id '{one.rule.id}'"
            hint = "give one of them another id; a rule that was deployed should keep its own"
            related = ((known.id_node.location, "the first one is here"),)
            problem = one.id_node.source.problem(
                "RE401", message, one.id_node.location, hint, related=related
            )
            yield one.rule.id, problem


def _tests(loaded: list[LoadedRule], tested: set[str]) -> Iterator[Problem]:
    for one in loaded:
        if not re.search(ID_PATTERN, one.rule.id):
            continue
        has_tests = one.tests_key is not None or one.rule.id in tested
        if one.rule.enabled and not has_tests:
            message = f"rule '{one.rule.id}' has no tests"
            hint = "add 'tests' with a record that must match and one that must not"
            code, place = "RE450", one.id_node.location
        elif not one.rule.enabled and has_tests:
            message = f"rule '{one.rule.id}' is switched off and has tests"
            hint = "its tests can only show that it is off: switch it on, or remove them"
            code, place = "RE451", (one.enabled_key or one.id_node).location
        else:
            continue
        yield one.id_node.source.problem(code, message, place, hint, severity="warning")
