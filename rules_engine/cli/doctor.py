"""`rules-engine doctor`: what is wrong with a deployed function, each finding with what to do about it.

It only looks. Exit code 1 where something was found, so that it can stand in a schedule.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from rules_engine.cli.aws_options import function_of_stack, stack_option, versions_of
from rules_engine.cli.exit_codes import OK, PROBLEMS
from rules_engine.cli.paint import paint
from rules_engine.cli.rule_files import count, load_clean_rules

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rules_engine.deploy.deployed import Deployed
    from rules_engine.deploy.doctor import Finding


@click.command("doctor", short_help="Check a deployed function.")
@stack_option(required=False)
@click.option("--function", "function_name", metavar="NAME", help="The function, where there is no stack.")
@click.option(
    "--rules",
    "paths",
    metavar="PATH",
    multiple=True,
    help="Say so if these are not the rules in service; may be given several times.",
)
@click.option("--format", "output", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(stack_name: str | None, function_name: str | None, paths: tuple[str, ...], output: str) -> int:
    """Check a deployed function: its mappings and their filters, the streams, who else reads them, queue,
    bucket and state table, its role, its version, its log.

    Nothing is changed. Exit code 1 if anything is wrong.

    \b
    Examples:
      rules-engine doctor --stack order-rules
      rules-engine doctor --function order-rules --rules rules --format json
    """
    from rules_engine import bundle
    from rules_engine.aws import Clients
    from rules_engine.cli.progress import progress
    from rules_engine.deploy.deployed import deployed
    from rules_engine.deploy.doctor import CHECKS, Examined, examine

    if (stack_name is None) == (function_name is None):
        raise click.UsageError("Give --stack or --function.")
    local = bundle.digest(load_clean_rules(paths)) if paths else None
    clients = Clients()
    versions = versions_of(clients, function_name or function_of_stack(clients, str(stack_name)))
    function = deployed(clients.client("lambda"), versions)
    newest = versions.all()[-1:] or [function.live]
    examined = Examined(clients.client, function, newest[0], datetime.now(UTC).date(), local)
    with progress(sys.stderr, "examining") as track:
        findings = examine(examined, track)
    if output == "json":
        click.echo(_json(function, findings))
    else:
        for finding in findings:
            click.echo(_text(finding))
        rules = f"version {function.live.number} of '{function.name}', rules {function.rules.sha256[:16]}"
        result = count(len(findings), "finding") if findings else "nothing found"
        click.echo(f"{rules}: {count(len(CHECKS), 'check')}, {result}")
    return PROBLEMS if findings else OK


def _text(finding: Finding) -> str:
    return (
        f"{paint(finding.check, 'error')}: {finding.what}\n"
        f"  at {paint(finding.where, 'place')}\n"
        f"  {paint('=', 'hint')} do: {finding.remedy}"
    )


def _json(function: Deployed, findings: Sequence[Finding]) -> str:
    from rules_engine import exact_json

    return exact_json.dumps(
        {
            "version": 1,
            "function": function.name,
            "function_version": function.live.number,
            "rules_sha256": function.rules.sha256,
            "findings": [each._asdict() for each in findings],
        }
    )
