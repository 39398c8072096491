"""Rule files to a rule set, with all problems of all files in one run.

In: files and directories. Out: the `RuleSet` of the rules in which no error was found, and every problem,
sorted by place. Nothing is raised for what stands in a file, or for a file that cannot be read, and no file
hides another's problems. No socket is opened and boto3 is not loaded.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from rules_engine.loader.files import find_all, find_files, is_test_file, read_bytes
from rules_engine.loader.rule_file import LoadedRule, load_rule_file, no_mapping
from rules_engine.loader.rule_set import check_rule_set
from rules_engine.loader.rule_tests import check_file_tests
from rules_engine.loader.secrets import secrets_in_text
from rules_engine.loader.shape import check_shape
from rules_engine.model import RuleSet
from rules_engine.schema import tests_file_shape
from rules_engine.source import parse_source

if TYPE_CHECKING:
    from collections.abc import Iterable
    from os import PathLike

    from rules_engine.errors import Problem
    from rules_engine.source import Node

__all__ = ["find_files", "load_rules"]


def load_rules(
    paths: str | PathLike[str] | Iterable[str | PathLike[str]], today: date | None = None
) -> tuple[RuleSet, list[Problem]]:
    """The sound rules of the files at and below `paths`, and all problems.

    `today` decides which exceptions have expired; without it, it is the day in UTC.
    """
    today = today or datetime.now(UTC).date()
    files, problems = find_all(paths)
    roots, of_source, complete = _parse(files)
    problems += of_source
    loaded: list[LoadedRule] = []
    for root in roots:
        if not is_test_file(root.source.path):
            of_file = [problem for problem in of_source if problem.location.path == root.source.path]
            rules, found = load_rule_file(root, of_file, today)
            loaded += rules
            problems += found
    tests = [root for root in roots if is_test_file(root.source.path)]
    problems += _check_test_files(tests, loaded, complete)
    unsound, found = check_rule_set(loaded, tests)
    problems += found
    rules_of_set = tuple(one.rule for one in loaded if one.sound and one.rule.id not in unsound)
    return RuleSet(rules_of_set), _in_order(problems)


def _parse(files: list[str]) -> tuple[list[Node], list[Problem], bool]:
    """The trees, the problems, and whether every rule file has a tree."""
    roots, problems, complete = [], [], True
    for path in files:
        data, problem = read_bytes(path)
        if problem is not None:
            root, found = None, [problem]
        else:
            root, found = parse_source(path, data)
        problems += found
        if root is not None:
            roots.append(root)
        elif not is_test_file(path):
            complete = False
    return roots, problems, complete


def _check_test_files(tests: list[Node], loaded: list[LoadedRule], complete: bool) -> list[Problem]:
    problems: list[Problem] = []
    rules = {one.rule.id: one.rule for one in loaded}
    for root in tests:
        problems += secrets_in_text(root.source)
        if root.kind != "mapping" and not root.broken:
            problems.append(no_mapping(root, "tests"))
            continue
        problems += check_shape(root, tests_file_shape(), "this file")
        list_node = root.get("tests")
        if list_node is not None:
            problems += check_file_tests(list_node, rules, complete)
    return problems


def _in_order(problems: list[Problem]) -> list[Problem]:
    """By place, each once, secrets masked in whatever shows their line."""
    in_order = sorted(problems, key=lambda problem: (problem.location, problem.code, problem.message))
    masked = {(p.location.path, p.location.line): p.source_line for p in in_order if p.code == "RE306"}
    reasons = [problem for problem in in_order if problem.code in ("RE305", "RE306")]
    seen: set[tuple[Any, ...]] = set()
    shown = []
    for problem in in_order:
        place = problem.location
        message = "" if problem.code == "RE306" else problem.message
        identity = (place.path, place.line, place.column, problem.code, message)
        if identity in seen or (problem.code == "RE109" and _is_explained(problem, reasons)):
            continue
        seen.add(identity)
        shown.append(replace(problem, source_line=masked.get((place.path, place.line), problem.source_line)))
    return shown


def _is_explained(problem: Problem, reasons: list[Problem]) -> bool:
    """Whether a value is refused only because of what another problem says of it: a secret, a `${NAME}`."""
    place = problem.location
    return any(
        (reason.location.path, reason.location.line) == (place.path, place.line)
        and place.column <= reason.location.column < place.column + place.length
        for reason in reasons
    )
