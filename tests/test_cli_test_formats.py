"""A run of rule tests in the formats for programs: nothing that fails the run is left out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from jsonschema import Draft202012Validator

from rules_engine.cli.main import rules_engine, run
from rules_engine.cli.report_tests_junit import render_junit
from rules_engine.cli.results_schema import results_schema
from rules_engine.cli.rule_test_run import CoverageRun, RuleTestRun
from rules_engine.rule_tests import Runner
from rules_engine.rule_tests.coverage import cover
from tests.rule_test_files import load

if TYPE_CHECKING:
    from typing import Any

    import pytest

CASES = Path(__file__).parent / "cases/cli"


def document(words: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, Any]:
    """Exit code and JSON document, which is as the schema says."""
    code = run(rules_engine, ["test", "--format", "json", *words])
    found = json.loads(capsys.readouterr().out)
    Draft202012Validator(results_schema()).validate(found)
    assert found["exit_code"] == code
    return code, found


def test_json_has_every_test_with_what_shows_why_it_failed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(CASES / "test-failures")
    code, found = document([], capsys)
    assert code == 1
    assert {name: found[name] for name in ("tests", "passed", "failed", "skipped", "warnings")} == {
        "tests": 6, "passed": 0, "failed": 5, "skipped": 1, "warnings": 0,
    }  # fmt: skip
    request, stopped, *_, off, whole = found["results"]
    assert request["differences"] == [
        {"path": "sns.subject", "expected": "Order o-2 shipped", "got": "Order o-1 shipped", "hint": None},
        {"path": "sns.atributes", "expected": {"total": 12.5}, "hint": "did you mean 'attributes'?"},
        {"path": "table.update.add.n", "expected": 2, "got": 1, "hint": None},
    ]
    assert stopped["message"] == "expected a match, but when[1] stopped it"
    assert stopped["explanation"]["rules"][0]["stopped_by"] == "when[1]"
    assert (off["verdict"], off["message"]) == ("skipped", "rule 'off' is switched off")
    assert (whole["rule"], [each["rule"] for each in whole["explanation"]["rules"]]) == (
        None,
        ["off", "order-shipped"],
    )


def test_json_has_coverage_and_mutation(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(CASES / "test-mutate")
    code, found = document(["--min-coverage", "50", "--mutate"], capsys)
    assert code == 1
    coverage, mutation = found["coverage"], found["mutation"]
    assert {name: coverage[name] for name in ("percent", "minimum", "seen", "outcomes")} == {
        "percent": 56.2, "minimum": 50, "seen": 9, "outcomes": 16,
    }  # fmt: skip
    assert [rule["rule"] for rule in coverage["rules"]] == ["order-shipped", "new-order"]
    assert (mutation["tried"], len(mutation["survivors"]), mutation["left_out"]) == (17, 5, ["new-order"])
    assert mutation["survivors"][-1] == {
        "rule": "order-shipped",
        "clause": "is.vip",
        "path": "rules/orders.yaml",
        "line": 2,
        "column": 19,
        "condition": "new.tier == 'gold'",
        "changed_to": "old.tier == 'gold'",
    }


def test_mutation_waits_until_no_test_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(CASES / "test-failures")
    code, found = document(["--mutate"], capsys)
    assert (code, found["mutation"]) == (1, None)


RULES = """
rules:
  - id: a
    table: orders
    event: INSERT
    actions: [{type: log}]
    tests:
      - {name: it matches, record: {event: INSERT, keys: {id: '1'}}, expect: {match: true}}
      - {name: it does not, record: {event: INSERT, keys: {id: '1'}}, expect: {match: false}}
  - {id: "b", table: orders, enabled: false, actions: [{type: log}]}
"""
OTHERS = """
tests:
  - {name: only one, record: {event: INSERT, keys: {id: '1'}}, matches: [a]}
  - {name: it is off, rule: b, record: {event: INSERT, keys: {id: '1'}}, expect: {match: true}}
"""


def said_by(case: ElementTree.Element) -> list[tuple[str, str | None]]:
    return [(each.tag, each.get("message")) for each in case]


def test_junit_has_a_suite_for_each_file_and_a_case_for_each_test(tmp_path: Path) -> None:
    rule_set, tests = load(tmp_path, a=RULES, b_test=OTHERS)
    results = list(Runner(rule_set, clock=iter(range(100)).__next__).run(tests))
    coverage = CoverageRun(cover(rule_set.rules, tests), minimum=100)
    text = render_junit(RuleTestRun(results, {rule.id: rule for rule in rule_set.rules}, coverage))
    root = ElementTree.fromstring(text)
    assert [(suite.get("file"), suite.get("name")) for suite in root] == [
        (str(tmp_path / "a.yaml"), str(tmp_path / "a.yaml")),
        (str(tmp_path / "b.test.yaml"), str(tmp_path / "b.test.yaml")),
        (None, "rules-engine test"),
    ]
    cases = [
        (case.get("classname"), case.get("name"), case.get("time"), said_by(case))
        for suite in root
        for case in suite
    ]
    assert cases == [
        ("a", "it matches", "1.000", []),
        ("a", "it does not", "1.000", [("failure", "expected no match, but it matched")]),
        ("rule set", "only one", "1.000", []),
        ("b", "it is off", "0.000", [("skipped", "rule 'b' is switched off")]),
        (
            "rules-engine test",
            "coverage",
            None,
            [("failure", "coverage 66.6 %: 2 of 3 outcomes seen, less than 100 %")],
        ),
    ]
