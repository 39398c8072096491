"""`rules-engine schema`: the JSON Schemas of what authors and we write, for editors and tools.

Out: the schema of the installed version, with the action types of installed packages. The checked-in copies
under `schemas/` are what this prints where only our own types are installed.
"""

from __future__ import annotations

import json

import click

from rules_engine.cli.exit_codes import OK

NAMES = ("rules", "test", "bundle", "problems", "results", "explanation", "changes", "backtest")


@click.command("schema", short_help="Print a JSON Schema: rule files, test files, bundles, reports.")
@click.argument("name", metavar=f"[{'|'.join(NAMES)}]", type=click.Choice(NAMES), default="rules")
def command(name: str) -> int:
    """Print the JSON Schema of rule files (the default), of test files (*.test.yaml), of bundles, or of what
    validate (problems), test (results), explain (explanation), diff (changes) and backtest write with
    --format json.

    \b
    Example:
      rules-engine schema rules > schemas/rules.schema.json
    """
    from rules_engine.bundle_schema import bundle_schema
    from rules_engine.cli.backtest_json import backtest_schema
    from rules_engine.cli.changes_schema import changes_schema
    from rules_engine.cli.explanation_json import explanation_schema
    from rules_engine.cli.problems_schema import problems_schema
    from rules_engine.cli.results_schema import results_schema
    from rules_engine.schema import rules_schema, tests_schema

    schema_of = {
        "rules": rules_schema,
        "test": tests_schema,
        "bundle": bundle_schema,
        "problems": problems_schema,
        "results": results_schema,
        "explanation": explanation_schema,
        "changes": changes_schema,
        "backtest": backtest_schema,
    }[name]
    click.echo(json.dumps(schema_of(), indent=2))
    return OK
