"""`fmt`: what it does to files; what it shows is in `tests/cases/cli/fmt-*`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rules_engine.cli.main import rules_engine, run

if TYPE_CHECKING:
    from pathlib import Path

UNTIDY = "rules: [ {type: log} ]\r\nversion:   1\r\n"
TIDY = "version: 1\r\nrules: [{type: log}]\r\n"


@pytest.fixture
def rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory `rules` of the current one, empty."""
    (tmp_path / "rules").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path / "rules"


def test_a_file_is_written_anew_with_its_permissions_and_nothing_else_is_left(rules: Path) -> None:
    file = rules / "a.yaml"
    file.write_bytes(UNTIDY.encode())
    file.chmod(0o640)
    assert run(rules_engine, ["fmt"]) == 0
    assert (file.read_bytes().decode(), file.stat().st_mode & 0o777) == (TIDY, 0o640)
    assert list(rules.iterdir()) == [file]


def test_a_link_stays_a_link(rules: Path, tmp_path: Path) -> None:
    target = tmp_path / "elsewhere.yaml"
    target.write_bytes(UNTIDY.encode())
    (rules / "a.yaml").symlink_to(target)
    assert run(rules_engine, ["fmt"]) == 0
    assert (rules / "a.yaml").is_symlink()
    assert target.read_bytes().decode() == TIDY


def test_a_file_in_order_is_not_written(rules: Path) -> None:
    file = rules / "a.yaml"
    file.write_bytes(TIDY.encode())
    before = file.stat()
    assert run(rules_engine, ["fmt"]) == 0
    assert (file.stat().st_ino, file.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


@pytest.mark.parametrize("arguments", [["fmt", "--check"], ["fmt", "--check", "rules/a.yaml"]])
def test_check_writes_nothing(arguments: list[str], rules: Path) -> None:
    (rules / "a.yaml").write_bytes(UNTIDY.encode())
    assert run(rules_engine, arguments) == 1
    assert (rules / "a.yaml").read_bytes().decode() == UNTIDY


def test_a_broken_file_is_left_alone_and_the_others_are_done(rules: Path) -> None:
    (rules / "a.yaml").write_text("rules: [")
    (rules / "b.yaml").write_bytes(UNTIDY.encode())
    assert run(rules_engine, ["fmt"]) == 1
    assert (rules / "a.yaml").read_text() == "rules: ["
    assert (rules / "b.yaml").read_bytes().decode() == TIDY


@pytest.mark.parametrize("variable", ["true", ""])
def test_what_is_shown_gives_a_step_of_github_no_command(
    variable: str,
    rules: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    description = "    description: |\n      ::stop-commands::x\n      ##[error]y\n"
    (rules / "a.yaml").write_text(f"rules:\n  - id: a\n{description}    table:  orders\n")
    monkeypatch.setenv("GITHUB_ACTIONS", variable)
    assert run(rules_engine, ["fmt", "--check"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if "stop" in line or "error" in line] == (
        ["|        ::stop-commands::x", "       ## [error]y"]
        if variable
        else ["       ::stop-commands::x", "       ##[error]y"]
    )
