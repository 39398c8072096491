"""`rules-engine test`: the rules' own tests, run with what runs in Lambda.

In: paths, as `validate` takes them. Out: the failing tests and a summary on stdout, or a document. Exit code
1 for a failed test, 2 where no test was run: a skipped test is not a passed one. A rule set with errors is
refused, because its tests would be about half of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from rules_engine.cli.exit_codes import OK, PROBLEMS
from rules_engine.cli.paint import paint
from rules_engine.cli.rule_files import DEFAULT_PATHS, NothingFound, load_clean_rules_and_tests

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rules_engine.loader import RuleTest


@click.command("test", short_help="Run the tests of rules.")
@click.argument("paths", metavar="[PATHS]...", nargs=-1)
@click.option("-k", "name", metavar="NAME", help="Only tests with NAME in 'rule id / test name'.")
def command(paths: tuple[str, ...], name: str | None) -> int:
    """Run the tests of the rules under PATHS (default: rules), offline, with the engine that runs in Lambda.

    \b
    Examples:
      rules-engine test
      rules-engine test rules/orders.yaml -k shipped
    """
    from rules_engine.cli.report_tests import render_result, render_summary
    from rules_engine.rule_tests import Runner

    paths = paths or DEFAULT_PATHS
    rule_set, tests = load_clean_rules_and_tests(paths)
    chosen = _chosen(tests, name, paths)
    rules = {rule.id: rule for rule in rule_set.rules}
    results = list(Runner(rule_set).run(chosen))
    for result in results:
        click.echo(render_result(result, rules, paint), nl=False)
    click.echo(render_summary(results, paint), nl=False)
    if all(result.verdict == "skipped" for result in results):
        raise NothingFound("no test was run: all were skipped")
    return PROBLEMS if any(result.verdict == "failed" for result in results) else OK


def _chosen(tests: Sequence[RuleTest], name: str | None, paths: Sequence[str]) -> list[RuleTest]:
    """The tests to run. Raises NothingFound."""
    if not tests:
        raise NothingFound(f"no test in {', '.join(paths)}")
    chosen = [test for test in tests if name is None or name in test.full_name]
    if not chosen:
        raise NothingFound(f"none of {len(tests)} tests has '{name}' in its name")
    return chosen
