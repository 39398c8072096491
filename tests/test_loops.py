"""Loops of rules that write what they match: found before they run, and only those."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rules_engine.loader.loops import find_loops
from rules_engine.model import ActionSpec, Rule, Scope, Unless
from tests.written_back import TABLES, World, item, rule_set

if TYPE_CHECKING:
    from rules_engine.loader.loops import Loop

ROUNDS = 150

OWN = {"key": "{{ keys }}"}
STAMP = {"update": {**OWN, "set": {"at": "{{ createdAt }}"}}}
COUNT = {"update": {**OWN, "add": {"n": 1}}}
FLAG = {"update": {**OWN, "set": {"flag": "x"}}}


def rule(write: dict[str, Any], *when: str, **more: Any) -> Rule:
    table = more.pop("table", "orders")
    action = ActionSpec("w", "table", {"table": more.pop("to", table), **write})
    return Rule(more.pop("id", "a"), (table,), (action,), when=when, **more)


def put(**item: Any) -> dict[str, Any]:
    return {"put": item}


def update(key: Any = "{{ keys }}", **values: Any) -> dict[str, Any]:
    return {"update": {"key": key, "set": values}}


def loops(*rules: Rule) -> list[str]:
    """`a`, or `a b` for a loop of two rules; with `?` where it only may be one."""
    return [
        " ".join(rules[turn.rule].id for turn in loop.turns) + ("" if loop.is_certain else " ?")
        for loop in find_loops(rules).loops
    ]


CERTAIN = {
    "a timestamp": rule(STAMP),
    "a counter": rule(COUNT),
    "a condition on what is not written": rule(STAMP, "new.status == 'PAID'"),
    "a range": rule(STAMP, "new.total > `100`", "new.total < `1000`"),
    "a function of what is not written": rule(STAMP, "starts_with(new.sku, 'A')", "contains(new.tags, 'x')"),
    "a condition on what is written": rule(STAMP, "present(&at)"),
    "the change of what is written": rule(STAMP, "changed(&at)"),
    "a named condition": rule(STAMP, "is.a", scope=Scope(conditions={"a": "new.s == 'A'"})),
    "an exception that does not apply": rule(STAMP, unless=(Unless("x", ("new.at == `null`",)),)),
    "an exception of what is not written": rule(STAMP, unless=(Unless("x", ("starts_with(new.s, 'T')",)),)),
    "a new item each time": rule(put(id="{{ eventID }}", of="{{ keys.id }}")),
    "a mirror of its own table": rule({"sync": {}}),
    "an identifier in a text": rule(update(at="seen at {{ sequenceNumber }}")),
    "one of two writes": rule(STAMP, "new.status == 'A' || new.status == 'B'"),
}

IMPOSSIBLE = {
    "a status that the write leaves alone": rule(STAMP, "became(&status, 'PAID')"),
    "a change of what is left alone": rule(STAMP, "changed(&status)"),
    "another value than before": rule(STAMP, "new.status != old.status"),
    "a larger value than before": rule(STAMP, "new.total > old.total"),
    "what is not there yet": rule(STAMP, "!present(&at)"),
    "another value than what is written": rule(update(s="B", at="{{ createdAt }}"), "new.s == 'A'"),
    "a constant of the file": rule(
        update(s="{{ vars.b }}", at="{{ createdAt }}"), "new.s == 'A'", scope=Scope(vars={"b": "B"})
    ),
    "a part of a map": rule(update(m={"a": 1, "at": "{{ createdAt }}"}), "new.m.a == `2`"),
    "a part that a map lacks": rule(update(m={"at": "{{ createdAt }}"}), "present(&m.a)"),
    "inserts alone": rule(STAMP, events=("INSERT",)),
    "removals alone": rule(STAMP, events=("REMOVE",)),
    "an exception for it": rule(STAMP, unless=(Unless("x", ("present(&at)",)),)),
    "another table": rule(STAMP, to="parts"),
    "a condition on the name of the event": rule(STAMP, "eventName == 'INSERT'"),
    "a rule that is switched off": rule(STAMP, enabled=False),
    "time to live": rule({"delete": OWN}, events=("EXPIRE",)),
}

RESTS = {
    "a constant": rule(FLAG),
    "a constant in a map": rule(update(m={"a": 1})),
    "a copy of what is left alone": rule(update(last="{{ new.status }}")),
    "a removed attribute": rule({"update": {**OWN, "remove": ["draft"]}}),
    "an element of a set": rule({"update": {**OWN, "add": {"tags": ["seen"]}}}),
    "a removed item": rule({"delete": OWN}),
    "an item of constants": rule(put(id="{{ keys.id }}", kind="x"), "keys.id != ''"),
    "a fixed text": rule(update(stage="${STAGE}")),
}

POSSIBLE = {
    "a counter that stops at last": rule(COUNT, "new.n < `5`"),
    "a condition that may fail": rule(STAMP, "length(new.at) > `3`"),
    "a copy without what its item lacks": rule({"sync": {}}, "!present(&t)", "length(new.s) > `1`"),
    "a variable called after the table": rule(STAMP, to="${ORDERS_TABLE}"),
    "a default that is the table": rule(STAMP, to="${TARGET:-orders}"),
    "a table of this name somewhere": rule(STAMP, to="arn:aws:dynamodb:eu-west-1:123456789012:table/orders"),
    "the item as it was": rule({"put": "{{ old }}"}, events=("MODIFY",)),
    "the item as it is": rule({"put": "{{ new }}"}),
    "values that change places": rule(update(a="{{ new.b }}", b="{{ new.a }}")),
    "a longer key each time": rule(put(id="x{{ keys.id }}")),
    "a computed value": rule(update(total="{{ sum(new.items[].price) }}")),
    "a value in itself": rule(update(a={"was": "{{ new.a }}"})),
    "a part of what may not be there": rule({"update": {**OWN, "set": {"m.at": "{{ createdAt }}"}}}),
}


@pytest.mark.parametrize("name", CERTAIN)
def test_a_rule_sets_itself_off_for_ever_by(name: str) -> None:
    assert loops(CERTAIN[name]) == ["a"]


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_a_rule_does_not_match_its_own_write_because_it_wants(name: str) -> None:
    assert loops(IMPOSSIBLE[name]) == []


@pytest.mark.parametrize("name", RESTS)
def test_a_rule_changes_each_item_once_by(name: str) -> None:
    assert loops(RESTS[name]) == []


@pytest.mark.parametrize("name", POSSIBLE)
def test_nobody_can_tell_whether_it_ends_with(name: str) -> None:
    assert loops(POSSIBLE[name]) == ["a ?"]


def test_two_rules_put_a_status_to_and_fro() -> None:
    there = rule(update(s="B"), "became(&s, 'A')", id="there")
    back = rule(update(s="A"), "became(&s, 'B')", id="back")
    assert loops(there, back) == ["there back"]
    assert loops(there, rule(update(s="C"), "became(&s, 'B')", id="on")) == []


def test_a_loop_leads_through_other_tables() -> None:
    one = rule(put(pk="{{ keys.id }}", at="{{ createdAt }}"), to="history", id="one")
    two = rule(
        {"update": {"key": {"c": "{{ keys.pk }}"}, "add": {"n": 1}}}, table="history", to="people", id="two"
    )
    three = rule(
        update({"id": "{{ keys.c }}"}, seen="{{ eventID }}"), table="people", to="orders", id="three"
    )
    assert loops(one, two, three) == ["one two three"]
    assert loops(one, two) == []
    assert loops(one, two, rule(FLAG, table="people", to="elsewhere", id="three")) == []


def test_constants_rest_through_other_tables_too() -> None:
    there = rule(put(pk="{{ keys.id }}", kind="x"), to="history", id="there")
    back = rule(update({"id": "{{ keys.pk }}"}, seen=True), table="history", to="orders", id="back")
    assert loops(there, back) == []


def test_what_one_record_says_is_known_of_the_change_it_leads_to() -> None:
    there = rule(put(pk="{{ keys.id }}", s="{{ new.s }}"), "new.s == 'A'", to="history", id="there")
    stamp = update({"id": "{{ keys.pk }}"}, at="{{ eventID }}")
    assert loops(there, rule(stamp, "new.s == 'B'", table="history", to="orders", id="back")) == []
    assert loops(there, rule(stamp, "new.s == 'A'", table="history", to="orders", id="back")) != []


def test_a_write_that_another_rule_undoes_does_not_rest() -> None:
    sets = rule(FLAG, "new.flag != 'y'", id="sets")
    takes = rule({"update": {**OWN, "remove": ["flag"]}}, "new.flag == 'x'", id="takes")
    assert loops(sets, takes) == ["sets ?", "takes sets ?"]


def test_a_removed_item_that_is_made_again_is_removed_again() -> None:
    removes = rule({"delete": OWN}, events=("INSERT", "MODIFY"), id="removes")
    makes = rule(put(id="{{ keys.id }}", a=1), events=("REMOVE",), id="makes")
    assert loops(removes, makes) == ["removes makes"]


def test_each_rule_in_a_loop_is_in_one_that_is_said() -> None:
    rules = [rule(STAMP, f"new.s == 'S{number}'", id=f"r{number}") for number in range(3)]
    assert loops(*rules) == ["r0", "r1", "r2"]


def test_of_too_many_writes_it_is_said_that_not_all_were_followed() -> None:
    rules = [rule(FLAG, f"new.s == 'S{number}'", id=f"r{number}") for number in range(300)]
    assert find_loops(rules).is_cut
    assert not find_loops(rules[:100]).is_cut


def disturb(world: World, rng: Random) -> None:
    """A few changes by others, quickly one after another."""
    for _ in range(rng.randrange(1, 6)):
        table, key = rng.choice(TABLES), rng.choice("xy")
        if rng.random() < 0.2:
            world.delete(table, key)
        else:
            world.put(table, item(rng, key))


@given(st.integers(0, 2**32))
@settings(deadline=None, max_examples=100)
@example(3525)
def test_a_rule_set_without_a_warning_comes_to_rest(seed: int) -> None:
    rng = Random(seed)
    rules = rule_set(rng)
    if find_loops(rules).loops:
        return
    world = World(rules)
    disturb(world, rng)
    assert world.run(ROUNDS) < ROUNDS


@given(st.integers(0, 2**32))
@settings(deadline=None, max_examples=60)
def test_a_loop_that_is_called_certain_goes_on_for_ever(seed: int) -> None:
    rules = rule_set(Random(seed))
    for loop in find_loops(rules).loops:
        if loop.is_certain:
            alone = only(loop, rules)
            tries = [attempt(alone, Random(number)) for number in range(100)]
            # Of conditions that no record meets, whatever follows is true.
            assert any(lasts for lasts, _ in tries) or not any(matched for _, matched in tries)


def only(loop: Loop, rules: list[Rule]) -> list[Rule]:
    """The rules of a loop, with the actions of it."""
    kept: dict[int, set[str]] = {}
    for turn in loop.turns:
        kept.setdefault(turn.rule, set()).add(turn.write.action.id)
    return [
        replace(rules[number], actions=tuple(one for one in rules[number].actions if one.id in ids))
        for number, ids in kept.items()
    ]


def attempt(rules: list[Rule], rng: Random) -> tuple[bool, bool]:
    """(whether one of a few changes is followed by others without an end, whether each rule matched)."""
    world = World(rules)
    for _ in range(4):
        table = rng.choice(TABLES)
        if rng.random() < 0.2:
            world.delete(table, "x")
        else:
            world.put(table, item(rng, "x"))
        if world.run(ROUNDS) == ROUNDS:
            return True, True
    return False, world.matched == {rule.id for rule in rules}
