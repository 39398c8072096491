"""A slice of the soak of delivery: what the policies keep and what they do not, on simulated bad days."""

from __future__ import annotations

import pytest

from rules_engine.testing import CALM, CRASHES, FLAKY_TARGETS, MIXES, POISON, REDELIVERY, FaultMix
from tests.soak.delivery import totals

SEEDS = range(2)


@pytest.mark.parametrize("policy", ["stop", "continue"])
def test_on_a_calm_day_everything_arrives_once_and_in_order(policy: str) -> None:
    total = totals(policy, CALM, SEEDS)
    assert total == {"owed": total["owed"], "lost": 0, "inversions": 0, "stale": 0, "duplicates": 0}
    assert total["owed"] > 400


@pytest.mark.parametrize("mix", MIXES, ids=lambda mix: mix.name)
def test_stopping_at_the_first_failure_never_turns_changes_round(mix: FaultMix) -> None:
    total = totals("stop", mix, SEEDS)
    assert (total["inversions"], total["stale"]) == (0, 0)


@pytest.mark.parametrize("mix", [REDELIVERY, CRASHES], ids=lambda mix: mix.name)
def test_without_poison_stopping_loses_nothing_and_repeats_much(mix: FaultMix) -> None:
    total = totals("stop", mix, SEEDS)
    assert total["lost"] == 0
    assert total["duplicates"] > 0


def test_behind_poison_stopping_loses_healthy_records_too() -> None:
    """What dead letters are for: a shard that stands still until its records are too old."""
    total = totals("stop", POISON, SEEDS)
    assert total["lost"] / total["owed"] > 2 * POISON.poison_records


def test_going_on_after_a_failure_turns_changes_round() -> None:
    """What lanes are for."""
    total = totals("continue", FLAKY_TARGETS, SEEDS)
    assert total["inversions"] > 0
    assert total["stale"] > 0
