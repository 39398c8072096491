"""`rules-engine template`: what a deployment tool needs to know of a rule set.

In: a rule set without errors. Out: a template on standard output or in a file: CloudFormation and SAM in
YAML, Terraform in its JSON syntax. Nothing is asked of AWS; what is not said here is a parameter of the
template.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import click

from rules_engine.cli.exit_codes import OK
from rules_engine.cli.named_values import named_values, variable_values
from rules_engine.cli.rule_files import load_clean_rules, rules_option

FORMATS = ("cloudformation", "sam", "terraform")

_STREAM_ARN = re.compile(
    r"arn:[^:]+:dynamodb:[^:]+:[0-9]+:table/(?P<table>[A-Za-z0-9_.-]+)/stream/[0-9T:.-]+"
)
_FUNCTION_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


@click.command("template", short_help="Write a CloudFormation, SAM or Terraform template.")
@rules_option
@click.option(
    "--format",
    "format_name",
    type=click.Choice(FORMATS),
    default=FORMATS[0],
    show_default=True,
    help="What the template is for.",
)
@click.option(
    "--stream-arn",
    "streams",
    metavar="TABLE=ARN",
    multiple=True,
    help="The stream of a source table, as 'aws dynamodb describe-table' tells it. Those left out are "
    "parameters; Terraform looks them up by the table's name.",
)
@click.option(
    "--set",
    "variables",
    metavar="NAME=VALUE",
    multiple=True,
    help="What ${NAME} of the rules is. Those left out are parameters.",
)
@click.option("--function-name", metavar="NAME", help="Default: the name of the stack.")
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Default: standard output.",
)
def command(
    paths: tuple[str, ...],
    format_name: str,
    streams: tuple[str, ...],
    variables: tuple[str, ...],
    function_name: str | None,
    output: Path | None,
) -> int:
    """Write a template of all that the rules need: the function, a mapping with its filter for each source
    table, state table, dead-letter queue, bucket, log group, alarms, and a role that may do what the rules do
    and nothing else. The source tables and their streams stay as they are.

    \b
    Example:
      rules-engine build --rules rules -o function.zip
      rules-engine template --rules rules --format sam -o template.yaml
    """
    from rules_engine.deploy.template import (
        TemplateSettings,
        cloudformation_template,
        sam_template,
        terraform_config,
    )

    rule_set = load_clean_rules(paths)
    tables = {table for rule in rule_set.rules if rule.enabled for table in rule.tables}
    settings = TemplateSettings(
        function_name=_function_name(function_name),
        stream_arns=_stream_arns(named_values("--stream-arn", streams, "table", tables)),
        variables=variable_values(variables, rule_set.rules),
    )
    make = {
        "cloudformation": cloudformation_template,
        "sam": sam_template,
        "terraform": terraform_config,
    }[format_name]
    text = _text(make(rule_set, settings), format_name)
    if output is None:
        click.echo(text, nl=False)
        return OK
    try:
        output.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise click.UsageError(f"Cannot write '{output}': {error.strerror}.") from error
    return OK


def _stream_arns(given: dict[str, str]) -> dict[str, str]:
    for table, arn in given.items():
        match = _STREAM_ARN.fullmatch(arn)
        if match is None:
            form = f"arn:aws:dynamodb:<region>:<account>:table/{table}/stream/<label>"
            raise click.UsageError(f"'{arn}' is not the ARN of a stream, such as {form}.")
        if match["table"] != table:
            raise click.UsageError(f"'--stream-arn {table}' has the stream of the table '{match['table']}'.")
    return given


def _function_name(name: str | None) -> str | None:
    if name is not None and not _FUNCTION_NAME.fullmatch(name):
        raise click.UsageError(
            f"'{name}' cannot be the name of a function: 1 to 64 of A-Z, a-z, 0-9, '-' and '_'."
        )
    return name


def _text(document: dict[str, Any], format_name: str) -> str:
    as_json = json.dumps(document, indent=2, ensure_ascii=False)
    if format_name == "terraform":
        return as_json + "\n"
    import yaml

    # Through JSON, so that nothing stands twice as one object, of which YAML would make an alias.
    return yaml.safe_dump(json.loads(as_json), sort_keys=False, width=110, allow_unicode=True)
