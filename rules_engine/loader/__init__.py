"""Rule files to a rule set, with all problems of all files in one run.

In: files and directories. Out: the `RuleSet` of the rules in which no error was found, and every problem,
sorted by place. Nothing is raised for what stands in a file, or for a file that cannot be read, and no file
hides another's problems. No socket is opened and boto3 is not loaded.
"""

from __future__ import annotations

from bisect import bisect_left
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from rules_engine.loader.files import find_all, find_files, is_test_file, read_bytes
from rules_engine.loader.rule_file import LoadedRule, load_rule_file, no_mapping
from rules_engine.loader.rule_set import check_rule_set
from rules_engine.loader.rule_tests import check_file_tests, rules_tested
from rules_engine.loader.secrets import masked, secrets_in_text
from rules_engine.loader.shape import check_shape
from rules_engine.model import RuleSet
from rules_engine.schema import tests_file_shape
from rules_engine.source import parse_source

if TYPE_CHECKING:
    from collections.abc import Iterable
    from os import PathLike

    from rules_engine.errors import Location, Problem
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
    loaded: list[LoadedRule] = []
    complete = not problems
    # A file's tree is dropped before the next is read: a garbage collector that walks through the trees of a
    # large rule set again and again takes a fifth of the time.
    for path in files:
        if is_test_file(path):
            continue
        root, of_source = _parse(path)
        problems += of_source
        if root is None:
            complete = False
            continue
        rules, found = load_rule_file(root, of_source, today)
        loaded += rules
        problems += found
        complete = complete and not any(problem.code == "RE110" for problem in found)
    tested, found = _check_test_files([path for path in files if is_test_file(path)], loaded, complete)
    problems += found
    unsound, found = check_rule_set(loaded, tested)
    problems += found
    rules_of_set = tuple(one.rule for one in loaded if one.sound and one.rule.id not in unsound)
    return RuleSet(rules_of_set), _in_order(problems)


def _parse(path: str) -> tuple[Node | None, list[Problem]]:
    data, problem = read_bytes(path)
    return (None, [problem]) if problem is not None else parse_source(path, data)


def _check_test_files(
    paths: list[str], loaded: list[LoadedRule], complete: bool
) -> tuple[set[str], list[Problem]]:
    """(ids of rules that the files test, problems). Unless all rules were read, none is called unknown."""
    problems: list[Problem] = []
    tested: set[str] = set()
    rules = {one.rule.id: one.rule for one in loaded}
    for path in paths:
        root, of_source = _parse(path)
        problems += of_source
        if root is None:
            continue
        problems += secrets_in_text(root.source)
        if root.kind != "mapping" and not root.broken:
            problems.append(no_mapping(root, "tests"))
            continue
        problems += check_shape(root, tests_file_shape(), "this file")
        tests = root.get("tests")
        if tests is not None:
            problems += check_file_tests(tests, rules, complete)
            tested |= rules_tested(tests)
    return tested, problems


def _in_order(problems: list[Problem]) -> list[Problem]:
    """By place, each once, secrets masked in whatever shows their line."""
    in_order = sorted(problems, key=lambda problem: (problem.location, problem.code, problem.message))
    reasons: dict[tuple[str, int], list[int]] = {}
    for problem in in_order:
        if problem.code in ("RE305", "RE306"):
            place = problem.location
            reasons.setdefault((place.path, place.line), []).append(place.column)
    seen: set[tuple[Any, ...]] = set()
    shown = []
    for problem in in_order:
        place = problem.location
        message = "" if problem.code == "RE306" else problem.message
        identity = (place.path, place.line, place.column, problem.code, message)
        columns = reasons.get((place.path, place.line), [])
        if identity not in seen and not (problem.code == "RE109" and _is_explained(place, columns)):
            seen.add(identity)
            shown.append(problem)
    return masked(shown)


def _is_explained(place: Location, columns: list[int]) -> bool:
    """Whether a value is refused only for what stands in it at one of `columns`: a secret, a `${NAME}`."""
    first = bisect_left(columns, place.column)
    return first < len(columns) and columns[first] < place.column + place.length
