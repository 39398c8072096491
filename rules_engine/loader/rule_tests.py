"""The tests of rules: that each can be run and asserts something.

In: test nodes, of a rule or of a `*.test.yaml` file, and the rule they are about. Out: problems. Tests are
not run here; what a run would find out about them alone is found now: a record that cannot be, a clause or an
action that the rule does not have, an expectation without content.
"""

from __future__ import annotations

import re
from itertools import count, islice
from json import JSONDecodeError
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rules_engine import exact_json
from rules_engine.errors import RecordError, RulesEngineError
from rules_engine.expression.checks.spelling import nearest
from rules_engine.loader.shape import check_shape
from rules_engine.plain_record import record_from_images
from rules_engine.record import MalformedRecord, parse_event, parse_record
from rules_engine.schema import RECORD_SHAPE, TABLE_PATTERN

MOST_SUGGESTIONS = 20
"""Looking for the nearest of thousands of ids takes milliseconds each time."""

MOST_BYTES_OF_RECORDS = 6 * 1024 * 1024

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from rules_engine.errors import Location, Problem
    from rules_engine.model import Rule
    from rules_engine.record import StreamRecord
    from rules_engine.source import Node


def check_tests(node: Node, rule: Rule) -> Iterator[Problem]:
    """The tests of one rule, whose shape has been checked."""
    for test in node.items():
        if test.kind == "mapping":
            yield from check_record(test, _table(rule))
            yield from check_expectation(test, rule)


def check_file_tests(node: Node, rules: Mapping[str, Rule], complete: bool) -> Iterator[Problem]:
    """The tests of a `*.test.yaml` file. Unless all rules were read (`complete`), none is called unknown."""
    suggestions = islice(count(), MOST_SUGGESTIONS)
    for test in node.items():
        if test.kind != "mapping":
            continue
        rule_node, matches = test.get("rule"), test.get("matches")
        if rule_node is not None and matches is not None:
            message = "'matches' does not go together with 'rule'"
            hint = "say either which rule the test is about, or all that must match"
            yield test.source.problem("RE109", message, test.keys["matches"].location, hint)
            continue
        if rule_node is None and matches is None:
            message = "this test has neither 'rule' nor 'matches'"
            hint = "add rule: ID of the rule it is about, or matches: a list of all rules that must match"
            yield test.source.problem("RE108", message, _start(test), hint)
            continue
        named = [rule_node] if rule_node is not None else matches.items() if matches is not None else []
        rule = rules.get(rule_node.value) if rule_node is not None and rule_node.kind == "scalar" else None
        if complete:
            yield from _unknown_rules(named, rules, suggestions)
        yield from check_record(test, _table(rule))
        if rule_node is not None:
            yield from check_expectation(test, rule)


def _table(rule: Rule | None) -> str:
    """The table of a record that names none; any will do where the rule's own is wrong, and said to be."""
    tables = rule.tables if rule is not None else ()
    return next((table for table in tables if re.fullmatch(TABLE_PATTERN, table)), "table")


def rules_tested(node: Node) -> set[str]:
    """Ids that the tests of a file name."""
    named: list[Node] = []
    for test in node.items():
        rule, matches = test.get("rule"), test.get("matches")
        named += [rule] if rule is not None else matches.items() if matches is not None else []
    return {one.value for one in named if isinstance(one.value, str)}


def _unknown_rules(
    named: Iterable[Node], rules: Mapping[str, Rule], suggestions: Iterator[int]
) -> Iterator[Problem]:
    for node in named:
        if isinstance(node.value, str) and node.value not in rules and not node.broken:
            near = nearest(node.value, rules) if next(suggestions, None) is not None else None
            hint = (
                f"did you mean '{near}'?" if near else "name a rule of the files that are validated together"
            )
            yield node.source.problem("RE404", f"there is no rule '{node.value}'", node.location, hint)


def check_record(test: Node, table: str) -> Iterator[Problem]:
    """The record of a test: there once, and one that can be."""
    inline, file = test.get("record"), test.get("record_file")
    if inline is None and file is None:
        hint = "add record: with 'event' and the images, or record_file: with the name of a JSON file"
        yield test.source.problem("RE108", "this test has no 'record'", _start(test), hint)
    elif inline is not None and file is not None:
        message = "'record_file' does not go together with 'record'"
        yield test.source.problem("RE109", message, test.keys["record_file"].location, "keep one of them")
    elif file is not None and isinstance(file.value, str):
        yield from _check_record_file(file, table)
    elif inline is not None and inline.kind == "mapping":
        yield from _check_inline(inline, test.keys["record"], table)


def _check_record_file(node: Node, table: str) -> Iterator[Problem]:
    path = Path(node.source.path).parent / node.value
    try:
        found = path.is_file()
    except (OSError, ValueError):
        found = False
    if not found:
        hint = "the name is relative to the file it stands in"
        yield node.source.problem("RE101", f"there is no file '{path}'", node.location, hint)
        return
    try:
        _build_from_json(path, table)
    except (RulesEngineError, OSError, ValueError) as error:
        message = f"'{path}' holds no record: {error}"
        hint = "it must be one stream record or a Lambda event, as JSON"
        yield node.source.problem("RE109", message, node.location, hint)


