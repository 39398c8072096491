"""A rule set for a command that needs one without errors, and perhaps without failing tests.

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
    from collections.abc import Callable, Iterable, Sequence

    from rules_engine.errors import Problem
    from rules_engine.loader import RuleTest
    from rules_engine.model import Rule, RuleSet
    from rules_engine.rule_tests import TestResult

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


class TestsFailed(click.ClickException):
    """Tests of the rules fail. Shown as `test` shows them."""

    exit_code = PROBLEMS

    def __init__(self, failed: Sequence[TestResult], rule_set: RuleSet) -> None:
        super().__init__(f"{count(len(failed), 'test')} of the rules failed; nothing was done")
        self.failed = failed
        self.rules = {rule.id: rule for rule in rule_set.rules}

    def show(self, file: IO[Any] | None = None) -> None:
        from rules_engine.cli.report_tests import render_result

        for result in self.failed:
            click.echo(render_result(result, self.rules, paint), err=True, nl=False)
        click.echo(f"Error: {self.message}", err=True)


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


def rule_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--rule ID`, which may be given several times."""
    return click.option(
        "--rule", "rule_ids", metavar="ID", multiple=True, help="Only this rule; may be given several times."
    )(command)


def rules_called(rule_set: RuleSet, rule_ids: Sequence[str]) -> list[Rule]:
    """The rules with these ids, or all where there is none. Raises UsageError for an id that no rule has."""
    from rules_engine.expression.checks.spelling import nearest

    known = {rule.id for rule in rule_set.rules}
    for rule_id in rule_ids:
        if rule_id not in known:
            near = nearest(rule_id, known)
            hint = f" Did you mean '{near}'?" if near else " 'rules-engine list' shows those there are."
            raise click.UsageError(f"There is no rule '{rule_id}'.{hint}")
    return [rule for rule in rule_set.rules if not rule_ids or rule.id in rule_ids]


def only_table(rule_set: RuleSet) -> str | None:
    """The table of all rules, where it is one: that of changes which name none."""
    tables = {table for rule in rule_set.rules for table in rule.tables}
    return tables.pop() if len(tables) == 1 else None


def load_clean_rules(paths: Sequence[str]) -> RuleSet:
    """The rules at `paths`, at least one. Raises RulesRefused and NoRuleFiles."""
    return load_clean_rules_and_tests(paths)[0]


def load_clean_rules_and_tests(
    paths: Sequence[str], track: Callable[[Sequence[str]], Iterable[str]] = iter
) -> tuple[RuleSet, list[RuleTest]]:
    """The same with all tests that the files hold. `track` hands on the files."""
    from rules_engine.loader import find_files, load_rules_and_tests

    rule_set, tests, problems = load_rules_and_tests(paths, track=track)
    errors = [problem for problem in problems if problem.severity == "error"]
    if errors:
        raise (RulesRefused if find_files(paths) else NoRuleFiles)(errors)
    return rule_set, tests


def load_tested_rules(paths: Sequence[str]) -> RuleSet:
    """The rules at `paths`, of which no test fails. Raises TestsFailed and what the others raise."""
    rule_set, tests = load_clean_rules_and_tests(paths)
    if tests:
        from rules_engine.rule_tests import Runner

        failed = [result for result in Runner(rule_set).run(tests) if result.verdict == "failed"]
        if failed:
            raise TestsFailed(failed, rule_set)
    return rule_set


def count(number: int, noun: str) -> str:
    """`1 error`, `2 errors`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
