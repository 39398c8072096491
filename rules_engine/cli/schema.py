"""`rules-engine schema`: the JSON Schemas of what an author writes, for editors and other tools.

Out: the schema of the installed version, with the action types of installed packages. The checked-in copies
under `schemas/` are what this prints where only our own types are installed.
"""

from __future__ import annotations

import json

import click

from rules_engine.cli.exit_codes import OK


@click.command("schema", short_help="Print the JSON Schema of rule or test files.")
@click.argument("name", metavar="[rules|test]", type=click.Choice(["rules", "test"]), default="rules")
def command(name: str) -> int:
    """Print the JSON Schema of rule files (the default) or of test files (*.test.yaml).

    \b
    Example:
      rules-engine schema rules > schemas/rules.schema.json
    """
    from rules_engine.schema import rules_schema, tests_schema

    schema = rules_schema() if name == "rules" else tests_schema()
    click.echo(json.dumps(schema, indent=2))
    return OK
