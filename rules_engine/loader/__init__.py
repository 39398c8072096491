"""Rule files to a rule set and its tests, with all problems of all files in one run.

In: files and directories. Out: the `RuleSet` of the rules in which no error was found, the tests that can be
run, and every problem, sorted by place. Nothing is raised for what stands in a file, or for a file that
cannot be read, and no file hides another's problems. No socket is opened and boto3 is not loaded.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from datetime import UTC, date, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from rules_engine.errors import Location, Problem
from rules_engine.loader.files import find_all, find_files, is_test_file, read_bytes
from rules_engine.loader.rule_file import LoadedRule, load_rule_file, no_mapping
from rules_engine.loader.rule_set import check_rule_set
from rules_engine.loader.rule_tests import (
    WHOLE_RULE_SET,
    RuleTest,
    read_file_tests,
    rules_tested,
    unknown_rules,
)
from rules_engine.loader.secrets import masked, secrets_in_text
from rules_engine.loader.shape import check_shape
from rules_engine.model import RuleSet
from rules_engine.schema import tests_file_shape
from rules_engine.source import parse_source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from os import PathLike

    from rules_engine.source import Node

__all__ = ["WHOLE_RULE_SET", "FileRead", "RuleTest", "find_files", "load_rules", "load_rules_and_tests"]

NO_TEXTS: Mapping[str, bytes] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class FileRead:
    """What a rule file holds, read on a day. `whole`: whether all of it could be read."""

    data: bytes
    today: date
    rules: tuple[LoadedRule, ...]
    problems: tuple[Problem, ...]
    whole: bool


def load_rules(
    paths: str | PathLike[str] | Iterable[str | PathLike[str]],
    today: date | None = None,
    texts: Mapping[str, bytes] = NO_TEXTS,
    track: Callable[[Sequence[str]], Iterable[str]] = iter,
    known: dict[str, FileRead] | None = None,
) -> tuple[RuleSet, list[Problem]]:
    """The sound rules of the files at and below `paths`, and all problems.

    `today` decides which exceptions have expired; without it, it is the day in UTC. `texts` are by their
    paths what files are to be read as, whatever stands in them: a mend that is tried, an unsaved buffer, a
    file that is not there yet.
    `track` hands on the files that it is given; a progress bar is one. `known` is what the last call with it
    read, by path, and becomes what this one does: a rule file that is as it was is not read again.
    """
    rule_set, _, problems = load_rules_and_tests(paths, today, texts, track, known)
    return rule_set, problems


def load_rules_and_tests(
    paths: str | PathLike[str] | Iterable[str | PathLike[str]],
    today: date | None = None,
    texts: Mapping[str, bytes] = NO_TEXTS,
    track: Callable[[Sequence[str]], Iterable[str]] = iter,
    known: dict[str, FileRead] | None = None,
) -> tuple[RuleSet, list[RuleTest], list[Problem]]:
    """As `load_rules`, with the tests that can be run: those of the rules, then those of `*.test.yaml`."""
    today = today or datetime.now(UTC).date()
    files, problems = find_all(paths)
    files += sorted(texts.keys() - set(files))
    loaded: list[LoadedRule] = []
    complete = not problems
    # A file's tree is dropped before the next is read: a garbage collector that walks through the trees of a
    # large rule set again and again takes a fifth of the time.
    read: dict[str, FileRead] = {}
    for path in track(files):
        if is_test_file(path):
            continue
        one = _read_rule_file(path, texts, today, (known or {}).get(path))
        loaded += one.rules
        problems += one.problems
        complete = complete and one.whole
        if known is not None:
            read[path] = one
    if known is not None:
        known.clear()
        known.update(read)
    test_files = [path for path in files if is_test_file(path)]
    tests, tested, found = _read_test_files(test_files, texts, loaded, complete)
    problems += found
    unsound, found = check_rule_set(loaded, tested)
    problems += found
    if files and not loaded and not problems:
        problems.append(_without_rules(files[0]))
    rules_of_set = tuple(one.rule for one in loaded if one.sound and one.rule.id not in unsound)
    tests_of_rules = [test for one in loaded for test in one.tests]
    return RuleSet(rules_of_set), tests_of_rules + tests, _in_order(problems)


def _without_rules(path: str) -> Problem:
    """That all is well with nothing: as a result it would pass for a rule set that was checked."""
    message = "there are tests here, and no rule file that they could be about"
    hint = "name the rule files, too, or a directory that holds both"
    return Problem("RE101", message, Location(path, 1, 1), hint=hint)


def _read_rule_file(path: str, texts: Mapping[str, bytes], today: date, known: FileRead | None) -> FileRead:
    data, unreadable = _bytes_of(path, texts)
    if unreadable is not None:
        return FileRead(data, today, (), (unreadable,), whole=False)
    # The records of its tests may have changed, which stand elsewhere.
    if known is not None and known.data == data and known.today == today and b"record_file" not in data:
        return known
    root, of_source = parse_source(path, data)
    if root is None:
        return FileRead(data, today, (), tuple(of_source), whole=False)
    rules, found = load_rule_file(root, of_source, today)
    whole = not any(problem.code == "RE110" for problem in found)
    return FileRead(data, today, tuple(rules), (*of_source, *found), whole)


def _bytes_of(path: str, texts: Mapping[str, bytes]) -> tuple[bytes, Problem | None]:
    return (texts[path], None) if path in texts else read_bytes(path)


def _parse(path: str, texts: Mapping[str, bytes]) -> tuple[Node | None, list[Problem]]:
    data, unreadable = _bytes_of(path, texts)
    return (None, [unreadable]) if unreadable is not None else parse_source(path, data)


def _read_test_files(
    paths: list[str], texts: Mapping[str, bytes], loaded: list[LoadedRule], complete: bool
) -> tuple[list[RuleTest], set[str], list[Problem]]:
    """(tests, ids of rules that they are about, problems). Unless all rules were read, none is called
    unknown."""
    tests_of_files: list[RuleTest] = []
    problems: list[Problem] = []
    tested: set[str] = set()
    rules = {one.rule.id: one.rule for one in loaded}
    doubtful = {one.rule.id: one.doubtful for one in loaded if one.doubtful}
    unknown: dict[str, list[Node]] = {}
    for path in paths:
        root, of_source = _parse(path, texts)
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
            read, found = read_file_tests(tests, rules, unknown if complete else None, doubtful)
            tests_of_files += read
            problems += found
            tested |= rules_tested(tests)
    problems += unknown_rules(unknown, rules)
    return tests_of_files, tested, problems


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
