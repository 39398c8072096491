"""A tree's way in, as a Python function of its own: `find(record)` -> `(sure, doubtful or None)`.

It reads what most records need (`reading`), tries every look-up, and walks on from there. Written out,
without loops over paths or calls between them, that takes half the time of closures that do the same
(docs/decisions/0003-generated-look-ups.md). Its text is made of the lines below and of numbers: whatever
comes from rules, attribute names included, goes in as a value bound to a name of ours. The same tree gives
the same text, which `linecache` keeps, so that tracebacks and profilers can show it.

A record with an attribute that is no DynamoDB JSON, among those that are read first, leaves every rule to be
evaluated: only the rules that read it may notice.
"""

from __future__ import annotations

import linecache
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias

from rules_engine.index.levels import UNREAD, Context, Node, Walk
from rules_engine.index.reading import READING, read_lines
from rules_engine.index.rooted import ROOTED, root_lines, taken

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from rules_engine.expression import Program
    from rules_engine.expression.needs import Source
    from rules_engine.index.reader import Reader
    from rules_engine.index.tree import Lookup, Tree
    from rules_engine.record import StreamRecord


class Doubtful(Protocol):
    """Rules that are not sure to match, each once: `spared` do unless an exception is for the record."""

    @property
    def spared(self) -> Sequence[int]: ...
    @property
    def undecided(self) -> Sequence[int]: ...


Find: TypeAlias = "Callable[[StreamRecord], tuple[list[int], Doubtful | None]]"


class _Every(NamedTuple):
    """Nothing is known of any rule."""

    undecided: Sequence[int]
    spared: Sequence[int] = ()


def generate(
    name: str,
    tree: Tree,
    rules: Sequence[int],
    sources: Sequence[Source],
    readers: Sequence[Reader],
    programs: Sequence[Program],
) -> Find:
    """The function for the `tree` of `rules`, whose slots are those of `sources` and `readers`.

    `name` shows in tracebacks.
    """
    names: dict[str, Any] = {
        **_NAMES,
        "context": Context(readers, programs),
        "every": _Every(rules),
    }
    first, late, read = read_lines(tree, sources, readers, names)
    known = [slot in read or slot in late for slot in range(len(sources))]
    rooted, others = root_lines(tree.root.levels, read, names)
    rest = Node(tree.root.sure, tree.root.spared, tuple(others)) if others or tree.root.spared else None
    names |= {"root": rest, "always": list(tree.root.sure)}
    text = "\n".join(
        (
            "def find(record):",
            "    sure = always.copy()" if tree.root.sure and rest is None else "    sure = []",
            "    nodes = []" if rest is None else "    nodes = [root]",
            *(f"    v{slot} = UNREAD" for slot in late),
            "    try:",
            *(f"        {line}" for line in (*first, *_Lookups(tree, late, names).lines())),
            "        pass",
            "    except DAMAGED:",
            "        return [], every",
            *(f"    {line}" for line in rooted),
            *(f"    {line}" for line in _walk(rest is not None, known)),
            "",
        )
    )
    filename = f"<look-ups of {name}>"
    linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)
    exec(compile(text, filename, "exec"), names)  # noqa: S102 - no part of the text comes from outside
    find: Find = names["find"]
    return find


_NAMES: dict[str, Any] = {
    **READING,
    **ROOTED,
    "UNREAD": UNREAD,
    "Walk": Walk,
    "int": int,
    "tuple": tuple,
    "type": type,
}


class _Lookups:
    """Lines that try every look-up."""

    def __init__(self, tree: Tree, late: dict[int, list[str]], names: dict[str, Any]) -> None:
        self._tree = tree
        self._late = late
        self._names = names
        self._found = count()
        for slot, numbers in tree.numbers.items():
            names[f"number{slot}"] = numbers.get

    def lines(self) -> Iterator[str]:
        for slot in self._tree.numbers:
            if slot not in self._late:
                yield f"i{slot} = number{slot}(v{slot})"
        for number, (lookup, below) in enumerate(zip(self._tree.lookups, self._tree.below, strict=True)):
            self._names[f"below{number}"] = below
            yield from self._one(lookup, f"v{lookup.slot}", f"below{number}")

    def _one(self, lookup: Lookup, key: str, below: str) -> Iterator[str]:
        """Looks up a value, and where it finds something what follows."""
        found = f"found{next(self._found)}"
        yield f"if {key} in {below}:"
        if lookup.next:
            following = f"{found}_next"
            yield f"    {found}, {following} = {below}[{key}]"
            for each in lookup.next:
                if each.slot in self._late:
                    yield f"    if v{each.slot} is UNREAD:"
                    yield from (f"        {line}" for line in self._late[each.slot])
                    yield f"        i{each.slot} = number{each.slot}(v{each.slot})"
                yield from (f"    {line}" for line in self._one(each, f"i{each.slot}", following))
        else:
            yield f"    {found} = {below}[{key}]"
        yield from (f"    {line}" for line in taken(found))


def _walk(always: bool, known: Sequence[bool]) -> Iterator[str]:
    """Goes on from the nodes that were found, if only sometimes unless `always`. `known` says of each slot
    whether it has a variable."""
    if not always:
        yield "if not nodes:"
        yield "    return sure, None"
    values = ", ".join(f"v{slot}" if each else "UNREAD" for slot, each in enumerate(known))
    yield f"return sure, Walk([{values}], record, context, sure, nodes)"
