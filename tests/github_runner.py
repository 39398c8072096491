"""As much of a GitHub Actions runner as composite actions need, on this machine and without a network.

It runs the `run` steps of an action under bash as the runner does: `${{ inputs.NAME }}` and `${{
github.action_path }}` replaced in `env`, the paths that a step adds to GITHUB_PATH in front of PATH for
the next ones, and an end at the first that fails. A step that `uses` another action is passed over;
expressions in a script, which would let an input write code, are refused.
"""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_EXPRESSION = re.compile(r"\$\{\{ *([\w.-]+) *\}\}")


@dataclass(frozen=True)
class StepResult:
    """What a step of an action did."""

    name: str
    exit_code: int
    output: str
    """Standard output and standard error, as the log shows them."""


def run_action(
    action: Path, inputs: Mapping[str, str], workspace: Path, temp: Path, environ: Mapping[str, str]
) -> list[StepResult]:
    """The steps of `action` (the directory of its `action.yml`) that were run in `workspace`."""
    description = yaml.safe_load((action / "action.yml").read_text())
    assert set(inputs) <= set(description["inputs"]), "a runner warns of inputs that are not there"
    defaults = {name: spec["default"] for name, spec in description["inputs"].items()}
    values = {f"inputs.{name}": value for name, value in (defaults | dict(inputs)).items()}
    values["github.action_path"] = str(action)
    temp.mkdir(parents=True, exist_ok=True)
    added = temp / "path"
    added.touch()
    results: list[StepResult] = []
    for step in description["runs"]["steps"]:
        if "run" not in step:
            continue
        path = ":".join([*reversed(added.read_text().split()), environ["PATH"]])
        variables = {name: _replaced(text, values) for name, text in step.get("env", {}).items()}
        runner = {"RUNNER_TEMP": str(temp), "GITHUB_PATH": str(added), "GITHUB_WORKSPACE": str(workspace)}
        results.append(_run(step, {**environ, **runner, **variables, "PATH": path}, workspace, temp))
        if results[-1].exit_code:
            break
    return results


def _run(step: Mapping[str, Any], environ: Mapping[str, str], workspace: Path, temp: Path) -> StepResult:
    assert step["shell"] == "bash"
    assert not _EXPRESSION.search(step["run"])
    script = temp / "script.sh"
    script.write_text(step["run"])
    finished = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
        cwd=workspace,
        env=dict(environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return StepResult(step["name"], finished.returncode, finished.stdout)


def _replaced(text: str, values: Mapping[str, str]) -> str:
    return _EXPRESSION.sub(lambda found: values[found[1]], text)
