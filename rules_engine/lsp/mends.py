"""What the server can write by itself: the safe mend of a problem, and a text in its canonical form.

In: the problems of a text, or the text. Out: edits for the client, the same that `validate --fix` and `fmt`
make. A text that cannot be read as YAML is left as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types

from rules_engine.canonical import canonical_form
from rules_engine.lsp.diagnostics import diagnostic, range_of
from rules_engine.lsp.outline import LINE_END

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pygls.workspace import PositionCodec

    from rules_engine.errors import Problem


def mends(
    problems: Sequence[Problem],
    uri: str,
    asked: types.Range,
    lines_of: Callable[[str], Sequence[str]],
    codec: PositionCodec,
) -> Iterator[types.CodeAction]:
    """One action for each problem with a fix that touches the range that is asked about."""
    for problem in problems:
        shown = diagnostic(problem, lines_of, codec, None)
        if problem.fix is None or not _touch(shown.range, asked):
            continue
        place = range_of(problem.fix.location, lines_of(problem.location.path), codec)
        title = f"write '{problem.fix.text}'" if problem.fix.text else "remove it"
        yield types.CodeAction(
            title=title,
            kind=types.CodeActionKind.QuickFix,
            diagnostics=[shown],
            is_preferred=True,
            edit=types.WorkspaceEdit(changes={uri: [types.TextEdit(place, problem.fix.text)]}),
        )


def formatting(path: str, text: str) -> list[types.TextEdit]:
    """The edit that gives the text its canonical form; none where it has it, or is no YAML."""
    formed, problems = canonical_form(path, text.encode("utf-8", "surrogatepass"))
    if problems or formed.decode() == text:
        return []
    whole = types.Range(types.Position(0, 0), types.Position(len(LINE_END.split(text)), 0))
    return [types.TextEdit(whole, formed.decode())]


def _touch(one: types.Range, other: types.Range) -> bool:
    return one.start <= other.end and other.start <= one.end
