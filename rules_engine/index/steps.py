"""A rule's needs -> the steps by which a tree comes to it.

`sorted_out(entry, slots)` gives the equalities that look-ups may settle, and for every other need a `Step`: a
level that looks at a slot, and the branch there below which the rule stands. `LEVELS` has the kinds of levels
in the order in which a rule passes them: from those that few records pass to those that cost the most.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from rules_engine.expression.needs import (
    Differs,
    Equals,
    Has,
    Need,
    SomeElement,
    Source,
    StartsWith,
    Within,
)
from rules_engine.index import element_levels, levels
from rules_engine.index.numbers import number_of
from rules_engine.index.ranges import Range
from rules_engine.index.reader import index_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from rules_engine.index.levels import Branch, Key, Level, SlotTest

MAX_EXPANDED_KEYS = 64
"""A rule for one of so many values stands below each of them; beyond, its values are kept as a set."""


class Test(NamedTuple):
    """A need that is evaluated: the number of its program."""

    program: int


class Entry(NamedTuple):
    """One rule: what must hold, and for each exception what then must not."""

    position: int
    needs: Sequence[Need | Test]
    exceptions: Sequence[Sequence[Need | Test]]


Place: TypeAlias = "tuple[str, int]"
"""Kind of a level, and the slot or program that it looks at."""

Step: TypeAlias = "tuple[Place, Any]"
"""A level on a rule's way down, and the branch there below which the rule stands."""


class Sorted(NamedTuple):
    """An entry with its needs by slot: equalities that look-ups may settle, and the steps of all others."""

    entry: Entry
    equal: dict[int, tuple[Key, ...]]
    others: list[Step]
    spared: bool
    """Whether there are exceptions that no step settles."""


def sorted_out(entry: Entry, slots: dict[Source, int]) -> Sorted:
    equal: dict[int, tuple[Key, ...]] = {}
    others: list[tuple[Place, Any]] = []
    expanded = 1
    for need in _merged(entry.needs):
        if isinstance(need, Equals) and _is_attribute(need.source) and slots[need.source] not in equal:
            keys = tuple(map(index_key, need.keys))
            expanded *= len(keys) or 1
            if expanded <= MAX_EXPANDED_KEYS:
                equal[slots[need.source]] = keys
                continue
            expanded //= len(keys) or 1
        others.append(_level(need, slots))
    exceptions = _exceptions(entry, slots) if entry.exceptions else ()
    if exceptions:
        others.append((("unless", 0), exceptions))
    return Sorted(entry, equal, others, spared=bool(entry.exceptions) and not exceptions)


def _exceptions(entry: Entry, slots: dict[Source, int]) -> tuple[tuple[SlotTest, ...], ...]:
    """The exceptions as tests of single values; none where they are not all so simple."""
    if not all(
        isinstance(need, (Equals, Within)) and _is_attribute(need.source)
        for needs in entry.exceptions
        for need in needs
    ):
        return ()
    return tuple(tuple(_slot_test(need, slots) for need in needs) for needs in entry.exceptions)


def _slot_test(need: Any, slots: dict[Source, int]) -> SlotTest:
    wanted = frozenset(map(index_key, need.keys)) if isinstance(need, Equals) else _range(need)
    return slots[need.source], wanted


def _is_attribute(source: Source) -> bool:
    return source.inner is None and source.text is None


def slots_of(step: Step) -> Iterator[tuple[int, type]]:
    """The slots that a level looks at, and the type of value that it looks for."""
    (kind, slot), branch = step
    match kind:
        case "holds":
            return
        case "unless":
            for tests in branch:
                yield from ((slot, _type_of(wanted)) for slot, wanted in tests)
        case "some_element":
            yield from ((slot, _type_of(wanted)) for slot, wanted in branch)
        case "within" | "computed_within":
            yield slot, float
        case "has":
            yield slot, frozenset
        case "equals" | "some_equals" | "computed_equals":
            yield slot, type(branch)
        case _:
            yield slot, str


def _type_of(wanted: frozenset[Key] | Range) -> type:
    return float if isinstance(wanted, Range) else type(next(iter(wanted), ""))


def _level(need: Need | Test, slots: dict[Source, int]) -> Step:
    match need:
        case Equals(source, keys):
            return _equals(source, tuple(map(index_key, keys)), slots[source])
        case Differs(source, keys):
            return (_kind("differs", source), slots[source]), tuple(map(index_key, keys))
        case Within(source):
            return (_kind("within", source), slots[source]), _range(need)
        case StartsWith(source, prefix):
            return ("prefix", slots[source]), prefix
        case Has(source, key):
            return ("has", slots[source]), index_key(key)
        case SomeElement(tests):
            return ("some_element", slots[tests[0].source]), tuple(_slot_test(test, slots) for test in tests)
        case Test(program):
            return ("holds", program), None
    raise AssertionError(f"no level for {need}")


def _equals(source: Source, keys: tuple[Key, ...], slot: int) -> Step:
    if len(keys) == 1:
        return (_kind("equals", source), slot), keys[0]
    return (_kind("any_of", source), slot), frozenset(keys)


def _kind(name: str, source: Source) -> str:
    """Of elements one by one, or of one value."""
    if source.text is not None:
        return f"computed_{name}"
    return name if source.inner is None or source.function else f"some_{name}"


def _range(need: Within) -> Range:
    low = None if need.low is None else number_of(need.low)
    high = None if need.high is None else number_of(need.high)
    return Range(low, need.low_open, high, need.high_open)


def _merged(needs: Iterable[Need | Test]) -> Iterator[Need | Test]:
    """The needs, with all bounds of one value as one range."""
    ranges: dict[Source, Within] = {}
    for need in needs:
        if isinstance(need, Within):
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


LEVELS: dict[str, Callable[[int, dict[Any, Branch]], Level]] = {
    "equals": levels.EqualsLevel,
    "any_of": levels.AnyOfLevel,
    "some_equals": element_levels.SomeEqualsLevel,
    "some_any_of": element_levels.SomeAnyOfLevel,
    "has": levels.HasLevel,
    "prefix": levels.PrefixLevel,
    "within": levels.within_level,
    "differs": levels.DiffersLevel,
    "some_element": element_levels.SomeElementLevel,
    "holds": levels.HoldsLevel,
    "computed_equals": levels.EqualsLevel,
    "computed_any_of": levels.AnyOfLevel,
    "computed_within": levels.within_level,
    "computed_differs": levels.DiffersLevel,
    "unless": levels.UnlessLevel,
}
"""In the order in which a rule passes them."""

ORDER = {kind: number for number, kind in enumerate(LEVELS)}
