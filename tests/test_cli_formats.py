"""`--format` of `validate`: what it takes, and that every format says the same as the exit code.

The formats are tried on whole situations, since a report that looks fine beside an exit code of 1, or the
other way round, is worse than none.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from xml.etree import ElementTree

import pytest
from jsonschema import Draft202012Validator

from rules_engine.cli.formats import Output, parse_outputs
from rules_engine.cli.github import MOST_OF_A_LEVEL
from rules_engine.cli.main import rules_engine, run
from rules_engine.cli.problems_schema import problems_schema
from rules_engine.cli.report_github import render_github, render_summary
from rules_engine.cli.report_gitlab import render_gitlab
from rules_engine.cli.report_json import render_json
from rules_engine.cli.report_junit import render_junit
from rules_engine.cli.validation import Validation
from rules_engine.loader import find_files, load_rules

if TYPE_CHECKING:
    from collections.abc import Callable

NAMES = ("text", "json", "sarif")


def test_text_is_shown_where_nothing_else_is() -> None:
    assert parse_outputs([], NAMES) == (Output("text"),)
    assert parse_outputs(["sarif=out/a=b.sarif"], NAMES) == (Output("text"), Output("sarif", "out/a=b.sarif"))


def test_a_format_without_a_file_takes_the_place_of_text() -> None:
    assert parse_outputs(["sarif=a", "json"], NAMES) == (Output("sarif", "a"), Output("json"))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["jason"], "'jason' is not one of text, json, sarif. Did you mean 'json'?"),
        (["xml=a"], "'xml' is not one of text, json, sarif."),
        (["json="], "'json=' names no file after the '='."),
        (["json=a", "sarif=a"], "json and sarif cannot both go to 'a'."),
        (
            ["json", "sarif"],
            "json and sarif cannot both go to standard output: give one a file, as in sarif=PATH.",
        ),
    ],
)
def test_what_cannot_be_written_is_refused(words: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        parse_outputs(words, NAMES)


GOOD = """version: 1
rules:
  - id: shipped
    table: orders
    when: became(&status, 'SHIPPED')
    actions: [{type: log}]
    tests:
      - name: fires
        record: {event: MODIFY, keys: {id: a}, old: {status: PACKED}, new: {status: SHIPPED}}
        expect: {match: true}
