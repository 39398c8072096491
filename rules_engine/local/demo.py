"""The demo: changes of real orders, through the deployed function, to real targets, read back.

`run_demo(rules_paths, console)` plays the scenario on a local stack that runs the given rules and shows for
every change which rule and action owed a delivery and whether that was found. The result is an exit code: 0
only if everything owed was read back from its target with the content the scenario says, and nothing else
was there. A delivery that came twice is no failure: the promise is at least once.

`python -m rules_engine.local.demo` plays it on `rules/orders`. Its expectations are written by hand and for
these rules alone, which makes them a second opinion on the engine; `rules-engine dev --once` plays any rules,
by their own tests.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from rules_engine.exact_json import dumps
from rules_engine.local.loading import load_rule_set
from rules_engine.local.ministack import require_local_extra
from rules_engine.local.play import play, wait_until
from rules_engine.local.scenario import CHANGES, EXPIRY
from rules_engine.local.stack import LocalStack, exit_on_termination

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rich.console import Console

    from rules_engine.local.effect import Effect
    from rules_engine.local.play import Played

DEADLINE_SECONDS = 45.0
"""About 3 s are usual; a machine busy with other work gets its time."""


def run_demo(
    rules_paths: Sequence[str | Path], console: Console, deadline_seconds: float = DEADLINE_SECONDS
) -> int:
    """0 if every delivery was read back and nothing else arrived, else 1."""
    require_local_extra()
    rule_set = load_rule_set(rules_paths, console)
    if rule_set is None:
        return 1
    started = time.monotonic()
    with (
        exit_on_termination(),
        console.status("starting the local stack") as status,
        LocalStack(rule_set) as stack,
    ):
        console.print(
            f"[bold]The local stack is up[/]: AWS services at {stack.aws.endpoint_url}, the function package "
            "behind the stream of table 'orders', a topic with a queue, a history table, and a webhook "
            "receiver that checks signatures.\n"
        )
        status.update("changing orders and waiting for deliveries")
        played = play(stack)
        wait_until(lambda: not played.missing(stack.effects()) and stack.is_idle(), deadline_seconds)
        arrived, log = stack.effects(), stack.function_log
    console.print(_findings_table(played, arrived))
    console.print(
        "* The local server's time to live writes no records: this one was handed to the function.\n",
        style="dim",
    )
    return _verdict(console, played, arrived, log, time.monotonic() - started)


def _findings_table(played: Played, arrived: Sequence[Effect]) -> Table:
    table = Table("change", "rule", "action", "read back", box=None, padding=(0, 1, 0, 0))
    clean = not played.unexpected(arrived)
    for change in (*CHANGES, EXPIRY):
        label = change.label
        for expectation in played.expectations:
            if expectation.change is change:
                owed = expectation.owed
                table.add_row(label, owed.rule_id, owed.action_id, _outcome(expectation.effect, arrived))
                label = ""
        if not change.owes:
            nothing = Text("ok: nothing", style="green") if clean else Text("see below", style="red")
            table.add_row(label, "none", "", nothing)
    return table


def _outcome(effect: Effect, arrived: Sequence[Effect]) -> Text:
    if effect in arrived:
        return Text(f"ok: {effect.place}", style="green")
    return Text(f"MISSING {effect.place}", style="bold red")


def _verdict(console: Console, played: Played, arrived: Sequence[Effect], log: str, seconds: float) -> int:
    missing, unexpected = played.missing(arrived), played.unexpected(arrived)
    for expectation in missing:
        _print_effect(console, f"missing for '{expectation.change.label}'", expectation.effect)
    for effect in unexpected:
        _print_effect(console, "arrived, though nothing asked for it", effect)
    expected = len(played.expectations)
    summary = (
        f"{expected - len(missing)} of {expected} deliveries read back from their targets, "
        f"{len(unexpected)} unexpected, in {seconds:.1f} s."
    )
    failed = bool(missing or unexpected)
    console.print(Text(summary, style="bold red" if failed else "bold green"))
    if failed:
        console.print(Text("\n".join(["The function's log ends with:", *log.splitlines()[-20:]])))
    return 1 if failed else 0


def _print_effect(console: Console, what: str, effect: Effect) -> None:
    console.print(Text(f"{what}, {effect.place}: {dumps(effect.content)}", style="red"))


if __name__ == "__main__":
    from rich.console import Console

    sys.exit(run_demo(sys.argv[1:] or ["rules/orders"], Console()))
