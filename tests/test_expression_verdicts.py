"""What the parts of a condition came to: by example, and in agreement with the engine on anything."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules_engine.engine import Engine
from rules_engine.expression.verdicts import Verdict, constants_read, failing_span, verdict
from rules_engine.model import Rule, RuleSet, Scope
from rules_engine.record import parse_record
from tests import random_rules

if TYPE_CHECKING:
    from collections.abc import Iterator

SCOPE = Scope(
    vars={"big": 1000, "unused": 1},
    lists={"few": [1, 2]},
    conditions={"gold": "new.tier == 'gold'", "vip": "is.gold || new.total > vars.big"},
)
DOCUMENT = {"new": {"tier": "silver", "total": 12, "note": 7}, "old": None}


def outline(part: Verdict) -> Any:
    """`text: outcome` with that of its parts below."""
    line = f"{part.text}: {part.outcome}"
    return {line: [outline(each) for each in part.parts]} if part.parts else line


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("new.total > `1`", "new.total > `1`: true"),
        (
            "new.total > `1` && (new.tier == 'gold') && new.note",
            {
                "new.total > `1` && (new.tier == 'gold') && new.note: false": [
                    "new.total > `1`: true",
                    "new.tier == 'gold': false",
                    "new.note: not_needed",
                ]
            },
        ),
        (
            "is.vip || is.gold",
            {
                "is.vip || is.gold: false": [
                    {
                        "is.vip: false": [
                            {"is.gold: false": ["new.tier == 'gold': false"]},
                            "new.total > vars.big: false",
                        ]
                    },
                    "is.gold: false",
                ]
            },
        ),
        (
            "!(new.total || old)",
            {"!(new.total || old): false": ["new.total: true", "old: not_needed"]},
        ),
        (
            "new.total && lower(new.note) == 'a' || old",
            {
                "new.total && lower(new.note) == 'a' || old: error": [
                    {
                        "new.total && lower(new.note) == 'a': error": [
                            "new.total: true",
                            "lower(new.note) == 'a': error",
                        ]
                    },
                    "old: not_needed",
                ]
            },
        ),
    ],
)
def test_the_parts_of_a_condition_come_to_what_the_evaluation_needed(text: str, expected: Any) -> None:
    assert outline(verdict(text, SCOPE, DOCUMENT)) == expected


@pytest.mark.parametrize(
    ("text", "failing"),
    [
        ("lower(new.note) == 'a'", "lower(new.note)"),
        ("new.total && !(lower(new.note) == 'a')", "lower(new.note)"),
        ("contains(upper(lower(new.note)), 'a')", "lower(new.note)"),
        ("lower(new.note).x | [0]", "lower(new.note)"),
        ("[lower(new.note)]", "[lower(new.note)]"),
    ],
)
def test_the_innermost_part_that_fails_is_found(text: str, failing: str) -> None:
    start, end = failing_span(text, SCOPE, DOCUMENT)
    assert text[start:end] == failing


def test_constants_are_those_of_named_conditions_too() -> None:
    assert constants_read("is.vip && contains(lists.few[0:1], new.total)", SCOPE) == {
        "lists.few": [1, 2],
        "vars.big": 1000,
    }


def parts_of(part: Verdict) -> Iterator[Verdict]:
    yield part
    for each in part.parts:
        yield from parts_of(each)


@given(seed=st.integers(0, 2**32))
def test_the_whole_comes_to_what_the_engine_says(seed: int) -> None:
    rng = Random(seed)
    text = " || ".join(
        f"({random_rules.condition(rng)}) && {random_rules.condition(rng)}"
        for _ in range(rng.randrange(1, 3))
    )
    scope = random_rules.SCOPE
    record = parse_record(random_rules.record(rng))
    engine = Engine.from_rules(RuleSet((Rule("r", ("orders", "customers"), (), when=(text,), scope=scope),)))
    (explanation,) = engine.explain(record)
    (clause,) = explanation.clauses
    found = verdict(text, scope, record.document)
    assert found.outcome == clause.outcome
    assert any(part.outcome == "error" for part in parts_of(found)) == (clause.outcome == "error")
    if clause.outcome == "error":
        start, end = failing_span(text, scope, record.document)
        assert 0 <= start < end <= len(text)
