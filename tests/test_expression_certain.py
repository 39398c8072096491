"""What is certain of conditions without a record: plain contradictions are found, and no alarm is false."""

from __future__ import annotations

from itertools import combinations, product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules_engine.errors import RulesEngineError
from rules_engine.expression import compile_expression
from rules_engine.expression.checks.certain import Certainties
from rules_engine.expression.checks.facts import Facts
from rules_engine.expression.checks.satisfiable import NO_RULE, Circumstances, Effort
from rules_engine.expression.syntax import parse
from rules_engine.expression.values import is_true
from rules_engine.model import Scope

SCOPE = Scope(
    vars={"x": "x", "n": 5, "on": True, "off": False},
    lists={"none": [], "some": ["x", "xy", 5]},
    conditions={
        "inserted": "eventName == 'INSERT'",
        "never": "new.a == 'x' && new.a == 'y'",
        "not_x": "!(new.a == 'x')",
        "circle": "is.circle || new.a == 'x'",
    },
)
INSERTS = Circumstances(("INSERT",), ("orders",), frozenset({"old"}))
CHANGES = Circumstances(("MODIFY",), ("orders", "carts"))
EXPIRIES = Circumstances(("EXPIRE",), ("orders",), frozenset({"new"}))


def found(*texts: str, circumstances: Circumstances = NO_RULE, before: tuple[str, ...] = ()) -> list[str]:
    trees, earlier = [parse(text) for text in texts], [parse(text) for text in before]
    return [
        f"{number}: {finding.message}"
        for number, finding in Certainties(SCOPE).find(trees, circumstances, earlier)
    ]


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["`false`"], "0: `false` is false for every record"),
        (["vars.n > `3`"], "0: 'vars.n > `3`' is true for every record"),
        (["contains(lists.none, new.a)"], "0: 'contains(lists.none, new.a)' is false for every record"),
        (["new.a == 'x'", "new.a == 'y'"], "1: 'new.a == 'y'' is never true where 'new.a == 'x'' is"),
        (["new.a == `5` && new.a < vars.n"], "0: 'new.a < vars.n' is never true where 'new.a == `5`' is"),
        (["new.a > `1`", "new.a < `1.0`"], "1: 'new.a < `1.0`' is never true where 'new.a > `1`' is"),
        (
            ["new.a > `1`", "starts_with(new.a, 'x')"],
            "1: 'starts_with(new.a, 'x')' is never true where 'new.a > `1`' is",
        ),
        (["is.not_x && new.a == 'x'"], "0: 'new.a == 'x'' is never true where 'is.not_x' is"),
        (["became(&a, 'x')", "old.a == 'x'"], "1: 'old.a == 'x'' is never true where 'became(&a, 'x')' is"),
        (["expired", "is.inserted"], "1: 'is.inserted' is never true where 'expired' is"),
        (["changed(&a)", "!changed(&a)"], "1: '!changed(&a)' is never true where 'changed(&a)' is"),
        (["new.a != 'x' || new.a != 'y'"], "0: 'new.a != 'x' || new.a != 'y'' is always true"),
        (
            ["new.a != 'x'", "new.a == 'x' || new.a == 'y'", "new.a != 'y'"],
            "2: 'new.a != 'y'' is never true where all that stands before it is",
        ),
        (
            ["new.b == 'x' || (new.a == 'x' && new.a == 'y')"],
            "0: 'new.a == 'x' && new.a == 'y'' is never true",
        ),
    ],
)  # fmt: skip
def test_what_is_certain_is_said_of_the_part_that_makes_it_so(texts: list[str], message: str) -> None:
    assert found(*texts) == [message]


@pytest.mark.parametrize(
    "texts",
    [
        ["new.a > `1`", "new.a < `2`"],
        ["new.a >= `1`", "new.a <= `1`"],
        ["new.a != `null`", "new.a != ''"],
        ["contains(new.tags, 'x') && contains(new.tags, 'y')"],
        ["starts_with(new.a, 'x') && contains(new.a, 'y') && new.a != 'xy'"],
        ["new.items[?a == 'x'] && new.items[?a == 'y']"],
        ["new.items[0].a == 'x'", "new.items[1].a == 'y'"],
        ["!(new.a) && new.a != `null` && new.a != `false` && new.a != ''"],
        ["contains(new.tags, 'x') || !contains(new.tags, 'x')"],
        ["eventName != 'MODIFY' || changed(&a)"],
        ["is.never && new.a == 'z'"],
        ["is.circle"],
        ["new.a < `3` || new.a >= `3`"],
    ],
)
def test_nothing_is_said_where_a_record_decides(texts: list[str]) -> None:
    assert found(*texts) == []


