"""A run of rule tests as annotations of a GitHub Actions run, and as Markdown for its job summary.

There is one for each failed test, each warning, and each change that no test noticed, at its line; where no
test was run, one for each problem of the rules, or for the lack of tests. Below them the log has the text,
with what is too much for GitHub. The job summary has a table of the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rules_engine.cli.exit_codes import OK
from rules_engine.cli.github import Annotation, command, error_command, log_line, within_limit
from rules_engine.cli.job_summary import Row, place, summary
from rules_engine.cli.markdown import escaped
from rules_engine.cli.report import visible
from rules_engine.cli.report_github import PROBLEM_HEAD, problem_lines, problem_rows
from rules_engine.cli.report_tests import render_run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Literal

    from rules_engine.cli.rule_test_run import RuleTestRun
    from rules_engine.errors import Location

NAME = "rules-engine test"


class _Note(NamedTuple):
    level: Literal["error", "warning"]
    title: str
    message: str
    place: Location


def render_github(run: RuleTestRun, in_repository: Callable[[str], str]) -> str:
    """The lines for standard output. `in_repository` gives the path that GitHub knows a file by."""
    notes = list(_notes(run))
    shown, _ = within_limit(notes, [note.level for note in notes])
    lines = [command(_annotation(note, in_repository)) for note in shown]
    lines += [log_line(line) for line in render_run(run).splitlines()]
    lines += problem_lines(run.problems, in_repository)
    if run.error is not None:
        lines.append(
            log_line(f"Error: {visible(run.error)}") if run.problems else error_command(NAME, run.error)
        )
    return "".join(f"{line}\n" for line in lines)


def render_summary(
    run: RuleTestRun, in_repository: Callable[[str], str], environ: Mapping[str, str], most_bytes: int
) -> str:
    """Markdown of at most about `most_bytes`; what does not fit is counted."""
    facts = [run.summary]
    facts += [each.summary for each in (run.coverage, run.mutation) if each is not None]
    title = f"{NAME}: {'; '.join(escaped(fact) for fact in facts)}"
    if run.problems:
        rows = problem_rows(run.problems, in_repository, environ)
        return summary(run.exit_code == OK, title, PROBLEM_HEAD, rows, most_bytes)
    rows = [_row(note, in_repository(note.place.path), environ) for note in _notes(run)]
    return summary(run.exit_code == OK, title, ("", "where", "what"), rows, most_bytes)


def _notes(run: RuleTestRun) -> Iterator[_Note]:
    for result in run.results:
        name, place = visible(result.test.full_name), result.test.location
        if result.verdict == "failed":
            yield _Note("error", "failed test", f"{name}: {result.message}", place)
        for warning in result.warnings:
            yield _Note("warning", "rule test", f"{name}: {warning}", place)
    if run.mutation is not None:
        for survivor, place in run.mutation.survivors:
            changed = survivor.mutant.apply(survivor.text)
            message = f"{survivor.rule_id}, {survivor.clause}: no test notices the change to\n{changed}"
            yield _Note("error", "change that no test notices", message, place)


def _row(note: _Note, path: str, environ: Mapping[str, str]) -> Row:
    where = place(path, note.place.line, note.place.column, environ)
    return note.level, where, f"{note.title}: {escaped(visible(note.message.replace(chr(10), ' ')))}"


def _annotation(note: _Note, in_repository: Callable[[str], str]) -> Annotation:
    place = note.place
    lines = [visible(line) for line in f"{place}: {note.message}".split("\n")]
    path = visible(in_repository(place.path))
    end = place.column + place.length
    return Annotation(note.level, note.title, "\n".join(lines), path, place.line, place.column, end)
