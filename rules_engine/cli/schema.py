"""`rules-engine schema`: the JSON Schema of a rule file, for editors and other tools.

Out: the schema of the installed version, with the action types of installed packages. The checked-in copy
under `schemas/` is what this prints where only our own types are installed.
"""

from __future__ import annotations

import json

import click

from rules_engine.cli.exit_codes import OK


@click.command("schema", short_help="Print the JSON Schema of rule files.")
def command() -> int:
    """Print the JSON Schema of rule files.

    \b
    Example:
      rules-engine schema > schemas/rules.schema.json
    """
    from rules_engine.schema import rules_schema

    click.echo(json.dumps(rules_schema(), indent=2))
    return OK
