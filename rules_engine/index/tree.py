"""Rules as a tree of what they need.

`grow(entries)` takes each rule's position and needs and gives a `Tree`: look-ups, one below the other, by
which rules are found that need certain values, and a root below which all others stand. Every level settles
one need for all rules below it, and a leaf is reached only where all needs of its rules hold. Below the
look-ups come the levels that few records pass; what has to be evaluated comes last.
"""

from __future__ import annotations

from collections import Counter
from itertools import count
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

from rules_engine.index.few import tried
from rules_engine.index.levels import Branch, Level, Node
from rules_engine.index.paths import choose, in_order, longest
from rules_engine.index.steps import LEVELS, ORDER, slots_of, sorted_out

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from rules_engine.expression.needs import Source
    from rules_engine.index.levels import Key
    from rules_engine.index.paths import Way
    from rules_engine.index.steps import Entry, Place, Sorted, Step


class Lookup(NamedTuple):
    """A look-up of the value at `slot`, and those that follow where it finds something."""

    slot: int
    next: tuple[Lookup, ...]


class Tree(NamedTuple):
    """`below` has for each of `lookups` what stands for a value, and `root` the rules that no look-up finds.

    What stands for a value is a `Branch`; or, where look-ups follow, a pair of a `Branch` and a dictionary
    of what follows. That is one for all look-ups that follow, by the numbers that `numbers` has for the
    values at each slot: a record touches a third of the memory that a dictionary for each would have.
    """

    lookups: tuple[Lookup, ...]
    below: tuple[dict[Key, Any], ...]
    numbers: dict[int, dict[Key, int]]
    root: Node
    read_first: dict[int, set[type]]
    """Slots that most records need, with the types of what they are compared with."""
    read_late: dict[int, set[type]]
    """Slots that only some look-ups need."""
    walked: set[int]
    """Slots that levels look at."""


class _Sprout:
    """A node that still takes in rules."""

    __slots__ = ("below", "spared", "sure")

    def __init__(self) -> None:
        self.sure: list[int] = []
        self.spared: list[int] = []
        self.below: dict[Place, dict[Any, _Sprout]] = {}


class _Plot:
    """What stands for one value of a look-up while it still takes in rules."""

    __slots__ = ("below", "sprout")

    def __init__(self) -> None:
        self.sprout = _Sprout()
        self.below: dict[int, dict[Key, _Plot]] = {}


def grow(entries: Iterable[tuple[Entry, dict[Source, int]]]) -> Tree:
    """The tree of the rules, each with the slots where a walk finds the values of its sources."""
    rules = [sorted_out(entry, slots) for entry, slots in entries]
    keys: dict[int, set[Key]] = {}
    for rule in rules:
        for slot, wanted in rule.equal.items():
            keys.setdefault(slot, set()).update(wanted)
    uses = Counter(slot for rule in rules for slot in rule.equal)
    order = in_order({slot: (uses[slot], len(keys[slot])) for slot in keys})
    named = [tuple(sorted(rule.equal, key=order.__getitem__)) for rule in rules]
    ways = choose(named)
    root, demand = _Plot(), _Demand()
    for rule, slots in zip(rules, named, strict=True):
        way = longest(slots, ways)
        steps = _way_down(rule, way, order)
        demand.add(1 / prod(len(keys[slot]) or 1 for slot in way), steps)
        for plot in _plots(root, way, rule.equal):
            _plant(plot.sprout, steps, rule)
    demand.look_up(root, 1, keys)
    lookups = _lookups((), ways, order)
    numbers = _numbers(lookups, keys)
    types = {slot: set(map(type, keys[slot])) for way in ways for slot in way}
    read_first = demand.high(types)
    return Tree(
        lookups,
        tuple(_below(root, lookup, numbers) for lookup in lookups),
        numbers,
        _root(root.sprout),
        read_first,
        {slot: kinds for slot, kinds in types.items() if slot not in read_first},
        demand.walked,
    )


class _Demand:
    """How often slots are looked at, on average for a record."""

    def __init__(self) -> None:
        self.walked: set[int] = set()
        self._times: dict[int, float] = {}
        self._types: dict[int, set[type]] = {}

    def add(self, reached: float, steps: Iterable[Step]) -> None:
        """Steps of one rule, the first of which is reached by that share of records."""
        for step in steps:
            for slot, kind in slots_of(step):
                self.walked.add(slot)
                self._times[slot] = self._times.get(slot, 0) + reached
                self._types.setdefault(slot, set()).add(kind)
            reached *= _PASSED

    def look_up(self, plot: _Plot, reached: float, keys: dict[int, set[Key]]) -> None:
        """All look-ups from a plot that is reached by that share of records."""
        for slot, below in plot.below.items():
            self._times[slot] = self._times.get(slot, 0) + reached
            for each in below.values():
                if each.below:
                    self.look_up(each, reached / len(keys[slot]), keys)

    def high(self, looked_up: dict[int, set[type]]) -> dict[int, set[type]]:
        """Slots that are looked at often, with the types of what is looked for."""
        return {
            slot: self._types.get(slot, set()) | looked_up.get(slot, set())
            for slot, times in self._times.items()
            if times >= _OFTEN
        }


