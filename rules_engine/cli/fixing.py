"""`validate --fix`: the safe mends, written into the files.

In: the paths and the problems found. Out: the files written, and a text that shows what was changed, line by
line. A file is replaced as a whole or not at all, and only if it still holds what was checked. Nothing is
shown of a line with a secret in it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from rules_engine.cli.report import visible
from rules_engine.cli.whole_file import write_whole
from rules_engine.loader import load_rules
from rules_engine.loader.files import read_bytes
from rules_engine.loader.mending import Mended, mend_all

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from rules_engine.errors import Problem


def fix_files(paths: Sequence[str], problems: Sequence[Problem]) -> list[Mended]:
    """What was written of each file that has changed."""
    fixable = dict.fromkeys(problem.location.path for problem in problems if problem.fix)
    texts = {path: data for path in fixable for data, problem in [read_bytes(path)] if problem is None}

    def check(path: str, data: bytes) -> list[Problem]:
        return load_rules(path, texts={path: data})[1]

    def check_set(changed: Mapping[str, bytes]) -> list[Problem]:
        return load_rules(paths, texts=changed)[1] if changed else list(problems)

    mended = mend_all(texts, check, check_set)
    for path, one in mended.items():
        replace_checked(path, texts[path], one.data)
    return list(mended.values())


def replace_checked(path: str, before: bytes, after: bytes) -> None:
    """Writes `after` in the place of `before`, which was checked. Raises ClickException."""
    try:
        if Path(path).read_bytes() != before:
            raise click.ClickException(f"'{path}' changed while it was checked; it was not written")
        write_whole(path, after)
    except OSError as error:
        raise click.ClickException(
            f"'{path}' cannot be written: {(error.strerror or str(error)).lower()}"
        ) from None


def render_fixes(mended: Sequence[Mended], paint: Callable[[str, str], str]) -> str:
    """What was mended, with each line before and after."""
    return "".join(line + "\n" for one in mended for line in _lines(one, paint))


def _lines(mended: Mended, paint: Callable[[str, str], str]) -> Iterator[str]:
    after = mended.data.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    secret = {problem.location.line for problem in mended.left if problem.code == "RE306"}
    before: dict[int, str] = {}
    for problem in mended.gone:  # in the order of the mends: the first one saw the line as it was written
        before.setdefault(problem.location.line, problem.source_line)
    by_line: dict[int, list[Problem]] = {}
    for problem in sorted(mended.gone, key=lambda problem: problem.location):
        by_line.setdefault(problem.location.line, []).append(problem)
    for line, problems in by_line.items():
        for problem in problems:
            said = f"{paint(f'fixed {problem.code}', 'good')} {visible(problem.message)}"
            yield f"{paint(visible(str(problem.location)), 'place')}: {said}"
        if line not in secret:
            yield paint(f"{line:>4} - {visible(before[line])}", "bad")
            yield paint(f"{'':>4} + {visible(after[line - 1])}", "good")
