"""`rules-engine init`: a project to start from.

Out: the files of `STARTER`, copied as they stand in `starter/`, or in place of its rules those of one
pattern, and the schemas of the installed version. An existing file is never overwritten: if one is in the
way, nothing is written at all. Files that begin with a dot have another name here, because packaging tools
leave dot files out. A templating step was left out: the files are what they look like, and a test validates
them.
"""

from __future__ import annotations

from pathlib import Path

import click

from rules_engine.cli.exit_codes import OK
from rules_engine.cli.shipped_patterns import LINK, pattern_files, pattern_names

EXAMPLES = {
    "README.md": "README.md",
    "rules/big-order.yaml": "rules/big-order.yaml",
    "rules/notification.yaml": "rules/notification.yaml",
    "rules/history.yaml": "rules/history.yaml",
    "rules/sync.yaml": "rules/sync.yaml",
    "rules/log.yaml": "rules/log.yaml",
    "events/big-order.json": "events/big-order.json",
    "events/order-shipped.json": "events/order-shipped.json",
}
SETTINGS = {
    ".github/workflows/rules.yml": "workflow.yaml",
    ".pre-commit-config.yaml": "pre-commit-config.yaml",
    ".vscode/settings.json": "vscode-settings.json",
    ".vscode/extensions.json": "vscode-extensions.json",
}
STARTER = EXAMPLES | SETTINGS
"""Where each file goes in the new project, and which file of `starter/` it is."""

RULES_SCHEMA = "schemas/rules.schema.json"
TESTS_SCHEMA = "schemas/test.schema.json"

_SOURCE = Path(__file__).with_name("starter")


@click.command("init", short_help="Write a starter project.")
@click.argument("directory", metavar="[DIR]", default=".", type=click.Path(file_okay=False))
@click.option("--pattern", metavar="NAME", help="Start from the rules of one pattern.")
def command(directory: str, pattern: str | None) -> int:
    """Write a starter project to DIR (default: here): rules that notify, keep a history, copy items and log,
    their tests, a workflow for pull requests, hooks for pre-commit and editor settings. Existing files are
    never overwritten.

    With --pattern the rules are those of one pattern, with a README that says when to use it and what it
    costs:

    \b
      analysis       counters by status, metrics, changes that were hardly meant
      archive        every change, single objects, or only what expires
      log-new-items  the first rule that everyone writes
      notifications  a topic, a signed webhook, a queue for a digest
      search-index   an index of OpenSearch that follows a table
      sync           a mirror, a copy under another key, totals that stay exact

    \b
    Examples:
      rules-engine init my-rules
      rules-engine init my-rules --pattern sync
    """
    project = Path(directory)
    files = starter_files() if pattern is None else pattern_project(_known(pattern))
    in_the_way = [path for path in files if (project / path).exists()]
    if in_the_way:
        listed = "".join(f"\n  {project / path}" for path in in_the_way)
        raise click.UsageError(f"Nothing was written, because these files exist already:{listed}")
    for path, text in files.items():
        target = project / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        click.echo(f"wrote {target}")
    click.echo(_next_steps(directory, pattern), nl=False)
    return OK


def starter_files() -> dict[str, str]:
    """The whole project: text by path."""
    return _shipped(STARTER) | _schemas()


def pattern_project(name: str) -> dict[str, str]:
    """The same for one pattern, whose rules and notes are below `rules/NAME`."""
    rules = {f"rules/{name}/{path}": text for path, text in pattern_files(name).items()}
    return rules | _shipped(SETTINGS) | _schemas()


def _shipped(sources: dict[str, str]) -> dict[str, str]:
    return {path: (_SOURCE / source).read_text(encoding="utf-8") for path, source in sources.items()}


def _schemas() -> dict[str, str]:
    import json

    from rules_engine.schema import rules_schema, tests_schema

    schemas = {RULES_SCHEMA: rules_schema(), TESTS_SCHEMA: tests_schema()}
    return {path: json.dumps(schema, indent=2) + "\n" for path, schema in schemas.items()}


def _known(pattern: str) -> str:
    names = pattern_names()
    if pattern not in names:
        from rules_engine.expression.checks.spelling import nearest

        near = nearest(pattern, names)
        hint = f"Did you mean '{near}'? " if near else ""
        known = (
            f"There are {', '.join(names)}." if names else f"This installation has none: {LINK} is no link."
        )
        raise click.UsageError(f"No such pattern '{pattern}'. {hint}{known}")
    return pattern


def _next_steps(directory: str, pattern: str | None) -> str:
    enter = "" if directory == "." else f"  cd {directory}\n"
    last = "explain events/order-shipped.json" if pattern is None else "dev --once"
    return f"\nNext:\n{enter}" + "".join(f"  rules-engine {step}\n" for step in ("validate", "test", last))
