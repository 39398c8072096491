"""What comes of a rule's test, and why."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from rules_engine.plain_record import record_from_images
from rules_engine.rule_tests import Difference
from tests.rule_test_files import results

if TYPE_CHECKING:
    from pathlib import Path

RULE = """
rules:
  - id: big-order
    table: orders
    event: [INSERT, MODIFY]
    when:
      - new.total >= `100`
      - starts_with(new.name, 'A')
    unless:
      - {name: tests, when: new.test}
    actions:
      - {type: log, message: "order {{ keys.id }}", fields: {total: "{{ new.total }}"}}
    tests:
      - name: it
        record: {event: INSERT, keys: {id: o-1}, new: RECORD}
        expect: EXPECT
"""


@pytest.mark.parametrize(
    ("new", "expect", "message"),
    [
        ("{total: 100, name: Ann}", "{match: true}", None),
        ("{total: 100, name: Ann}", "{actions: {log: {message: order o-1, fields: {total: 100.0}}}}", None),
        ("{total: 99, name: Ann}", "{match: false}", None),
        ("{total: 99, name: Ann}", "{stopped_by: 'when[0]'}", None),
        ("{total: 100, name: Ann, test: true}", "{match: false, stopped_by: 'unless[tests]'}", None),
        ("{total: 99, name: Ann}", "{match: true}", "expected a match, but when[0] stopped it"),
        (
            "{total: 99, name: Ann}",
            "{actions: {log: {level: info}}}",
            "expected a match, but when[0] stopped it",
        ),
        ("{total: 100, name: Ann}", "{match: false}", "expected no match, but it matched"),
        ("{total: 100, name: Ann}", "{stopped_by: 'when[0]'}", "expected when[0] to stop it, but it matched"),
        ("{total: 99, name: Ann}", "{stopped_by: event}", "expected event to stop it, but when[0] did"),
        ("{total: 100, name: 1}", "{match: true}", "expected a match, but when[1] could not be evaluated"),
        (
            "{total: 100, name: Ann}",
            "{actions: {log: {message: order o-2}}}",
            'expected log.message "order o-2", got "order o-1"',
        ),
        (
            "{total: 100, name: Ann}",
            "{actions: {log: {message: order o-2, fields: {total: 99}}}}",
            'expected log.message "order o-2", got "order o-1" (and 1 more)',
        ),
        ("{total: 100, name: Ann}", "{actions: {log: {mesage: a}}}", 'expected log.mesage "a", got nothing'),
    ],
)
def test_a_test_passes_or_says_what_came_instead(
    new: str, expect: str, message: str | None, tmp_path: Path
) -> None:
    (result,) = results(tmp_path, rules=RULE.replace("RECORD", new).replace("EXPECT", expect))
    assert (result.verdict, result.message) == (("passed", "") if message is None else ("failed", message))


def test_a_failed_test_has_the_explanation_of_its_rule(tmp_path: Path) -> None:
    text = RULE.replace("RECORD", "{total: 99, name: Ann}").replace("EXPECT", "{match: true}")
    (result,) = results(tmp_path, rules=text)
    (explanation,) = result.explanations
    assert (explanation.rule_id, explanation.stopped_by) == ("big-order", "when[0]")
    assert result.record is result.test.records[0]


def test_a_failed_request_has_its_differences_and_no_explanation(tmp_path: Path) -> None:
    text = RULE.replace("RECORD", "{total: 100, name: Ann}")
    (result,) = results(tmp_path, rules=text.replace("EXPECT", "{actions: {log: {fields: {total: 99}}}}"))
    assert result.differences == (Difference("log.fields.total", 99, 100),)
    assert result.explanations == ()


def test_a_request_that_cannot_be_made_fails_a_test_that_only_expects_a_match(tmp_path: Path) -> None:
    text = RULE.replace("{{ keys.id }}", "{{ sum(new.name) }}").replace("RECORD", "{total: 100, name: Ann}")
    (result,) = results(tmp_path, rules=text.replace("EXPECT", "{match: true}"))
    assert result.verdict == "failed"
    assert result.message.startswith("the request of 'log' cannot be made: '{{ sum(new.name) }}' cannot be")


def test_a_clause_that_cannot_be_evaluated_is_a_warning_where_the_test_passes(tmp_path: Path) -> None:
    text = RULE.replace("RECORD", "{total: 100, name: 1}").replace("EXPECT", "{match: false}")
    (result,) = results(tmp_path, rules=text)
    assert result.verdict == "passed"
    assert result.warnings == (
        "when[1] could not be evaluated: starts_with() needs a string as its first argument, "
        "but got a number (new.name)",
    )


@pytest.mark.parametrize(
    ("expect", "verdict", "message"),
    [
        ("{match: false}", "skipped", "rule 'big-order' is switched off"),
        ("{match: true}", "skipped", "rule 'big-order' is switched off"),
        ("{stopped_by: enabled}", "passed", ""),
    ],
)
def test_a_test_of_a_rule_that_is_off_is_skipped_unless_it_is_about_that(
    expect: str, verdict: str, message: str, tmp_path: Path
) -> None:
    text = RULE.replace("RECORD", "{total: 100, name: Ann}").replace("EXPECT", expect)
    (result,) = results(tmp_path, rules=text.replace("    event:", "    enabled: false\n    event:"))
    assert (result.verdict, result.message) == (verdict, message)


RULES = """
rules:
  - {id: big, table: orders, when: new.total >= `100`, actions: [{type: log}]}
  - {id: new, table: orders, event: INSERT, actions: [{type: log}]}
