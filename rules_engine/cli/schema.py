"""`rules-engine schema`: the JSON Schemas of what an author writes and `build` makes, for editors and tools.

Out: the schema of the installed version, with the action types of installed packages. The checked-in copies
under `schemas/` are what this prints where only our own types are installed.
"""

from __future__ import annotations

import json

import click

from rules_engine.cli.exit_codes import OK


@click.command("schema", short_help="Print the JSON Schema of rule files, test files or bundles.")
@click.argument(
    "name", metavar="[rules|test|bundle]", type=click.Choice(["rules", "test", "bundle"]), default="rules"
)
def command(name: str) -> int:
    """Print the JSON Schema of rule files (the default), of test files (*.test.yaml) or of bundles.

    \b
    Example:
      rules-engine schema rules > schemas/rules.schema.json
    """
    from rules_engine.bundle_schema import bundle_schema
    from rules_engine.schema import rules_schema, tests_schema

    schema_of = {"rules": rules_schema, "test": tests_schema, "bundle": bundle_schema}[name]
    click.echo(json.dumps(schema_of(), indent=2))
    return OK
