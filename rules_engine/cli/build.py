"""`rules-engine build`: the function package.

In: a rule set without errors, of which no test fails. Out: a zip with the rules as a bundle and the code that
runs in Lambda; the same rules and the same version of rules-engine give the same bytes, so its sum tells
whether anything changed. The file appears whole or not at all. A switch that skips the tests was left: it
would be set once and for ever.
"""

from __future__ import annotations

from pathlib import Path

import click

from rules_engine.cli.exit_codes import OK
from rules_engine.cli.rule_files import count, load_tested_rules, rules_option
from rules_engine.cli.whole_file import write_whole


@click.command("build", short_help="Write the function package.")
@rules_option
@click.option(
    "-o",
    "--output",
    "output",
    metavar="FILE",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to write the zip.",
)
def command(paths: tuple[str, ...], output: Path) -> int:
    """Write the function package: a zip with the code that runs in Lambda and the rules.

    Rules that have errors, or of which a test fails, are refused.

    \b
    Example:
      rules-engine build --rules rules -o function.zip
    """
    import hashlib

    from rules_engine import bundle
    from rules_engine.deploy.package import build_package

    rule_set = load_tested_rules(paths)
    package = build_package(rule_set)
    try:
        write_whole(output, package)
    except OSError as error:
        raise click.UsageError(f"Cannot write '{output}': {error.strerror}.") from error
    rules = count(len(rule_set.rules), "rule")
    click.echo(
        f"wrote {output}: {rules}, {len(package):,} bytes, SHA-256 {hashlib.sha256(package).hexdigest()}"
    )
    click.echo(f"rules: SHA-256 {bundle.digest(rule_set)}")
    return OK
