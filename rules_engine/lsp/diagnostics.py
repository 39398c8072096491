"""Problems as the protocol's diagnostics.

In: a `Problem`, the lines of its file, and how to count columns for the client, which by default are UTF-16
code units. Out: the same message, hint, code, severity and place that `validate` prints.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types
from pygls.uris import from_fs_path

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pygls.workspace import PositionCodec

    from rules_engine.errors import Location, Problem

SOURCE = "rules-engine"

_SEVERITIES = {"error": types.DiagnosticSeverity.Error, "warning": types.DiagnosticSeverity.Warning}


def diagnostic(
    problem: Problem, lines_of: Callable[[str], Sequence[str]], codec: PositionCodec, page: str | None
) -> types.Diagnostic:
    """`lines_of` gives a file's lines by its path, `page` is where the problem's code is explained."""
    hint = f"\nhint: {problem.hint}" if problem.hint else ""
    related = [
        types.DiagnosticRelatedInformation(location_of(place, lines_of, codec), message)
        for place, message in problem.related
    ]
    return types.Diagnostic(
        range=range_of(problem.location, lines_of(problem.location.path), codec),
        message=problem.message + hint,
        severity=_SEVERITIES[problem.severity],
        code=problem.code,
        code_description=types.CodeDescription(page) if page else None,
        source=SOURCE,
        related_information=related or None,
    )


def location_of(
    place: Location, lines_of: Callable[[str], Sequence[str]], codec: PositionCodec
) -> types.Location:
    """A place in any file."""
    return types.Location(from_fs_path(place.path) or "", range_of(place, lines_of(place.path), codec))


def range_of(place: Location, lines: Sequence[str], codec: PositionCodec) -> types.Range:
    """A stretch of one line, in the client's units."""
    line = lines[place.line - 1] if place.line <= len(lines) else ""
    start, end = place.column - 1, place.column - 1 + place.length
    return types.Range(
        types.Position(place.line - 1, codec.client_num_units(line[:start]) + max(0, start - len(line))),
        types.Position(place.line - 1, codec.client_num_units(line[:end]) + max(0, end - len(line))),
    )
