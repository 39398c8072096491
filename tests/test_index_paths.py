"""Ways of look-ups: rules share them, and there are never too many."""

from __future__ import annotations

from itertools import combinations

from rules_engine.index.paths import MAX_LENGTH, MAX_WAYS, choose, in_order, longest


def test_what_settles_most_is_looked_up_first() -> None:
    uses = {0: (40, 8), 1: (50, 200), 2: (20, 10_000), 3: (4, 38)}
    assert in_order(uses) == {1: 0, 2: 1, 0: 2, 3: 3}


def test_every_beginning_of_a_way_is_a_way() -> None:
    assert choose([(1, 2, 3), (1, 4), (5,)]) == {(1,), (1, 2), (1, 2, 3), (1, 4), (5,)}


def test_authors_who_name_every_combination_make_no_more_ways_than_there_may_be() -> None:
    every = [each for size in range(1, 11) for each in combinations(range(10), size)]
    ways = choose(every)
    assert len(ways) == MAX_WAYS
    assert all(way[:-1] in ways or len(way) == 1 for way in ways)
    assert {(slot,) for slot in range(10)} <= ways


def test_a_long_way_is_cut() -> None:
    ways = choose([tuple(range(20))])
    assert max(map(len, ways)) == MAX_LENGTH
    assert longest(tuple(range(20)), ways) == tuple(range(MAX_LENGTH))
    assert longest((7, 8), ways) == ()
