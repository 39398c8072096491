"""What is written is UTF-8 wherever the commands run, and a closed stream is an empty one."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pytest

if TYPE_CHECKING:
    from pathlib import Path

RULES = """
version: 1
rules:
  - id: greeting
    description: Wünsche 🎉
    table: orders
    when: new.name == '日本'
    actions: [{message: "日本 🎉 {{ new.name }}", type: log}]
    tests:
      - name: a name in two scripts 日本
        record: {event: INSERT, keys: {id: "1"}, new: {name: 日本}}
        expect: {match: false}
"""
RECORD = '{"event": "INSERT", "keys": {"id": "1"}, "new": {"name": "日本"}}'

WINDOWS = {"PYTHONIOENCODING": "cp1252"}
"""As where standard output leads into a file."""
OLD_UNIX = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}

COMMANDS = [
    ["test", "rules"],
    ["test", "--format", "github", "rules"],
    ["list", "rules"],
    ["show", "rules"],
    ["explain", "record.json"],
    ["run", "--dry-run", "record.json"],
    ["fmt", "--check", "rules"],
    ["template", "--rules", "rules"],
]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules/grüße.yaml").write_text(RULES, encoding="utf-8")
    (tmp_path / "record.json").write_text(RECORD, encoding="utf-8")
    return tmp_path


def run(project: Path, arguments: list[str], **variables: str) -> tuple[int, bytes, bytes]:
    command = [sys.executable, "-m", "rules_engine", *arguments]
    done = subprocess.run(command, cwd=project, env=os.environ | variables, capture_output=True)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_the_same_is_written_wherever_a_command_runs(arguments: list[str], project: Path) -> None:
    usual = run(project, arguments, PYTHONUTF8="1")
    assert usual[0] in (0, 1)
    assert "日本" in (usual[1] + usual[2]).decode("utf-8")
    assert run(project, arguments, **WINDOWS) == usual


def test_an_old_locale_writes_the_same(project: Path) -> None:
    """But for names of files: it does not know their letters."""
    (project / "rules/grüße.yaml").rename(project / "rules/greetings.yaml")
    arguments = ["show", "rules"]
    assert run(project, arguments, **OLD_UNIX) == run(project, arguments, PYTHONUTF8="1")


def test_a_document_has_the_encoding_that_it_says(project: Path) -> None:
    code, out, _ = run(project, ["test", "--format", "junit", "rules"], **WINDOWS)
    cases = [case.get("name") for case in ElementTree.fromstring(out).iter("testcase")]
    assert (code, cases) == (1, ["a name in two scripts 日本"])


@pytest.mark.skipif(os.name == "nt", reason="it needs a POSIX shell")
@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ("explain - <&-", 2, "Error: no record in /dev/null\n"),
        ("run --dry-run - <&-", 2, "Error: no record in /dev/null\n"),
        ("validate nowhere 2>&-", 2, "1 error in 0 files\n"),
        ("test rules >&-", 1, ""),
    ],
)
def test_a_closed_stream_is_an_empty_one(words: str, code: int, said: str, project: Path) -> None:
    command = ["sh", "-c", f'"$0" -m rules_engine {words}', sys.executable]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True)
    assert (done.returncode, done.stdout + done.stderr) == (code, said)
