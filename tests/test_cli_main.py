"""The edge: exit codes, and messages in place of tracebacks."""

from __future__ import annotations

import sys
from importlib.metadata import version
from typing import TYPE_CHECKING

import click
import pytest

from rules_engine.cli.main import COMMANDS, rules_engine, run
from rules_engine.errors import RecordError

if TYPE_CHECKING:
    from pathlib import Path

SIGNATURE = (
    f"rules-engine {version('dynamodb-rules-engine')}, Python {sys.version.split()[0]}, {sys.platform}\n"
)
ADMISSION = (
    "Internal error: KeyError: 'lost'\n"
    "This is a mistake in rules-engine, not in your rules. Please report it to its maintainers,\n"
    "with what 'rules-engine --debug' and the same arguments print.\n"
) + SIGNATURE


@click.group(invoke_without_command=True)
@click.option("--debug", is_flag=True)
@click.pass_obj
def failing(session: object, debug: bool) -> None:
    session.debug = debug or session.debug  # type: ignore[attr-defined]
    {}["lost"]


def test_a_mistake_of_ours_is_admitted_without_a_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(failing, []) == 3
    assert capsys.readouterr() == ("", ADMISSION)


def test_debug_shows_the_traceback_before_the_message(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(failing, ["--debug"]) == 3
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("Traceback (most recent call last):\n")
    assert err.endswith("KeyError: 'lost'\n" + ADMISSION)


def test_an_environment_variable_asks_for_the_traceback_too(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEBUG_RULES_ENGINE", "1")
    assert run(failing, []) == 3
    assert capsys.readouterr().err.startswith("Traceback (most recent call last):\n")


def test_our_own_exceptions_are_messages(capsys: pytest.CaptureFixture[str]) -> None:
    @click.command
    def refusing() -> None:
        raise RecordError("r.json:1: no record")

    assert run(refusing, []) == 1
    assert capsys.readouterr() == ("", "Error: r.json:1: no record\n")


def test_what_the_machine_refuses_is_a_message(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "rules").write_text("a file where a directory is wanted")
    assert run(rules_engine, ["init", str(tmp_path)]) == 1
    out, err = capsys.readouterr()
    assert out.splitlines() == [f"wrote {tmp_path / 'README.md'}"]
    assert err == f"Error: [Errno 17] File exists: '{tmp_path / 'rules'}'\n"


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (RecordError("no record"), 1, "Error: no record\n"),
        (KeyboardInterrupt(), 130, "\nInterrupted.\n"),
        (click.ClickException("no such thing"), 1, "Error: no such thing\n"),
        (KeyError("lost"), 3, ADMISSION),
    ],
)
def test_what_went_wrong_besides_comes_after_the_error(
    error: BaseException, code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    @click.command
    def refusing() -> None:
        error.add_note("and nothing could be\ntaken back")
        raise error

    assert run(refusing, []) == code
    assert capsys.readouterr() == ("", f"{said}and nothing could be\ntaken back\n")


def test_an_interrupted_command_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    @click.command
    def interrupted() -> None:
        raise KeyboardInterrupt

    assert run(interrupted, []) == 130
    assert capsys.readouterr() == ("", "\nInterrupted.\n")


@pytest.mark.parametrize("code", [0, 1, 2])
def test_a_command_returns_its_exit_code(code: int) -> None:
    @click.command
    def returning() -> int:
        return code

    assert run(returning, []) == code


def test_an_unknown_command_names_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(rules_engine, ["vlidate"]) == 2
    assert capsys.readouterr() == (
        "",
        "Usage: rules-engine [OPTIONS] COMMAND [ARGS]...\n"
        "Try 'rules-engine --help' for help.\n"
        "\n"
        "Error: No such command 'vlidate'. Did you mean 'validate'?\n",
    )


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_summary_and_an_example(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(rules_engine, [name, "--help"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert f"\n    rules-engine {name}" in out.partition("  Example")[2]


def test_help_lists_exactly_the_commands_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(rules_engine, ["--help"]) == 0
    _, _, listed = capsys.readouterr().out.partition("\nCommands:\n")
    assert [line.split()[0] for line in listed.partition("\n\n")[0].splitlines()] == list(COMMANDS)


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(rules_engine, ["--version"]) == 0
    assert capsys.readouterr() == (f"rules-engine {version('dynamodb-rules-engine')}\n", "")
