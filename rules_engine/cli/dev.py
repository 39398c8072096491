"""`rules-engine dev`: the rules on a local stack of real servers.

In: a rule set. Out: the changes of the rules' own tests made for real, and what was read back of every
delivery; with `--once` that is all, and the exit code says whether it was everything. Otherwise the stack
stays up, takes saved rule files at once and changes that are typed, until Ctrl-C. It needs the extra `local`;
nothing leaves the machine.
"""

from __future__ import annotations

import click

from rules_engine.cli.rule_files import load_clean_rules, rules_option


@click.command("dev", short_help="Run the rules on a local stack.")
@rules_option
@click.option("--once", is_flag=True, help="Play the rules' tests once, read every delivery back, stop.")
def command(paths: tuple[str, ...], once: bool) -> int:
    """Run the rules on a local stack: a DynamoDB-compatible server with streams, topics and queues, a webhook
    receiver, and the function behind the streams. No AWS account and no containers are needed.

    The stack is made for the rules: their tables, topics, secrets and webhook hosts all become local ones,
    and no request leaves this machine. The changes are those of the rules' own tests, made in real tables;
    each is shown with the rules that match it and with what was read back from their targets. Variables that
    only insert text are taken from the environment.

    While it runs, type changes of your own: put TABLE {item as JSON}, delete TABLE {key as JSON}; help says
    more. They may as well come from a pipe or a file, line by line.

    With --once the exit code is 0 only if every delivery that the tests and rules ask for was read back, and
    nothing else arrived.

    It needs more packages: pip install 'dynamodb-rules-engine[local]'

    \b
    Examples:
      rules-engine dev
      rules-engine dev --rules rules --once
      echo 'put orders {"order_id": "o-1", "total": 12.50}' | rules-engine dev
    """
    # First: rules with errors are shown here as everywhere, before any server starts.
    load_clean_rules(paths)

    import sys

    from rich.console import Console

    from rules_engine.local.dev import run_dev
    from rules_engine.local.once import run_once
    from rules_engine.local.typed_lines import TypedLines

    if once:
        return run_once(paths, Console())
    # There may be no standard input at all.
    typed = None if sys.stdin is None else TypedLines(sys.stdin.fileno())
    return run_dev(paths, Console(), typed=typed)
