"""`run_dev`: the local stack stays up, shows what happens on it, and takes every saved rule file at once.

The rules' own tests are played at the start and after each reload. Changes of your own are typed as lines
(see `typed_line`), or made with any other client of the local server. Each change is shown with the rules
that match it and with what was read back of their deliveries. A saved rule file is checked and replaces the
function's rules; where it has errors, the old ones stay. Rules that need other tables, targets or secrets
than there are get a new stack.
"""

from __future__ import annotations

import contextlib
import os
import threading
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from rules_engine.loader import find_files
from rules_engine.loader.files import file_states
from rules_engine.local.loading import load_rule_set
from rules_engine.local.ministack import LocalStackError, require_local_extra
from rules_engine.local.report import Report, count
from rules_engine.local.session import Session
from rules_engine.local.stack import LocalStack, exit_on_termination
from rules_engine.local.typed_line import (
    DELETE,
    PUT,
    TypedChange,
    TypedLineError,
    Wish,
    help_lines,
    parse_line,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rich.console import Console

    from rules_engine.local.typed_lines import TypedLines
    from rules_engine.model import RuleSet

LOOK_SECONDS = 0.5
"""One look at files, streams, targets and typed lines in this time."""

_NO_CHANGE = {PUT: "the item is so already", DELETE: "there is no such item"}


def run_dev(
    rules_paths: Sequence[str | Path],
    console: Console,
    stop: threading.Event | None = None,
    typed: TypedLines | None = None,
) -> int:
    """Runs until Ctrl-C, a typed `quit` or `stop`, then 0; 1 if the rules cannot be used to begin with."""
    require_local_extra()
    rule_set = load_rule_set(rules_paths, console)
    if rule_set is None:
        return 1
    loop = _DevLoop(rules_paths, console, stop or threading.Event(), typed)
    with exit_on_termination(), contextlib.suppress(KeyboardInterrupt):
        while rule_set is not None:
            rule_set = loop.run(rule_set)
    return 0


class _DevLoop:
    """One stack after the other, as the saved rules need them."""

    def __init__(
        self,
        rules_paths: Sequence[str | Path],
        console: Console,
        stop: threading.Event,
        typed: TypedLines | None,
    ) -> None:
        self._rules_paths = rules_paths
        self._console = console
        self._report = Report(console)
        self._stop = stop
        self._typed = typed
        self._quits = False
        self._saved = self._file_states()

    def run(self, rule_set: RuleSet) -> RuleSet | None:
        """Keeps a stack for `rule_set` up. The rules that need another stack; None at the end."""
        with LocalStack(rule_set, os.environ) as stack:
            self._report.greet(stack)
            self._report.invite(stack)
            session = self._play(stack)
            shown = 0
            while not self._stop.wait(LOOK_SECONDS):
                if self._is_saved():
                    new_rules = load_rule_set(self._rules_paths, self._console)
                    if new_rules is None:
                        self._report.line("rules", "the old rules stay", style="yellow")
                    elif not self._take(stack, new_rules, rule_set):
                        return new_rules
                    else:
                        rule_set, session, shown = new_rules, self._play(stack), 0
                for line in self._typed.taken() if self._typed is not None else ():
                    self._obey(line, session, stack)
                idle = stack.is_idle()
                session.look()
                for line in session.skip_failed():
                    self._report.line("function", line, style="red")
                # Where rules write to a table they watch, a write of the developer looks like one of theirs.
                wrong = [each for each in session.unexpected() if each.name not in stack.plan.chained]
                self._report.unexpected(wrong[shown:])
                shown = len(wrong)
                # What was typed before is shown first.
                if self._quits and idle and session.is_settled:
                    break
        return None

    def _play(self, stack: LocalStack) -> Session:
        session = Session(stack, self._report.change)
        session.play(stack.samples, lambda: not self._stop.is_set() and self._saved == self._file_states())
        return session

    def _take(self, stack: LocalStack, new_rules: RuleSet, old_rules: RuleSet) -> bool:
        """Whether this stack goes on, with the new rules if it can run them and else with the old ones."""
        try:
            if not stack.replace_rules(new_rules):
                self._report.line("rules", "other tables, targets or secrets: a new stack", style="green")
                return False
        except LocalStackError as error:
            self._report.line("rules", f"{error}; the old rules stay", style="red")
            stack.replace_rules(old_rules)
        else:
            self._report.line("rules", f"reloaded, {count(len(new_rules.rules), 'rule')}", style="green")
        return True

    def _obey(self, line: str, session: Session, stack: LocalStack) -> None:
        """What somebody typed: its effects are shown as those of any other change."""
        try:
            typed = parse_line(line, stack.plan.sources)
            if isinstance(typed, TypedChange) and not session.change(typed):
                self._report.line("typed", "no change: " + _NO_CHANGE[typed.verb], style="yellow")
        except (TypedLineError, BotoCoreError, ClientError) as error:
            self._report.line("typed", str(error), style="red")
            return
        if typed is Wish.HELP:
            for text in help_lines(stack.plan.sources):
                self._report.line("help", text)
        elif typed is Wish.QUIT:
            self._quits = True

    def _is_saved(self) -> bool:
        states = self._file_states()
        saved, self._saved = states != self._saved, states
        return saved

    def _file_states(self) -> dict[str, tuple[int, int]]:
        return file_states(find_files(self._rules_paths))
