"""The composite action, the pre-commit hooks and what `init` writes for both: run as they stand, on a
project.

The action installs itself from a copy of the checkout, by its own script. pip is told by variables to
take what it would fetch from this environment; nothing else is changed. What pre-commit and GitHub
themselves would do with the files' other keys is not tested here.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest
import yaml

from rules_engine.cli.init import starter_files
from rules_engine.cli.main import COMMANDS
from tests.github_runner import StepResult, run_action

ROOT = Path(__file__).parent.parent

SCRIPTS = Path(sysconfig.get_path("scripts"))

OFFLINE = {
    "PYTHONPATH": sysconfig.get_path("purelib"),
    "PIP_NO_INDEX": "1",
    "PIP_NO_DEPS": "1",
    "PIP_NO_BUILD_ISOLATION": "0",
}
"""What pip would fetch is here already. `0` is how pip spells this one: it switches the isolation off."""

HOOKS = {hook["id"]: hook for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())}

BROKEN = "version: 1\nrules:\n  - id: order-shipped\n    table: orders\n    when: start_with(new.sku, 'A')\n"
ANNOTATION = (
    "::error file=rules/broken.yaml,line=5,endLine=5,col=11,endColumn=21,title=RE204 unknown function::"
    "rules/broken.yaml:5:11: RE204 unknown function 'start_with'%0Ahint: did you mean 'starts_with'?"
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project as `init` writes it."""
    directory = tmp_path / "project"
    for path, text in starter_files().items():
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).write_text(text)
    return directory


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """(a checkout with the action, the runner's directory in which its first step has installed it)"""
    directory = tmp_path_factory.mktemp("action")
    checkout = directory / "checkout"
    checkout.mkdir()
    for name in ("action.yml", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, checkout)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "rules_engine", checkout / "rules_engine", ignore=ignored)
    empty = directory / "empty"
    empty.mkdir()
    python = directory / "python"
    python.mkdir()
    (python / "python").symlink_to(sys.executable)
    path = f"{python}:{os.environ['PATH']}"
    steps = run_action(checkout, {}, empty, directory / "temp", {**os.environ, **OFFLINE, "PATH": path})
    assert [(step.name, step.exit_code) for step in steps] == [
        ("Install rules-engine", 0),
        ("Run rules-engine", 2),
    ], steps
    assert "there is no such file or directory" in steps[1].output
    return checkout, directory / "temp"


def run_installed(
    installed: tuple[Path, Path], inputs: dict[str, str], workspace: Path, **variables: str
) -> StepResult:
    """The last step of the action, with what was installed once: there is no `python` to do it again."""
    checkout, temp = installed
    environ = {"PATH": "/usr/bin:/bin", "PYTHONPATH": OFFLINE["PYTHONPATH"], **variables}
    *before, last = run_action(checkout, inputs, workspace, temp, environ)
    assert [(step.name, step.exit_code, step.output) for step in before] == [("Install rules-engine", 0, "")]
    return last


def test_the_action_annotates_and_writes_the_summary(installed: tuple[Path, Path], project: Path) -> None:
    (project / "rules/broken.yaml").write_text(BROKEN)
    summary = project.parent / "summary.md"
    result = run_installed(installed, {}, project, GITHUB_STEP_SUMMARY=str(summary))
    assert result.exit_code == 1
    assert ANNOTATION in result.output.splitlines()
    assert "| RE204 unknown function 'start\\_with' |" in summary.read_text()


def test_paths_of_the_action_are_lines_and_may_hold_spaces(
    installed: tuple[Path, Path], project: Path
) -> None:
    (project / "more rules $(exit)").mkdir()
    (project / "rules/big-order.yaml").rename(project / "more rules $(exit)/big-order.yaml")
    inputs = {"command": "validate --strict", "paths": "rules\nmore rules $(exit)\n\n"}
    result = run_installed(installed, inputs, project)
    assert (result.exit_code, result.output) == (0, "5 files, 7 rules: no problems\n")


