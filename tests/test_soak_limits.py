"""A slice of each soak that is about limits: see `tests/soak/limits.py`, `numbers.py` and `records.py`."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from random import Random

import pytest

from rules_engine.expression import compile_expression
from tests.soak import limits, numbers, records


def test_no_expression_on_any_data_leaves_the_evaluator_in_another_way_or_beyond_its_budget() -> None:
    """Security line 19."""
    came: Counter[str] = Counter()
    for seed in range(400):
        for text, data in limits.pairs(seed):
            came[limits.check(text, data)] += 1
    assert came.keys() >= {"a value", "refused", "cannot be evaluated"}
    assert came.total() == 400 * limits.DATA_EACH


@pytest.mark.parametrize("form", ["[@, @][]", "to_string([@, @])", "join('', [to_string(@), to_string(@)])"])
def test_what_doubles_again_and_again_ends_within_its_budget(form: str) -> None:
    """Security line 19."""
    assert limits.check(" | ".join([form] * 24), {"a": "some text"}) == "over its budget"


def test_the_calls_of_an_evaluation_are_paid_for_by_its_steps() -> None:
    """Security line 19."""
    limits.check_calls("[@, @][]" + " | [@, @][]" * 24, {"a": "some text"})


def test_the_size_of_a_result_is_counted_as_often_as_each_part_occurs() -> None:
    shared = ["abc", 1]
    assert limits.size_of({"a": shared, "b": [shared, shared]}, 1_000) == 2 + 5 + 2 + 5 + 5
    assert limits.size_of(compile_expression("[@, @] | [@, @]")("ab"), 1_000) == 2 + 2 * (2 + 2 * 2)


def test_legal_numbers_keep_every_digit_everywhere() -> None:
    """Security line 20."""
    random = Random(0)
    texts = [numbers.legal_number(random) for _ in range(1_000)]
    for text in texts:
        numbers.check(text)
    assert max(abs(numbers.value_of(text)) for text in texts) >= 10**125
    assert min(abs(numbers.value_of(text)) for text in texts) < Fraction(1, 10**129)


@pytest.mark.parametrize("text", numbers.ILLEGAL)
def test_what_is_no_number_of_ascii_digits_is_refused(text: str) -> None:
    """Security line 20."""
    numbers.check_illegal(text)


def test_whatever_a_stream_brings_is_delivered_kept_or_comes_again() -> None:
    """Security line 20."""
    came: Counter[str] = Counter()
    for seed in range(2):
        random = Random(seed)
        stage = records.Stage(random)
        for _ in range(15):
            came += stage.deliver(records.event_of(random))
    assert came.total() == 2 * 15 * records.BATCH
    assert came.keys() >= {
        "delivered",
        "cannot be read: in the queue",
        "cannot be rendered: in the queue",
    }


@pytest.mark.parametrize(
    ("event_id", "keys"), [("e-\ud800", {"id": {"S": "a"}}), ("e-1", {"id": {"S": "\ud800"}}), ("e-1", {})]
)
def test_half_a_character_in_an_id_or_a_key_stops_no_batch(event_id: str, keys: dict[str, object]) -> None:
    random = Random(1)
    event = {"Records": [records.random_rules.record(random)]}
    event["Records"][0] |= {"eventID": event_id}
    event["Records"][0]["dynamodb"]["Keys"] = keys
    assert "came again with their batch" not in records.Stage(random).deliver(event)
