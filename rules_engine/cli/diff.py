"""`rules-engine diff`: what a change of the rules means.

In: a git revision and the rules here, or two paths. Out: the rules that do something else, as text, Markdown
or JSON on stdout. Exit code 0 also with differences, as git has it; `--exit-code` makes it 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from rules_engine.cli.exit_codes import OK, PROBLEMS
from rules_engine.cli.paint import paint
from rules_engine.cli.rule_files import load_clean_rules, rules_option

if TYPE_CHECKING:
    from rules_engine.cli.rule_changes import Changes


@click.command("diff", short_help="Say what a change of the rules means.")
@click.argument("before", metavar="REF|OLD_PATH")
@click.argument("after", metavar="[NEW_PATH]", required=False)
@rules_option
@click.option("--exit-code", "as_exit_code", is_flag=True, help="Exit with 1 if there are differences.")
@click.option(
    "--format", "output", type=click.Choice(["text", "markdown", "json"]), default="text", show_default=True
)
def command(before: str, after: str | None, paths: tuple[str, ...], as_exit_code: bool, output: str) -> int:
    """Say what differs between the rules of a git revision and those here, or between two paths: rules added,
    removed and renamed, and of the others what they match and do differently, also through a constant or a
    named condition. How the files are laid out makes no difference.

    \b
    Examples:
      rules-engine diff origin/main
      rules-engine diff HEAD~3 --rules rules --format markdown > comment.md
      rules-engine diff old-rules new-rules --exit-code
    """
    from rules_engine.cli.git_rules import rules_at
    from rules_engine.cli.rule_changes import changes_between

    old = rules_at(before, paths) if after is None else load_clean_rules([before])
    changes = changes_between(old, load_clean_rules(paths if after is None else [after]))
    click.echo(_render(changes, output), nl=False)
    return PROBLEMS if as_exit_code and changes.rules else OK


def _render(changes: Changes, output: str) -> str:
    from rules_engine import exact_json
    from rules_engine.cli.report_diff import changes_document, render_markdown, render_text

    if output == "json":
        return exact_json.dumps(changes_document(changes)) + "\n"
    lines = render_markdown(changes) if output == "markdown" else render_text(changes, paint)
    return "".join(f"{line}\n" for line in lines)