"""


@pytest.mark.parametrize(
    ("matches", "total", "message", "explained"),
    [
        ("[big, new]", 100, None, []),
        ("[new, big]", 100, None, []),
        ("[new]", 99, None, []),
        ("[big]", 99, "expected only big to match, but big did not and new did", ["big", "new"]),
        ("[]", 100, "expected no rule to match, but big, new did", ["big", "new"]),
        ("[big, new]", 99, "expected only big, new to match, but big did not", ["big"]),
    ],
)
def test_a_test_of_the_rule_set_names_all_that_must_match(
    matches: str, total: int, message: str | None, explained: list[str], tmp_path: Path
) -> None:
    record = f"{{event: INSERT, keys: {{id: o-1}}, new: {{total: {total}}}}}"
    text = f"tests: [{{name: all, matches: {matches}, record: {record}}}]"
    (result,) = results(tmp_path, rules=RULES, all_test=text)
    assert (result.verdict, result.message) == (("passed", "") if message is None else ("failed", message))
    assert [explanation.rule_id for explanation in result.explanations] == explained


def test_a_file_of_records_matches_if_one_of_them_does(tmp_path: Path) -> None:
    records = [
        record_from_images(
            {"event": "INSERT", "keys": {"id": f"o-{total}"}, "new": {"total": total}}, "orders"
        )
        for total in (1, 100)
    ]
    (tmp_path / "records.json").write_text(json.dumps({"Records": records}))
    tests = """
tests:
  - {name: one matches, rule: big, record_file: records.json, expect: {match: true}}
  - {name: so it is not without, rule: big, record_file: records.json, expect: {match: false}}
  - {name: nor were all stopped, rule: big, record_file: records.json, expect: {stopped_by: when}}
  - {name: these matched, record_file: records.json, matches: [big, new]}
  - {name: one sends this, rule: new, record_file: records.json, expect: {actions: {log: {fields: {keys: {id: o-100}}}}}}
  - {name: none sends this, rule: new, record_file: records.json, expect: {actions: {log: {fields: {keys: {id: o-2}}}}}}
"""  # noqa: E501
    assert [
        (result.test.full_name, result.message) for result in results(tmp_path, r=RULES, a_test=tests)
    ] == [
        ("big / one matches", ""),
        ("big / so it is not without", "expected no match, but it matched"),
        ("big / nor were all stopped", "expected when to stop it, but it matched"),
        ("rule set / these matched", ""),
        ("new / one sends this", ""),
        ("new / none sends this", 'expected log.fields.keys.id "o-2", got "o-1"'),
    ]


def test_references_stand_as_they_are_written_whatever_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOPIC", "arn:aws:sns:eu-west-1:123456789012:orders")
    text = """
rules:
  - id: a
    table: orders
    actions:
      - {type: sns, topic_arn: "${TOPIC}", message: "${GREETING:-hello}"}
      - type: webhook
        url: https://${HOST}/x
        headers: {authorization: "Bearer ${secret:api#token}"}
        signing_secret: ${ssm:/orders/key}
    tests:
      - name: it
        record: {event: INSERT, keys: {id: o-1}, new: {id: o-1}}
        expect:
          actions:
            sns: {topic_arn: "${TOPIC}", message: hello}
            webhook: {url: "https://${HOST}/x", headers: {authorization: "Bearer ${secret:api#token}"}}
"""
    (result,) = results(tmp_path, rules=text)
    assert (result.verdict, result.message) == ("passed", "")


def test_a_damaged_attribute_of_a_recorded_record_is_found_when_the_request_is_made(tmp_path: Path) -> None:
    text = """
rules:
  - id: a
    table: orders
    actions: [{type: table, table: copies, put: {copy: "{{ new }}"}}]
    tests: [{name: it is copied, record_file: record.json, expect: {match: true}}]
"""
    record = record_from_images({"event": "INSERT", "keys": {"id": "1"}, "new": {"total": 1}}, "orders")
    record["dynamodb"]["NewImage"]["total"] = {"N": "one"}
    (tmp_path / "record.json").write_text(json.dumps(record))
    (result,) = results(tmp_path, rules=text)
    assert result.message == (
        "the request of 'table' cannot be made: the value has an attribute that cannot be read: "
        "attribute 'total': N is not a number"
    )
