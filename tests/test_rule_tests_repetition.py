"""Delivery under repetition: an action that would count twice is reported, and no other."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from rules_engine.plain_record import record_from_images
from rules_engine.rule_tests import Runner
from rules_engine.rule_tests.repetition import warn_of_doubles
from tests.rule_test_files import load

if TYPE_CHECKING:
    from pathlib import Path

RULE = """
rules:
  - id: count-orders
    table: orders
    actions:
      - ACTION
    tests:
      - name: it counts
        record: {event: INSERT, keys: {id: o-1}, new: {customer: c-1, total: 12.50, skus: [a, b]}}
        expect: EXPECT
"""
WARNING = (
    "'table' of rule 'count-orders' would add twice when Lambda delivers the batch again: "
    "say mode: once, or expect: {may_repeat: [table]} if that does no harm"
)
KEY = 'key: {pk: "{{ new.customer }}", sk: total}'


def warnings(directory: Path, **files: str) -> list[tuple[str, tuple[str, ...]]]:
    rule_set, tests = load(directory, **files)
    runner = Runner(rule_set)
    results = warn_of_doubles(runner, runner.run(tests))
    assert [(result.message, result.verdict) for result in results] == [("", "passed")] * len(tests)
    return [(result.test.name, result.warnings) for result in results]


@pytest.mark.parametrize(
    "action",
    [
        f"{{type: table, table: '${{TOTALS}}', update: {{{KEY}, add: {{orders: 1}}}}}}",
        f"{{type: table, table: totals, update: {{{KEY}, add: {{sum: '{{{{ new.total }}}}'}}}}}}",
    ],
)
def test_a_number_that_is_added_is_reported(action: str, tmp_path: Path) -> None:
    text = RULE.replace("ACTION", action).replace("EXPECT", "{match: true}")
    assert warnings(tmp_path, rules=text) == [("it counts", (WARNING,))]


@pytest.mark.parametrize(
    "action",
    [
        f"{{type: table, table: totals, mode: once, update: {{{KEY}, add: {{orders: 1}}}}}}",
        f"{{type: table, table: totals, update: {{{KEY}, add: {{skus: '{{{{ new.skus }}}}'}}}}}}",
        f"{{type: table, table: totals, update: {{{KEY}, set: {{orders: 1}}}}}}",
        "{type: table, table: totals, put: '{{ new }}'}",
        "{type: table, table: totals, sync: {}}",
        "{type: sns, topic_arn: '${TOPIC}'}",
        "{type: webhook, url: 'https://hooks.example.com/'}",
        "{type: log}",
    ],
)
def test_what_takes_place_once_or_is_the_same_again_is_not(action: str, tmp_path: Path) -> None:
    text = RULE.replace("ACTION", action).replace("EXPECT", "{match: true}")
    assert warnings(tmp_path, rules=text) == [("it counts", ())]


def test_a_test_can_say_that_it_does_no_harm(tmp_path: Path) -> None:
    action = f"{{type: table, table: totals, update: {{{KEY}, add: {{orders: 1}}}}}}"
    text = RULE.replace("ACTION", action).replace("EXPECT", "{match: true, may_repeat: [table]}")
    assert warnings(tmp_path, rules=text) == [("it counts", ())]


def test_an_action_is_reported_once_where_it_first_shows(tmp_path: Path) -> None:
    action = f"{{type: table, table: totals, update: {{{KEY}, add: {{sum: '{{{{ new.total }}}}'}}}}}}"
    others = """
tests:
  - name: nothing is added
    matches: [count-orders]
    record: {event: INSERT, keys: {id: o-1}, new: {customer: c-1, total: 0}}
  - name: several orders
    rule: count-orders
    record_file: orders.json
    expect: {match: true}
"""
    records = [
        record_from_images(
            {"event": "INSERT", "keys": {"id": key}, "new": {"customer": "c", "total": 1}}, "orders"
        )
        for key in ("o-1", "o-2", "o-3")
    ]
    (tmp_path / "orders.json").write_text(json.dumps({"Records": records}))
    quiet = (
        RULE.replace("total: 12.50", "total: 0").replace("ACTION", action).replace("EXPECT", "{match: true}")
    )
    assert warnings(tmp_path, rules=quiet, other_test=others) == [
        ("it counts", ()),
        ("nothing is added", ()),
        ("several orders", (WARNING,)),
    ]


OTHER = """
rules:
  - id: other
    table: orders
    actions: [{type: log}]
    tests: [{name: nobody's, record: {event: INSERT, keys: {id: o-1}, new: {}}, expect: {match: true}}]
"""


def test_a_record_from_which_a_request_cannot_be_made_says_nothing(tmp_path: Path) -> None:
    action = f"{{type: table, table: totals, update: {{{KEY}, add: {{orders: 1}}}}}}"
    text = RULE.replace("ACTION", action).replace("EXPECT", "{match: true}")
    assert warnings(tmp_path, another=OTHER, rules=text) == [("nobody's", ()), ("it counts", (WARNING,))]


def test_a_test_that_fails_says_nothing_besides(tmp_path: Path) -> None:
    action = f"{{type: table, table: totals, update: {{{KEY}, add: {{orders: 1}}}}}}"
    text = RULE.replace("ACTION", action).replace("EXPECT", "{match: false}")
    rule_set, tests = load(tmp_path, rules=text)
    runner = Runner(rule_set)
    (result,) = warn_of_doubles(runner, runner.run(tests))
    assert (result.verdict, result.warnings) == ("failed", ())
