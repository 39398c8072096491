"""`diff` against a git revision, and what is no change; its reports are in `tests/cases/cli/diff-*`."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from rules_engine.canonical import canonical_form
from rules_engine.cli.changes_schema import changes_schema
from rules_engine.cli.main import rules_engine, run
from rules_engine.cli.rule_changes import Changes, changes_between
from rules_engine.loader import load_rules

ROOT = Path(__file__).parent.parent

RULES = """
version: 1
rules:
  - id: order-shipped
    table: orders
    when: new.total > `100`
    unless: [{name: test, when: new.test, expires: 2020-01-01}]
    actions: [{type: log}]
    tests:
      - {name: fires, record_file: ../events/shipped.json, expect: {match: true}}
"""
RECORD = '{"event": "INSERT", "keys": {"id": "1"}, "new": {"total": 500}}'
CHANGED = RULES.replace("`100`", "`200`").replace("2020-01-01", "2999-01-01")

EXPECTED = """1 rule changed

~ order-shipped  {}rules/orders.yaml:4
    @@ when @@
    - new.total > `100`
    + new.total > `200`
    @@ unless test @@
    - name: test
    - when: new.test
    - expires: "2020-01-01"
    + name: test
    + when: new.test
    + expires: "2999-01-01"
"""


def git(directory: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "init.defaultBranch=main"]
    finished = subprocess.run(
        ["git", *identity, *arguments], cwd=directory, capture_output=True, text=True, check=True
    )
    return finished.stdout


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a commit of RULES and its record, and CHANGED in the working tree."""
    (tmp_path / "rules").mkdir()
    (tmp_path / "events").mkdir()
    (tmp_path / "rules/orders.yaml").write_text(RULES)
    (tmp_path / "events/shipped.json").write_text(RECORD)
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "rules")
    (tmp_path / "rules/orders.yaml").write_text(CHANGED)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_revision_is_compared_with_the_working_tree_and_nothing_is_touched(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = git(repository, "status", "--porcelain")
    assert run(rules_engine, ["diff", "main"]) == 0
    assert capsys.readouterr() == (EXPECTED.format(""), "")
    assert git(repository, "status", "--porcelain") == before


def test_it_works_from_a_directory_below(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(repository / "events")
    assert run(rules_engine, ["diff", "HEAD", "--rules", "../rules", "--exit-code"]) == 1
    assert capsys.readouterr() == (EXPECTED.format("../"), "")


def test_rules_that_were_not_there_are_all_added(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (repository / "more").mkdir()
    (repository / "more/rules.yaml").write_text("rules: [{id: a, table: orders, actions: [{type: log}]}]\n")
    assert run(rules_engine, ["diff", "main", "--rules", "more"]) == 0
    assert capsys.readouterr().out.splitlines()[:3] == ["1 rule added", "", "+ a  more/rules.yaml:1"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["no-such"], "Error: there is no commit 'no-such' in this repository\n"),
        (["HEAD:rules"], "Error: there is no commit 'HEAD:rules' in this repository\n"),
        (["--", "--upload-pack=x"], "Error: there is no commit '--upload-pack=x' in this repository\n"),
    ],
)
@pytest.mark.usefixtures("repository")
def test_what_is_no_commit_is_refused(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(rules_engine, ["diff", *arguments]) == 1
    assert capsys.readouterr() == ("", message)


def test_rules_outside_of_the_repository_are_refused(
    repository: Path, tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    outside = tmp_path_factory.mktemp("outside")
    assert run(rules_engine, ["diff", "main", "--rules", str(outside)]) == 1
    assert capsys.readouterr() == ("", f"Error: '{outside}' is not in the repository {repository}\n")


def test_a_broken_old_version_is_shown_with_its_revision(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (repository / "rules/orders.yaml").write_text(RULES.replace("new.total", "net.total"))
    git(repository, "commit", "-q", "-a", "-m", "broken")
    (repository / "rules/orders.yaml").write_text(CHANGED)
    assert run(rules_engine, ["diff", "HEAD"]) == 1
    assert capsys.readouterr() == (
        "",
        "HEAD:rules/orders.yaml:6:11: error RE206 unknown name 'net'\n"
        "   6 |     when: net.total > `100`\n"
        "     |           ^^^\n"
        "     = hint: did you mean 'new.net'?\n"
        "Error: the rules have 1 error; nothing was done\n",
    )


def test_a_name_that_is_not_ascii_is_read(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (repository / "rules/orders.yaml").rename(repository / "rules/bestellungen-für.yaml")
    git(repository, "add", "-A")
    git(repository, "commit", "-q", "-m", "renamed")
    assert run(rules_engine, ["diff", "HEAD"]) == 0
    assert capsys.readouterr() == ("no rule changed\n", "")


@pytest.mark.parametrize("rules", ["rules", "rules_engine/cli/starter/rules"])
def test_how_files_are_laid_out_is_no_change(
    rules: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before, _ = load_rules(ROOT / rules)
    for path in sorted((ROOT / rules).rglob("*.yaml")):
        text, problems = canonical_form(path.name, path.read_bytes())
        assert problems == []
        place = tmp_path / "formatted" / path.relative_to(ROOT / rules)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(text)
    formatted, _ = load_rules(tmp_path / "formatted")
    assert run(rules_engine, ["show", str(ROOT / rules)]) == 0
    (tmp_path / "shown").write_text(capsys.readouterr().out)
    shown, _ = load_rules(tmp_path / "shown")
    assert changes_between(before, formatted) == Changes((), ())
    assert changes_between(before, shown) == Changes((), ())


def test_the_document_for_programs_is_as_its_schema_says_and_has_each_kind_of_change() -> None:
    document = json.loads((ROOT / "tests/cases/cli/diff-json/stdout").read_text())
    schema = changes_schema()
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(document)
    kinds = {change["change"]: change for change in document["rules"]}
    assert kinds.keys() == {"added", "removed", "renamed", "changed"}
    for key in document:
        without = {other: value for other, value in document.items() if other != key}
        assert not Draft202012Validator(schema).is_valid(without), key
    for change in kinds.values():
        for key in change:
            less = {other: value for other, value in change.items() if other != key}
            assert not Draft202012Validator(schema).is_valid({**document, "rules": [less]}), key
