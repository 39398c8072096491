"""The tests of rules: read, and checked that each can be run and asserts something.

In: test nodes, of a rule or of a `*.test.yaml` file, and the rule they are about. Out: a `RuleTest` for each
in which nothing is wrong, and problems. Tests are not run here; what a run would find out about them alone is
found now: a record that cannot be, a clause or an action that the rule does not have, an expectation without
content.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from rules_engine.expression.checks.spelling import nearest
from rules_engine.light_dataclass import dataclass
from rules_engine.loader.records_of_tests import path_of, read_records
from rules_engine.schema import TABLE_PATTERN

WHOLE_RULE_SET = "rule set"
"""What stands for the id of a rule in the name of a test that is about all of them."""

MOST_SUGGESTIONS = 20
"""Looking for the nearest of thousands of ids takes milliseconds each time."""

MOST_PLACES = 20
"""Further places of one problem."""

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping, Sequence

    from rules_engine.errors import Location, Problem
    from rules_engine.model import Rule
    from rules_engine.record import StreamRecord
    from rules_engine.source import Node


@dataclass(frozen=True, slots=True)
class RuleTest:
    """One test as written. It is about one rule (`rule_id`), or about all that must match (`matches`).

    `location` is that of its name, `record_path` the file that its records came from.
    """

    name: str
    location: Location
    records: tuple[StreamRecord, ...]
    rule_id: str | None = None
    matches: tuple[str, ...] = ()
    match: bool | None = None
    stopped_by: str | None = None
    actions: Mapping[str, Any] | None = None
    may_repeat: tuple[str, ...] = ()
    record_path: str | None = None

    @property
    def full_name(self) -> str:
        """`order-shipped / packed to shipped fires`."""
        return f"{self.rule_id or WHOLE_RULE_SET} / {self.name}"


def read_tests(node: Node, rule: Rule, doubtful: Container[str] = ()) -> tuple[list[RuleTest], list[Problem]]:
    """The tests of one rule, whose shape has been checked. `doubtful`: its `clauses` or `actions`, where they
    have an error, so that what a test names may be there once that is mended."""
    tests: list[RuleTest] = []
    problems: list[Problem] = []
    for test in node.items():
        if test.kind == "mapping":
            found = list(check_expectation(test, rule, doubtful))
            _read_test(test, _table(rule), rule.id, found, tests)
            problems += found
    return tests, problems


_PARTS = {"event": "clauses", "when": "clauses", "unless": "clauses", "actions": "actions"}


def doubtful_parts(rule: Node, problems: Iterable[Problem], known: Container[str]) -> frozenset[str]:
    """The parts of a rule of which its tests cannot be sure: those with an error, and those that an unknown
    key may be. `known` are the keys of a rule."""
    places = {
        rule.source.offset(problem.location.line, problem.location.column)
        for problem in problems
        if problem.severity == "error"
    }
    if not places:
        return frozenset()
    found = {
        part
        for key, part in _PARTS.items()
        if key in rule.keys and any(rule.keys[key].start <= at <= rule.value[key].end for at in places)
    }
    unknown = any(key not in known and node.start in places for key, node in rule.keys.items())
    return frozenset(_PARTS.values()) if unknown else frozenset(found)


def read_file_tests(
    node: Node,
    rules: Mapping[str, Rule],
    unknown: dict[str, list[Node]] | None,
    doubtful: Mapping[str, Container[str]],
) -> tuple[list[RuleTest], list[Problem]]:
    """The tests of a `*.test.yaml` file. `unknown` gets what names a rule that there is not, by its id; it is
    None where not all rules were read. `doubtful`: by the id of a rule, as `read_tests` has it."""
    tables = {table for rule in rules.values() for table in rule.tables}
    tests: list[RuleTest] = []
    problems: list[Problem] = []
    for test in node.items():
        if test.kind != "mapping":
            continue
        rule_node, matches = test.get("rule"), test.get("matches")
        found = list(_check_subject(test, rule_node, matches))
        if not found:
            named = _named(rule_node, matches)
            is_id = rule_node is not None and isinstance(rule_node.value, str)
            rule = rules.get(rule_node.value) if rule_node is not None and is_id else None
            nameless = [] if unknown is None else _nameless(named, rules, unknown)
            if matches is not None and unknown is not None:
                found += _without_table(test, tables)
            found += check_expectation(test, rule, doubtful.get(rule.id, ()) if rule is not None else ())
            table = _table(rule) if matches is None else min(tables, default="table")
            _read_test(test, table, None, found, [] if nameless else tests)
        problems += found
    return tests, problems


def _read_test(
    node: Node, table: str, rule_id: str | None, problems: list[Problem], tests: list[RuleTest]
) -> None:
    """Adds the test to `tests` if it has no problem, and those of its record to `problems`."""
    records, of_record = read_records(node, table)
    problems += of_record
    if problems or not records:
        return
    plain = {key: value.plain() for key, value in node.entries() if key not in ("record", "record_file")}
    expect, file = plain.get("expect", {}), node.get("record_file")
    name = node.get("name")
    if name is None or not isinstance(expect, dict):
        return  # its shape was refused
    tests.append(
        RuleTest(
            name=str(plain["name"]),
            location=name.location,
            records=records,
            rule_id=plain.get("rule", rule_id),
            matches=tuple(plain.get("matches", ())),
            match=expect.get("match"),
            stopped_by=expect.get("stopped_by"),
            actions=expect.get("actions"),
            may_repeat=tuple(expect.get("may_repeat", ())),
            record_path=None if file is None else str(path_of(file)),
        )
    )


def _check_subject(test: Node, rule: Node | None, matches: Node | None) -> Iterator[Problem]:
    """What a test of a `*.test.yaml` file is about: one rule, or all that match."""
    if rule is not None and matches is not None:
        message = "'matches' does not go together with 'rule'"
        hint = "say either which rule the test is about, or all that must match"
        yield test.source.problem("RE109", message, test.keys["matches"].location, hint)
    elif rule is None and matches is None:
        message = "this test has neither 'rule' nor 'matches'"
        hint = "add rule: ID of the rule it is about, or matches: a list of all rules that must match"
        yield test.source.problem("RE108", message, _start(test), hint)
    elif matches is not None and "expect" in test.keys:
        message = "'expect' does not go together with 'matches'"
        hint = "remove 'expect', or write rule: ID in place of 'matches' to test what one rule does"
        yield test.source.problem("RE109", message, test.keys["expect"].location, hint)


def _without_table(test: Node, tables: set[str]) -> Iterator[Problem]:
    """A record without a table, where the rules of the set have several."""
    record = test.get("record")
    if record is None or record.kind != "mapping" or len(tables) < 2:
        return
    if not {"table", "dynamodb", "kinesis", "Records"} & record.value.keys():
        listed = ", ".join(sorted(tables)[:MOST_SUGGESTIONS])
        hint = f"add table: to the record; the rules are for {listed}"
        message = "this record has no 'table', and the test is about the rules of several"
        yield test.source.problem("RE108", message, test.keys["record"].location, hint)


def _table(rule: Rule | None) -> str:
    """The table of a record that names none; any will do where the rule's own is wrong, and said to be."""
    tables = rule.tables if rule is not None else ()
    return next((table for table in tables if re.fullmatch(TABLE_PATTERN, table)), "table")


