"""Faults that comparable tools are known for, each looked for in every command and format it could be in.

Nothing found passes for success; a skipped test passes for a passed one; a name that does not exist is
quietly ignored; a check goes to the network; the exit code says something else than the text; one typing
error fills the screen. What each format says in each situation is in `test_cli_formats` and
`test_cli_test_formats`; here are the commands beside each other.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from rules_engine.cli.main import rules_engine, run
from rules_engine.loader import load_rules_and_tests
from rules_engine.rule_tests import Runner

if TYPE_CHECKING:
    from pathlib import Path

RULES = """\
version: 1
defaults:
  table: orders
  view: NEW_AND_OLD_IMAGES
vars: {big_order: 1000}
lists: {staff_customers: [c-1, c-2]}
conditions:
  vip: new.customer.tier == 'gold'
rules:
  - id: order-shipped
    enabled: true
    event: MODIFY
    when:
      - became(&status, 'SHIPPED')
      - is.vip || new.total >= vars.big_order
    unless:
      - name: staff
        when: contains(lists.staff_customers, new.customer_id)
        reason: load tests run in production
        expires: 2099-06-30
    actions:
      - type: sns
        topic_arn: ${ORDER_EVENTS_TOPIC_ARN}
        subject: "Order {{ keys.order_id }} shipped"
        message: {order: "{{ keys.order_id }}", total: "{{ new.total }}"}
      - type: webhook
        url: https://hooks.example.com/orders
        signing_secret: ${secret:orders-webhook}
        timeout_seconds: 5
      - type: table
        id: history
        table: ${ORDER_HISTORY_TABLE}
        mode: once
        put: {pk: "{{ keys.order_id }}", sk: "{{ eventID }}"}
    tests:
      - name: a large order
        record:
          event: MODIFY
          keys: {order_id: o-1}
          old: {status: PACKED, customer: {tier: gold}, customer_id: c-3, total: 12.50}
          new: {status: SHIPPED, customer: {tier: gold}, customer_id: c-3, total: 12.50}
        expect:
          match: true
          actions:
            sns: {subject: Order o-1 shipped, message: {order: o-1, total: 12.50}}
      - name: a small one
        record:
          event: MODIFY
          keys: {order_id: o-2}
          old: {status: PACKED, customer: {tier: basic}, customer_id: c-3, total: 20}
          new: {status: SHIPPED, customer: {tier: basic}, customer_id: c-3, total: 20}
        expect: {match: false, stopped_by: "when[1]"}
"""
TESTS = """\
tests:
  - name: a removal
    rule: order-shipped
    record: {event: REMOVE, keys: {order_id: o-2}, old: {status: SHIPPED}}
    expect: {match: false, stopped_by: event}
  - name: all of them
    record:
      event: MODIFY
      table: orders
      keys: {order_id: o-2}
      old: {}
      new: {status: SHIPPED, total: 2000, customer_id: c-3}
    matches: [order-shipped]