@pytest.mark.parametrize(
    ("circumstances", "text", "messages"),
    [
        (CHANGES, "is.inserted", ["0: 'is.inserted' is never true: the rule is for MODIFY alone"]),
        (INSERTS, "is.inserted", []),
        (
            INSERTS,
            "eventName == 'INSERT'",
            ["0: 'eventName == 'INSERT'' is always true: the rule is for INSERT alone"],
        ),
        (CHANGES, "!expired", ["0: '!expired' is always true: the rule is for MODIFY alone"]),
        (EXPIRIES, "expired", ["0: 'expired' is always true: the rule is for EXPIRE alone"]),
        (CHANGES, "table == 'orders'", []),
        (
            INSERTS,
            "table == 'orders'",
            ["0: 'table == 'orders'' is always true: the rule is for the table 'orders' alone"],
        ),
        (
            CHANGES,
            "table == 'x'",
            ["0: 'table == 'x'' is never true: the rule is for the tables 'orders' and 'carts' alone"],
        ),
    ],
)  # fmt: skip
def test_the_events_and_tables_of_a_rule_are_taken_into_account(
    circumstances: Circumstances, text: str, messages: list[str]
) -> None:
    assert found(text, circumstances=circumstances) == messages


def test_a_constant_of_the_file_that_stands_alone_is_a_switch_and_set_on_purpose() -> None:
    assert found("vars.on && new.a == 'x'", "vars.off || new.b") == []
    assert found("vars.off && new.a == 'x'") == []


def test_an_exception_is_looked_at_together_with_the_conditions_before_it() -> None:
    message = "0: 'new.a == 'y'' is never true where 'new.a == 'x'' is"
    assert found("new.a == 'y'", before=("new.b == 'x'", "new.a == 'x'")) == [message]
    assert found("new.b == 'y'", before=("new.a == 'x'",)) == []
    assert found("new.b == 'y'", before=("new.a == 'x'", "new.a == 'y'")) == []


# No false alarm

PATHS = ["new.a", "old.a", "new.b"]
CONSTANTS = ["'x'", "'xy'", "'y'", "`5`", "`5.5`", "`6`", "`null`", "`false`", "''", "vars.x", "vars.n"]
LEAVES = [
    *(f"{path} {sign} {constant}" for path in PATHS for sign in ("==", "!=") for constant in CONSTANTS),
    *(f"{path} {sign} `{n}`" for path in PATHS for sign in ("<", "<=", ">", ">=") for n in (5, 5.5)),
    *(f"starts_with({path}, '{text}')" for path in PATHS for text in ("x", "xy", "y")),
    *(f"contains({path}, {part})" for path in PATHS for part in ("'x'", "'y'", "`5`")),
    *(f"contains(lists.{name}, {path})" for path in PATHS for name in ("none", "some")),
    *(f"became(&a, {constant})" for constant in CONSTANTS),
    "eventName == 'INSERT'", "eventName != 'REMOVE'", "expired", "changed(&a)", "present(&a)",
    "new.a", "old.a", "is.not_x", "is.inserted", "new.a < old.a", "`false`", "vars.x == 'x'",
]  # fmt: skip

VALUES: list[Any] = [
    None, True, False, "", "x", "xy", "y", "z", "yx", 0, 5, 6, 5.5, 5.2, [], ["x"], ["x", "y", 5],
    {}, {"a": 1},
]  # fmt: skip


def documents() -> list[dict[str, Any]]:
    """Records of all events, with values of every kind at the paths."""
    images = [{"a": a, "b": b} for a, b in product(VALUES, ("x", 5))] + [{}]
    some = [images[0], images[8], images[10], images[20], {}]
    base: dict[str, Any] = {"table": "orders", "keys": {}}
    return [
        *(base | {"eventName": "INSERT", "expired": False, "new": new, "old": None} for new in images),
        *(
            base | {"eventName": "REMOVE", "expired": expired, "new": None, "old": old}
            for old, expired in product(images, (True, False))
        ),
        *(
            base | {"eventName": "MODIFY", "expired": False, "new": new, "old": old}
            for new, old in [*product(images, some), *product(some, images)]
        ),
    ]


DOCUMENTS = documents()


def conditions() -> st.SearchStrategy[str]:
    return st.recursive(
        st.sampled_from(LEAVES),
        lambda parts: st.one_of(
            st.tuples(parts, st.sampled_from(["&&", "||"]), parts).map(lambda t: f"({t[0]}) {t[1]} ({t[2]})"),
            parts.map(lambda part: f"!({part})"),
        ),
        max_leaves=5,
    )