def rules_tested(node: Node) -> set[str]:
    """Ids that the tests of a file name."""
    named: list[Node] = []
    for test in node.items():
        named += _named(test.get("rule"), test.get("matches"))
    return {one.value for one in named if isinstance(one.value, str)}


def _named(rule: Node | None, matches: Node | None) -> list[Node]:
    """The nodes that name rules."""
    return [rule] if rule is not None else matches.items() if matches is not None else []


def _nameless(named: Iterable[Node], rules: Mapping[str, Rule], unknown: dict[str, list[Node]]) -> list[Node]:
    """Those that name no rule, which are put into `unknown`."""
    nodes = [
        node for node in named if isinstance(node.value, str) and node.value not in rules and not node.broken
    ]
    for node in nodes:
        unknown.setdefault(node.value, []).append(node)
    return nodes


def unknown_rules(unknown: Mapping[str, Sequence[Node]], rules: Mapping[str, Rule]) -> Iterator[Problem]:
    """One problem for each id that no rule has, however many tests name it: most often it was the rule's id
    that was changed."""
    for number, (rule_id, (node, *others)) in enumerate(unknown.items()):
        near = nearest(rule_id, rules) if number < MOST_SUGGESTIONS else None
        hint = f"did you mean '{near}'?" if near else "name a rule of the files that are validated together"
        related = tuple((other.location, "it is named here, too") for other in others[:MOST_PLACES])
        yield node.source.problem(
            "RE404", f"there is no rule '{rule_id}'", node.location, hint, related=related
        )