"""
RECORD = '{"event": "MODIFY", "keys": {"order_id": "1"}, "old": {}, "new": {"status": "SHIPPED"}}'

FORMATS_OF_VALIDATE = ("text", "json", "sarif", "github", "junit", "gitlab")
FORMATS_OF_TEST = ("text", "json", "junit", "github")

COMMANDS = [
    *[["validate", "--format", name, "rules"] for name in FORMATS_OF_VALIDATE],
    *[["test", "--format", name, "rules"] for name in FORMATS_OF_TEST],
    ["test", "--coverage", "--mutate", "rules"],
    ["explain", "record.json"],
    ["explain", "--format", "json", "record.json"],
    ["explain", "--expect", "", "record.json"],
    ["run", "--dry-run", "record.json"],
    ["list", "rules"],
    ["list", "--format", "json", "rules"],
    ["graph", "rules"],
    ["show", "rules"],
    ["diff", "rules", "rules"],
    ["build", "--rules", "rules", "-o", "function.zip"],
]
"""Each command that reads rules, as often as it has ways to say what it found."""

FILES_WITHOUT_RULES: dict[str, dict[str, str]] = {
    "no directory": {},
    "an empty directory": {"rules/notes.txt": ""},
    "hidden files only": {"rules/.hidden.yaml": RULES},
    "an empty file": {"rules/a.yaml": ""},
    "an empty list": {"rules/a.yaml": "version: 1\nrules: []\n"},
    "tests only": {
        "rules/a.test.yaml": (
            "tests: [{name: none, record: {event: INSERT, table: t, keys: {a: 1}}, matches: []}]\n"
        )
    },
}


def lay(files: dict[str, str], directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(directory)
    for name in ("GITHUB_STEP_SUMMARY", "GITHUB_WORKSPACE", "CI_PROJECT_DIR"):
        monkeypatch.delenv(name, raising=False)
    (directory / "record.json").write_text(RECORD)
    for path, text in files.items():
        (directory / path).parent.mkdir(exist_ok=True)
        (directory / path).write_text(text)


@pytest.mark.parametrize("situation", FILES_WITHOUT_RULES)
@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_nothing_found_is_a_failure(
    words: list[str],
    situation: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    lay(FILES_WITHOUT_RULES[situation], tmp_path, monkeypatch)
    assert run(rules_engine, words) in (1, 2)
    out, err = capsys.readouterr()
    assert re.search(r"error|RE1\d\d|no rule", out + err), (out, err)
    assert not (tmp_path / "function.zip").exists()


def test_no_test_is_a_failure_where_tests_were_to_be_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lay({"rules/a.yaml": RULES.partition("    tests:")[0]}, tmp_path, monkeypatch)
    assert run(rules_engine, ["validate", "rules"]) == 0
    assert [run(rules_engine, ["test", "--format", name]) for name in FORMATS_OF_TEST] == [2] * 4


def test_no_record_is_a_failure_where_records_were_to_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lay({"rules/a.yaml": RULES, "empty/record.json": ""}, tmp_path, monkeypatch)
    for words in (["explain"], ["explain", "--format", "json"], ["run"], ["run", "--dry-run"]):
        assert run(rules_engine, [*words, "empty/record.json"]) == 2, words
        out, err = capsys.readouterr()
        assert (out, err.startswith("Error: ")) == ("", True), words


@pytest.mark.parametrize("name", FORMATS_OF_TEST)
def test_a_skipped_test_is_counted_apart(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    off = RULES.replace("enabled: true", "enabled: false").replace("order-shipped", "order-off")
    lay({"rules/a.yaml": RULES, "rules/b.yaml": off}, tmp_path, monkeypatch)
    assert run(rules_engine, ["test", "--format", name]) == 0
    out, _ = capsys.readouterr()
    told = {
        "text": "2 passed, 2 skipped: 4 tests of 2 rules",
        "github": "2 passed, 2 skipped: 4 tests of 2 rules",
        "json": '"tests":4,"passed":2,"failed":0,"skipped":2,',
        "junit": 'skipped="2"',
    }
    assert told[name] in out
    lay({"rules/a.yaml": off.replace("order-off", "order-shipped")}, tmp_path, monkeypatch)
    assert run(rules_engine, ["test", "--format", name]) == 2


UNKNOWN_NAMES = [
    ("rule: order-shipped", "rule: order-gone", "there is no rule 'order-gone'"),
    ("matches: [order-shipped]", "matches: [order-gone]", "there is no rule 'order-gone'"),
    ("stopped_by: event", "stopped_by: 'unless[gone]'", "rule 'order-shipped' has no 'unless[gone]'"),
    ('stopped_by: "when[1]"', 'stopped_by: "when[2]"', "rule 'order-shipped' has no 'when[2]'"),
    ("            sns:", "            sqs:", "rule 'order-shipped' has no action 'sqs'"),
    ("match: true", "fires: true", "unknown key 'fires' in an expectation"),
    ("event: REMOVE,", "event: REMOVE, image: {},", "unknown key 'image' in a record"),
    ("event: REMOVE", "event: DELETED", "'event' cannot be 'DELETED'"),
    (
        "record: {event: REMOVE, keys: {order_id: o-2}, old: {status: SHIPPED}}",
        "record_file: gone.json",
        "there is no file 'rules/gone.json'",
    ),
]
"""(what stands in the tests, what is written instead, what is said)"""


@pytest.mark.parametrize(("right", "wrong", "message"), UNKNOWN_NAMES)
def test_a_name_in_a_test_that_means_nothing_is_an_error(
    right: str,
    wrong: str,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert (RULES + TESTS).count(right) == 1
    files = {"rules/a.yaml": RULES.replace(right, wrong), "rules/a.test.yaml": TESTS.replace(right, wrong)}
    lay(files, tmp_path, monkeypatch)
    for words in (["validate", "--format", "json"], ["test", "--format", "json"]):
        assert run(rules_engine, words) == 1
        problems = json.loads(capsys.readouterr().out)["problems"]
        assert [problem["message"] for problem in problems] == [message]


@pytest.mark.parametrize("wrong", ["subjekt: Order o-1 shipped", "message: {order: o-1, totl: 12.50}"])
def test_a_key_that_a_request_does_not_have_fails_the_test(
    wrong: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = "sns: {subject: Order o-1 shipped, message: {order: o-1, total: 12.50}}"
    assert RULES.count(right) == 1
    lay({"rules/a.yaml": RULES.replace(right, f"sns: {{{wrong}}}")}, tmp_path, monkeypatch)
    assert run(rules_engine, ["validate", "rules"]) == 0
    assert run(rules_engine, ["test", "rules"]) == 1


ALL_IN_ONE_PROCESS = """
import json, os, sys

events = []
sys.addaudithook(lambda event, arguments: event.startswith("socket.") and events.append(event))

