"""A run of rule tests in the formats for programs: nothing that fails the run is left out."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from xml.etree import ElementTree

import pytest
from jsonschema import Draft202012Validator

from rules_engine.cli.main import rules_engine, run
from rules_engine.cli.report_tests_junit import render_junit
from rules_engine.cli.results_schema import results_schema
from rules_engine.cli.rule_test_run import CoverageRun, RuleTestRun
from rules_engine.rule_tests import Runner
from rules_engine.rule_tests.coverage import cover
from tests.rule_test_files import load

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

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


PASSING = """
rules:
  - id: big
    table: orders
    event: MODIFY
    when: new.total > `10`
    actions: [{type: log}]
    tests:
      - {name: eleven, record: {event: MODIFY, keys: {id: '1'}, new: {total: 11}}, expect: {match: true}}
"""
FAILING = PASSING.replace("total: 11", "total: 9")
DOUBTFUL = PASSING.replace(
    "    actions", "    unless: [{name: us, when: \"starts_with(new.region, 'us')\"}]\n    actions"
)
SKIPPED = PASSING.replace("    event", "    enabled: false\n    event")
UNTESTED = PASSING.partition("    tests:")[0]
BROKEN = PASSING.replace("new.total >", "nw.total >").replace("table:", "tabel:").replace("big", "small")
NO_MATCH = "tests: [{name: none, record: {event: INSERT, table: orders, keys: {id: '1'}}, matches: []}]"


class Situation(NamedTuple):
    """`error`: why no test was run. `problems` are those of the rules."""

    files: dict[str, str]
    words: list[str]
    exit_code: int
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    warnings: int = 0
    problems: int = 0
    error: str | None = None


SITUATIONS = {
    "all passed": Situation({"rules/a.yaml": PASSING}, [], 0, passed=1),
    "a failed one": Situation({"rules/a.yaml": FAILING}, [], 1, failed=1),
    "a warning": Situation({"rules/a.yaml": DOUBTFUL}, [], 0, passed=1, warnings=1),
    "a warning, strict": Situation({"rules/a.yaml": DOUBTFUL}, ["--strict"], 1, passed=1, warnings=1),
    "too little coverage": Situation({"rules/a.yaml": PASSING}, ["--min-coverage", "100"], 1, passed=1),
    "a change not noticed": Situation({"rules/a.yaml": PASSING}, ["--mutate"], 1, passed=1),
    "all skipped": Situation(
        {"rules/a.yaml": SKIPPED}, [], 2, skipped=1, error="no test was run: all were skipped"
    ),
    "none chosen": Situation(
        {"rules/a.yaml": PASSING}, ["-k", "twelve"], 2, error="none of 1 tests has 'twelve' in its name"
    ),
    "no test": Situation({"rules/a.yaml": UNTESTED}, [], 2, error="no test in rules"),
    "no rule": Situation(
        {"rules/a.test.yaml": NO_MATCH}, [], 1, problems=1, error="the rules have 1 error; nothing was done"
    ),
    "no file": Situation(
        {"rules/notes.txt": ""}, [], 2, problems=1, error="the rules have 1 error; nothing was done"
    ),
    "no directory": Situation({}, [], 2, problems=1, error="the rules have 1 error; nothing was done"),
    "broken rules": Situation(
        {"rules/a.yaml": PASSING, "rules/b.yaml": BROKEN},
        [],
        1,
        problems=2,
        error="the rules have 2 errors; nothing was done",
    ),
}


def said_in_text(out: str, err: str) -> Situation:
    *_, summary = out.splitlines() or [""]
    counted = {word: int(number) for number, word in re.findall(r"(\d+) (\w+?)s?\b", summary)}
    failed = re.search(r"failed|less than|survived|--strict", out) is not None
    problems = len(re.findall(r"^\S+:\d+:\d+: error RE", err, re.MULTILINE))
    error = re.search("^Error: (.*)$", err, re.MULTILINE)
    return Situation(
        {}, [], 1 if failed else 0, counted.get("passed", 0), counted.get("failed", 0),
        counted.get("skipped", 0), counted.get("warning", 0), problems, error and error[1],
    )  # fmt: skip


def said_in_json(out: str, err: str) -> Situation:
    assert err == ""
    found = json.loads(out)
    Draft202012Validator(results_schema()).validate(found)
    verdicts = Counter(result["verdict"] for result in found["results"])
    assert verdicts == Counter({name: found[name] for name in ("passed", "failed", "skipped")})
    assert found["tests"] == len(found["results"])
    return Situation(
        {}, [], found["exit_code"], found["passed"], found["failed"], found["skipped"], found["warnings"],
        len(found["problems"]), found["error"],
    )  # fmt: skip


def said_in_junit(out: str, err: str) -> Situation:
    assert err == ""
    root = ElementTree.fromstring(out)
    cases = list(root.iter("testcase"))
    tests = [case for case in cases if case.get("classname") == "big"]
    beside = [case for case in cases if case.get("classname") == "rules-engine test"]
    assert len(tests) + len(beside) == len(cases)
    verdicts = Counter(tag for case in tests for tag, _ in said_by(case) if tag != "system-out")
    texts = "\n".join(root.itertext())
    warnings = len(re.findall(r"^\S+:\d+:\d+: warning big", texts, re.MULTILINE))
    errors = [message for case in beside for tag, message in said_by(case) if tag == "error"]
    problems = len(re.findall(r"^\S+:\d+:\d+: error RE", texts, re.MULTILINE))
    strict = warnings if verdicts["failure"] and "warning big" in texts else 0
    return Situation(
        {}, [], int({"failure", "error"} & {each.tag for each in root.iter()} != set()),
        len(tests) - verdicts["failure"] - verdicts["skipped"] + strict, verdicts["failure"] - strict,
        verdicts["skipped"], warnings, problems, None if problems else next(iter(errors), None),
    )  # fmt: skip


def said_in_github(out: str, err: str) -> Situation:
    assert err == ""
    lines = out.splitlines()
    levels = Counter(line.split()[0] for line in lines if line.startswith("::"))
    problems = sum("title=RE" in line for line in lines)
    placeless = [line.partition("::error title=rules-engine test::")[2] for line in lines]
    log = "\n".join(line for line in lines if not line.startswith("::"))
    text = said_in_text(log, log)
    assert levels["::warning"] == text.warnings
    failed = levels["::error"] > 0 or text.exit_code == 1
    return text._replace(
        exit_code=int(failed), problems=problems, error=text.error or next(filter(None, placeless), None)
    )


FORMATS: dict[str, Callable[[str, str], Situation]] = {
    "text": said_in_text,
    "json": said_in_json,
    "junit": said_in_junit,
    "github": said_in_github,
}


def lay(files: dict[str, str], directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(directory)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    for path, text in files.items():
        (directory / path).parent.mkdir(exist_ok=True)
        (directory / path).write_text(text)


@pytest.mark.parametrize("name", SITUATIONS)
@pytest.mark.parametrize("format_name", FORMATS)
def test_every_format_says_what_the_exit_code_says(
    format_name: str,
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    situation = SITUATIONS[name]
    lay(situation.files, tmp_path, monkeypatch)
    assert run(rules_engine, ["test", "--format", format_name, *situation.words]) == situation.exit_code
    said = FORMATS[format_name](*capsys.readouterr())
    failed = said.exit_code != 0 or said.error is not None
    assert failed == (situation.exit_code != 0)
    expected = situation._replace(files={}, words=[], exit_code=said.exit_code)
    if format_name == "junit" and situation.problems:
        expected = expected._replace(error=None)  # each file with problems is a case instead
    assert said == expected


@pytest.mark.parametrize("name", SITUATIONS)
@pytest.mark.parametrize("format_name", FORMATS)
def test_a_report_of_an_earlier_run_never_stays(
    format_name: str,
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    situation = SITUATIONS[name]
    lay(situation.files, tmp_path, monkeypatch)
    report = tmp_path / "report"
    report.write_text("1 passed: 1 test of 1 rule\n")
    words = ["test", "--format", f"{format_name}={report}", *situation.words]
    assert run(rules_engine, words) == situation.exit_code
    written = report.read_text()
    beside = said_in_text(*capsys.readouterr())
    assert (beside.problems, beside.error) == (situation.problems, situation.error)
    said = FORMATS[format_name](written, written if format_name == "text" else "")
    assert (said.exit_code != 0 or said.error is not None) == (situation.exit_code != 0)


def test_every_format_of_the_command_is_tried_here(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(rules_engine, ["test", "--format", "?"]) == 2
    assert f"'?' is not one of {', '.join(FORMATS)}." in capsys.readouterr().err


SUMMARIES = {
    "all passed": "### ✅ rules-engine test: 1 passed: 1 test of 1 rule\n\n",
    "a failed one": (
        "### ❌ rules-engine test: 1 failed: 1 test of 1 rule\n\n"
        "|  | where | what |\n|---|---|---|\n"
        "| error | rules/a.yaml:9:16 | failed test: big / eleven: expected a match, but when stopped it |\n\n"
    ),
    "none chosen": "### ❌ rules-engine test: none of 1 tests has 'twelve' in its name\n\n",
    "broken rules": (
        "### ❌ rules-engine test: the rules have 2 errors; nothing was done\n\n"
        "|  | where | problem | what to do |\n|---|---|---|---|\n"
        "| error | rules/b.yaml:4:5 | RE106 unknown key 'tabel' in a rule | did you mean 'table'? |\n"
        "| error | rules/b.yaml:6:11 | RE206 unknown name 'nw' | did you mean 'new'? |\n\n"
    ),
}


@pytest.mark.parametrize("name", SUMMARIES)
def test_the_summary_of_a_job_has_a_row_for_each_annotation(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lay(SITUATIONS[name].files, tmp_path, monkeypatch)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary"))
    run(rules_engine, ["test", "--format", "github", *SITUATIONS[name].words])
    assert (tmp_path / "summary").read_text() == SUMMARIES[name]