def check_expectation(test: Node, rule: Rule | None, doubtful: Container[str] = ()) -> Iterator[Problem]:
    """`expect`: that it says something, and nothing that contradicts itself or the rule."""
    expect = test.get("expect")
    if expect is None or expect.kind != "mapping" or expect.broken:
        if expect is None and test.get("rule") is not None:
            hint = "add expect: {match: true} or {match: false}"
            yield test.source.problem("RE108", "this test has no 'expect'", _start(test), hint)
        return
    match, stopped_by, actions = expect.get("match"), expect.get("stopped_by"), expect.get("actions")
    if not expect.value.keys() - {"may_repeat"}:
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
        yield from _unknown_clause(stopped_by, rule, doubtful)
    elif rule is not None and actions is not None:
        yield from _unknown_actions(list(actions.keys.values()), rule, doubtful)
        if actions.kind == "mapping" and not actions.value:
            message = "this test asserts nothing of any action"
            hint = "name an action and what its request must contain, or remove 'actions'"
            yield test.source.problem("RE405", message, actions.location, hint)
    may_repeat = expect.get("may_repeat")
    if rule is not None and may_repeat is not None:
        yield from _unknown_actions(may_repeat.items(), rule, doubtful)


def clauses(rule: Rule) -> list[str]:
    """What can stop a record of the rule, by the names that traces give it."""
    when = (
        [f"when[{index}]" for index in range(len(rule.when))]
        if rule.when_is_list
        else ["when"] * len(rule.when)
    )
    return ["enabled", "table", "event", *when, *(f"unless[{unless.name}]" for unless in rule.unless)]


def _unknown_clause(node: Node, rule: Rule, doubtful: Container[str]) -> Iterator[Problem]:
    known = clauses(rule)
    if "clauses" in doubtful or not isinstance(node.value, str) or not node.value or node.value in known:
        return
    near = nearest(node.value, known)
    if node.value == "when" and rule.when_is_list and rule.when:
        near = "when[0]"
    listed = f"a record can be stopped by {', '.join(known)}"
    hint = f"did you mean '{near}'? {listed}" if near else listed
    yield node.source.problem("RE404", f"rule '{rule.id}' has no '{node.value}'", node.location, hint)


def _unknown_actions(named: Iterable[Node], rule: Rule, doubtful: Container[str]) -> Iterator[Problem]:
    known = [] if "actions" in doubtful else [action.id for action in rule.actions]
    for node in named if known else ():
        name = node.value
        if isinstance(name, str) and name not in known:
            near = nearest(name, known)
            hint = f"did you mean '{near}'?" if near else f"its actions are {', '.join(known)}"
            message = f"rule '{rule.id}' has no action '{name}'"
            yield node.source.problem("RE404", message, node.location, hint)


def _start(node: Node) -> Location:
    return node.source.location(node.start, node.end)
