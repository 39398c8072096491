"""A rule set for a command that needs one without errors.

In: the paths of `--rules`. Out: the `RuleSet`. It refuses, with the problems on stderr and exit code 1, a
rule set that has errors: what `explain` or `build` said of half a rule set would not be what the function
does. Warnings are `validate`'s to show.
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any

import click

from rules_engine.cli.exit_codes import PROBLEMS, USAGE
from rules_engine.cli.paint import paint
from rules_engine.cli.report import render_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rules_engine.errors import Problem
    from rules_engine.model import RuleSet

DEFAULT_PATHS = ("rules",)


class RulesRefused(click.ClickException):
    """The rule set has errors. Shown as `validate` shows them."""

    exit_code = PROBLEMS

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(f"the rules have {count(len(problems), 'error')}; nothing was done")
        self.problems = problems

    def show(self, file: IO[Any] | None = None) -> None:
        click.echo(render_text(self.problems, paint), err=True, nl=False)
        click.echo(f"Error: {self.message}", err=True)


class NoRuleFiles(RulesRefused):
    """None of the paths leads to a rule file; the problems say so of each."""

    exit_code = USAGE


class NothingFound(click.ClickException):
    """The files hold nothing for the command to work on."""

    exit_code = USAGE


def rules_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--rules PATH`, which may be given several times."""
    return click.option(
        "--rules",
        "paths",
        metavar="PATH",
        multiple=True,
        default=DEFAULT_PATHS,
        show_default=True,
        help="A rule file, or a directory of them; may be given several times.",
    )(command)


def load_clean_rules(paths: Sequence[str]) -> RuleSet:
    """The rules at `paths`. Raises one of the three exceptions above."""
    from rules_engine.loader import find_files, load_rules

    rule_set, problems = load_rules(paths)
    errors = [problem for problem in problems if problem.severity == "error"]
    if errors:
        raise (RulesRefused if find_files(paths) else NoRuleFiles)(errors)
    if not rule_set.rules:
        raise NothingFound(f"no rule in {', '.join(paths)}")
    return rule_set


def count(number: int, noun: str) -> str:
    """`1 error`, `2 errors`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
