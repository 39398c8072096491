"""`rules-engine run`: events through the whole handler, here instead of in Lambda.

In: events in any of the forms of `records`, and a rule set without errors. Out: without `--dry-run` the
effects themselves, sent by the same `Function` that runs in Lambda, from the same bundle; with it, the
request of every action that would be performed, and nothing is sent or read from AWS. What the function
logs goes to stderr. An event that fails costs exit code 1, and the next one is tried: each is a batch of
its own.
"""

from __future__ import annotations

import os
import sys
from contextlib import nullcontext, redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from rules_engine.cli.exit_codes import OK, PROBLEMS
from rules_engine.cli.rule_files import NothingFound, count, load_clean_rules, rules_option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rules_engine.function import Function
    from rules_engine.model import RuleSet


@click.command("run", short_help="Put events through the whole handler.")
@rules_option
@click.argument("files", metavar="EVENTS...", nargs=-1, required=True, type=click.File(encoding="utf-8"))
@click.option("--dry-run", is_flag=True, help="Show what would be sent, and send nothing.")
@click.option("--format", "output", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(paths: tuple[str, ...], files: tuple[IO[str], ...], dry_run: bool, output: str) -> int:
    """Put EVENTS through the whole handler: really send what the rules say, or show it with --dry-run.

    EVENTS are files, or - for standard input: a Lambda event, a stream record or a plain pair of images, or
    one of these a line. AWS credentials, region and endpoints are found as boto3 always finds them.

    \b
    Examples:
      rules-engine run --dry-run event.json
      rules-engine run --rules rules event.json
      tail -n 20 records.ndjson | rules-engine run --dry-run --format json -
    """
    from rules_engine.cli.records import load_events, load_records

    rule_set = load_clean_rules(paths)
    nothing = NothingFound(f"no record in {', '.join(file.name for file in files)}")
    if dry_run:
        from rules_engine.cli.dry_run import show

        records = [record for file in files for record in load_records(file, rule_set)]
        if not records:
            raise nothing
        return show(rule_set, records, output)
    events = [event for file in files for event in load_events(file, rule_set)]
    if not events:
        raise nothing
    return _deliver(_function(rule_set), events, output)


def _function(rule_set: RuleSet) -> Function:
    """The function as Lambda would start it. Raises VariablesMissing, or SettingsError as in Lambda."""
    from tempfile import TemporaryDirectory

    from rules_engine import bundle
    from rules_engine.cli.environment import require_variables
    from rules_engine.function import Function
    from rules_engine.settings import Settings

    actions = [(rule, spec) for rule in rule_set.rules if rule.enabled for spec in rule.actions]
    require_variables(actions, os.environ)
    with TemporaryDirectory() as directory:
        path = Path(directory) / "bundle.json"
        path.write_bytes(bundle.dump(rule_set))
        # An answer that names the failed record is for us to read; there is no mapping that could ignore it.
        settings = replace(Settings.from_environment(os.environ), bundle=path, partial_batch=True)
        return Function.from_settings(settings, os.environ, log=_log)


def _log(line: str) -> None:
    click.echo(line, err=True)


def _deliver(function: Function, events: Sequence[Any], output: str) -> int:
    from rules_engine import exact_json
    from rules_engine.errors import RulesEngineError
    from rules_engine.record import parse_event

    # What an action writes to standard output must not stand in the middle of the document.
    effects = redirect_stdout(sys.stderr) if output == "json" else nullcontext()
    results: list[dict[str, Any]] = []
    for number, event in enumerate(events, start=1):
        try:
            records = len(parse_event(event))
            with effects:
                failures = function(event, None)["batchItemFailures"]
        except RulesEngineError as error:
            click.echo(f"Error: event {number}: {error}", err=True)
            results.append({"event": number, "error": str(error)})
            continue
        results.append({"event": number, "records": records, "batchItemFailures": failures})
        for failure in failures:
            text = (
                f"record {failure['itemIdentifier']} failed; in Lambda it and all after it would come again"
            )
            click.echo(f"Error: event {number}: {text}", err=True)
        if not failures and output == "text":
            click.echo(f"event {number}: {count(records, 'record')}, done")
    if output == "json":
        click.echo(exact_json.dumps({"version": 1, "events": results}))
    failed = any("error" in result or result["batchItemFailures"] for result in results)
    return PROBLEMS if failed else OK