def _build_from_json(path: Path, table: str) -> None:
    with path.open("rb") as file:
        data = file.read(MOST_BYTES_OF_RECORDS + 1)
    if len(data) > MOST_BYTES_OF_RECORDS:
        raise ValueError("it is larger than 6 MiB, the most that Lambda takes")
    try:
        document = exact_json.loads(data.decode("utf-8-sig"), unique_keys=True)
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8") from None
    except JSONDecodeError as error:
        raise ValueError(f"it is not JSON: {error}") from None
    if isinstance(document, list):
        _refuse_malformed(parse_event(document))
    elif isinstance(document, dict):
        _build(document, table)
    else:
        raise RecordError("it is neither an object nor an array")


def _check_inline(node: Node, key: Node, table: str) -> Iterator[Problem]:
    raw = any(name in node.value for name in ("dynamodb", "kinesis", "Records"))
    problems = [] if raw else check_shape(node, RECORD_SHAPE, "record", key)
    yield from problems
    if problems or _is_broken(node):
        return
    plain = node.plain()
    try:
        _build(plain, table)
    except RulesEngineError as error:
        place, hint = _blame(node, key, str(error))
        yield node.source.problem("RE109", str(error), place, hint)


def _build(plain: dict[str, Any], table: str) -> None:
    if "Records" in plain:
        _refuse_malformed(parse_event(plain))
    elif "dynamodb" in plain or "kinesis" in plain:
        parse_record(plain)
    else:
        record_from_images(plain, table)


def _refuse_malformed(records: Iterable[StreamRecord | MalformedRecord]) -> None:
    for record in records:
        if isinstance(record, MalformedRecord):
            raise RecordError(record.reason)


def _blame(node: Node, key: Node, message: str) -> tuple[Location, str]:
    """The key that a record error names, and what to do."""
    named = message.split("'")[1] if message.count("'") >= 2 else ""
    at = key
    for step in named.split("."):
        if step in node.keys:
            at, node = node.keys[step], node.value[step]
    hint = "a test's record must be one that a stream can deliver"
    if "never there" in message:
        hint = f"remove '{named}', or choose another event"
    return at.location, hint


def check_expectation(test: Node, rule: Rule | None) -> Iterator[Problem]:
    """`expect`: that it says something, and nothing that contradicts itself or the rule."""
    expect = test.get("expect")
    if expect is None or expect.kind != "mapping" or expect.broken:
        if expect is None and test.get("rule") is not None:
            hint = "add expect: {match: true} or {match: false}"
            yield test.source.problem("RE108", "this test has no 'expect'", _start(test), hint)
        return
    match, stopped_by, actions = expect.get("match"), expect.get("stopped_by"), expect.get("actions")
    if not expect.value:
        message = "this test asserts nothing"
        hint = "write what must come of the record: expect: {match: true} or {match: false}"
        yield test.source.problem("RE405", message, test.keys["expect"].location, hint)
    if match is not None and match.value is True and stopped_by is not None:
        message = "'stopped_by' contradicts 'match: true'"
        hint = "a record that matches is stopped by nothing: remove one of them"
        yield test.source.problem("RE109", message, expect.keys["stopped_by"].location, hint)
    elif actions is not None and ((match is not None and match.value is False) or stopped_by is not None):
        message = "'actions' contradicts a record that does not match"
        hint = "only a record that matches has actions: remove one of them"
        yield test.source.problem("RE109", message, expect.keys["actions"].location, hint)
    elif rule is not None and stopped_by is not None:
        yield from _unknown_clause(stopped_by, rule)
    elif rule is not None and actions is not None:
        yield from _unknown_actions(actions, rule)


def clauses(rule: Rule) -> list[str]:
    """What can stop a record of the rule, by the names that traces give it."""
    when = (
        [f"when[{index}]" for index in range(len(rule.when))]
        if rule.when_is_list
        else ["when"] * len(rule.when)
    )
    return ["enabled", "table", "event", *when, *(f"unless[{unless.name}]" for unless in rule.unless)]


def _unknown_clause(node: Node, rule: Rule) -> Iterator[Problem]:
    known = clauses(rule)
    if not isinstance(node.value, str) or not node.value or node.value in known:
        return
    near = nearest(node.value, known)
    if node.value == "when" and rule.when_is_list and rule.when:
        near = "when[0]"
    listed = f"a record can be stopped by {', '.join(known)}"
    hint = f"did you mean '{near}'? {listed}" if near else listed
    yield node.source.problem("RE404", f"rule '{rule.id}' has no '{node.value}'", node.location, hint)


def _unknown_actions(node: Node, rule: Rule) -> Iterator[Problem]:
    known = [action.id for action in rule.actions]
    for name, key in node.keys.items():
        if name not in known:
            near = nearest(name, known)
            hint = f"did you mean '{near}'?" if near else f"its actions are {', '.join(known)}"
            message = f"rule '{rule.id}' has no action '{name}'"
            yield node.source.problem("RE404", message, key.location, hint)
    if node.kind == "mapping" and not node.value:
        message = "this test asserts nothing of any action"
        hint = "name an action and what its request must contain, or remove 'actions'"
        yield node.source.problem("RE405", message, node.location, hint)


def _start(node: Node) -> Location:
    return node.source.location(node.start, node.end)


def _is_broken(node: Node) -> bool:
    below = node.items() if node.kind == "sequence" else [value for _, value in node.entries()]
    return node.broken or any(_is_broken(child) for child in below)
