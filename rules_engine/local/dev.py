"""`run_dev`: the local stack stays up, shows what happens on it, and takes every saved rule file at once.

A sample change is written every few seconds, and you may write to the orders table yourself. Each change of
the stream is printed with the rules that match it, each effect when it is found at its target. A saved rule
file is checked and replaces the function's rules; where it has errors, the old ones stay. Lines, not a
full-screen view: they can be scrolled, copied and piped.
"""

from __future__ import annotations

import contextlib
import itertools
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
from rules_engine.local.ministack import LocalStackError, require_local_extra
from rules_engine.local.scenario import CHANGES
from rules_engine.local.stack import ORDERS_TABLE, LocalStack, exit_on_termination
from rules_engine.record import parse_record
from rules_engine.template import references

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rich.console import Console

    from rules_engine.local.scenario import Change
    from rules_engine.local.targets import Effect
    from rules_engine.model import RuleSet

SAMPLE_SECONDS = 3.0
LOOK_SECONDS = 0.3


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


def sample_changes() -> Iterator[Change]:
    """The demo's changes, over and over, each round with orders of its own."""
    for number in itertools.count(1):
        for change in CHANGES:
            order_id = f"{change.order_id}.{number}"
            new = None if change.new is None else {**change.new, "order_id": order_id}
            yield replace(change, order_id=order_id, new=new)


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
        self._effects_seen: list[Effect] = []
        self._samples = sample_changes()
        self._next_sample = 0.0

    def greet(self) -> None:
        self._show(
            "stack",
            f"up with {len(self._rule_set.rules)} rules; table '{ORDERS_TABLE}' at "
            f"{self._stack.aws.endpoint_url}, region {self._stack.aws.environment['AWS_REGION']}, "
            "any credentials",
        )
        self._show("stack", "save a rule file to reload it, press Ctrl-C to stop")

    def look(self) -> None:
        """One look at files, table and targets."""
        states = self._file_states()
        if states != self._saved:
            self._saved = states
            self._reload()
        if time.monotonic() >= self._next_sample:
            self._next_sample = time.monotonic() + SAMPLE_SECONDS
            self._make(next(self._samples))
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
            if effect not in self._effects_seen:
                self._effects_seen.append(effect)
                self._show("effect", f"{PLACES[effect.target]}: {dumps(effect.content)}", style="green")

    def _show(self, what: str, text: str, style: str = "") -> None:
        self._console.print(Text(f"{time.strftime('%H:%M:%S')}  {what:8}"), Text(text, style=style))


def _difference(document: Mapping[str, Any]) -> str:
    """The attributes that changed, as JSON: the new image for an insert, `old -> new` otherwise."""
    new, old = document["new"], document["old"]
    if new is None or old is None:
        return dumps(old if new is None else new)
    names = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    return ", ".join(f"{name}: {dumps(old.get(name))} -> {dumps(new.get(name))}" for name in names)
