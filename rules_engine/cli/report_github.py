"""What `validate` found as annotations of a GitHub Actions run, and as Markdown for its job summary.

In the log: the annotations that GitHub shows, a plain line for each problem that is too much for it, and
the line of summary. A log shows of an annotation only its message, so that begins with the place. The job
summary has a table of all problems, with links to their lines where the runner says which commit it is.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from urllib.parse import quote

from rules_engine.cli.code_pages import codes, load_page
from rules_engine.cli.exit_codes import OK
from rules_engine.cli.github import Annotation, command, log_line, markdown, within_limit
from rules_engine.cli.report import visible
from rules_engine.cli.rule_files import count

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from rules_engine.cli.validation import Validation
    from rules_engine.errors import Problem


def render_github(found: Validation, in_repository: Callable[[str], str]) -> str:
    """The lines for standard output. `in_repository` gives the path that GitHub knows a file by."""
    return "".join(f"{line}\n" for line in _log(found, in_repository))


def _log(found: Validation, in_repository: Callable[[str], str]) -> Iterator[str]:
    shown, others = within_limit(found.problems, [problem.severity for problem in found.problems])
    known = set(codes())
    for problem in shown:
        title = f"{problem.code} {load_page(problem.code).title}" if problem.code in known else problem.code
        yield command(_annotation(problem, title, in_repository(problem.location.path)))
    if others:
        yield f"{count(len(others), 'more problem')}, for which GitHub shows no annotation:"
    for problem in others:
        yield log_line(f"{_place(problem)}: {problem.severity} {problem.code} {visible(problem.message)}")
    yield found.summary


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
    mark = "✅" if found.exit_code == OK else "❌"
    text = f"### {mark} rules-engine validate: {found.summary}\n\n"
    if not found.problems:
        return text
    rows = [text, "| | where | problem | what to do |\n|---|---|---|---|\n"]
    size = sum(len(row.encode()) for row in rows)
    for number, problem in enumerate(found.problems):
        row = _row(problem, in_repository(problem.location.path), environ)
        size += len(row.encode())
        if size > most_bytes:
            rows.append(f"\n{len(found.problems) - number} more are in the log.\n")
            break
        rows.append(row)
    return "".join([*rows, "\n"])


def _row(problem: Problem, path: str, environ: Mapping[str, str]) -> str:
    line = problem.location.line
    where = markdown(visible(f"{path}:{line}:{problem.location.column}"))
    names = ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_SHA")
    server, repository, commit = (environ.get(name) for name in names)
    if server and repository and commit:
        where = f"[{where}]({server}/{repository}/blob/{commit}/{quote(os.fsencode(path))}#L{line})"
    message, hint = markdown(visible(problem.message)), markdown(visible(problem.hint or ""))
    return f"| {problem.severity} | {where} | {problem.code} {message} | {hint} |\n"
