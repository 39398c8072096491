"""`rules-engine dev`: the rules on a local stack of real servers.

In: a rule set. Out: with `--once` the demo scenario and whether everything it owes was read back; otherwise
the stack stays up, writes sample changes, shows matches and deliveries, and takes saved rule files at once,
until Ctrl-C. It needs the extra `local`; nothing leaves the machine.
"""

from __future__ import annotations

import click

from rules_engine.cli.rule_files import load_clean_rules, rules_option


@click.command("dev", short_help="Run the rules on a local stack.")
@rules_option
@click.option("--once", is_flag=True, help="Play the scenario of the example rules, check it, stop.")
def command(paths: tuple[str, ...], once: bool) -> int:
    """Run the rules on a local stack: a DynamoDB-compatible server with streams, topics and queues, a webhook
    receiver, and the function behind the stream. No AWS account and no containers are needed.

    It needs more packages: pip install 'dynamodb-rules-engine[local]'

    \b
    Examples:
      rules-engine dev
      rules-engine dev --rules rules --once
    """
    # First: rules with errors are shown here as everywhere, before any server starts.
    load_clean_rules(paths)

    from rich.console import Console

    from rules_engine.local.demo import run_demo
    from rules_engine.local.dev import run_dev

    return run_demo(paths, Console()) if once else run_dev(paths, Console())