def test_a_path_of_the_action_is_no_option(installed: tuple[Path, Path], project: Path) -> None:
    """With it a file's name would choose what is checked, and whether."""
    (project / "rules/broken.yaml").write_text(BROKEN)
    result = run_installed(installed, {"paths": "rules\n--explain=RE204"}, project)
    assert result.exit_code == 1
    assert "cannot read '--explain=RE204'" in result.output
    assert ANNOTATION in result.output.splitlines()


def test_the_command_of_the_action_may_have_several_lines(
    installed: tuple[Path, Path], project: Path
) -> None:
    """What stands in a later line, such as `--strict`, must not be dropped without a word."""
    (project / "rules/untested.yaml").write_text(
        "version: 1\nrules: [{id: untested, table: orders, actions: [{type: log}]}]\n"
    )
    for command in ("validate\n  --strict\n", "validate --strict"):
        result = run_installed(installed, {"command": command}, project)
        assert (result.exit_code, result.output.splitlines()[-1]) == (
            1,
            "1 warning in 6 files; with --strict, warnings fail",
        )


def test_each_step_of_the_workflow_passes_on_the_new_project(
    installed: tuple[Path, Path], project: Path
) -> None:
    steps = action_steps(project)
    assert [step["with"]["command"].split()[0] for step in steps] == ["validate", "test", "fmt"]
    results = [run_installed(installed, step["with"], project) for step in steps]
    assert [(result.exit_code, result.output.splitlines()[-1]) for result in results] == [
        (0, "5 files, 7 rules: no problems"),
        (0, "12 passed: 12 tests of 7 rules"),
        (0, "5 files: 5 already in order"),
    ]


def test_each_step_of_the_workflow_fails_for_what_it_is_there_for(
    installed: tuple[Path, Path], project: Path
) -> None:
    validate, test, fmt = action_steps(project)
    rules = project / "rules/log.yaml"
    good = rules.read_text()
    rules.write_text(good.replace("changed(&total)", "change(&total)"))
    assert run_installed(installed, validate["with"], project).exit_code == 1
    rules.write_text(good.replace("'SHIPPED'", "'SHIPED'", 1))
    assert run_installed(installed, test["with"], project).exit_code == 1
    rules.write_text(good.replace("    table", "     table").replace("  owner", "    owner"))
    assert run_installed(installed, fmt["with"], project).exit_code == 1


def test_the_workflow_runs_every_step_whatever_failed_before(project: Path) -> None:
    workflow = yaml.safe_load((project / ".github/workflows/rules.yml").read_text())
    assert workflow["permissions"] == {"contents": "read"}
    _, rules_engine, *_ = workflow["jobs"]["rules"]["steps"]
    assert rules_engine["with"]["path"] == ".rules-engine"
    assert [(step["uses"], step.get("if")) for step in action_steps(project)] == [
        ("./.rules-engine", None),
        ("./.rules-engine", "${{ !cancelled() }}"),
        ("./.rules-engine", "${{ !cancelled() }}"),
    ]


def action_steps(project: Path) -> list[dict[str, Any]]:
    """The steps of the project's workflow that use the action."""
    workflow = yaml.safe_load((project / ".github/workflows/rules.yml").read_text())
    return [step for step in workflow["jobs"]["rules"]["steps"] if step["uses"].startswith("./")]


@pytest.mark.parametrize(
    ("schema", "path"),
    [
        ("vendor.github-actions", "action.yml"),
        ("vendor.github-workflows", "rules_engine/cli/starter/workflow.yaml"),
    ],
)
def test_github_knows_every_key(schema: str, path: str) -> None:
    assert check_schema(schema, ROOT / path) == (0, "ok -- validation done\n")


