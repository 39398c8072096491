"""Colours appear on a terminal, and only there; NO_COLOR takes them away. A narrow one loses nothing."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

RULES = """
version: 1
rules:
  - id: order-shipped
    table: orders
    when: new.total > `100`
    actions: [{type: log}]
"""
RECORD = '{"event": "INSERT", "keys": {"id": "1"}, "new": {"total": 50}}'

COMMANDS = [
    ["validate", "broken.yaml"],
    ["explain", "--rules", "rules.yaml", "record.json"],
    ["list", "rules.yaml"],
    ["fmt", "--check", "rules.yaml"],
    ["show", "rules.yaml"],
    ["diff", "rules.yaml", "other.yaml"],
    ["run", "--dry-run", "--rules", "rules.yaml", "large.json"],
]

COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def seen_on_terminal(arguments: list[str], directory: Path, **variables: str) -> str:
    """What a terminal of 100 columns gets, standard output and standard error in one."""
    (directory / "rules.yaml").write_text(RULES)
    (directory / "other.yaml").write_text(RULES.replace("100", "200"))
    (directory / "broken.yaml").write_text(RULES.replace("> `100`", "> 100"))
    (directory / "record.json").write_text(RECORD)
    (directory / "large.json").write_text(RECORD.replace("50", "500"))
    environment = {"PATH": os.environ["PATH"], "TERM": "xterm", "COLUMNS": "100", **variables}
    controller, terminal = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "rules_engine", *arguments],
        cwd=directory,
        env=environment,
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
    )
    os.close(terminal)
    shown = b""
    try:
        while chunk := os.read(controller, 65536):
            shown += chunk
    except OSError:
        # Linux says so when the last process on the terminal is gone.
        pass
    finally:
        os.close(controller)
        process.wait()
    return shown.decode()


@pytest.mark.parametrize("arguments", COMMANDS, ids=lambda arguments: arguments[0])
def test_a_terminal_gets_colours(arguments: list[str], tmp_path: Path) -> None:
    assert COLOUR.search(seen_on_terminal(arguments, tmp_path))


@pytest.mark.parametrize("arguments", COMMANDS, ids=lambda arguments: arguments[0])
def test_no_color_takes_them_away_and_nothing_else(arguments: list[str], tmp_path: Path) -> None:
    coloured = seen_on_terminal(arguments, tmp_path)
    assert seen_on_terminal(arguments, tmp_path, NO_COLOR="1") == COLOUR.sub("", coloured)


@pytest.mark.parametrize("columns", ["1", "20", "79"])
def test_a_table_is_not_folded_into_columns_of_single_letters(columns: str, tmp_path: Path) -> None:
    arguments = ["list", "rules.yaml"]
    shown = seen_on_terminal(arguments, tmp_path, COLUMNS=columns)
    assert shown == seen_on_terminal(arguments, tmp_path, COLUMNS="80")
    assert "order-shipped  orders  any    new.total > `100`  log" in shown
