"""`run_dev`: the local stack stays up, shows what happens on it, and takes every saved rule file at once.

A round of sample changes is written at the start and after each reload, and you may write to the orders table
yourself. Each change of the stream is printed with the rules that match it, each effect when it is found at
its target. A saved rule file is checked and replaces the function's rules; where it has errors, the old ones
stay. Lines, not a full-screen view: they can be scrolled, copied and piped.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.text import Text

from rules_engine.engine import Engine
from rules_engine.exact_json import dumps
from rules_engine.loader import find_files
from rules_engine.local.demo import PLACES, load_rule_set
from rules_engine.local.ministack import REGION, LocalStackError, require_local_extra
from rules_engine.local.scenario import CHANGES
from rules_engine.local.stack import ORDERS_TABLE, LocalStack, exit_on_termination
from rules_engine.record import parse_record
from rules_engine.template import references

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import Console

    from rules_engine.local.scenario import Change
    from rules_engine.model import RuleSet

LOOK_SECONDS = 0.5
"""One sample change, and one look at files, stream and targets, in this time."""


def run_dev(rules_paths: Sequence[str | Path], console: Console, stop: threading.Event | None = None) -> int:
    """Runs until Ctrl-C or `stop`, then 0; 1 if the rules cannot be used to begin with."""
    require_local_extra()
    rule_set = load_rule_set(rules_paths, console)
    if rule_set is None:
        return 1
    stop = stop or threading.Event()
    with (
        exit_on_termination(),
        contextlib.suppress(KeyboardInterrupt),
        LocalStack(rule_set, _variables_of_the_shell(rule_set)) as stack,
    ):
        session = DevSession(stack, rule_set, rules_paths, console)
        session.greet()
        while not stop.wait(LOOK_SECONDS):
            session.look()
    return 0


def _variables_of_the_shell(rule_set: RuleSet) -> dict[str, str]:
    """What the rules name by `${NAME}` and the shell that started us has; the stack's own come before."""
    names = {
        reference.name
        for rule in rule_set.rules
        for action in rule.actions
        for reference in references(action.config)
        if reference.kind == "env"
    }
    return {name: os.environ[name] for name in names if name in os.environ}


def sample_round(number: int) -> list[Change]:
    """The demo's changes, with orders of this round's own."""
    return [
        replace(
            change,
            order_id=f"{change.order_id}.{number}",
            new=change.new and {**change.new, "order_id": f"{change.order_id}.{number}"},
        )
        for change in CHANGES
    ]


class DevSession:
    """What has been seen so far; `look` shows what is new."""

    def __init__(
        self, stack: LocalStack, rule_set: RuleSet, rules_paths: Sequence[str | Path], console: Console
    ) -> None:
        self._stack = stack
        self._rules_paths = rules_paths
        self._console = console
        self._rule_set = rule_set
        self._engine = Engine.from_rules(rule_set)
        self._saved = self._file_states()
        self._records_seen = 0
        self._effects_seen: set[str] = set()
        self._rounds = 1
        self._to_make = sample_round(1)

    def greet(self) -> None:
        self._show(
            "stack",
            f"up with {len(self._rule_set.rules)} rules behind the stream of table '{ORDERS_TABLE}' at "
            f"{self._stack.aws.endpoint_url}",
        )
        self._show("stack", "save a rule file to reload it, press Ctrl-C to stop; to make a change yourself:")
        self._show(
            "stack",
            f"aws dynamodb put-item --endpoint-url {self._stack.aws.endpoint_url} --region {REGION} "
            f"--table-name {ORDERS_TABLE} "
            """--item '{"order_id": {"S": "mine"}, "status": {"S": "SHIPPED"}}'""",
        )

    def look(self) -> None:
        """One look at files, table and targets."""
        states = self._file_states()
        if states != self._saved:
            self._saved = states
            self._reload()
        if self._to_make:
            self._make(self._to_make.pop(0))
        self._show_changes()
        self._show_effects()

    def _file_states(self) -> dict[str, tuple[int, int]]:
        """Time and size of every rule file: a save changes one of them."""
        states = {}
        for path in find_files(self._rules_paths):
            with contextlib.suppress(FileNotFoundError):  # an editor may be replacing it
                found = Path(path).stat()
                states[str(path)] = (found.st_mtime_ns, found.st_size)
        return states

    def _reload(self) -> None:
        rule_set = load_rule_set(self._rules_paths, self._console)
        if rule_set is None:
            self._show("rules", "the old rules stay", style="yellow")
            return
        try:
            self._stack.replace_rules(rule_set)
        except LocalStackError as error:
            self._show("rules", f"{error}; the old rules stay", style="red")
            self._stack.replace_rules(self._rule_set)
            return
        self._rule_set, self._engine = rule_set, Engine.from_rules(rule_set)
        self._rounds += 1
        self._to_make = sample_round(self._rounds)
        self._show("rules", f"reloaded, {len(rule_set.rules)} rules", style="green")

    def _make(self, change: Change) -> None:
        if change.new is None:
            self._stack.delete(change.order_id)
        else:
            self._stack.put(change.new)

    def _show_changes(self) -> None:
        records = self._stack.stream_records()
        for raw in records[self._records_seen :]:
            record = parse_record(raw)
            self._show("change", f"{record.event_name} {dumps(record.keys)} {_difference(record.document)}")
            matching = ", ".join(match.rule.id for match in self._engine.match(record))
            self._show("  rules", matching or "none", style="cyan" if matching else "dim")
        self._records_seen = len(records)

    def _show_effects(self) -> None:
        for effect in self._stack.effects():
            if effect.text not in self._effects_seen:
                self._effects_seen.add(effect.text)
                self._show("effect", f"{PLACES[effect.target]}: {dumps(effect.content)}", style="green")

    def _show(self, what: str, text: str, style: str = "") -> None:
        """A line; on a terminal those with whole items are cut at its edge, or they would fill it."""
        line = Text.assemble(f"{time.strftime('%H:%M:%S')}  {what:8} ", (text, style))
        if self._console.is_terminal and what in ("change", "effect"):
            self._console.print(line, no_wrap=True, overflow="ellipsis")
        else:
            self._console.print(line, soft_wrap=True)


def _difference(document: Mapping[str, Any]) -> str:
    """The attributes that changed, as JSON: the new image for an insert, `old -> new` otherwise."""
    new, old = document["new"], document["old"]
    if new is None or old is None:
        return dumps(old if new is None else new)
    names = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    return ", ".join(f"{name}: {dumps(old.get(name))} -> {dumps(new.get(name))}" for name in names)
