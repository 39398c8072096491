"""`rules-engine list`: the rule set as a table.

In: paths to a rule set without errors. Out: one row per rule, for people, for a page of documentation, or as
JSON for programs. Text is a rich table, as wide as the terminal, or as wide as it needs to be where no
terminal listens, so that `grep` sees a rule's cells whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from rules_engine.cli.exit_codes import OK
from rules_engine.cli.markdown import code_span, escaped
from rules_engine.cli.report import visible
from rules_engine.cli.rule_files import DEFAULT_PATHS, load_clean_rules
from rules_engine.model import EVENT_NAMES

if TYPE_CHECKING:
    from rules_engine.model import Rule, RuleSet

_FEWEST_COLUMNS = 80
"""A narrower terminal breaks the lines itself: columns of one letter each are none."""
_NO_TERMINAL_COLUMNS = 100_000

_WIDEST_ID = 40
"""Columns up to which ids stay in one piece, however narrow the terminal is."""

_ALWAYS = "(always)"
"""In place of a condition."""

_HEADINGS = ("id", "table", "event", "condition", "actions", "owner")


@click.command("list", short_help="Show the rules as a table.")
@click.argument("paths", metavar="[PATHS]...", nargs=-1)
@click.option(
    "--format",
    "output",
    type=click.Choice(["text", "markdown", "json"]),
    default="text",
    show_default=True,
)
def command(paths: tuple[str, ...], output: str) -> int:
    """Show the rules under PATHS (default: rules) as a table: id, table, event, condition, actions, owner.

    \b
    Examples:
      rules-engine list
      rules-engine list rules --format markdown > RULES.md
    """
    rule_set = load_clean_rules(paths or DEFAULT_PATHS)
    if output == "json":
        from rules_engine.cli.json_document import render_document

        document = {"version": 1, "rules": [_document(rule) for rule in rule_set.rules]}
        click.echo(render_document(document), nl=False)
    elif output == "markdown":
        click.echo(_markdown(rule_set), nl=False)
    else:
        click.echo(_text(rule_set), nl=False)
    return OK


def _cells(rule: Rule) -> tuple[list[str], ...]:
    """The lines of each cell."""
    events = ["any"] if rule.events == EVENT_NAMES else list(rule.events)
    conditions = [" ".join(text.split()) for text in rule.when] or [_ALWAYS]
    for exception in rule.unless:
        conditions.append(
            f"unless {exception.name}: {' && '.join(' '.join(t.split()) for t in exception.when)}"
        )
    actions = [
        action.id if action.id == action.type else f"{action.id} ({action.type})" for action in rule.actions
    ]
    identity = [rule.id] if rule.enabled else [f"{rule.id} (disabled)"]
    return identity, list(rule.tables), events, conditions, actions, [rule.owner or ""]


def _document(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "description": rule.description,
        "enabled": rule.enabled,
        "tables": rule.tables,
        "events": rule.events,
        "when": rule.when,
        "unless": [
            {"name": each.name, "when": each.when, "reason": each.reason, "expires": each.expires}
            for each in rule.unless
        ],
        "actions": [{"id": action.id, "type": action.type} for action in rule.actions],
        "owner": rule.owner,
        "severity": rule.severity,
        "tags": rule.tags,
        "runbook": rule.runbook,
        "path": rule.location.path if rule.location else None,
        "line": rule.location.line if rule.location else None,
    }


def _markdown(rule_set: RuleSet) -> str:
    rows = [f"| {' | '.join(_HEADINGS)} |", f"|{'---|' * len(_HEADINGS)}"]
    for rule in rule_set.rules:
        cells = _cells(rule)
        texts = [
            "<br>".join(_markdown_line(heading, line) for line in lines)
            for heading, lines in zip(_HEADINGS, cells, strict=True)
        ]
        rows.append(f"| {' | '.join(texts)} |")
    return "".join(f"{row}\n" for row in rows)


def _markdown_line(heading: str, line: str) -> str:
    if heading == "condition" and line != _ALWAYS:
        # A pipe ends a cell even inside of code, unless it is escaped.
        return code_span(line).replace("|", "\\|")
    return escaped(visible(line))


def _text(rule_set: RuleSet) -> str:
    import io
    import shutil
    import sys

    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    on_terminal = sys.stdout.isatty()
    separator = "\n" if on_terminal else "; "
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    longest_id = max(len(rule.id) for rule in rule_set.rules)
    for heading in _HEADINGS:
        # An id that is broken in two can neither be copied nor found.
        is_whole = heading == "id" and longest_id <= _WIDEST_ID
        table.add_column(heading, overflow="fold", no_wrap=is_whole)
    for rule in rule_set.rules:
        table.add_row(*(Text(separator.join(visible(line) for line in lines)) for lines in _cells(rule)))
    width = _NO_TERMINAL_COLUMNS
    if on_terminal:
        width = max(shutil.get_terminal_size().columns, _FEWEST_COLUMNS)
    console = Console(file=io.StringIO(), width=width, force_terminal=on_terminal)
    with console.capture() as captured:
        console.print(table)
    return "".join(f"{line.rstrip()}\n" for line in captured.get().splitlines())