@given(conditions())
@settings(max_examples=300)
def test_what_is_called_certain_is_so_for_every_record(text: str) -> None:
    tree, facts = parse(text), Facts(SCOPE)
    never = not Effort().is_satisfiable([facts.of(tree)], NO_RULE)
    never_not = not Effort().is_satisfiable([facts.of(tree, holds=False)], NO_RULE)
    if never or never_not:
        program = compile_expression(text, SCOPE)
        outcomes = {outcome(program, document) for document in DOCUMENTS} - {None}
        assert outcomes <= ({False} if never else {True})


def outcome(program: Any, document: dict[str, Any]) -> bool | None:
    """Whether the condition holds; None where it cannot be evaluated."""
    try:
        return is_true(program(document))
    except RulesEngineError:
        return None


@given(st.lists(st.sampled_from(LEAVES), min_size=2, max_size=4))
@settings(max_examples=300)
def test_a_warning_about_conditions_that_hold_together_is_true(texts: list[str]) -> None:
    messages = found(*texts)
    if any("is never true" in message for message in messages):
        programs = [compile_expression(text, SCOPE) for text in texts]
        holding = [d for d in DOCUMENTS if all(outcome(program, d) for program in programs)]
        assert holding == []
    if any(message.endswith("is always true") for message in messages):
        numbers = [int(m.split(":")[0]) for m in messages if m.endswith("is always true")]
        programs = [compile_expression(texts[number], SCOPE) for number in numbers]
        assert all(outcome(program, document) for program in programs for document in DOCUMENTS)


def covering(when: list[str], exceptions: list[list[str]]) -> int | None:
    """The exception with which no record is left."""
    trees = [[parse(text) for text in texts] for texts in exceptions]
    found = Certainties(SCOPE).find_covering([parse(text) for text in when], trees, NO_RULE)
    return None if found is None else found[0]


@pytest.mark.parametrize(
    ("when", "exceptions", "number"),
    [
        (["new.a == 'x'"], [["new.a == 'x'"]], 0),
        (["new.a == 'x'"], [["new.b == 'x'"], ["new.a != 'y'"]], 1),
        (["new.a > `1`"], [["new.a < `5`"], ["new.a >= `5`", "present(&a)"]], 1),
        (["new.a > `1`"], [["new.a < `5`"], ["new.a > `5`"]], None),
        (["new.a == 'x'"], [["new.a == 'x'", "new.b == 'x'"]], None),
        (["new.a == 'x'"], [["starts_with(new.a, 'x')"]], None),  # it might fail, as far as is looked
        (["changed(&a)"], [["is.not_x"]], None),
    ],
)
def test_exceptions_that_leave_no_record_are_found(
    when: list[str], exceptions: list[list[str]], number: int | None
) -> None:
    assert covering(when, exceptions) == number


SAFE_LEAVES = [leaf for leaf in LEAVES if not leaf.startswith(("starts_with", "contains"))]


@given(
    st.lists(st.sampled_from(SAFE_LEAVES), min_size=1, max_size=2),
    st.lists(st.lists(st.sampled_from(SAFE_LEAVES), min_size=1, max_size=2), min_size=1, max_size=3),
)
@settings(max_examples=300)
def test_a_warning_about_exceptions_is_true(when: list[str], exceptions: list[list[str]]) -> None:
    number = covering(when, exceptions)
    if number is not None:
        wanted = [compile_expression(text, SCOPE) for text in when]
        unwanted = [[compile_expression(text, SCOPE) for text in each] for each in exceptions[: number + 1]]
        left = [
            document
            for document in DOCUMENTS
            if all(outcome(program, document) for program in wanted)
            and not any(all(outcome(program, document) for program in programs) for programs in unwanted)
        ]
        assert left == []


def pigeons(number: int) -> list[str]:
    """Each pigeon is in one of too few holes, and no two are in the same one."""
    holes = range(number - 1)
    housed = [" || ".join(f"new.p{pigeon}{hole}" for hole in holes) for pigeon in range(number)]
    pairs = list(combinations(range(number), 2))
    return housed + [f"!(new.p{one}{hole} && new.p{other}{hole})" for one, other in pairs for hole in holes]


def test_conditions_with_too_many_alternatives_count_as_satisfiable() -> None:
    facts = Facts(SCOPE)
    assert not Effort().is_satisfiable([facts.of(parse(text)) for text in pigeons(3)], NO_RULE)
    assert Effort().is_satisfiable([facts.of(parse(text)) for text in pigeons(9)], NO_RULE)


def test_a_file_of_many_alternatives_takes_a_limited_number_of_steps() -> None:
    certainties = Certainties(SCOPE)
    trees = [parse(text) for text in (*pigeons(9), "new.a == 'x'", "new.a == 'y'")]
    lines = [certainties.find(trees[-2:], NO_RULE)]
    for _ in range(200):
        assert certainties.find(trees[:-2], NO_RULE) == []
    lines.append(certainties.find(trees[-2:], NO_RULE))
    assert [len(found) for found in lines] == [1, 0]
