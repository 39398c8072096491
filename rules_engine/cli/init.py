"""`rules-engine init`: a project to start from.

Out: the files of `STARTER`, copied as they stand in `starter/`, and the schemas of the installed version. An
existing file is never overwritten: if one is in the way, nothing is written at all. Files that begin with a
dot have another name here, because packaging tools leave dot files out. A templating step was left out: the
files are what they look like, and a test validates them.
"""

from __future__ import annotations

from pathlib import Path

import click

from rules_engine.cli.exit_codes import OK

STARTER = {
    "README.md": "README.md",
    "rules/big-order.yaml": "rules/big-order.yaml",
    "rules/notification.yaml": "rules/notification.yaml",
    "rules/history.yaml": "rules/history.yaml",
    "rules/sync.yaml": "rules/sync.yaml",
    "rules/log.yaml": "rules/log.yaml",
    "events/big-order.json": "events/big-order.json",
    "events/order-shipped.json": "events/order-shipped.json",
    ".github/workflows/rules.yml": "workflow.yaml",
    ".pre-commit-config.yaml": "pre-commit-config.yaml",
    ".vscode/settings.json": "vscode-settings.json",
    ".vscode/extensions.json": "vscode-extensions.json",
}
"""Where each file goes in the new project, and which file of `starter/` it is."""

RULES_SCHEMA = "schemas/rules.schema.json"
TESTS_SCHEMA = "schemas/test.schema.json"

_SOURCE = Path(__file__).with_name("starter")


@click.command("init", short_help="Write a starter project.")
@click.argument("directory", metavar="[DIR]", default=".", type=click.Path(file_okay=False))
def command(directory: str) -> int:
    """Write a starter project to DIR (default: here): one rule per pattern, with tests, a workflow for pull
    requests, hooks for pre-commit and editor settings. Existing files are never overwritten.

    \b
    Example:
      rules-engine init my-rules
    """
    project = Path(directory)
    files = starter_files()
    in_the_way = [path for path in files if (project / path).exists()]
    if in_the_way:
        listed = "".join(f"\n  {project / path}" for path in in_the_way)
        raise click.UsageError(f"Nothing was written, because these files exist already:{listed}")
    for path, text in files.items():
        target = project / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        click.echo(f"wrote {target}")
    click.echo(_next_steps(directory), nl=False)
    return OK


def starter_files() -> dict[str, str]:
    """The whole project: text by path."""
    import json

    from rules_engine.schema import rules_schema, tests_schema

    files = {path: (_SOURCE / source).read_text(encoding="utf-8") for path, source in STARTER.items()}
    for path, schema in ((RULES_SCHEMA, rules_schema()), (TESTS_SCHEMA, tests_schema())):
        files[path] = json.dumps(schema, indent=2) + "\n"
    return files


def _next_steps(directory: str) -> str:
    enter = "" if directory == "." else f"  cd {directory}\n"
    steps = ("validate", "test", "explain events/order-shipped.json")
    return f"\nNext:\n{enter}" + "".join(f"  rules-engine {step}\n" for step in steps)
