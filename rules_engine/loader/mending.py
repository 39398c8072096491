"""What `validate --fix` makes of files: their texts with the safe mends in them.

In: the bytes of files and a check that gives the problems of such bytes. Out: new bytes, and the problems
that are gone. A mend is taken only if the check then finds nothing that it did not find before. What a mend
brings to light, such as the second mistake of an expression, is mended with it, or both are left. Only where
YAML could not be read, and what stands behind the mistake was not looked at, may something new be found on
other lines: it was wrong before. All else in the file stays byte for byte as it was: comments, layout, line
ends.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from rules_engine.errors import Fix, Problem

    Check = Callable[[bytes], list[Problem]]
    CheckSet = Callable[[Mapping[str, bytes]], list[Problem]]
    _Identity = tuple[str, int, str, str]

_MOST_LAYERS = 10
"""Mistakes of one expression, each hidden by the one before it."""

_BOM = b"\xef\xbb\xbf"

_HIDING = frozenset({"RE102", "RE103", "RE104", "RE105"})
"""Codes of problems that keep others in the file from being found."""


class Mended(NamedTuple):
    """A file after its mends. `gone` are the problems mended, `left` those that it still has."""

    data: bytes
    gone: list[Problem]
    left: list[Problem]


def mend_all(
    texts: Mapping[str, bytes], check: Callable[[str, bytes], list[Problem]], check_set: CheckSet
) -> dict[str, Mended]:
    """Of files by their paths, those that mends change.

    `check` reads one file by itself, `check_set` the whole rule set with some files as given. A file whose
    mends bring a problem only together with other files, such as an id of another rule, is left as it is.
    """
    before = check_set({})
    changed = {}
    for path, data in texts.items():
        mended = mend(data, partial(check, path))
        if mended.data != data:
            changed[path] = mended
    known = _count(before)
    if not _fresh(check_set({path: one.data for path, one in changed.items()}), known):
        return changed
    kept: dict[str, Mended] = {}
    for path, one in changed.items():
        candidate = {**kept, path: one}
        fresh = _fresh(check_set({path: each.data for path, each in candidate.items()}), known)
        if not _harm(fresh, one.gone):
            kept = candidate
            known += _count(fresh)
    return kept


def mend(data: bytes, check: Check) -> Mended:
    """The file with every safe mend in it."""
    state = Mended(data, [], check(data))
    refused: set[tuple[str, str, int]] = set()
    while group := [problem for problem in state.left if problem.fix and _place(problem) not in refused]:
        better = _mend_together(state, group, check)
        # Which one does harm is found by halves: a file may have a thousand.
        while better is None and len(group) > 1:
            group = group[: len(group) // 2]
            better = _mend_together(state, group, check)
        if better is None:
            refused.add(_place(group[0]))
        else:
            state = better
    return state


def _place(problem: Problem) -> tuple[str, str, int]:
    # Without the column, which other mends on the line move.
    return problem.code, problem.message, problem.location.line


def _mend_together(state: Mended, group: Sequence[Problem], check: Check) -> Mended | None:
    """The file with all these mends in it; None if that brings new problems that stay."""
    known = _count(state.left)
    data, todo, gone = state.data, list(group), list(state.gone)
    for _ in range(_MOST_LAYERS):
        done = _without_overlaps(todo)
        data = apply_fixes(data, [problem.fix for problem in done if problem.fix])
        gone += done
        left = check(data)
        fresh, mended = _fresh(left, known), gone[len(state.gone) :]
        harm = _harm(fresh, mended)
        if not harm:
            ours = _count(mended) & known
            return Mended(data, gone, left) if _count(left) - _count(fresh) <= known - ours else None
        if not all(problem.fix for problem in harm):
            return None
        todo = harm
    return None


def _harm(fresh: Iterable[Problem], mended: Sequence[Problem]) -> list[Problem]:
    """Those of the `fresh` problems that the mends brought, not those that they only brought to light."""
    if not any(problem.code in _HIDING for problem in mended):
        return list(fresh)
    touched = {(problem.fix.location.path, problem.fix.location.line) for problem in mended if problem.fix}
    return [
        problem
        for problem in fresh
        if problem.severity == "error" and (problem.location.path, problem.location.line) in touched
    ]


def _count(problems: Iterable[Problem]) -> Counter[_Identity]:
    return Counter(map(_identity, problems))


def _identity(problem: Problem) -> _Identity:
    # A mend moves what stands behind it on its line, and no line.
    return problem.location.path, problem.location.line, problem.code, problem.message


def _fresh(problems: Iterable[Problem], known: Counter[_Identity]) -> list[Problem]:
    """Those that are more than were known."""
    spare = known.copy()
    fresh = []
    for problem in problems:
        identity = _identity(problem)
        if spare[identity]:
            spare[identity] -= 1
        else:
            fresh.append(problem)
    return fresh


def _without_overlaps(problems: Iterable[Problem]) -> list[Problem]:
    """From the last of the file to the first, each of which ends before the one behind it begins."""
    found: list[Problem] = []
    behind = (1 << 60, 0)
    for problem in sorted(
        problems, key=lambda one: one.fix.location if one.fix else one.location, reverse=True
    ):
        place = problem.fix.location if problem.fix else problem.location
        if (place.line, place.column + place.length) <= behind:
            found.append(problem)
            behind = (place.line, place.column)
    return found


def apply_fixes(data: bytes, fixes: Iterable[Fix]) -> bytes:
    """The bytes of a file with the fixes in it, which must not overlap."""
    bom, body = (_BOM, data[3:]) if data.startswith(_BOM) else (b"", data)
    text = body.decode()
    starts = [0, *(match.end() for match in re.finditer(r"\r\n?|\n", text))]
    for fix in sorted(fixes, key=lambda fix: fix.location, reverse=True):
        begin = starts[fix.location.line - 1] + fix.location.column - 1
        text = text[:begin] + fix.text + text[begin + fix.location.length :]
    return bom + text.encode()
