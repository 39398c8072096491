"""What `dev` shows: one block of lines for each change, `change -> rule -> action -> read back`.

Lines, not a full-screen view: they can be scrolled, copied and piped. On a terminal those with whole items
are cut at its edge, or they would fill it.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from rich.text import Text

from rules_engine.exact_json import dumps
from rules_engine.local.ministack import REGION
from rules_engine.local.target_types import target_type
from rules_engine.local.typed_line import help_lines

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import Console

    from rules_engine.local.effect import Effect
    from rules_engine.local.owed import Owed
    from rules_engine.local.session import Change
    from rules_engine.local.stack import LocalStack


class Report:
    """Writes to `console` and counts what it has shown."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self.changes = self.deliveries = self.missing = 0

    def greet(self, stack: LocalStack) -> None:
        """What stands where, and what had to be assumed."""
        rules = sum(rule.enabled for rule in stack.plan.rule_set.rules)
        self.line("stack", f"up at {stack.aws.endpoint_url} with {count(rules, 'rule')}")
        for name, keys in stack.plan.sources.items():
            self.line("stack", f"watches table {name}, key {keys}, {keys.origin}")
        for name, keys in stack.plan.targets.items():
            if name not in stack.plan.sources:
                self.line("stack", f"writes to table {name}, key {keys}, {keys.origin}")
        for action_type, names in stack.plan.needs.items():
            for name in names:
                self.line("stack", target_type(action_type).PURPOSE.format(name))
        for note in stack.notes:
            self.line("note", note, style="yellow")

    def invite(self, stack: LocalStack) -> None:
        """How to go on by hand."""
        self.line("stack", "save a rule file to reload it, press Ctrl-C to stop, type a change of your own:")
        for text in help_lines(stack.plan.sources):
            self.line("help", text)
        self.line(
            "help",
            "or use any client of DynamoDB, such as "
            f"aws dynamodb list-tables --endpoint-url {stack.aws.endpoint_url} --region {REGION}",
        )

    def change(self, change: Change) -> None:
        """A change that is settled, with every delivery."""
        record = change.record
        self.changes += 1
        self.line(
            "change",
            f"{record.event_name} {record.table} {dumps(record.keys)} {_difference(record.document)}",
            cut=True,
        )
        if change.sample is not None:
            self.line("  test", f"{change.sample.test} ({change.sample.rule_id})", style="dim")
        if change.handed is not None:
            self.line("  note", f"handed to the function directly: {change.handed}", style="dim")
        if not change.owed:
            self.line("  rules", "none", style="dim")
        missing = {id(owed): effect for owed, effect in change.missing}
        for owed in change.owed:
            self.deliveries += 1
            if id(owed) in missing:
                self.missing += 1
                self._missing(owed, missing[id(owed)])
            else:
                places = ", ".join(dict.fromkeys(effect.place for effect in owed.effects))
                found = f"read back {places}" if places else "nothing was there to delete"
                self.line("  ok", f"{owed.rule_id} -> {owed.action_id}: {found}", style="green")

    def _missing(self, owed: Owed, effect: Effect | None) -> None:
        why = owed.fault if effect is None else f"not found {effect.place}: {dumps(effect.content)}"
        why = f"{why} ({owed.doubt})" if owed.doubt else why
        self.line("  MISSING", f"{owed.rule_id} -> {owed.action_id}: {why}", style="bold red")

    def unexpected(self, effects: Sequence[Effect]) -> None:
        for effect in effects:
            text = f"arrived {effect.place}, though nothing asked for it: {dumps(effect.content)}"
            self.line("WRONG", text, style="red")

    def line(self, what: str, text: str, style: str = "", cut: bool = False) -> None:
        line = Text.assemble(f"{time.strftime('%H:%M:%S')}  {what:9} ", (text, style))
        if cut and self._console.is_terminal:
            self._console.print(line, no_wrap=True, overflow="ellipsis")
        else:
            self._console.print(line, soft_wrap=True)


def count(number: int, noun: str) -> str:
    """`1 rule`, `2 rules`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _difference(document: Mapping[str, Any]) -> str:
    """The attributes that changed, as JSON: the one image of an insert or removal, `old -> new` otherwise."""
    new, old = document["new"], document["old"]
    if new is None or old is None:
        image = old if new is None else new
        return "" if image is None else dumps(image)
    names = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    return ", ".join(f"{name}: {dumps(old.get(name))} -> {dumps(new.get(name))}" for name in names)
