"""`rules-engine validate`: all problems of all rule files.

In: paths. Out: the problems on stderr and one line of summary on stdout, or with `--format json` one
document on stdout. Exit code 1 for errors, with `--strict` for warnings too, 2 where there is no rule file.
With `--fix` what has one safe mend is mended first; what is shown and counted is what is left. `--explain`
prints the manual page of a problem code instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from rules_engine.cli.exit_codes import OK, PROBLEMS, USAGE
from rules_engine.cli.paint import paint
from rules_engine.cli.report import render_text
from rules_engine.cli.rule_files import DEFAULT_PATHS, count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rules_engine.errors import Problem
    from rules_engine.loader.mending import Mended


@click.command("validate", short_help="Report all problems of all rule files.")
@click.argument("paths", metavar="[PATHS]...", nargs=-1)
@click.option("--format", "output", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--strict", is_flag=True, help="Let warnings count as problems for the exit code.")
@click.option(
    "--fix", "fixing", is_flag=True, help="Write every mend into the files of which there is no doubt."
)
@click.option("--explain", "code", metavar="CODE", help="Print what a problem code means, with examples.")
def command(paths: tuple[str, ...], output: str, strict: bool, fixing: bool, code: str | None) -> int:
    """Report all problems of all rule files under PATHS (default: rules).

    Nothing is sent or executed. Files are *.yaml and *.yml; those called *.test.yaml hold tests only.

    --fix mends misspelt names, signs of other languages and missing quotes, and nothing that has two possible
    meanings. All else in the files stays as it is, comments too.

    \b
    Examples:
      rules-engine validate
      rules-engine validate --fix
      rules-engine validate rules more-rules/one.yaml --strict
      rules-engine validate --explain RE204
    """
    if code is not None:
        click.echo(_page(code), nl=False)
        return OK
    return _validate(paths or DEFAULT_PATHS, output, strict, fixing)


def _validate(paths: Sequence[str], output: str, strict: bool, fixing: bool) -> int:
    from rules_engine.loader import find_files, load_rules

    files = find_files(paths)
    rule_set, problems = load_rules(paths)
    mended: list[Mended] | None = None
    if fixing:
        from rules_engine.cli.fixing import fix_files

        mended = fix_files(paths, problems)
        rule_set, problems = load_rules(paths)
    if output == "json":
        from rules_engine.cli.report_json import render_json

        fixed = None if mended is None else [problem for one in mended for problem in one.gone]
        click.echo(render_json(problems, files=len(files), rules=len(rule_set.rules), fixed=fixed))
    else:
        if mended:
            from rules_engine.cli.fixing import render_fixes

            click.echo(render_fixes(mended, paint), nl=False)
        click.echo(render_text(problems, paint), err=True, nl=False)
        fixes = sum(len(one.gone) for one in mended or ())
        click.echo(_summary(problems, len(files), len(rule_set.rules), fixes))
    if not files:
        return USAGE
    failed = any(strict or problem.severity == "error" for problem in problems)
    return PROBLEMS if failed else OK


def _summary(problems: Sequence[Problem], files: int, rules: int, fixes: int) -> str:
    """`2 errors, 1 warning in 3 files`, or `3 files, 7 rules: no problems`; before it what was fixed."""
    fixed = f"fixed {count(fixes, 'problem')}; " if fixes else ""
    if not problems:
        return f"{fixed}{count(files, 'file')}, {count(rules, 'rule')}: no problems"
    counted = [
        count(number, severity)
        for severity in ("error", "warning")
        if (number := sum(problem.severity == severity for problem in problems))
    ]
    return f"{fixed}{', '.join(counted)} in {count(files, 'file')}"


def _page(code: str) -> str:
    from rules_engine.cli.code_pages import codes, load_page

    wanted = code.strip().upper()
    known = codes()
    if wanted not in known:
        from rules_engine.expression.checks.spelling import nearest

        near = nearest(wanted, known)
        hint = f" Did you mean {near}?" if near else f" There are {', '.join(known)}."
        raise click.UsageError(f"There is no problem code '{code}'.{hint}")
    return load_page(wanted).text
