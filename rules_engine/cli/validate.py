"""`rules-engine validate`: all problems of all rule files.

In: paths. Out: the problems on stderr and one line of summary on stdout; with another `--format` one document
on stdout and nothing else, or a file beside the text. Exit code 1 for errors, with `--strict` for warnings
too, 2 where there is no rule file. With `--fix` what has one safe mend is mended first; what is shown and
counted is what is left. `--explain` prints the manual page of a problem code instead.
"""

from __future__ import annotations

import os
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rules_engine.cli.exit_codes import OK
from rules_engine.cli.formats import TEXT, Output, format_option, write
from rules_engine.cli.paint import paint
from rules_engine.cli.report import render_text
from rules_engine.cli.repository import path_in_repository, repository_root
from rules_engine.cli.rule_files import DEFAULT_PATHS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rules_engine.cli.validation import Validation


@click.command("validate", short_help="Report all problems of all rule files.")
@click.argument("paths", metavar="[PATHS]...", nargs=-1)
@format_option(TEXT, "json", "sarif", "github", "junit", "gitlab")
@click.option("--strict", is_flag=True, help="Let warnings count as problems for the exit code.")
@click.option(
    "--fix", "fixing", is_flag=True, help="Write every mend into the files of which there is no doubt."
)
@click.option("--explain", "code", metavar="CODE", help="Print what a problem code means, with examples.")
def command(
    paths: tuple[str, ...], outputs: tuple[Output, ...], strict: bool, fixing: bool, code: str | None
) -> int:
    """Report all problems of all rule files under PATHS (default: rules).

    Nothing is sent or executed. Files are *.yaml and *.yml; those called *.test.yaml hold tests only.

    Of the formats, github is for the log of a GitHub Actions step and also writes the job's summary,
    gitlab is a Code Quality report, sarif is for code scanning, junit for any other CI server, json for
    programs.

    --fix mends misspelt names, signs of other languages and missing quotes, and nothing that has two possible
    meanings. All else in the files stays as it is, comments too.

    \b
    Examples:
      rules-engine validate
      rules-engine validate --fix
      rules-engine validate rules more-rules/one.yaml --strict
      rules-engine validate --format github --format sarif=rules.sarif
      rules-engine validate --explain RE204
    """
    if code is not None:
        click.echo(_page(code), nl=False)
        return OK
    found = _validate(paths or DEFAULT_PATHS, strict, fixing)
    for output in outputs:
        _show(found, output)
    return found.exit_code


def _validate(paths: Sequence[str], strict: bool, fixing: bool) -> Validation:
    from rules_engine.cli.progress import progress
    from rules_engine.cli.validation import Validation
    from rules_engine.loader import find_files, load_rules

    with progress(sys.stderr, "checking rule files") as track:
        files = find_files(paths)
        rule_set, problems = load_rules(paths, track=track)
        mended = None
        if fixing:
            from rules_engine.cli.fixing import fix_files

            mended = fix_files(paths, problems)
            rule_set, problems = load_rules(paths, track=track)
    return Validation(files, len(rule_set.rules), problems, strict, mended)


def _show(found: Validation, output: Output) -> None:
    current = Path.cwd()
    root = repository_root(os.environ, current)
    in_repository = partial(path_in_repository, root=root, current=current)
    if output == Output(TEXT):
        if found.mended:
            from rules_engine.cli.fixing import render_fixes

            click.echo(render_fixes(found.mended, paint), nl=False)
        click.echo(render_text(found.problems, paint), err=True, nl=False)
        click.echo(found.summary)
        return
    write(output, _document(found, output.format, in_repository))
    if output.format == "github":
        from rules_engine.cli.job_summary import append_summary
        from rules_engine.cli.report_github import render_summary

        append_summary(partial(render_summary, found, in_repository, os.environ))


def _document(found: Validation, name: str, in_repository: Callable[[str], str]) -> str:
    """What a format makes of it. Each is imported only where it is asked for."""
    match name:
        case "json":
            from rules_engine.cli.report_json import render_json

            return render_json(found)
        case "sarif":
            from rules_engine.cli.report_sarif import render_sarif

            return render_sarif(found, in_repository)
        case "github":
            from rules_engine.cli.report_github import render_github

            return render_github(found, in_repository)
        case "junit":
            from rules_engine.cli.report_junit import render_junit

            return render_junit(found)
        case "gitlab":
            from rules_engine.cli.report_gitlab import render_gitlab

            return render_gitlab(found, in_repository)
        case _:
            return f"{render_text(found.problems)}{found.summary}\n"


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
