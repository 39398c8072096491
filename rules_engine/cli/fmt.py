"""`rules-engine fmt`: rule files in their canonical form.

In: paths, or `-` for a file on standard input, as editors hand it over. Out: the files written anew, each in
one step, where they are not in that form yet; with `--check` nothing is written, and what would change is
shown. A file that cannot be read as YAML is left alone, its problems are shown, and the others are done.
"""

from __future__ import annotations

import difflib
import os
from typing import TYPE_CHECKING

import click

from rules_engine.cli.exit_codes import OK, PROBLEMS, USAGE
from rules_engine.cli.github import log_line
from rules_engine.cli.paint import paint
from rules_engine.cli.report import render_text, visible
from rules_engine.cli.rule_files import DEFAULT_PATHS, count
from rules_engine.cli.whole_file import write_whole

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rules_engine.errors import Problem

STDIN = "-"

_ROLES = {"-": "bad", "+": "good", "@": "hint"}
"""Of the lines of a difference, by their first character."""


@click.command("fmt", short_help="Write rule files in their canonical form.")
@click.argument("paths", metavar="[PATHS]...", nargs=-1)
@click.option("--check", is_flag=True, help="Write nothing; show what would change, with exit code 1.")
def command(paths: tuple[str, ...], check: bool) -> int:
    """Write the rule and test files under PATHS (default: rules) in their canonical form: two spaces a level,
    keys in one order, quotes where they are needed, an empty line between rules. Comments are kept, and the
    rules mean the same as before.

    With - the file comes from standard input and goes to standard output.

    \b
    Examples:
      rules-engine fmt
      rules-engine fmt --check rules
      rules-engine fmt - < rules/orders.yaml
    """
    if STDIN in paths:
        if len(paths) > 1:
            raise click.UsageError("'-' stands for standard input, and cannot be given with other paths.")
        return _format_stdin(check)
    return _format_files(paths or DEFAULT_PATHS, check)


def _format_stdin(check: bool) -> int:
    from rules_engine.canonical import canonical_form

    with click.open_file("-", "rb") as file:
        data = file.read()
    text, problems = canonical_form("<stdin>", data)
    _show(problems)
    if check:
        return PROBLEMS if problems or _differs("<stdin>", data, text) else OK
    if not problems:
        with click.open_file("-", "wb") as file:
            file.write(text)
    return PROBLEMS if problems else OK


def _format_files(paths: Sequence[str], check: bool) -> int:
    from rules_engine.canonical import canonical_form
    from rules_engine.loader.files import find_all, read_bytes

    files, problems = find_all(paths)
    _show(problems)
    if not files:
        return USAGE
    failed, changed = len(problems), 0
    for path in files:
        data, unreadable = read_bytes(path)
        text, found = (data, [unreadable]) if unreadable is not None else canonical_form(path, data)
        _show(found)
        failed += bool(found)
        if check:
            changed += _differs(path, data, text)
        elif text != data:
            write_whole(path, text)
            click.echo(f"formatted {visible(path)}")
            changed += 1
    click.echo(_summary(len(files), changed, failed, check))
    return PROBLEMS if failed or (check and changed) else OK


def _show(problems: Sequence[Problem]) -> None:
    click.echo(render_text(problems, paint), err=True, nl=False)


def _summary(files: int, changed: int, failed: int, check: bool) -> str:
    """`3 files: 1 would be formatted, 1 could not be read, 1 already in order`."""
    parts = [
        (changed, "would be formatted" if check else "formatted"),
        (failed, "could not be read"),
        (max(files - changed - failed, 0), "already in order"),
    ]
    return f"{count(files, 'file')}: {', '.join(f'{number} {what}' for number, what in parts if number)}"


def _differs(path: str, old: bytes, new: bytes) -> bool:
    """Whether the file is not in its form yet; then what would change is shown."""
    if old == new:
        return False
    lines = list(_difference(path, old, new))
    if not lines:
        lines = [f"{path}: only its line ends or its byte order mark would change"]
    # A step of GitHub Actions takes a line for a command that begins with `::`, behind spaces too.
    shown = log_line if os.environ.get("GITHUB_ACTIONS") == "true" else str
    for line in lines:
        role = _ROLES.get(line[:1])
        text = shown(visible(line))
        click.echo(paint(text, role) if role else text)
    return True


def _difference(path: str, old: bytes, new: bytes) -> Iterator[str]:
    return difflib.unified_diff(_shown_lines(old), _shown_lines(new), path, path, lineterm="")


def _shown_lines(data: bytes) -> list[str]:
    """What a log may show of a file."""
    from rules_engine.loader.secrets import masked_text
    from rules_engine.source import SourceFile

    text = data.decode("utf-8-sig").replace("\r\n", "\n")
    return masked_text(SourceFile("", text)).splitlines()
