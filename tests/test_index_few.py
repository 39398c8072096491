"""Needs that are tried one by one, and levels in generated code, tell the same as evaluating every rule."""

from __future__ import annotations

from typing import Any

import pytest

from rules_engine.engine import Engine
from rules_engine.index.few import MAX_TRIED
from rules_engine.model import Rule, RuleSet, Unless

VALUES: list[Any] = [
    None,
    *(
        {"N": text}
        for text in ("5", "5.0", "-5", "-5.5", "-7", "0", "-0", ".5", "5.", "1E+1", "1e1", "999", "1000")
    ),
    *({"N": text} for text in ("5.00000000000000001", "4.99999999999999999", "12345678901234567", "-0.0")),
    *(
        {"N": text}
        for text in ("", ".", "-", "-.", "5-", "--5", "1.2.3", "5-.3", "1_0", " 5", "5\n", "\u0665", "nan")
    ),
    {"N": 5},
    {"N": "5", "S": "5"},
    *({"S": text} for text in ("", "a", "ab", "bab", "me@b.c", "@@b.c", "x@b.c")),
    {"S": 5},
    {"SS": ["ab", "b"]},
    {"SS": ["ab", "ab"]},
    {"NS": ["5", "7"]},
    {"L": [{"S": "ab"}, {"N": "5"}]},
    {"L": []},
    {"L": [{"M": {"k": {"S": "ab"}, "n": {"N": "5"}}}]},
    {"L": [{"M": {"k": {"S": "ab"}, "n": {"N": "1"}}}, {"M": {"k": {"S": "b"}, "n": {"N": "9"}}}]},
    {"L": [{"M": {"k": {"S": "ab"}}}, {"M": {"k": {"S": "ab"}, "n": {"N": "7"}}}]},
    {"L": [{"M": {"k": {"S": "ab"}, "n": {"N": "5.00000000000000001"}}}]},
    {"L": [{"M": {"k": {"S": "ab"}, "n": {"N": "4.99999999999999999"}}}]},
    {"L": [{"M": {"k": {"S": "ab"}, "n": {"S": "7"}}}, {"M": {"k": {"N": "3"}, "n": {"N": "7"}}}]},
    {"L": [{"M": {"k": {"S": "ab"}, "n": {"N": "1000"}}}, {"M": {"n": {"N": "0.5"}}}]},
    {"L": [{"M": {"k": {"S": "ab"}, "n": {"N": "x"}}}]},
    {"L": [{"S": "ab"}]},
    {"BOOL": True},
    {"NULL": True},
    {"M": {}},
    {},
    {"X": "5"},
]

CHANGES = [(before, value) for value in VALUES for before in (value, {"N": "5"}, {"S": "q"}, None)]

NEEDS = (
    *(f"new.v {sign} `{number}`" for sign in ("<", "<=", ">", ">=") for number in ("5", "-5.5", "0")),
    "new.v > `5` && new.v <= `10`",
    "new.v >= `5.00000000000000001`",
    "contains(new.v, 'ab')",
    "contains(new.v, '')",
    "contains(new.v, `5`)",
    "starts_with(new.v, 'a')",
    *(f"contains(new.v, '{part}')" for part in ("@", "@b", "@b.c", "e@b", "me@", "me@b", "x@b.c")),
    "new.v[?k == 'ab' && n >= `5`]",
    "new.v[?k == 'ab' && n < `5`]",
    "new.v[?n > `1` && n < `9`]",
    "contains(new.v[*].k, 'ab')",
    "sum(new.v[*].n) >= `5`",
    "max(new.v[*].n) > `5` && contains(new.v[*].k, 'ab')",
    "changed(&v)",
    "new.v > old.v",
    "new.v <= old.v",
)

EXCEPTIONS = ("new.v == `5`", 'contains(`["a", "ab"]`, new.v)', "new.v > `3`", "new.v == null")


def rules(anchor: str) -> list[Rule]:
    """Every need and every exception, alone and together, below the conditions of `anchor`."""
    found = [(f"{anchor}{need}", ()) for need in NEEDS]
    found += [(f"{anchor}new.w == 'w'", (exception,)) for exception in EXCEPTIONS]
    found += [(f"{anchor}{need}", (EXCEPTIONS[0],)) for need in NEEDS]
    return [
        Rule(
            f"{number}: {when}, unless {unless}",
            ("orders",),
            (),
            when=(when,),
            unless=tuple(Unless("x", (exception,)) for exception in unless),
        )
        for number, (when, unless) in enumerate(found)
    ]