from rules_engine.cli.main import rules_engine, run

found = []
for directory in sys.argv[1:]:
    os.chdir(directory)
    for words in json.load(open("commands.json")):
        events.clear()
        code = run(rules_engine, words)
        found.append((directory, words, code, list(events)))
with open("found.json", "w") as file:
    json.dump(found, file)
"""


def test_no_command_that_checks_opens_a_socket_whatever_it_finds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    situations = {
        "good": {"rules/a.yaml": RULES, "rules/a.test.yaml": TESTS},
        "failing": {"rules/a.yaml": RULES.replace("tier: gold", "tier: basic")},
        "broken": {"rules/a.yaml": RULES.replace("became(", "becme("), "rules/b.yaml": "rules: ["},
        "private": {"rules/a.yaml": RULES.replace("hooks.example.com", "127.0.0.1:8443")},
        "nothing": {"rules/notes.txt": ""},
    }
    words = [each for each in COMMANDS if each[0] in ("validate", "test", "explain")]
    for name, files in situations.items():
        (tmp_path / name).mkdir()
        lay(files, tmp_path / name, monkeypatch)
        (tmp_path / name / "commands.json").write_text(json.dumps(words))
    directories = [str(tmp_path / name) for name in situations]
    finished = subprocess.run([sys.executable, "-c", ALL_IN_ONE_PROCESS, *directories], capture_output=True)
    assert finished.returncode == 0, finished.stderr
    found = json.loads((tmp_path / "nothing/found.json").read_text())
    assert [(directory, words) for directory, words, _, _ in found] == [
        (directory, each) for directory in directories for each in words
    ]
    assert {code for directory, _, code, _ in found if directory.endswith("/good")} <= {0, 1}
    assert {code for _, _, code, _ in found} == {0, 1, 2}
    assert [each for each in found if each[3]] == []


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("clause", ["when[1]", "when[2]"])
def test_exit_code_and_text_agree(
    words: list[str],
    clause: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """There is no third clause, which every command says that does not go on with the rules."""
    lay({"rules/a.yaml": RULES.replace("when[1]", clause)}, tmp_path, monkeypatch)
    code = run(rules_engine, words)
    out, err = capsys.readouterr()
    said = "has no 'when[2]'" in out + err or "survived" in out
    assert (code != 0) == said, (code, out, err)
    assert code == 0 or "no problems" not in out
    assert code != 0 or err == ""


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_file_whose_name_is_no_text_is_a_file_like_others(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lay({"rules/\udcff.yaml": RULES}, tmp_path, monkeypatch)
    assert run(rules_engine, words) in (0, 1)
    assert "nternal error" not in capsys.readouterr().err
    if words[0] not in ("explain", "run", "diff"):
        lay({"rules/\udcff.yaml": RULES.replace("match: true", "match: false")}, tmp_path, monkeypatch)
        assert run(rules_engine, words) in (0, 1)


def problems_with(directory: Path, files: dict[str, str]) -> list[str]:
    for name, text in files.items():
        (directory / name).write_text(text)
    _, _, problems = load_rules_and_tests(directory)
    return [f"{problem.location.line}: {problem.message}" for problem in problems]


def all_pass(directory: Path) -> bool:
    rule_set, tests, _ = load_rules_and_tests(directory)
    return all(result.verdict == "passed" for result in Runner(rule_set).run(tests))


def slipped(word: str) -> str:
    """The word with its last two letters exchanged, or its last one lost."""
    return word[:-1] if word[-1] == word[-2] else word[:-2] + word[-1] + word[-2]


FREE = {
    "order_id", "status", "total", "customer", "tier", "customer_id", "gold", "basic", "PACKED",
    "SHIPPED", "staff", "load", "tests", "run", "production", "history", "ORDER_EVENTS_TOPIC_ARN",
    "ORDER_HISTORY_TABLE", "hooks", "example", "com", "orders", "webhook", "large", "order", "small",
    "one", "removal", "all", "them", "shipped", "Order",
}  # fmt: skip
"""Words that may be anything somewhere: texts, names of attributes, of topics, of tests."""


def test_one_typing_error_makes_one_problem(tmp_path: Path) -> None:
    files = {"a.yaml": RULES, "a.test.yaml": TESTS}
    assert problems_with(tmp_path, files) == []
    assert all_pass(tmp_path)
    unseen, more = [], []
    for name, text in files.items():
        for match in re.finditer(r"[A-Za-z_]{3,}", text):
            word = match[0]
            typo = f"{text[: match.start()]}{slipped(word)}{text[match.end() :]}"
            found = problems_with(tmp_path, {**files, name: typo})
            if len(found) > 1:
                more.append((name, word, found))
            elif not found and word not in FREE and all_pass(tmp_path):
                unseen.append((name, text.count("\n", 0, match.start()) + 1, word))
    assert more == []
    assert unseen == []
