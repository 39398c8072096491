"""`run_once`: the rules' own tests played once on a local stack, every delivery read back, then all is over.

Out: 0 only if every test's change was made, every delivery that it owes was read back from its target, and
nothing else arrived; else 1. A rule set without any test is 1 too: nothing was proved. A delivery that came
twice is no failure, the promise is at least once.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from rich.text import Text

from rules_engine.local.loading import load_rule_set
from rules_engine.local.ministack import require_local_extra
from rules_engine.local.report import Report, count
from rules_engine.local.session import Session
from rules_engine.local.stack import LocalStack, exit_on_termination

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rich.console import Console


def run_once(rules_paths: Sequence[str | Path], console: Console) -> int:
    """The exit code; see the module."""
    require_local_extra()
    rule_set = load_rule_set(rules_paths, console)
    if rule_set is None:
        return 1
    started = time.monotonic()
    report = Report(console)
    with exit_on_termination(), LocalStack(rule_set, os.environ) as stack:
        report.greet(stack)
        session = Session(stack, report.change)
        session.play(stack.samples)
        session.look()
        unexpected = session.unexpected()
        report.unexpected(unexpected)
        for sample in session.lost:
            report.line("MISSING", f"the record of '{sample.test}' ({sample.rule_id})", style="bold red")
        failures = stack.failures
    not_played = len(session.lost) + sum(" cannot be played: " in note for note in stack.notes)
    found = f"{report.deliveries - report.missing} of {report.deliveries}"
    summary = (
        f"{count(report.changes, 'change')}, {found} deliveries "
        f"read back from their targets, {len(unexpected)} unexpected, in {time.monotonic() - started:.1f} s."
    )
    failed = bool(report.missing or unexpected or not_played or not stack.samples)
    console.print(Text(summary, style="bold red" if failed else "bold green"), soft_wrap=True)
    if not stack.samples:
        console.print("No rule has a test, so there was nothing to play.")
    if failed and failures:
        console.print(Text("\n".join(["The function's own words:", *failures[-5:]])), soft_wrap=True)
    return 1 if failed else 0
