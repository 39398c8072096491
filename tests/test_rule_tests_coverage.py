"""Coverage: each outcome that a rule's conditions can have, and whether a test has seen it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rules_engine.rule_tests.coverage import Outcome, cover
from tests.rule_test_files import load

if TYPE_CHECKING:
    from pathlib import Path

RULES = """
conditions: {vip: new.tier == 'gold'}
rules:
  - id: big
    table: orders
    event: [INSERT, MODIFY]
    when:
      - new.total > `10` || !(is.vip && new.open)
      - starts_with(new.name, 'A')
    unless:
      - {name: test, when: [new.test, new.total < `99`]}
    actions: [{type: log}]
    tests: TESTS
  - {id: all, table: orders, actions: [{type: log}]}
  - {id: "off", table: orders, enabled: false, actions: [{type: log}]}
  - {id: other, table: customers, event: REMOVE, actions: [{type: log}]}
"""
MATCHES = """
      - name: it matches
        record: {event: INSERT, keys: {id: '1'}, new: {total: 11, name: Ann}}
        expect: {match: true}"""
REMOVED = """
      - name: it is another event
        record: {event: REMOVE, keys: {id: '1'}, old: {total: 11}}
        expect: {match: false}"""
FAILS = """
      - name: it cannot be evaluated
        record: {event: INSERT, keys: {id: '1'}, new: {total: 9, tier: gold, open: true, name: 1}}
        expect: {match: false}"""


def missing(directory: Path, *tests: str, **files: str) -> dict[str, list[tuple[str, str, bool]]]:
    rule_set, found = load(directory, rules=RULES.replace("TESTS", "".join(tests)), **files)
    return {
        each.rule_id: [tuple(outcome) for outcome in each.missing] for each in cover(rule_set.rules, found)
    }


def test_every_outcome_of_a_rule_is_listed_in_the_order_in_which_it_is_read(tmp_path: Path) -> None:
    rule_set, tests = load(tmp_path, rules=RULES.replace("TESTS", MATCHES))
    big, all_, other = cover(rule_set.rules, tests)
    parts = [
        ("when[0]", "new.total > `10` || !(is.vip && new.open)"),
        ("when[0]", "new.total > `10`"),
        ("when[0]", "is.vip"),
        ("when[0]", "new.open"),
        ("when[1]", "starts_with(new.name, 'A')"),
        ("unless[test][0]", "new.test"),
        ("unless[test][1]", "new.total < `99`"),
    ]
    assert list(big.seen) == [
        Outcome("match", "", value=True),
        Outcome("event", "", value=True),
        Outcome("event", "", value=False),
        *(Outcome(clause, text, value) for clause, text in parts for value in (True, False)),
    ]
    assert list(all_.seen) == [Outcome("match", "", value=True)]
    assert [outcome.clause for outcome in other.seen] == ["match", "event", "event"]
    assert [each.cases for each in (big, all_, other)] == [1, 0, 0]


def test_a_test_sees_one_outcome_of_each_part(tmp_path: Path) -> None:
    assert missing(tmp_path, MATCHES)["big"] == [
        ("event", "", False),
        ("when[0]", "new.total > `10` || !(is.vip && new.open)", False),
        ("when[0]", "new.total > `10`", False),
        ("when[0]", "is.vip", True),
        ("when[0]", "new.open", True),
        ("when[1]", "starts_with(new.name, 'A')", False),
        ("unless[test][0]", "new.test", True),
        ("unless[test][1]", "new.total < `99`", False),
    ]


def test_a_record_of_another_event_shows_nothing_of_the_clauses(tmp_path: Path) -> None:
    assert [clause for clause, _, _ in missing(tmp_path, REMOVED)["big"]] == [
        *("match", "event"),
        *["when[0]"] * 8, *["when[1]"] * 2, *["unless[test][0]"] * 2, *["unless[test][1]"] * 2,
    ]  # fmt: skip


ELSEWHERE = """
      - name: it is another table's
        record: {table: customers, event: INSERT, keys: {id: '1'}, new: {total: 11, name: Ann}}
        expect: {stopped_by: table}"""


def test_a_record_of_another_table_shows_nothing_at_all(tmp_path: Path) -> None:
    rule_set, tests = load(tmp_path, rules=RULES.replace("TESTS", ELSEWHERE))
    big, *_ = cover(rule_set.rules, tests)
    assert (big.cases, set(big.seen.values())) == (1, {False})


def test_a_clause_that_cannot_be_evaluated_was_seen_neither_way(tmp_path: Path) -> None:
    found = missing(tmp_path, FAILS)["big"]
    assert [value for clause, _, value in found if clause == "when[1]"] == [True, False]
    assert ("when[0]", "new.total > `10` || !(is.vip && new.open)", False) not in found


def test_tests_of_the_rule_set_count_for_every_rule_of_the_records_table(tmp_path: Path) -> None:
    record = "{table: orders, event: INSERT, keys: {id: '1'}, new: {total: 11, name: Bob}}"
    text = f"tests: [{{name: all, matches: [all], record: {record}}}]"
    found = missing(tmp_path, MATCHES, REMOVED, FAILS, all_test=text)
    assert found == {
        "big": [("unless[test][0]", "new.test", True), ("unless[test][1]", "new.total < `99`", False)],
        "all": [],
        "other": [("match", "", True), ("event", "", True), ("event", "", False)],
    }
