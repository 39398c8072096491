"""Whole runs of the command line, as a shell would make them: `tests/cases/cli/<slug>/`.

A case is a folder: `command` (what follows `rules-engine`, after any `NAME=value`), `stdin` if there is
any, the files the command finds where it runs, and what must come of it: `exit_code`, `stdout` and `stderr`
(empty where there is no such file). `python -m tests.test_cli_cases` writes the last three anew; read the
difference before you commit it.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

CASES = Path(__file__).parent / "cases" / "cli"
SLUGS = sorted(path.name for path in CASES.iterdir())
RESULTS = ("exit_code", "stdout", "stderr")


def results_of(case: Path, directory: Path) -> dict[str, str]:
    """What the case's command gives in `directory`, which gets the case's files."""
    shutil.copytree(case, directory, ignore=shutil.ignore_patterns("command", "stdin", *RESULTS))
    words = shlex.split((case / "command").read_text())
    variables = [word.split("=", 1) for word in words if re.match("[A-Z_]+=", word)]
    stdin = case / "stdin"
    finished = subprocess.run(
        [sys.executable, "-m", "rules_engine", *words[len(variables) :]],
        cwd=directory,
        env={"PATH": os.environ["PATH"], "HOME": str(directory), **dict(variables)},
        input=stdin.read_text() if stdin.exists() else "",
        capture_output=True,
        text=True,
    )
    return {"exit_code": f"{finished.returncode}\n", "stdout": finished.stdout, "stderr": finished.stderr}


@pytest.mark.parametrize("slug", SLUGS)
def test_a_command_gives_the_whole_expected_result(slug: str, tmp_path: Path) -> None:
    case = CASES / slug
    expected = {name: (case / name).read_text() if (case / name).exists() else "" for name in RESULTS}
    assert results_of(case, tmp_path / slug) == expected


def write_results() -> None:
    for slug in SLUGS:
        with tempfile.TemporaryDirectory() as directory:
            for name, text in results_of(CASES / slug, Path(directory) / slug).items():
                if text:
                    (CASES / slug / name).write_text(text)
                else:
                    (CASES / slug / name).unlink(missing_ok=True)


if __name__ == "__main__":
    write_results()
