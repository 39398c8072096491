"""What is done about a failure, as a table of everything the decision looks at."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from rules_engine.delivery.failure import Failure
from rules_engine.delivery.policy import Policy, wait_seconds
from rules_engine.delivery.unit import Lane, Unit
from rules_engine.model import ActionSpec
from rules_engine.plain_record import record_from_images
from rules_engine.record import MalformedRecord
from tests.units import SHIPPED, delivery_of

START = 1_704_067_200.0
"""2024-01-01T00:00:00Z, when SHIPPED was made."""
GIVE_UP_SECONDS = 100.0
YOUNG, OLD = START + 99.5, START + 100.0


def unit(tries: int = 1, tries_before: int = 0, on_error: Any = "retry", timeless: bool = False) -> Unit:
    raw = record_from_images(SHIPPED, "orders")
    if timeless:
        del raw["dynamodb"]["ApproximateCreationDateTime"]
    delivery = delivery_of(ActionSpec(id="a", type="log", config={}, on_error=on_error), raw)
    return Unit("u", delivery.match.record, 0, Lane("lane"), delivery, tries=tries, tries_before=tries_before)


def verdict(failed: Unit, error_class: Any, now: float = YOUNG, **other: bool) -> str:
    policy = Policy(
        GIVE_UP_SECONDS,
        has_dead_letters=other.get("has_dead_letters", True),
        counts_tries=other.get("counts_tries", True),
    )
    return policy.verdict(failed, Failure(error_class, "CODE"), now, other.get("may_retry", True))


@pytest.mark.parametrize(
    ("error_class", "verdicts"),
    [
        ("transient", ["retry", "retry", "block", "block"]),
        ("unknown", ["retry", "block", "hold", "hold"]),
        ("systemic", ["block", "block", "block", "block"]),
        ("permanent", ["dead_letter"] * 4),
        ("gone", ["dead_letter"] * 4),
        ("blocked", ["dead_letter"] * 4),
    ],
)
def test_each_class_has_its_quick_retries_and_what_comes_after_them(
    error_class: str, verdicts: list[str]
) -> None:
    assert [verdict(unit(tries), error_class) for tries in (1, 2, 3, 4)] == verdicts


@pytest.mark.parametrize(
    ("tries", "tries_before", "expected"),
    [(1, 0, "retry"), (1, 1, "retry"), (1, 2, "hold"), (1, 3, "hold"), (2, 0, "block"), (2, 1, "hold")],
)
def test_tries_of_earlier_invocations_count_for_what_nobody_knows(
    tries: int, tries_before: int, expected: str
) -> None:
    assert verdict(unit(tries, tries_before), "unknown") == expected


def test_where_nobody_counts_tries_the_unknown_gets_all_of_them_at_once() -> None:
    assert [verdict(unit(tries), "unknown", counts_tries=False) for tries in (1, 2, 3)] == [
        "retry",
        "retry",
        "hold",
    ]


def test_tries_of_earlier_invocations_do_not_count_for_what_may_pass() -> None:
    assert verdict(unit(1, tries_before=9), "transient") == "retry"
    assert verdict(unit(3, tries_before=9), "transient") == "block"


@pytest.mark.parametrize(
    ("error_class", "expected"),
    [("transient", "block"), ("unknown", "block"), ("systemic", "block"), ("permanent", "dead_letter")],
)
def test_nothing_is_tried_again_where_the_target_takes_no_calls(error_class: str, expected: str) -> None:
    assert verdict(unit(), error_class, may_retry=False) == expected


@pytest.mark.parametrize(
    ("error_class", "expected"),
    [("transient", "dead_letter"), ("systemic", "dead_letter"), ("unknown", "dead_letter")],
)
def test_a_record_that_is_too_old_is_given_up(error_class: str, expected: str) -> None:
    assert verdict(unit(4), error_class, now=OLD) == expected
    assert verdict(unit(4), error_class, now=OLD, has_dead_letters=False) == "keep"


def test_a_record_is_too_old_from_the_very_second_on_and_never_without_a_time() -> None:
    policy = Policy(GIVE_UP_SECONDS, has_dead_letters=True)
    ages = [START - 1, YOUNG, OLD, OLD + 1, 1e12]
    assert [policy.is_too_old(unit(), now) for now in ages] == [False, False, True, True, True]
    assert [policy.is_too_old(unit(timeless=True), now) for now in ages] == [False] * 5


@pytest.mark.parametrize("error_class", ["transient", "systemic", "unknown", "permanent"])
def test_an_action_that_asks_for_dead_letters_gets_one_after_its_quick_retries(error_class: str) -> None:
    assert verdict(unit(3, on_error="dead_letter"), error_class) == "dead_letter"
    assert verdict(unit(3, on_error="dead_letter"), error_class, has_dead_letters=False) == "keep"
    first = {"transient": "retry", "unknown": "retry"}.get(error_class, "dead_letter")
    assert verdict(unit(1, on_error="dead_letter"), error_class) == first


@pytest.mark.parametrize("error_class", ["permanent", "gone", "blocked"])
def test_without_a_queue_the_hopeless_is_kept(error_class: str) -> None:
    assert verdict(unit(), error_class, has_dead_letters=False) == "keep"


def test_without_a_queue_the_exhausted_is_kept_and_the_others_block() -> None:
    assert verdict(unit(3), "unknown", has_dead_letters=False) == "keep"
    assert verdict(unit(3), "transient", has_dead_letters=False) == "block"


class HighestDraw(Random):
    """Draws the upper end, and keeps what it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[float, float]] = []

    def uniform(self, a: float, b: float) -> float:
        self.asked.append((a, b))
        return b


def test_the_wait_is_drawn_from_a_range_that_doubles_and_ends_at_a_second() -> None:
    random = HighestDraw()
    waits = [wait_seconds(tries, Failure("transient", "CODE"), random) for tries in (1, 2, 3, 4, 5, 6)]
    assert random.asked == [(0, 0.1), (0, 0.2), (0, 0.4), (0, 0.8), (0, 1.6), (0, 3.2)]
    assert waits == [0.1, 0.2, 0.4, 0.8, 1.0, 1.0]


@pytest.mark.parametrize(
    ("wish", "seconds"), [(None, 0.1), (0.0, 0.1), (0.05, 0.1), (0.5, 0.5), (1.0, 1.0), (60.0, 1.0)]
)
def test_the_wish_of_the_target_is_the_least_wait_and_a_second_the_most(
    wish: float | None, seconds: float
) -> None:
    assert wait_seconds(1, Failure("transient", "CODE", None, wish), HighestDraw()) == seconds


def test_a_record_that_cannot_be_read_has_no_age() -> None:
    policy = Policy(GIVE_UP_SECONDS, has_dead_letters=True)
    unreadable = Unit("u", MalformedRecord("1", "no reason", {}), 0, Lane("lane"))
    assert not policy.is_too_old(unreadable, 1e12)
