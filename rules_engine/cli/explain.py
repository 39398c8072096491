"""`rules-engine explain`: why each rule does or does not match a record.

In: one or more records in any of the forms of `records`, and a rule set without errors. Out: per record the
engine's own explanation, the engine being the one that runs in Lambda. A record that cannot be read is
reported on stderr and costs exit code 1, and the others are explained all the same.
"""

from __future__ import annotations

import sys
from typing import IO, TYPE_CHECKING

import click

from rules_engine.cli.exit_codes import OK, PROBLEMS
from rules_engine.cli.paint import paint
from rules_engine.cli.rule_files import (
    NothingFound,
    load_clean_rules,
    rule_option,
    rules_called,
    rules_option,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rules_engine.engine import Explanation
    from rules_engine.model import RuleSet
    from rules_engine.record import StreamRecord

    Explained = list[tuple[StreamRecord, list[Explanation]]]


@click.command("explain", short_help="Show why rules match a record, clause by clause.")
@click.argument("record", metavar="RECORD", type=click.File(encoding="utf-8"))
@rules_option
@rule_option
@click.option(
    "--expect",
    metavar="IDS",
    help="The rules that must match, separated by commas ('' for none); exit code 1 if others do.",
)
@click.option("--format", "output", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(
    record: IO[str], paths: tuple[str, ...], rule_ids: tuple[str, ...], expect: str | None, output: str
) -> int:
    """Show of each rule whether it matches RECORD, clause by clause, with the values read.

    Rules of other tables are counted; --rule shows them, too.

    RECORD is a file, or - for standard input: a stream record, a Lambda event with several, a dead letter
    (also as SQS or SNS wraps it, and Lambda's own with the records in it), a line of an archive that backtest
    reads, a plain pair of images like {"event": "MODIFY", "keys": {...}, "old": {...}, "new": {...}}, or one
    of these a line.

    \b
    Examples:
      rules-engine explain record.json
      rules-engine explain record.json --rule order-shipped
      rules-engine explain - --rules rules --expect order-shipped,big-order < record.json
    """
    rule_set = load_clean_rules(paths)
    expected = None if expect is None else [name for part in expect.split(",") if (name := part.strip())]
    rules_called(rule_set, [*rule_ids, *(expected or ())])
    explained, unreadable = _explain(record, rule_set)
    click.echo(_render(explained, rule_set, rule_ids, output), nl=False)
    for reason in unreadable:
        click.echo(f"Error: {reason}", err=True)
    matched = {
        explanation.rule_id
        for _, explanations in explained
        for explanation in explanations
        if explanation.outcome == "matched"
    }
    as_expected = expected is None or _compare(expected, matched)
    return PROBLEMS if unreadable or not as_expected else OK


def _explain(file: IO[str], rule_set: RuleSet) -> tuple[Explained, list[str]]:
    """The readable records with their explanations, and what is wrong with the others."""
    from rules_engine.cli.records import load_records
    from rules_engine.engine import Engine
    from rules_engine.record import MalformedRecord

    records = load_records(file, rule_set)
    if not records:
        raise NothingFound(f"no record in {file.name}")
    engine = Engine.from_rules(rule_set)
    explained: Explained = []
    unreadable = []
    for number, record in enumerate(records, start=1):
        if isinstance(record, MalformedRecord):
            unreadable.append(f"{file.name}: record {number} cannot be read: {record.reason}")
            continue
        explained.append((record, engine.explain(record)))
    return explained, unreadable


def _render(explained: Explained, rule_set: RuleSet, rule_ids: Sequence[str], output: str) -> str:
    """The report, of the rules asked for or, where none is, of all."""
    from rules_engine import exact_json
    from rules_engine.cli.report_explain import render_explanations, render_overview

    if rule_ids:
        explained = [
            (record, [entry for entry in explanations if entry.rule_id in rule_ids])
            for record, explanations in explained
        ]
    rules = {rule.id: rule for rule in rule_set.rules}
    if output == "json":
        from rules_engine.cli.explanation_json import VERSION, explanation_document

        documents = [explanation_document(record, explanations, rules) for record, explanations in explained]
        return exact_json.dumps({"version": VERSION, "records": documents}) + "\n"
    reports = [
        render_explanations(record, explanations, rules, paint, _columns(), fold=not rule_ids)
        for record, explanations in explained
    ]
    if len(reports) > 1:
        reports.append(render_overview([explanations for _, explanations in explained]))
    return "\n\n".join(reports)


def _columns() -> int:
    """How wide the terminal is; where there is none, what a report is made for."""
    if not sys.stdout.isatty():
        from rules_engine.cli.report_explain import WIDTH

        return WIDTH
    import shutil  # with every packer of archives

    return shutil.get_terminal_size().columns


def _compare(expected: Sequence[str], matched: set[str]) -> bool:
    """Whether exactly the expected rules matched at least one record; says on stderr what differs."""
    for rule_id in sorted(set(expected) - matched):
        click.echo(f"Error: '{rule_id}' was expected to match, and did not", err=True)
    for rule_id in sorted(matched - set(expected)):
        click.echo(f"Error: '{rule_id}' matched, and was not expected to", err=True)
    return set(expected) == matched
