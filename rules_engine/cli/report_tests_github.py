"""A run of rule tests as annotations of a GitHub Actions run, and below them the text for the log.

There is one for each failed test, each warning, and each change that no test noticed, at its line. What is
too much for GitHub stands in the text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rules_engine.cli.github import Annotation, command, log_line, within_limit
from rules_engine.cli.report import visible
from rules_engine.cli.report_tests import render_run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Literal

    from rules_engine.cli.rule_test_run import RuleTestRun
    from rules_engine.errors import Location


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
    return "".join(f"{line}\n" for line in lines)


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


def _annotation(note: _Note, in_repository: Callable[[str], str]) -> Annotation:
    place = note.place
    lines = [visible(line) for line in f"{place}: {note.message}".split("\n")]
    path = visible(in_repository(place.path))
    end = place.column + place.length
    return Annotation(note.level, note.title, "\n".join(lines), path, place.line, place.column, end)
