"""`--format FORMAT[=PATH]`: what a command writes, and where to.

In: the words after `--format`, which may be given several times: a CI job wants annotations in its log
and a report in a file, of one run. Out: one `Output` each; where none goes to standard output, text does,
so that a log is never empty. It refuses, as wrong usage, two formats for standard output or for one file.
A second option such as `--output-file` would have to be matched with the first by its position.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

TEXT = "text"


@dataclass(frozen=True, slots=True)
class Output:
    """`path` is None for standard output."""

    format: str
    path: str | None = None


def format_option(*names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """`--format`, as the parameter `outputs`: a tuple of `Output`. Its default is text."""

    def parse(ctx: click.Context, param: click.Parameter, words: tuple[str, ...]) -> tuple[Output, ...]:
        try:
            return parse_outputs(words, names)
        except ValueError as error:
            raise click.BadParameter(str(error), ctx, param) from None

    return click.option(
        "--format",
        "outputs",
        metavar="FORMAT[=PATH]",
        multiple=True,
        callback=parse,
        help=f"{', '.join(names[:-1])} or {names[-1]}; with =PATH into that file, beside what is shown. "
        "May be given several times.  [default: text]",
    )


def parse_outputs(words: Sequence[str], names: Sequence[str]) -> tuple[Output, ...]:
    """What the words after each `--format` ask for. Raises ValueError, for the author."""
    outputs = [_parse(word, names) for word in words]
    taken: dict[str | None, str] = {}
    for output in outputs:
        if output.path in taken:
            both = f"{taken[output.path]} and {output.format} cannot both go to"
            if output.path is None:
                raise ValueError(f"{both} standard output: give one a file, as in {output.format}=PATH.")
            raise ValueError(f"{both} '{output.path}'.")
        taken[output.path] = output.format
    return tuple(outputs) if None in taken else (Output(TEXT), *outputs)


def _parse(word: str, names: Sequence[str]) -> Output:
    name, equals, path = word.partition("=")
    if name not in names:
        from rules_engine.expression.checks.spelling import nearest

        near = nearest(name, names)
        hint = f" Did you mean '{near}'?" if near else ""
        raise ValueError(f"'{name}' is not one of {', '.join(names)}.{hint}")
    if equals and not path:
        raise ValueError(f"'{word}' names no file after the '='.")
    return Output(name, path or None)


def write(output: Output, text: str) -> None:
    """Puts a document where it goes. The directories of a file are made."""
    if output.path is None:
        click.echo(text, nl=False)
    else:
        write_file(output.path, text, "w")


def write_file(path: str, text: str, mode: Literal["w", "a"]) -> None:
    """Raises ClickException, with exit code 1: a report that is not there must not pass for a good one."""
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        with Path(path).open(mode, encoding="utf-8", errors="backslashreplace", newline="\n") as file:
            file.write(text)
    except OSError as error:
        raise click.ClickException(f"cannot write '{path}': {error.strerror or error}") from None
