"""The starter project: what it holds, that it is right, and that it never harms what is there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from rules_engine import schema
from rules_engine.cli.init import RULES_SCHEMA, TESTS_SCHEMA, starter_files
from rules_engine.cli.main import rules_engine, run
from rules_engine.loader import load_rules

if TYPE_CHECKING:
    from pathlib import Path

FILES = [
    "README.md",
    "rules/big-order.yaml",
    "rules/notification.yaml",
    "rules/history.yaml",
    "rules/sync.yaml",
    "rules/log.yaml",
    "events/big-order.json",
    "events/order-shipped.json",
    ".github/workflows/rules.yml",
    ".pre-commit-config.yaml",
    ".vscode/settings.json",
    ".vscode/extensions.json",
    "schemas/rules.schema.json",
    "schemas/test.schema.json",
]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Path:
    """A new project, which is also where commands run."""
    monkeypatch.chdir(tmp_path)
    assert run(rules_engine, ["init"]) == 0
    capsys.readouterr()
    return tmp_path


def test_init_writes_every_file_and_says_how_to_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(rules_engine, ["init", "my-rules"]) == 0
    written = "".join(f"wrote my-rules/{path}\n" for path in FILES)
    steps = (
        "\nNext:\n  cd my-rules\n  rules-engine validate\n  rules-engine test\n"
        "  rules-engine explain events/order-shipped.json\n"
    )
    assert capsys.readouterr() == (written + steps, "")
    my_rules = tmp_path / "my-rules"
    found = sorted(str(path.relative_to(my_rules)) for path in my_rules.rglob("*") if path.is_file())
    assert found == sorted(FILES)


def test_an_existing_file_stops_init_before_it_writes_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules/log.yaml").write_text("mine")
    (tmp_path / "README.md").write_text("mine, too")
    assert run(rules_engine, ["init"]) == 2
    assert capsys.readouterr() == (
        "",
        "Usage: rules-engine init [OPTIONS] [DIR]\n"
        "Try 'rules-engine init --help' for help.\n"
        "\n"
        "Error: Nothing was written, because these files exist already:\n"
        "  README.md\n"
        "  rules/log.yaml\n",
    )
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == ["README.md", "log.yaml"]
    assert (tmp_path / "rules/log.yaml").read_text() == "mine"


def test_the_project_validates_without_a_warning(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(rules_engine, ["validate", "--strict"]) == 0
    assert capsys.readouterr() == ("5 files, 7 rules: no problems\n", "")


def test_the_tests_of_the_project_pass(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(rules_engine, ["test"]) == 0
    assert capsys.readouterr() == ("12 passed: 12 tests of 7 rules\n", "")


def test_the_action_types_of_every_day_are_shown(project: Path) -> None:
    rule_set, _ = load_rules(["rules"])
    shown = {action.type for rule in rule_set.rules for action in rule.actions}
    assert shown == {"log", "sns", "table", "webhook"}


@pytest.mark.parametrize(
    ("event", "matching"),
    [
        ("big-order.json", "big-order,big-order-partner,order-history,order-copy"),
        ("order-shipped.json", "order-shipped,order-history,order-copy"),
    ],
)
def test_the_sample_events_match_the_rules_they_are_for(
    event: str, matching: str, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(rules_engine, ["explain", f"events/{event}", "--expect", matching]) == 0
    assert capsys.readouterr().err == ""


def test_the_commands_of_the_readme_work(project: Path) -> None:
    block = (project / "README.md").read_text().split("```")[1]
    commands = [line.partition("#")[0].split()[1:] for line in block.strip().splitlines()]
    assert [command[0] for command in commands] == [
        "validate", "test", "fmt", "list", "explain", "run", "build",
    ]  # fmt: skip
    for command in commands:
        assert (command, run(rules_engine, command)) == (command, 0)


def test_the_schema_copies_are_those_of_the_installed_version(project: Path) -> None:
    assert json.loads((project / RULES_SCHEMA).read_text()) == schema.rules_schema()
    assert json.loads((project / TESTS_SCHEMA).read_text()) == schema.tests_schema()


def test_every_rule_file_names_its_schema_to_editors(project: Path) -> None:
    for path in (project / "rules").iterdir():
        first, _, _ = path.read_text().partition("\n")
        name = first.removeprefix("# yaml-language-server: $schema=")
        assert (path.parent / name).resolve() == project.resolve() / RULES_SCHEMA, path


def test_the_editor_settings_point_at_the_schemas(project: Path) -> None:
    settings = json.loads((project / ".vscode/settings.json").read_text())
    assert settings == {
        "yaml.schemas": {
            f"./{RULES_SCHEMA}": ["rules/**/*.yaml", "rules/**/*.yml", "!*.test.yaml", "!*.test.yml"],
            f"./{TESTS_SCHEMA}": ["*.test.yaml", "*.test.yml"],
        }
    }
    extensions = json.loads((project / ".vscode/extensions.json").read_text())
    assert extensions == {"recommendations": ["redhat.vscode-yaml"]}


def test_every_starter_file_is_written(project: Path) -> None:
    assert {path: (project / path).read_text() for path in FILES} == starter_files()
