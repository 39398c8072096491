"""Rules as a tree of what they need.

`grow(entries, slots)` takes each rule's position and needs and gives the root that `Walk.run` starts from.
Every level settles one need for all rules below it, and a leaf is reached only where all needs of its rules
hold. Equalities come first, those with the most different values at the top, because few records go on below
them; what has to be evaluated comes last.

Tuples of values as keys were left: they need a look-up for each combination of paths that rules use, up to
2^n for n paths, where the tree needs n(n+1)/2 for rules of two equalities, and usually little more than n.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from rules_engine.expression.needs import Differs, Equals, Has, Key, Need, Ordered, Source, StartsWith, Within
from rules_engine.index import levels
from rules_engine.index.levels import Branch, Level, Node

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

MAX_EXPANDED_KEYS = 64
"""A rule for one of so many values stands below each of them; beyond, its values are kept as a set."""


class Test(NamedTuple):
    """A need that is evaluated: the number of its program."""

    program: int


class Entry(NamedTuple):
    """One rule. `conditional`: its needs alone do not decide."""

    position: int
    needs: Sequence[Need | Test]
    conditional: bool


Place: TypeAlias = "tuple[str, int]"
"""Kind of a level, and the slot or program that it looks at."""

Step: TypeAlias = "tuple[Place, Sequence[Any]]"
"""A level on a rule's way down, and the branches there below which the rule stands."""


class _Sprout:
    """A node that still takes in rules."""

    __slots__ = ("below", "sure", "unsure")

    def __init__(self) -> None:
        self.sure: list[int] = []
        self.unsure: list[int] = []
        self.below: dict[Place, dict[Any, _Sprout]] = {}


def grow(entries: Sequence[Entry], slots: dict[Source, int]) -> Branch:
    """The tree of the rules; `slots` says where a walk finds the value of each source."""
    different = _different_keys(entries)
    root = _Sprout()
    for entry in entries:
        _plant(root, _way_down(entry.needs, slots, different), entry)
    return _freeze(root)


def _different_keys(entries: Iterable[Entry]) -> dict[Source, int]:
    keys: dict[Source, set[Key]] = {}
    for entry in entries:
        for need in entry.needs:
            if isinstance(need, Equals):
                keys.setdefault(need.source, set()).update(need.keys)
    return {source: len(found) for source, found in keys.items()}


def _plant(sprout: _Sprout, way: Sequence[Step], entry: Entry) -> None:
    if not way:
        (sprout.unsure if entry.conditional else sprout.sure).append(entry.position)
        return
    (place, branches), *rest = way
    below = sprout.below.setdefault(place, {})
    for branch in branches:
        _plant(below.setdefault(branch, _Sprout()), rest, entry)


def _way_down(
    needs: Iterable[Need | Test], slots: dict[Source, int], different: dict[Source, int]
) -> list[Step]:
    """From the level that leaves the fewest records to the one that costs the most."""
    expanded = False
    found: list[tuple[tuple[int, int, int], Step]] = []
    for need in _merged(needs):
        kind, slot, branches = _level(need, slots)
        if kind == "equals" and len(branches) != 1:
            if expanded or len(branches) > MAX_EXPANDED_KEYS:
                kind, branches = "any_of", (frozenset(branches),)
            expanded = True
        values = different[need.source] if isinstance(need, Equals) else 0
        found.append(((_ORDER.index(kind), -values, slot), ((kind, slot), branches)))
    found.sort(key=lambda step: step[0])
    return [step for _, step in found]


def _level(need: Need | Test, slots: dict[Source, int]) -> tuple[str, int, Sequence[Any]]:
    match need:
        case Equals(source, keys):
            return "some_equals" if source.inner else "equals", slots[source], keys
        case Differs(source, key):
            return "differs", slots[source], (key,)
        case Within(source):
            return "some_within" if source.inner else "within", slots[source], (need,)
        case StartsWith(source, prefix):
            return "prefix", slots[source], (prefix,)
        case Ordered(left, order, right):
            return "ordered", slots[left], ((order, slots[right]),)
        case Has(source, key):
            return "has", slots[source], (key,)
        case Test(program):
            return "holds", program, (None,)
    raise AssertionError(f"no level for {need}")


def _merged(needs: Iterable[Need | Test]) -> Iterator[Need | Test]:
    """The needs, with all bounds of one path as one range. Each bound of elements stands by itself."""
    ranges: dict[Source, Within] = {}
    for need in needs:
        if isinstance(need, Within) and not need.source.inner:
            ranges[need.source] = _both(ranges.get(need.source, Within(need.source)), need)
        else:
            yield need
    yield from ranges.values()


def _both(one: Within, other: Within) -> Within:
    """What is in both ranges. Where two bounds are the same number, the open one is the narrower."""
    lows = [(each.low, each.low_open) for each in (one, other) if each.low is not None]
    highs = [(each.high, not each.high_open) for each in (one, other) if each.high is not None]
    low, low_open = max(lows, default=(None, False))
    high, high_closed = min(highs, default=(None, True))
    return Within(one.source, low, low_open, high, not high_closed)


def _freeze(sprout: _Sprout) -> Branch:
    if not sprout.below and not sprout.unsure:
        return tuple(sprout.sure)
    equals: list[tuple[int, dict[Key, Branch]]] = []
    others: list[Level] = []
    for (kind, slot), below in sorted(sprout.below.items()):
        branches = {branch: _freeze(each) for branch, each in below.items()}
        if kind == "equals":
            equals.append((slot, branches))
        else:
            others.append(_LEVELS[kind](slot, branches))
    return Node(tuple(sprout.sure), tuple(sprout.unsure), tuple(equals), tuple(others))


_LEVELS: dict[str, Callable[[int, dict[Any, Branch]], Level]] = {
    "some_equals": levels.SomeEqualsLevel,
    "has": levels.HasLevel,
    "prefix": levels.PrefixLevel,
    "within": levels.WithinLevel,
    "some_within": levels.SomeWithinLevel,
    "any_of": levels.AnyOfLevel,
    "ordered": levels.OrderedLevel,
    "differs": levels.DiffersLevel,
    "holds": levels.HoldsLevel,
}

_ORDER = ("equals", *_LEVELS)
