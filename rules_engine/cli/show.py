"""`rules-engine show`: the rules as the engine sees them.

In: paths to a rule set without errors. Out: one rule file on stdout, with the defaults applied and constants
and named conditions in their place, which means what the files mean; or the same as JSON. References to
secrets and variables are shown as references.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click

from rules_engine.cli.exit_codes import OK
from rules_engine.cli.paint import paint
from rules_engine.cli.report import visible
from rules_engine.cli.rule_files import DEFAULT_PATHS, load_clean_rules, rule_option, rules_called

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rules_engine.model import Rule

_KEY = re.compile(r"( *(?:- )*)([^\s#'\"{\[-][^:]*:)(?= |$)(.*)")


@click.command("show", short_help="Show the rules as the engine sees them.")
@click.argument("paths", metavar="[PATHS]...", nargs=-1)
@rule_option
@click.option("--format", "output", type=click.Choice(["yaml", "json"]), default="yaml", show_default=True)
def command(paths: tuple[str, ...], rule_ids: tuple[str, ...], output: str) -> int:
    """Show the rules under PATHS (default: rules) as the engine sees them: with their file's defaults, with
    constants and named conditions written out, and with every choice that was not made.

    What is printed is a rule file that means the same. ${...} stays as it is, and a text under a name that
    speaks of a secret is masked.

    \b
    Examples:
      rules-engine show
      rules-engine show rules --rule order-shipped
      rules-engine show --format json
    """
    rules = rules_called(load_clean_rules(paths or DEFAULT_PATHS), rule_ids)
    written, conditions = _written_out(rules)
    if output == "json":
        click.echo(_json(written, conditions), nl=False)
    else:
        for line in _canonical(_yaml(written, conditions)):
            click.echo(_painted(line))
    return OK


def _written_out(rules: Iterable[Rule]) -> tuple[list[Rule], dict[str, str]]:
    """The rules, and the conditions that had to stay names: of two with one name, one gets another."""
    from rules_engine.effective import effective_rule

    conditions: dict[str, str] = {}
    written = []
    for rule in rules:
        found = effective_rule(rule)
        names: dict[str, str] = {}
        for name, text in found.scope.conditions.items():
            number = 1
            names[name] = name
            while conditions.setdefault(names[name], text) != text:
                number += 1
                names[name] = f"{name}_{number}"
        written.append(effective_rule(rule, names) if any(names[name] != name for name in names) else found)
    return written, conditions


def _json(rules: list[Rule], conditions: dict[str, str]) -> str:
    from rules_engine.cli.json_document import render_document
    from rules_engine.cli.rule_document import rule_document

    documents = [{**rule_document(rule), **_place(rule)} for rule in rules]
    return render_document({"version": 1, "conditions": conditions, "rules": documents})


def _place(rule: Rule) -> dict[str, Any]:
    where = rule.location
    return {"path": where.path, "line": where.line} if where else {"path": None, "line": None}


def _yaml(rules: list[Rule], conditions: dict[str, str]) -> Iterator[str]:
    from rules_engine.canonical.values import yaml_lines
    from rules_engine.cli.rule_document import rule_document

    yield "version: 1"
    if conditions:
        yield from yaml_lines({"conditions": conditions})
    yield "rules:"
    for number, rule in enumerate(rules):
        if number:
            yield ""
        if rule.location:
            yield f"  # {visible(rule.location.path)}:{rule.location.line}"
        first, *others = yaml_lines(rule_document(rule), 4)
        yield f"  - {first.lstrip()}"
        yield from others


def _canonical(lines: Iterable[str]) -> list[str]:
    """The lines as `fmt` writes them, keys in the order that each action type has."""
    from rules_engine.canonical import canonical_form

    text, _ = canonical_form("the rules shown", "".join(f"{line}\n" for line in lines).encode())
    return text.decode().splitlines()


def _painted(line: str) -> str:
    if line.lstrip().startswith("#"):
        return paint(visible(line), "quiet")
    match = _KEY.fullmatch(line)
    if match is None:
        return visible(line)
    return f"{match[1]}{paint(visible(match[2]), 'place')}{visible(match[3])}"
