"""What `validate` found as annotations of a GitHub Actions run, and as Markdown for its job summary.

In the log: the annotations that GitHub shows, a plain line for each problem that is too much for it, and
the line of summary. A log shows of an annotation only its message, so that begins with the place. The job
summary has a table of all problems, with links to their lines where the runner says which commit it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rules_engine.cli.code_pages import codes, load_page
from rules_engine.cli.exit_codes import OK
from rules_engine.cli.github import Annotation, command, log_line, within_limit
from rules_engine.cli.job_summary import Row, place, summary
from rules_engine.cli.markdown import escaped
from rules_engine.cli.report import visible
from rules_engine.cli.rule_files import count

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from rules_engine.cli.validation import Validation
    from rules_engine.errors import Problem

PROBLEM_HEAD: Row = ("", "where", "problem", "what to do")


def render_github(found: Validation, in_repository: Callable[[str], str]) -> str:
    """The lines for standard output. `in_repository` gives the path that GitHub knows a file by."""
    lines = [*problem_lines(found.problems, in_repository), found.summary]
    return "".join(f"{line}\n" for line in lines)


def problem_lines(problems: Sequence[Problem], in_repository: Callable[[str], str]) -> Iterator[str]:
    """An annotation for each problem, and a plain line for each that is too much."""
    shown, others = within_limit(problems, [problem.severity for problem in problems])
    known = set(codes())
    for problem in shown:
        title = f"{problem.code} {load_page(problem.code).title}" if problem.code in known else problem.code
        yield command(_annotation(problem, title, in_repository(problem.location.path)))
    if others:
        yield f"{count(len(others), 'more problem')}, for which GitHub shows no annotation:"
    for problem in others:
        yield log_line(f"{_place(problem)}: {problem.severity} {problem.code} {visible(problem.message)}")


def _annotation(problem: Problem, title: str, path: str) -> Annotation:
    lines = [f"{_place(problem)}: {problem.code} {visible(problem.message)}"]
    lines += [f"{visible(str(location))}: {visible(message)}" for location, message in problem.related]
    if problem.hint:
        lines.append(f"hint: {visible(problem.hint)}")
    place = problem.location
    return Annotation(
        problem.severity,
        title,
        "\n".join(lines),
        visible(path),
        place.line,
        place.column,
        place.column + place.length,
    )


def _place(problem: Problem) -> str:
    return visible(str(problem.location))


def render_summary(
    found: Validation, in_repository: Callable[[str], str], environ: Mapping[str, str], most_bytes: int
) -> str:
    """Markdown of at most about `most_bytes`; what does not fit is counted."""
    title = f"rules-engine validate: {found.summary}"
    rows = problem_rows(found.problems, in_repository, environ)
    return summary(found.exit_code == OK, title, PROBLEM_HEAD, rows, most_bytes)


def problem_rows(
    problems: Sequence[Problem], in_repository: Callable[[str], str], environ: Mapping[str, str]
) -> list[Row]:
    """The cells of each problem, below `PROBLEM_HEAD`."""
    return [
        (
            problem.severity,
            place(
                in_repository(problem.location.path), problem.location.line, problem.location.column, environ
            ),
            f"{problem.code} {escaped(visible(problem.message))}",
            escaped(visible(problem.hint or "")),
        )
        for problem in problems
    ]