"""
UNTESTED = "version: 1\nrules:\n  - id: {}\n    table: orders\n    actions: [{{type: log}}]\n"

SITUATIONS: dict[str, tuple[dict[str, str], list[str], int, int, int]] = {
    "clean": ({"rules/good.yaml": GOOD}, ["rules"], 0, 0, 0),
    "clean, strict": ({"rules/good.yaml": GOOD}, ["--strict", "rules"], 0, 0, 0),
    "warnings": ({"rules/w.yaml": UNTESTED.format("a")}, ["rules"], 0, 0, 1),
    "warnings, strict": ({"rules/w.yaml": UNTESTED.format("a")}, ["--strict", "rules"], 1, 0, 1),
    "errors": ({"rules/e.yaml": "version: 1\nrules: [\n"}, ["rules"], 1, 1, 0),
    "both": ({"rules/w.yaml": UNTESTED.format("a"), "rules/e.yaml": "rules: ["}, ["rules"], 1, 1, 1),
    "not readable": ({"rules/good.yaml": GOOD, "rules/e.yaml": "\udcff"}, ["rules"], 1, 1, 0),
    "name not readable": ({"rules/\udcff.yaml": UNTESTED.format("a")}, ["rules"], 0, 0, 1),
    "path missing": ({"rules/good.yaml": GOOD}, ["rules", "none"], 1, 1, 0),
    "nothing there": ({}, ["rules"], 2, 1, 0),
    "nothing in it": ({"rules/notes.txt": ""}, ["rules"], 2, 1, 0),
}
"""(files, arguments, exit code, errors, warnings)"""


class Said(NamedTuple):
    """What a report says: numbers of errors and warnings, and whether the run failed, where it tells."""

    errors: int
    warnings: int
    failed: bool | None


def said_by_text(out: str, err: str) -> Said:
    levels = Counter(re.findall(r"^\S+:\d+:\d+: (error|warning) RE", err, re.MULTILINE))
    counted = re.findall(r"(\d+) (error|warning)s?", out)
    assert {word: int(number) for number, word in counted} == levels
    return Said(levels["error"], levels["warning"], bool(levels["error"]) or "--strict" in out)


def said_by_json(out: str, err: str) -> Said:
    assert err == ""
    document = json.loads(out)
    levels = Counter(problem["severity"] for problem in document["problems"])
    assert levels == Counter(error=document["errors"], warning=document["warnings"])
    return Said(levels["error"], levels["warning"], document["exit_code"] != 0)


def said_by_sarif(out: str, err: str) -> Said:
    assert err == ""
    (found,) = json.loads(out)["runs"]
    levels = Counter(result["level"] for result in found["results"])
    (invocation,) = found["invocations"]
    assert invocation["executionSuccessful"] == (invocation["exitCode"] != 2)
    return Said(levels["error"], levels["warning"], invocation["exitCode"] != 0)


def said_by_github(out: str, err: str) -> Said:
    assert err == ""
    *commands, summary = out.splitlines()
    levels = Counter(line.split()[0] for line in commands)
    return Said(levels["::error"], levels["::warning"], bool(levels["::error"]) or "--strict" in summary)


def said_by_junit(out: str, err: str) -> Said:
    assert err == ""
    root = ElementTree.fromstring(out.encode())
    texts = "\n".join(root.itertext())
    levels = Counter(re.findall(r"^\S+:\d+:\d+: (error|warning) RE", texts, re.MULTILINE))
    not_passed = [element.tag for element in root.iter() if element.tag in ("failure", "error")]
    counts = (root.get("tests"), root.get("failures"), root.get("errors"))
    assert counts == tuple(
        str(number)
        for number in (
            len(list(root.iter("testcase"))),
            not_passed.count("failure"),
            not_passed.count("error"),
        )
    )
    return Said(levels["error"], levels["warning"], bool(not_passed))


def said_by_gitlab(out: str, err: str) -> Said:
    assert err == ""
    levels = Counter(entry["severity"] for entry in json.loads(out))
    return Said(levels["major"], levels["minor"], None)


FORMATS: dict[str, Callable[[str, str], Said]] = {
    "text": said_by_text,
    "json": said_by_json,
    "sarif": said_by_sarif,
    "github": said_by_github,
    "junit": said_by_junit,
    "gitlab": said_by_gitlab,
}


@pytest.mark.parametrize("situation", SITUATIONS)
@pytest.mark.parametrize("name", FORMATS)
def test_every_format_agrees_with_the_exit_code(
    name: str,
    situation: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    files, arguments, exit_code, errors, warnings = SITUATIONS[situation]
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text, errors="surrogateescape")
    assert run(rules_engine, ["validate", "--format", name, *arguments]) == exit_code
    said = FORMATS[name](*capsys.readouterr())
    failed = said.failed if said.failed is not None else bool(exit_code)
    assert (said.errors, said.warnings, failed) == (errors, warnings, exit_code != 0)


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("github", "file=shop/rules/w.yaml,"),
        ("gitlab", '"path": "shop/rules/w.yaml"'),
        ("sarif", '"uri": "shop/rules/w.yaml"'),
    ],
)
def test_places_count_from_the_root_of_the_checkout(
    name: str,
    place: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "shop/rules").mkdir(parents=True)
    (tmp_path / "shop/rules/w.yaml").write_text(UNTESTED.format("a"))
    monkeypatch.chdir(tmp_path / "shop")
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path))
    assert run(rules_engine, ["validate", "--format", name]) == 0
    assert place in capsys.readouterr().out


def test_the_problems_of_every_case_can_be_shown_in_every_format(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever characters, places and hints there are. SARIF has the official schema in its own test."""
    command = re.compile(
        r"::(error|warning) file=[^:,]+,line=\d+,endLine=\d+,col=\d+,endColumn=\d+,title=RE\d+ .*"
    )
    for case in sorted((Path(__file__).parent / "cases/validate").iterdir()):
        monkeypatch.chdir(case)
        _, problems = load_rules(".")
        found = Validation(find_files("."), 0, problems)
        number = len(problems)
        Draft202012Validator(problems_schema()).validate(json.loads(render_json(found)))
        assert said_by_junit(render_junit(found), "")[:2] == (found.number("error"), found.number("warning"))
        entries = json.loads(render_gitlab(found, str))
        assert len({entry["fingerprint"] for entry in entries}) == number, case
        *lines, summary = render_github(found, str).splitlines()
        assert summary == found.summary
        annotated = sum(command.fullmatch(line) is not None for line in lines)
        assert annotated == sum(min(found.number(kind), MOST_OF_A_LEVEL) for kind in ("error", "warning")), (
            case
        )
        assert len(lines) == (number if annotated == number else number + 1), case
        rows = re.findall(r"^\| (?:error|warning) \|", render_summary(found, str, {}, 10**6), re.MULTILINE)
        assert len(rows) == number, case


def test_every_format_of_the_command_is_tried_here(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(rules_engine, ["validate", "--format", "?"]) == 2
    assert f"'?' is not one of {', '.join(FORMATS)}." in capsys.readouterr().err


def test_a_report_that_cannot_be_written_is_no_success(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rules.yaml").write_text(GOOD)
    (tmp_path / "file").write_text("")
    assert run(rules_engine, ["validate", "rules.yaml", "--format", "junit=file/report.xml"]) == 1
    assert capsys.readouterr() == (
        "1 file, 1 rule: no problems\n",
        "Error: cannot write 'file/report.xml': File exists\n",
    )