_OFTEN = 0.3
"""Times that a slot is looked at, on average for a record, from which on it is read first: that takes half
the time of reading it when something asks."""

_PASSED = 0.2
"""Share of the records that a level lets pass, roughly."""


def _plots(plot: _Plot, way: Way, equal: dict[int, tuple[Key, ...]]) -> Iterator[_Plot]:
    """The plots for all values that a rule wants along a way."""
    if not way:
        yield plot
        return
    slot, *rest = way
    below = plot.below.setdefault(slot, {})
    for key in equal[slot]:
        if key not in below:
            below[key] = _Plot()
        yield from _plots(below[key], tuple(rest), equal)


def _plant(sprout: _Sprout, steps: Iterable[Step], rule: Sorted) -> None:
    for place, branch in steps:
        below = sprout.below.setdefault(place, {})
        if branch not in below:
            below[branch] = _Sprout()
        sprout = below[branch]
    (sprout.spared if rule.spared else sprout.sure).append(rule.entry.position)


def _way_down(rule: Sorted, way: Way, order: dict[int, int]) -> list[Step]:
    """From the level that leaves the fewest records to the one that costs the most."""
    steps: list[tuple[tuple[int, int, int], Step]] = []
    for slot, keys in rule.equal.items():
        if slot not in way:
            kind, branch = ("equals", keys[0]) if len(keys) == 1 else ("any_of", frozenset(keys))
            steps.append(((ORDER[kind], order[slot], slot), ((kind, slot), branch)))
    for step in rule.others:
        (kind, slot), _ = step
        steps.append(((ORDER[kind], 0, slot), step))
    steps.sort(key=lambda step: step[0])
    return [step for _, step in steps]


def _lookups(way: Way, ways: frozenset[Way], order: dict[int, int]) -> tuple[Lookup, ...]:
    """The look-ups that follow `way`."""
    slots = sorted((each[-1] for each in ways if each[:-1] == way), key=order.__getitem__)
    return tuple(Lookup(slot, _lookups((*way, slot), ways, order)) for slot in slots)


def _numbers(lookups: Iterable[Lookup], keys: dict[int, set[Key]]) -> dict[int, dict[Key, int]]:
    """Numbers for the values at slots that are looked up after others, no number twice."""
    found: dict[int, dict[Key, int]] = {}
    number = count()
    later = [each for lookup in lookups for each in lookup.next]
    for lookup in later:  # which grows on the way
        if lookup.slot not in found:
            # Sorted, so that the same rules make the same tree.
            found[lookup.slot] = dict(zip(sorted(keys[lookup.slot], key=repr), number, strict=False))
        later += lookup.next
    return found


def _below(plot: _Plot, lookup: Lookup, numbers: dict[int, dict[Key, int]]) -> dict[Key, Any]:
    """What stands for each value of a first look-up."""
    return {key: _frozen(each, lookup, numbers) for key, each in plot.below[lookup.slot].items()}


def _frozen(plot: _Plot, lookup: Lookup, numbers: dict[int, dict[Key, int]]) -> Any:
    branch = _freeze(plot.sprout)
    if not lookup.next:
        return branch
    following = {
        numbers[each.slot][key]: _frozen(below, each, numbers)
        for each in lookup.next
        for key, below in plot.below.get(each.slot, {}).items()
    }
    return branch, following or _NOTHING


_NOTHING: dict[int, Any] = {}


def _freeze(sprout: _Sprout) -> Branch:
    if sprout.below or sprout.spared:
        return _node(sprout)
    return sprout.sure[0] if len(sprout.sure) == 1 else tuple(sprout.sure)


def _root(sprout: _Sprout) -> Node:
    return Node(tuple(sprout.sure), tuple(sprout.spared), tuple(_levels(sprout.below)))


def _node(sprout: _Sprout) -> Level:
    few, below = tried(sprout.below, _freeze)
    levels = few + _levels(below)
    if len(levels) == 1 and not sprout.sure and not sprout.spared:
        return levels[0]
    return Node(tuple(sprout.sure), tuple(sprout.spared), tuple(levels))


def _levels(below: Mapping[Place, Mapping[Any, _Sprout]]) -> list[Level]:
    places = sorted(below.items(), key=lambda item: (ORDER[item[0][0]], item[0][1]))
    return [
        LEVELS[kind](slot, {branch: _freeze(each) for branch, each in sprouts.items()})
        for (kind, slot), sprouts in places
    ]
