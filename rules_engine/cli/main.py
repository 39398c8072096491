"""`rules-engine`: the commands, and the edge where an exception becomes a message and an exit code.

0 fine, 1 problems, 2 wrong usage or nothing found to do, 3 an internal error. A command returns its exit
code and raises what it cannot go on from; nothing below this module ends the process. A traceback is shown
only on request (`--debug` or DEBUG_RULES_ENGINE), because to a user it hides the one line that matters.

A command's module is imported when the command is asked for: `validate` must not wait for what `run` needs.
Importing all of them took 0.2 s longer.
"""

from __future__ import annotations

import importlib
import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

import click

from rules_engine.cli.exit_codes import INTERNAL, INTERRUPTED, OK, PROBLEMS
from rules_engine.cli.standard_streams import prepare_standard_streams
from rules_engine.errors import RulesEngineError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PROGRAM = "rules-engine"
DISTRIBUTION = "dynamodb-rules-engine"

DEBUG_VARIABLE = "DEBUG_RULES_ENGINE"
"""Like `--debug`. Not under RULES_ENGINE_: those are the function's settings, and it refuses unknown ones."""

COMMANDS = {
    "init": "rules_engine.cli.init",
    "validate": "rules_engine.cli.validate",
    "test": "rules_engine.cli.test",
    "explain": "rules_engine.cli.explain",
    "run": "rules_engine.cli.run",
    "backtest": "rules_engine.cli.backtest",
    "stream": "rules_engine.cli.stream",
    "redrive": "rules_engine.cli.redrive",
    "fmt": "rules_engine.cli.fmt",
    "list": "rules_engine.cli.list",
    "graph": "rules_engine.cli.graph",
    "diff": "rules_engine.cli.diff",
    "show": "rules_engine.cli.show",
    "schema": "rules_engine.cli.schema",
    "build": "rules_engine.cli.build",
    "template": "rules_engine.cli.template",
    "deploy": "rules_engine.cli.deploy",
    "rollback": "rules_engine.cli.rollback",
    "doctor": "rules_engine.cli.doctor",
    "dev": "rules_engine.cli.dev",
    "lsp": "rules_engine.cli.lsp",
}
"""Where each command lives, in the order a newcomer meets them."""


@dataclass
class Session:
    """What the edge must know after the command is gone."""

    debug: bool


class LazyGroup(click.Group):
    """A group whose commands are the `command` of modules imported on demand."""

    def __init__(self, *args: Any, modules: Mapping[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.modules = modules

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.modules)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.modules:
            return None
        command: click.Command = importlib.import_module(self.modules[cmd_name]).command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in self.modules and not name.startswith("-"):
            from rules_engine.expression.checks.spelling import nearest

            near = nearest(name, self.modules)
            hint = f" Did you mean '{near}'?" if near else ""
            raise click.UsageError(f"No such command '{name}'.{hint}", ctx)
        return super().resolve_command(ctx, args)


@click.group(
    cls=LazyGroup,
    modules=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 fine, 1 problems, 2 wrong usage or nothing found to do, 3 internal error.",
)
@click.option("--debug", is_flag=True, help="Show a traceback if rules-engine itself fails.")
@click.version_option(None, "-V", "--version", package_name=DISTRIBUTION, message="%(prog)s %(version)s")
@click.pass_obj
def rules_engine(session: Session, debug: bool) -> None:
    """Declarative rules for DynamoDB Streams: event, condition, action.

    \b
    Start a project and check it:
      rules-engine init my-rules
      cd my-rules
      rules-engine validate
    """
    session.debug = session.debug or debug


def main() -> NoReturn:
    """The console script."""
    prepare_standard_streams()
    sys.exit(run(rules_engine, sys.argv[1:]))


def run(command: click.Command, arguments: Sequence[str]) -> int:
    """The exit code of `command` with `arguments`. Raises nothing of its own."""
    session = Session(debug=bool(os.environ.get(DEBUG_VARIABLE)))
    colour = False if os.environ.get("NO_COLOR") else None
    try:
        code = command.main(
            list(arguments), prog_name=PROGRAM, standalone_mode=False, obj=session, color=colour
        )
    except click.ClickException as error:
        error.show()
        _tell_notes(error)
        return error.exit_code
    except click.Abort as error:
        click.echo("Interrupted.", err=True)
        _tell_notes(error)
        return INTERRUPTED
    except (RulesEngineError, OSError) as error:
        # OSError: a full disk, a directory that may not be written. The machine's refusal, not our mistake.
        _trace(error, session)
        click.echo(f"Error: {error}", err=True)
        _tell_notes(error)
        return PROBLEMS
    except Exception as error:  # noqa: BLE001 - the edge: whatever is left is ours to admit
        _trace(error, session)
        _admit(error)
        _tell_notes(error)
        return INTERNAL
    return code if isinstance(code, int) else OK


def _trace(error: Exception, session: Session) -> None:
    if session.debug:
        import traceback

        click.echo("".join(traceback.format_exception(error)), err=True, nl=False)


def _tell_notes(error: BaseException) -> None:
    """What went wrong besides, after the error itself. click raises Abort from what interrupted it."""
    for each in (error, error.__cause__):
        for note in getattr(each, "__notes__", ()):
            click.echo(note, err=True)


def _admit(error: Exception) -> None:
    from importlib.metadata import version

    first_line = str(error).partition("\n")[0]
    click.echo(f"Internal error: {type(error).__name__}: {first_line}", err=True)
    click.echo(
        "This is a mistake in rules-engine, not in your rules. Please report it to its maintainers,", err=True
    )
    click.echo(f"with what '{PROGRAM} --debug' and the same arguments print.", err=True)
    python = sys.version.split()[0]
    click.echo(f"{PROGRAM} {version(DISTRIBUTION)}, Python {python}, {sys.platform}", err=True)
