"""Which equalities are looked up one after the other, by a way that many rules share.

A rule that needs certain values at several slots is found by looking up the first, then, among the rules with
that value, the next. Rules agree on the order: the slot with the most different values comes first, because
few records go on from there. `choose(named)` says which such ways there are to be: a `Way` is a run of slots,
and every way's beginning is a way too.

Tuples of values as keys were left: looking up a pair takes three times as long as looking up a text, three
values five times, and all combinations of paths would have to be tried for every record.
"""

from __future__ import annotations

from collections import Counter
from math import log2
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Way: TypeAlias = "tuple[int, ...]"
"""Slots, in the order in which they are looked up."""

MAX_WAYS = 64
"""Every way is a few lines of generated code; authors who name every combination of n paths make 2^n."""

MAX_LENGTH = 6


def in_order(uses: Mapping[int, tuple[int, int]]) -> dict[int, int]:
    """The place of each slot in all ways, from how many rules name it and with how many different values.

    First come those that settle the most: what tells few records apart, or for few rules, is asked late.
    """
    slots = sorted(uses, key=lambda slot: (-uses[slot][0] * log2(1 + uses[slot][1]), slot))
    return {slot: place for place, slot in enumerate(slots)}


def choose(named: Iterable[Way]) -> frozenset[Way]:
    """The ways that are looked up, of those that rules name: the shorter ones and those of most rules."""
    rules = Counter(way[:length] for way in named for length in range(1, min(len(way), MAX_LENGTH) + 1))
    ways = sorted(rules, key=lambda way: (len(way), -rules[way], way))
    return frozenset(ways[:MAX_WAYS])


def longest(way: Way, ways: frozenset[Way]) -> Way:
    """The longest beginning of `way` that is one of `ways`; empty if there is none."""
    return next((way[:length] for length in range(len(way), 0, -1) if way[:length] in ways), ())