def bands() -> list[Rule]:
    """Narrow ranges beside each other."""
    found = [f"new.v {low} `{place}` && new.v {high} `{place + 1}`" for place in range(-6, 12)
             for low, high in ((">", "<"), (">=", "<"), (">", "<="))]  # fmt: skip
    return [Rule(when, ("orders",), (), when=(when,)) for when in found]


ALONE = [[rule] for rule in rules("new.a == 'x' && ")]
"""Below a look-up, one at a time."""
OTHERS = [Rule(f"z{place}", ("orders",), (), when=(f"new.a == 'z{place}'",)) for place in range(9)]
LATE = [[rule, *OTHERS] for (rule,) in ALONE]
"""Below a look-up that finds so little that values are read when they are asked for."""
MANY = [rules("new.a == 'x' && "), rules(""), bands()]
"""Below a look-up with too many to try each, and where every record passes."""


@pytest.mark.parametrize("rule_sets", [ALONE, LATE, MANY], ids=["alone", "late", "many"])
def test_what_is_tried_is_told_as_an_evaluation_tells_it(rule_sets: list[list[Rule]]) -> None:
    differences = []
    for number, of in enumerate(rule_sets):
        engine = Engine.from_rules(RuleSet(tuple(of)))
        for before, value in CHANGES:
            record = changed(before, value)
            matched = [match.rule.id for match in engine.match(record)]
            explained = [each.rule_id for each in engine.explain(record) if each.outcome == "matched"]
            if matched != explained:
                differences.append((number, before, value, matched, explained))
    assert differences == []


FAILING: list[tuple[str, Any]] = [
    ("sum(new.v[*].n) >= `5`", {"L": [{"M": {"n": {"S": "7"}}}]}),
    ("contains(new.v, 'ab')", {"N": "5"}),
    ("starts_with(new.v, 'ab')", {"N": "5"}),
    ("contains(new.v[*].k, 'ab')", {"L": [{"M": {"k": {"X": "ab"}}}]}),
    ("new.v[?k == 'ab' && n >= `5`]", {"L": [{"M": {"k": {"S": "ab"}, "n": {"N": "x"}}}]}),
    ("new.v > `5`", {"N": "x"}),
    ("changed(&v)", {"S": "x", "N": "1"}),
]


@pytest.mark.parametrize("others", [[], OTHERS], ids=["alone", "late"])
@pytest.mark.parametrize("anchor", ["", "new.a == 'x' && "], ids=["every record", "below a look-up"])
def test_what_cannot_be_evaluated_is_reported(anchor: str, others: list[Rule]) -> None:
    found = []
    for need, value in FAILING:
        rule = Rule("failing", ("orders",), (), when=(f"{anchor}{need}",))
        evaluation = Engine.from_rules(RuleSet((rule, *others))).evaluate(changed({"S": "q"}, value))
        found.append(([match.rule.id for match in evaluation.matches], len(evaluation.errors)))
    assert found == [([], 1)] * len(FAILING)


@pytest.mark.parametrize("others", [[], OTHERS], ids=["alone", "late"])
def test_an_exception_that_cannot_be_evaluated_spares_nothing_and_is_reported(others: list[Rule]) -> None:
    rule = Rule("spared", ("orders",), (), when=("new.a == 'x'",), unless=(Unless("x", ("new.v == `5`",)),))
    evaluation = Engine.from_rules(RuleSet((rule, *others))).evaluate(changed(None, {"N": "5", "S": "5"}))
    found = ([match.rule.id for match in evaluation.matches], [error.clause for error in evaluation.errors])
    assert found == (["spared"], ["unless[x]"])


def changed(before: Any, value: Any) -> dict[str, Any]:
    new = {"a": {"S": "x"}, "w": {"S": "w"}, **({} if value is None else {"v": value})}
    old = {"a": {"S": "x"}, **({} if before is None else {"v": before})}
    return {
        "eventID": "e-1",
        "eventName": "MODIFY",
        "eventSourceARN": "arn:aws:dynamodb:eu-west-1:1:table/orders/stream/1",
        "dynamodb": {"NewImage": new, "OldImage": old, "SequenceNumber": "1"},
    }


def test_the_cases_are_worth_the_comparison() -> None:
    """Every rule matches some record and not another, and many are too many to be tried."""
    every = rules("new.a == 'x' && ")
    engine = Engine.from_rules(RuleSet(tuple(every)))
    matches = [
        {match.position for match in engine.match(changed(before, value))} for before, value in CHANGES
    ]
    assert set.union(*matches) == set(range(len(every)))
    assert set.intersection(*matches) == set()
    assert len(NEEDS) > MAX_TRIED
