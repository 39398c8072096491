"""What a name at the end of an unfinished expression is looked for in: the record, or a value of it.

In: the text left of the cursor. Out: a `Scope`. Inside of `new.items[?...]` and behind `map(&` a name is
looked for in an element, where there is no `new`; behind `changed(&` in the image. Only brackets, commas and
`&` are read, since no parser takes half an expression.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from rules_engine.expression.functions import FUNCTIONS

Path = tuple[str | None, ...]
"""From an image, `new` or `old` or `keys`, through attributes; None is any element of a list."""

IMAGES = ("new", "old", "keys")

_match_end_of_path = re.compile(r"(?:[\w.]|\][0-9*]*\[)*").match
"""On a text turned round, for a search from its beginning looks at each place again."""
_find_start_of_name = re.compile("[A-Za-z_]").search
_TOKEN = re.compile(r"""'[^']*'?|"[^"]*"?|`[^`]*`?|\|\||&&|[()\[\]{},|&]""")
_LONGEST = 4_000
"""Characters of a text of which the scope is told: it takes the square of its brackets."""


@dataclass(frozen=True, slots=True)
class Scope:
    """`path` is None where nobody can say; that of the record itself is empty."""

    path: Path | None = ()

    def below(self, path: Path) -> Scope:
        """The value at `path`."""
        is_known = self.path is not None and (self.path or path[:1] == () or path[0] in IMAGES)
        return Scope((*(self.path or ()), *path)) if is_known else Scope(None)


@dataclass(slots=True)
class _Level:
    """An open bracket, and the scope in it."""

    scope: Scope
    start: int = 0
    call: str = ""
    outer: Scope = Scope()
    """Of what is called: where the arguments are evaluated."""
    first_end: int = -1
    """Where the first argument ends."""


def last_path(text: str) -> str:
    """The beginning of a path that a text ends with, `new.items[0].sk`; it may be empty."""
    end = _match_end_of_path(text[::-1])
    assert end is not None  # it may be empty
    path = end[0][::-1]
    start = _find_start_of_name(path)
    return path[start.start() :] if start else ""


def steps(path: str) -> Path:
    """`new.items[0].sk` as `("new", "items", None, "sk")`."""
    return tuple(None if step.startswith("[") else step for step in path.replace("[", ".[").split("."))


def scope_at_end(text: str) -> Scope:
    """That of a name behind `text`."""
    if len(text) > _LONGEST:
        return Scope(None)
    levels = [_Level(Scope())]
    for token in _TOKEN.finditer(text):
        level, at = levels[-1], token.start()
        match token[0]:
            case "(" | "[" | "{":
                levels.append(_opened(text, at, level.scope))
            case ")" | "]" | "}":
                levels = levels[:-1] or [_Level(Scope())]
            case ",":
                level.scope = level.outer
                level.first_end = at if level.first_end < 0 else level.first_end
            case "|":
                level.scope = Scope(None)
            case "&" if level.call:
                level.scope = _referred(text, level)
            case _:
                pass
    return levels[-1].scope


def _opened(text: str, at: int, scope: Scope) -> _Level:
    """The level of the bracket at `at`."""
    path = last_path(text[:at].removesuffix("."))
    if text[at] == "(":
        return _Level(scope, at + 1, path, scope)
    if text.startswith("[?", at):
        inner = scope.below((*steps(path), None)) if path else Scope(None)
    elif text[:at].endswith("."):
        inner = scope.below(steps(path)) if path else Scope(None)
    else:
        inner = scope
    return _Level(inner, at + 1, "", inner)


def _referred(text: str, level: _Level) -> Scope:
    """Behind `&` in the arguments of a function."""
    function = FUNCTIONS.get(level.call)
    if function is not None and function.reads_images:
        return Scope(("new",))
    listed = text[level.start : level.first_end].strip() if level.first_end >= 0 else ""
    return (
        level.outer.below((*steps(listed), None)) if listed and last_path(listed) == listed else Scope(None)
    )
