"""`init --pattern`: a project with the rules of one pattern, as they stand in the repository."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from rules_engine.actions import ACTIONS
from rules_engine.cli.init import SETTINGS, pattern_project
from rules_engine.cli.main import rules_engine, run
from rules_engine.cli.shipped_patterns import pattern_files, pattern_names, patterns_beside
from rules_engine.loader import load_rules

ROOT = Path(__file__).parent.parent
PATTERNS = ["analysis", "archive", "log-new-items", "notifications", "search-index", "sync"]


def test_the_patterns_are_the_folders_of_rules_that_have_a_readme() -> None:
    assert pattern_names() == PATTERNS
    assert {path.parent.name for path in ROOT.glob("rules/*/README.md")} == set(PATTERNS)


def test_the_help_names_every_pattern(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(rules_engine, ["init", "--help"]) == 0
    text = capsys.readouterr().out
    assert [name for name in pattern_names() if name not in text] == []


@pytest.mark.parametrize("name", PATTERNS)
def test_a_project_of_a_pattern_is_whole_and_its_tests_see_everything(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(rules_engine, ["init", "my-rules", "--pattern", name]) == 0
    files = pattern_project(name)
    written = "".join(f"wrote my-rules/{path}\n" for path in files)
    steps = "".join(f"  rules-engine {step}\n" for step in ("validate", "test", "dev --once"))
    assert capsys.readouterr() == (f"{written}\nNext:\n  cd my-rules\n{steps}", "")
    project = tmp_path / "my-rules"
    found = {str(path.relative_to(project)) for path in project.rglob("*") if path.is_file()}
    assert found == set(files)
    assert found >= {f"rules/{name}/README.md", "schemas/rules.schema.json", *SETTINGS}
    monkeypatch.chdir(project)
    assert run(rules_engine, ["validate", "--strict"]) == 0
    assert run(rules_engine, ["test", "--strict", "--min-coverage", "100", "--mutate"]) == 0


@pytest.mark.parametrize("name", PATTERNS)
def test_the_files_of_a_pattern_are_those_of_the_repository(name: str) -> None:
    folder = ROOT / "rules" / name
    assert pattern_files(name) == {
        path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()
    }


@pytest.mark.parametrize("name", PATTERNS)
def test_a_readme_says_when_to_use_a_pattern_and_what_it_costs(name: str) -> None:
    readme = pattern_files(name)["README.md"]
    assert [part for part in ("\n## When to use it\n", "\n## What it costs\n") if part not in readme] == []
    assert "check them, they change" in readme


@pytest.mark.parametrize("name", PATTERNS)
def test_the_sum_of_a_cost_table_is_right(name: str) -> None:
    table = pattern_files(name)["README.md"].partition("## What it costs")[2]
    rows = [line.split("|") for line in table.splitlines() if line.startswith("| ")][1:]
    amounts = [row[-2].strip(" *").removeprefix("$") for row in rows]
    assert f"{sum(float(amount) for amount in amounts[:-1]):.2f}" == amounts[-1]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("serch-index", "No such pattern 'serch-index'. Did you mean 'search-index'? "),
        ("orders", "No such pattern 'orders'. "),
        ("../orders", "No such pattern '../orders'. "),
    ],
)
def test_an_unknown_pattern_is_named_with_those_that_there_are(
    name: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(rules_engine, ["init", str(tmp_path / "p"), "--pattern", name]) == 2
    known = ", ".join(PATTERNS)
    assert capsys.readouterr().err.endswith(f"Error: {message}There are {known}.\n")
    assert not (tmp_path / "p").exists()


def test_an_installation_without_the_link_says_why_it_has_no_patterns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("rules_engine.cli.init.pattern_names", list)
    assert run(rules_engine, ["init", str(tmp_path / "p"), "--pattern", "sync"]) == 2
    expected = "No such pattern 'sync'. This installation has none: rules_engine/patterns is no link.\n"
    assert capsys.readouterr().err.endswith(expected)


def test_an_existing_file_stops_a_pattern_as_it_stops_the_starter(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "rules/sync").mkdir(parents=True)
    (tmp_path / "rules/sync/copies.yaml").write_text("mine")
    assert run(rules_engine, ["init", str(tmp_path), "--pattern", "sync"]) == 2
    assert "rules/sync/copies.yaml\n" in capsys.readouterr().err
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["copies.yaml"]


def test_the_patterns_show_every_action_type() -> None:
    """tests/test_patterns_local.py delivers all of them."""
    rule_sets = [load_rules([ROOT / "rules" / name])[0] for name in PATTERNS]
    types = {action.type for rule_set in rule_sets for rule in rule_set.rules for action in rule.actions}
    assert types == set(ACTIONS)


def test_a_checkout_without_links_has_the_patterns_where_the_link_would_lead(tmp_path: Path) -> None:
    package = tmp_path / "rules_engine"
    package.mkdir()
    # What git writes with core.symlinks=false, and unzip of an archive that GitHub made.
    (package / "patterns").write_text("../rules")
    assert patterns_beside(package).resolve() == tmp_path / "rules"
    (package / "patterns").unlink()
    (package / "patterns").mkdir()
    assert patterns_beside(package) == package / "patterns"


def test_a_wheel_has_the_patterns(tmp_path: Path) -> None:
    source = tmp_path / "source"
    for name in ("rules", "rules_engine"):
        shutil.copytree(ROOT / name, source / name, symlinks=True)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "-w", str(tmp_path), str(source)], check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    for name in PATTERNS:
        shipped = {path for path in names if path.startswith(f"rules_engine/patterns/{name}/")}
        assert shipped == {f"rules_engine/patterns/{name}/{path}" for path in pattern_files(name)}
