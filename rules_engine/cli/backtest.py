"""`rules-engine backtest`: which rules would have fired on archived changes.

In: archives, and a rule set without errors; with `--against` also the rule set of a git revision. Out: for
each rule how many changes it matches, or of each rule that decides differently which changes those are.
Nothing is sent. What cannot be read is reported on stderr and costs exit code 1; the rest counts all the
same.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from rules_engine.cli.aws_errors import SourceUnusable, aws_errors, refusal
from rules_engine.cli.exit_codes import OK, PROBLEMS
from rules_engine.cli.paint import paint
from rules_engine.cli.rule_files import (
    NothingFound,
    load_clean_rules,
    only_table,
    rule_option,
    rules_called,
    rules_option,
)
from rules_engine.model import RuleSet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rules_engine.backtest.decisions import Backtest


@click.command("backtest", short_help="Put archived changes through the rules.")
@rules_option
@click.argument("sources", metavar="SOURCES...", nargs=-1, required=True)
@click.option(
    "--against", metavar="REF", help="Show what the rules of this git revision decided differently."
)
@rule_option
@click.option("--table", metavar="NAME", help="The table of changes that name none.")
@click.option(
    "--most",
    type=click.IntRange(min=0),
    default=10,
    show_default=True,
    help="Show so many changes of each kind for a rule.",
)
@click.option(
    "--exit-code", "as_exit_code", is_flag=True, help="With --against: exit with 1 if a decision differs."
)
@click.option("--format", "output", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(
    paths: tuple[str, ...],
    sources: tuple[str, ...],
    against: str | None,
    rule_ids: tuple[str, ...],
    table: str | None,
    most: int,
    as_exit_code: bool,
    output: str,
) -> int:
    """Put the changes in SOURCES through the rules, and count what each rule matches; with --against show
    only decisions that differ between two versions of the rules. Nothing is sent.

    A source is a file, a directory, s3://bucket/prefix, or - for standard input, packed with gzip or not. It
    holds stream records, Lambda events, the changes that actions send where a rule names no payload, what
    Firehose archives of a table's Kinesis data stream, or an incremental export of a table. --rule also lists
    the changes that the rule matches.

    \b
    Examples:
      rules-engine backtest archive/2026/11
      rules-engine backtest --rule order-shipped --most 100 archive/2026/11
      rules-engine backtest --against origin/main s3://my-archive/orders/2026/11/
      rules-engine backtest --table orders s3://my-exports/AWSDynamoDB/data/
    """
    from rules_engine.backtest.decisions import Backtest

    if as_exit_code and against is None:
        raise click.UsageError("--exit-code asks for decisions that differ: give --against.")
    rule_set = load_clean_rules(paths)
    before = None if against is None else _rules_before(against, paths)
    rules_called(RuleSet((*rule_set.rules, *(before or RuleSet()).rules)), rule_ids)
    backtest = Backtest(rule_set, before, _renamed(before, rule_set), most)
    _read(backtest, sources, table or only_table(rule_set))
    if not backtest.changes and not backtest.unreadable:
        raise NothingFound(f"no change in {', '.join(sources)}")
    click.echo(_render(backtest, against, rule_ids, output), nl=False)
    for place, reason in backtest.first_unreadable:
        click.echo(f"Error: {place}: {reason}", err=True)
    if backtest.unreadable > len(backtest.first_unreadable):
        others = backtest.unreadable - len(backtest.first_unreadable)
        click.echo(f"Error: {others} more cannot be read", err=True)
    differs = as_exit_code and any(each.has_changed for each in backtest.decisions_of(rule_ids))
    return PROBLEMS if backtest.unreadable or differs else OK


def _rules_before(revision: str, paths: Sequence[str]) -> RuleSet:
    from rules_engine.cli.git_rules import rules_at

    return rules_at(revision, paths)


def _renamed(before: RuleSet | None, rule_set: RuleSet) -> dict[str, str]:
    """The id before by the id now."""
    if before is None:
        return {}
    from rules_engine.cli.rule_changes import changes_between

    return {
        change.after.id: change.before.id
        for change in changes_between(before, rule_set).rules
        if change.kind == "renamed" and change.after is not None and change.before is not None
    }


def _read(backtest: Backtest, sources: Sequence[str], table: str | None) -> None:
    """Puts every change of the sources into the backtest. Raises SourceUnusable and NothingFound."""
    from rules_engine.aws import Clients
    from rules_engine.backtest.archive import Unreadable, documents_in, pieces_of
    from rules_engine.cli.progress import progress

    clients = Clients()
    for source in sources:
        try:
            pieces = list(pieces_of(source, clients.client))
            with progress(sys.stderr, f"reading {source}") as track:
                for piece in track(pieces):
                    for place, document in documents_in(piece):
                        if isinstance(document, Unreadable):
                            backtest.refuse(place, document.reason)
                        else:
                            _take(backtest, place, document, table)
        except FileNotFoundError as error:
            raise NothingFound(f"{source}: there is no such file or directory") from error
        except aws_errors() as error:
            raise SourceUnusable(refusal(f"read {source}", error)) from error


def _take(backtest: Backtest, place: str, document: Any, table: str | None) -> None:
    from rules_engine.backtest.changes import records_of
    from rules_engine.errors import RecordError
    from rules_engine.record import MalformedRecord

    try:
        for record in records_of(document, table):
            if isinstance(record, MalformedRecord):
                backtest.refuse(place, record.reason)
            else:
                backtest.take(place, record)
    except RecordError as error:
        backtest.refuse(place, str(error))


def _render(backtest: Backtest, against: str | None, rule_ids: Sequence[str], output: str) -> str:
    if output == "json":
        from rules_engine.cli.backtest_json import backtest_document
        from rules_engine.cli.json_document import render_document

        return render_document(backtest_document(backtest, against, rule_ids))
    from rules_engine.cli.report_backtest import render_backtest

    return render_backtest(backtest, against, rule_ids, paint)
