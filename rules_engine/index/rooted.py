"""Lines of generated code for the levels that every record passes: those at the root of a tree.

`root_lines(levels, read, names)` gives them, and the levels that have none. They do what the level's `visit`
does, for the types of values that its rules expect; where a record has something else, they add the level
itself to `nodes`, and the walk visits it.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import count
from typing import TYPE_CHECKING, Any

from rules_engine.expression.needs import ABSENT, NULL
from rules_engine.index.element_levels import SomeEqualsLevel
from rules_engine.index.levels import HasLevel, LeavesWithinLevel, OneRangeLevel, PrefixLevel, WithinLevel
from rules_engine.index.reader import UNEXPECTED

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Generator, Iterator, Sequence

    from rules_engine.index.levels import Level
    from rules_engine.index.ranges import RangeTree

ROOTED: dict[str, Any] = {
    "ABSENT": ABSENT,
    "NULL": NULL,
    "UNEXPECTED": UNEXPECTED,
    "bisect_left": bisect_left,
    "float": float,
    "frozenset": frozenset,
    "int": int,
    "isinstance": isinstance,
    "list": list,
    "set": set,
    "str": str,
    "tuple": tuple,
    "type": type,
}
"""What the lines speak of whatever the levels are."""


def root_lines(
    levels: Sequence[Level], read: Collection[int], names: dict[str, Any]
) -> tuple[list[str], list[Level]]:
    """Takes the slots that have been read, too, and adds to `names` what the lines speak of."""
    lines: list[str] = []
    rest = []
    number = count()
    for level in levels:
        write = _WRITERS.get(type(level))
        if write is None or level.slot not in read:  # type: ignore[attr-defined]
            rest.append(level)
        else:
            name = f"level{next(number)}"
            names[name] = level
            lines += write(level, f"v{level.slot}", name, names)  # type: ignore[attr-defined]
    return lines, rest


def taken(branch: str) -> Iterator[str]:
    """Lines that take the branch in the variable of that name."""
    yield f"if type({branch}) is int:"
    yield f"    sure.append({branch})"
    yield f"elif type({branch}) is tuple:"
    yield f"    sure += {branch}"
    yield "else:"
    yield f"    nodes.append({branch})"


def _found(below: str, key: str) -> Iterator[str]:
    """Lines that take what a dictionary has for a key."""
    yield f"if {key} in {below}:"
    yield f"    found = {below}[{key}]"
    yield from (f"    {line}" for line in taken("found"))


def _prefix(level: PrefixLevel, value: str, name: str, names: dict[str, Any]) -> Iterator[str]:
    yield f"if type({value}) is str:"
    for length, below in level.by_length:
        names[f"{name}_{length}"] = below
        yield f"    part = {value}[:{length}]"
        yield from (f"    {line}" for line in _found(f"{name}_{length}", "part"))
    yield from _wrong_type(value, name)


def _has(level: HasLevel, value: str, name: str, names: dict[str, Any]) -> Iterator[str]:
    names[f"{name}_words"] = level.words.find
    names[f"{name}_below"] = level.below
    yield f"if type({value}) is str:"
    yield f"    for part in {name}_words({value}):"
    yield f"        found = {name}_below[part]"
    yield from (f"        {line}" for line in taken("found"))
    yield f"elif type({value}) is frozenset:"
    yield f"    for part in {value}:"
    yield from (f"        {line}" for line in _found(f"{name}_below", "part"))
    yield from _wrong_type(value, name)


def _wrong_type(value: str, name: str) -> Iterator[str]:
    yield f"elif {value} is not ABSENT and {value} is not NULL:"
    yield f"    nodes.append({name})"


def _some_equals(level: SomeEqualsLevel, value: str, name: str, names: dict[str, Any]) -> Iterator[str]:
    names[f"{name}_below"] = level.below
    yield f"if type({value}) is list:"
    yield f"    for part in set({value}):"
    yield from (f"        {line}" for line in _found(f"{name}_below", "part"))
    yield f"elif {value} is UNEXPECTED:"
    yield f"    nodes.append({name})"


def _within(level: WithinLevel, value: str, name: str, names: dict[str, Any]) -> Iterator[str]:
    yield f"if type({value}) is float:"
    found = yield from _in_tree(level.tree, value, name, names)
    yield f"    for found in {found}:"
    yield from (f"        {line}" for line in taken("found"))
    yield from _no_float(value, name)


def _leaves_within(level: LeavesWithinLevel, value: str, name: str, names: dict[str, Any]) -> Iterator[str]:
    yield f"if type({value}) is float:"
    found = yield from _in_tree(level.tree, value, name, names)
    yield f"    sure += {found}"
    yield from _no_float(value, name)


def _in_tree(tree: RangeTree[Any], value: str, name: str, names: dict[str, Any]) -> Generator[str, None, str]:
    """Lines of a search, and what then stands for what it found."""
    listed = tree.listed()
    if listed is None:
        names[f"{name}_find"] = tree.find
        return f"{name}_find({value})"
    names[f"{name}_bounds"], names[f"{name}_below"], names[f"{name}_at"] = listed
    yield f"    place = bisect_left({name}_bounds, {value})"
    return f"({name}_at if {name}_bounds[place] == {value} else {name}_below)[place]"


def _one_range(level: OneRangeLevel, value: str, name: str, names: dict[str, Any]) -> Iterator[str]:
    names[f"{name}_holds"] = level.range.holds
    names[f"{name}_found"] = level.branch
    yield f"if type({value}) is float:"
    yield f"    if {name}_holds({value}):"
    yield from (f"        {line}" for line in taken(f"{name}_found"))
    yield from _no_float(value, name)


def _no_float(value: str, name: str) -> Iterator[str]:
    yield f"elif {value} is UNEXPECTED or isinstance({value}, float):"
    yield f"    nodes.append({name})"


_WRITERS: dict[type, Callable[[Any, str, str, dict[str, Any]], Iterator[str]]] = {
    HasLevel: _has,
    LeavesWithinLevel: _leaves_within,
    OneRangeLevel: _one_range,
    PrefixLevel: _prefix,
    SomeEqualsLevel: _some_equals,
    WithinLevel: _within,
}
