"""Whole runs of the command line, as a shell would make them: `tests/cases/cli/<slug>/`.

A case is a folder: `command` (what follows `rules-engine`, after any `NAME=value`), `stdin` if there is
any, the files the command finds where it runs, and what must come of it: `exit_code`, `stdout`, `stderr`
(empty where there is no such file), and below `written/` every file that is new or changed. `python -m
tests.test_cli_cases` writes the results anew, with slugs those of some cases; read the difference before
you commit it.
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
WRITTEN = "written"


def results_of(case: Path, directory: Path) -> dict[str, str]:
    """What the case's command gives in `directory`, which gets the case's files."""
    shutil.copytree(case, directory, ignore=shutil.ignore_patterns("command", "stdin", WRITTEN, *RESULTS))
    before = files_below(directory)
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
    streams = {"exit_code": f"{finished.returncode}\n", "stdout": finished.stdout, "stderr": finished.stderr}
    after = files_below(directory)
    written = {f"{WRITTEN}/{path}": text for path, text in after.items() if before.get(path) != text}
    return streams | written


def files_below(directory: Path) -> dict[str, str]:
    """Text by path."""
    paths = sorted(path for path in directory.rglob("*") if path.is_file())
    return {str(path.relative_to(directory)): path.read_text() for path in paths}


@pytest.mark.parametrize("slug", SLUGS)
def test_a_command_gives_the_whole_expected_result(slug: str, tmp_path: Path) -> None:
    case = CASES / slug
    expected = {name: (case / name).read_text() if (case / name).exists() else "" for name in RESULTS}
    expected |= {f"{WRITTEN}/{path}": text for path, text in files_below(case / WRITTEN).items()}
    assert results_of(case, tmp_path / slug) == expected


def write_results(slugs: list[str]) -> None:
    for slug in slugs:
        case = CASES / slug
        shutil.rmtree(case / WRITTEN, ignore_errors=True)
        with tempfile.TemporaryDirectory() as directory:
            for name, text in results_of(case, Path(directory) / slug).items():
                (case / name).parent.mkdir(parents=True, exist_ok=True)
                if text:
                    (case / name).write_text(text)
                else:
                    (case / name).unlink(missing_ok=True)


if __name__ == "__main__":
    write_results(sys.argv[1:] or SLUGS)