def test_gitlab_knows_every_key_of_the_documentation(tmp_path: Path) -> None:
    (block,) = [block for block in blocks_of("docs/ci.md") if "codequality" in block]
    (tmp_path / ".gitlab-ci.yml").write_text(block)
    assert check_schema("vendor.gitlab-ci", tmp_path / ".gitlab-ci.yml") == (0, "ok -- validation done\n")


def check_schema(schema: str, path: Path) -> tuple[int, str]:
    """What check-jsonschema says of a file, by one of the schemas that it brings."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema]
    finished = subprocess.run([*command, str(path)], capture_output=True, text=True)
    return finished.returncode, finished.stdout


def run_hook(hook: dict[str, Any], project: Path, *filenames: str) -> subprocess.CompletedProcess[str]:
    """The hook as pre-commit runs it: entry, arguments, and file names unless it wants none."""
    names = filenames if hook.get("pass_filenames", True) else ()
    return subprocess.run(
        [*shlex.split(hook["entry"]), *hook.get("args", []), *names],
        cwd=project,
        env={"PATH": f"{SCRIPTS}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
    )


def test_the_hooks_are_commands_that_there_are() -> None:
    entries = {name: shlex.split(hook["entry"]) for name, hook in HOOKS.items()}
    assert {name: entry[:2] for name, entry in entries.items()} == {
        f"rules-engine-{command}": ["rules-engine", command] for command in ("validate", "test", "fmt")
    }
    assert {entry[1] for entry in entries.values()} <= set(COMMANDS)


@pytest.mark.parametrize("name", HOOKS)
def test_every_hook_passes_on_the_new_project_with_the_arguments_of_its_configuration(
    name: str, project: Path
) -> None:
    (repository,) = yaml.safe_load((project / ".pre-commit-config.yaml").read_text())["repos"]
    configured = {hook["id"]: hook for hook in repository["hooks"]}
    assert set(configured) == set(HOOKS)
    finished = run_hook({**HOOKS[name], **configured[name]}, project, "rules/log.yaml")
    assert (finished.returncode, finished.stderr) == (0, "")


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("rules-engine-validate", "changed(&total)", "change(&total)"),
        ("rules-engine-test", "'SHIPPED'", "'SHIPED'"),
        ("rules-engine-fmt", "rules:\n  - id", "rules:\n- id"),
    ],
)
def test_every_hook_fails_for_what_it_is_there_for(name: str, before: str, after: str, project: Path) -> None:
    rules = project / "rules/log.yaml"
    assert before in rules.read_text()
    rules.write_text(rules.read_text().replace(before, after, 1))
    finished = run_hook(HOOKS[name], project, "rules/log.yaml")
    assert finished.returncode == 1, finished


def blocks_of(page: str) -> list[str]:
    """The fenced blocks of YAML of a page of the documentation."""
    return [block.partition("```")[0] for block in (ROOT / page).read_text().split("```yaml\n")[1:]]


def test_the_documentation_names_hooks_inputs_and_formats_that_there_are() -> None:
    page = (ROOT / "docs/ci.md").read_text()
    assert set(re.findall(r"id: (rules-engine-\w+)", page)) == set(HOOKS)
    inputs = yaml.safe_load((ROOT / "action.yml").read_text())["inputs"]
    documented = dict(re.findall(r"^\| `([\w-]+)` \| .* \| `(.*)` \|$", page, re.MULTILINE))
    assert documented == {name: spec["default"] for name, spec in inputs.items()}
    assert [type(yaml.safe_load(block)) for block in blocks_of("docs/ci.md")] == [dict, dict, list, dict]


def test_every_validate_command_of_the_documentation_runs(project: Path) -> None:
    commands = re.findall(r"rules-engine (validate[^#|\n`]*)", (ROOT / "docs/ci.md").read_text())
    assert len(commands) == 5
    for command in commands:
        finished = run_hook({"entry": f"rules-engine {command}", "pass_filenames": False}, project)
        assert (command, finished.returncode, finished.stderr) == (command, 0, "")
