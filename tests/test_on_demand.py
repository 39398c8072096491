"""What is made on demand is made once, and only then."""

from __future__ import annotations

import pytest

from rules_engine.on_demand import OnDemand


def test_a_value_is_made_when_it_is_first_asked_for_and_kept() -> None:
    asked: list[int] = []

    def make(key: int) -> list[int]:
        asked.append(key)
        return [key]

    values = OnDemand(make)
    assert values == {}
    assert values[2] is values[2]
    assert (values, asked) == ({2: [2]}, [2])


def test_what_cannot_be_made_is_not_kept() -> None:
    values = OnDemand[int, float](lambda key: 1 / key)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            values[0]
    assert values == {}
