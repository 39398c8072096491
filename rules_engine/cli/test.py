"""`rules-engine test`: the rules' own tests, run with what runs in Lambda.

In: paths, as `validate` takes them. Out: the failing tests and a summary on stdout, or a document. Exit code
1 for a failed test, too little coverage or a change that no test notices, 2 where no test was run: a skipped
test is not a passed one. A rule set with errors is refused, because its tests would be about half of it. The
documents say so, too: a report of an earlier run that stayed would pass for one of this.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from rules_engine.cli.exit_codes import OK
from rules_engine.cli.formats import TEXT, Output, format_option, write
from rules_engine.cli.paint import paint
from rules_engine.cli.report_tests import render_error, render_run
from rules_engine.cli.repository import path_in_repository, repository_root
from rules_engine.cli.rule_files import DEFAULT_PATHS, NothingFound, RulesRefused, load_clean_rules_and_tests
from rules_engine.cli.rule_test_run import CoverageRun, MutationRun, Refusal, RuleTestRun

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from rules_engine.errors import Location
    from rules_engine.loader import RuleTest
    from rules_engine.model import Rule
    from rules_engine.rule_tests.mutation import Survivor
    from rules_engine.source import Node


class Request(NamedTuple):
    """What to run: the tests with `name` in theirs, and beside them what was asked for."""

    paths: Sequence[str]
    name: str | None = None
    coverage: bool = False
    minimum: float | None = None
    mutate: bool = False
    strict: bool = False


@click.command("test", short_help="Run the tests of rules.")
@click.argument("paths", metavar="[PATHS]...", nargs=-1)
@click.option("-k", "name", metavar="NAME", help="Only tests with NAME in 'rule id / test name'.")
@click.option("--coverage", is_flag=True, help="Show which outcomes of conditions no test has seen.")
@click.option(
    "--min-coverage",
    "minimum",
    metavar="PERCENT",
    type=click.FloatRange(0, 100),
    help="Fail if tests have seen less than this of all outcomes.",
)
@click.option("--mutate", is_flag=True, help="Change the conditions, and fail if no test notices a change.")
@click.option("--strict", is_flag=True, help="Let warnings count as failures for the exit code.")
@click.option("--watch", is_flag=True, help="Run them again whenever a file is saved, until Ctrl-C.")
@format_option(TEXT, "json", "junit", "github")
def command(
    paths: tuple[str, ...],
    name: str | None,
    coverage: bool,
    minimum: float | None,
    mutate: bool,
    strict: bool,
    watch: bool,
    outputs: tuple[Output, ...],
) -> int:
    """Run the tests of the rules under PATHS (default: rules), offline, with the engine that runs in Lambda.

    A failed test shows each clause with the values it read, or where a request differs.

    \b
    Examples:
      rules-engine test
      rules-engine test rules/orders.yaml -k shipped
      rules-engine test --min-coverage 90 --format junit=report.xml
      rules-engine test --mutate
      rules-engine test --watch
    """
    request = Request(paths or DEFAULT_PATHS, name, coverage or minimum is not None, minimum, mutate, strict)
    if watch:
        from rules_engine.cli.watch import moments

        with suppress(KeyboardInterrupt):
            watch_tests(request, outputs, moments())
        return OK
    run = _run(request)
    for output in outputs:
        _show(run, output)
    return run.exit_code


def watch_tests(request: Request, outputs: Sequence[Output], looks: Iterable[None]) -> None:
    """Runs and shows the tests at once, and again whenever one of their files is saved."""
    from rules_engine.cli.watch import run_on_save
    from rules_engine.loader import find_files

    record_files: set[str] = set()

    def run() -> None:
        if sys.stdout.isatty():
            click.clear()
        found = _run(request)
        record_files.update(path for each in found.results if (path := each.test.record_path) is not None)
        for output in outputs:
            _show(found, output)
        click.echo("waiting for a file to be saved; Ctrl-C ends", err=True)

    run_on_save(run, lambda: [*find_files(request.paths), *record_files], looks)


def _run(request: Request) -> RuleTestRun:
    """What came of it, or why nothing could."""
    try:
        return _run_tests(request)
    except RulesRefused as error:
        refusal = Refusal(error.message, error.exit_code, error.problems)
    except NothingFound as error:
        refusal = Refusal(error.message, error.exit_code)
    return RuleTestRun((), {}, refusal=refusal)


def _run_tests(request: Request) -> RuleTestRun:
    """Raises RulesRefused and NothingFound."""
    from rules_engine.cli.progress import progress
    from rules_engine.rule_tests import Runner
    from rules_engine.rule_tests.repetition import warn_of_doubles

    with progress(sys.stderr, "checking rule files") as track:
        rule_set, tests = load_clean_rules_and_tests(request.paths, track)
    chosen = _chosen(tests, request)
    with progress(sys.stderr, "running tests") as track:
        runner = Runner(rule_set)
        results = warn_of_doubles(runner, runner.run(track(chosen)))
    about = {test.rule_id for test in chosen}
    rules = [rule for rule in rule_set.rules if request.name is None or rule.id in about]
    passed = all(result.verdict != "failed" for result in results)
    return RuleTestRun(
        results,
        {rule.id: rule for rule in rule_set.rules},
        _cover(rules, chosen, request.minimum) if request.coverage else None,
        _mutate(rules, chosen) if request.mutate and passed else None,
        request.strict,
    )


def _chosen(tests: Sequence[RuleTest], request: Request) -> list[RuleTest]:
    """The tests to run. Raises NothingFound."""
    name = request.name
    if not tests:
        raise NothingFound(f"no test in {', '.join(request.paths)}")
    chosen = [test for test in tests if name is None or name in test.full_name]
    if not chosen:
        raise NothingFound(f"none of {len(tests)} tests has '{name}' in its name")
    return chosen


def _cover(rules: Sequence[Rule], tests: Sequence[RuleTest], minimum: float | None) -> CoverageRun:
    from rules_engine.rule_tests.coverage import cover

    return CoverageRun(cover(rules, tests), minimum)


def _mutate(rules: Sequence[Rule], tests: Sequence[RuleTest]) -> MutationRun:
    from rules_engine.cli.progress import progress
    from rules_engine.rule_tests.cases import cases_by_rule
    from rules_engine.rule_tests.mutation import mutate

    cases = cases_by_rule(rules, tests)
    with progress(sys.stderr, "changing conditions") as track:
        found = list(mutate(track(rules), cases))
    survivors = [survivor for each in found for survivor in each.survivors]
    left_out = [rule_id for rule_id, of_rule in cases.items() if not of_rule]
    return MutationRun(sum(each.tried for each in found), _located(survivors, rules), left_out)


def _located(survivors: Sequence[Survivor], rules: Sequence[Rule]) -> list[tuple[Survivor, Location]]:
    """Each with the place of what was changed, or of its rule if the file has changed meanwhile."""
    from rules_engine.loader.places import condition_at, read_tree

    places = {rule.id: rule.location for rule in rules}
    trees: dict[str, Node | None] = {}
    located = []
    for survivor in survivors:
        place = places[survivor.rule_id]
        assert place is not None
        if place.path not in trees:
            trees[place.path] = read_tree(place.path)
        root = trees[place.path]
        node = None if root is None else condition_at(root, survivor.rule_id, survivor.clause)
        if node is not None:
            start, end, _ = survivor.mutant
            place = node.locate(start, end - start)
        located.append((survivor, place))
    return located


def _show(run: RuleTestRun, output: Output) -> None:
    current = Path.cwd()
    root = repository_root(os.environ, current)
    in_repository = partial(path_in_repository, root=root, current=current)
    if output == Output(TEXT):
        click.echo(render_run(run, paint), nl=False)
        click.echo(render_error(run, paint), err=True, nl=False)
        return
    write(output, _document(run, output.format, in_repository))
    if output.format == "github":
        from rules_engine.cli.job_summary import append_summary
        from rules_engine.cli.report_tests_github import render_summary

        append_summary(partial(render_summary, run, in_repository, os.environ))


def _document(run: RuleTestRun, name: str, in_repository: Callable[[str], str]) -> str:
    """What a format makes of it. Each is imported only where it is asked for."""
    match name:
        case "json":
            from rules_engine.cli.report_tests_json import render_json

            return render_json(run)
        case "junit":
            from rules_engine.cli.report_tests_junit import render_junit

            return render_junit(run)
        case "github":
            from rules_engine.cli.report_tests_github import render_github

            return render_github(run, in_repository)
        case _:
            return render_run(run) + render_error(run)
