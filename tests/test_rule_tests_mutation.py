"""Mutation: which changes are made, and which of them a rule's tests notice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given

from rules_engine.expression import compile_expression
from rules_engine.model import Scope
from rules_engine.rule_tests.cases import cases_by_rule
from rules_engine.rule_tests.mutants import mutants
from rules_engine.rule_tests.mutation import mutate
from tests.expression_strategies import expressions
from tests.rule_test_files import load

if TYPE_CHECKING:
    from pathlib import Path

SCOPE = Scope(
    vars={"big": 1000, "name": "Ann"}, lists={"ids": ["c-1"]}, conditions={"vip": "new.tier == 'gold'"}
)


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        (
            "new.total >= `100`",
            [
                "old.total >= `100`",
                "new.total <= `100`",
                "new.total > `100`",
                "new.total >= `101`",
                "new.total >= `99`",
            ],
        ),
        ("new.a == 'x'", ["old.a == 'x'", "new.a != 'x'"]),
        ("new.a != `0.5`", ["old.a != `0.5`", "new.a == `0.5`", "new.a != `1.5`"]),
        ("`2` < new.a", ["`1` < new.a", "`3` < new.a", "`2` <= new.a", "`2` > new.a", "`2` < old.a"]),
        (
            "new.a > vars.big",
            ["old.a > vars.big", "new.a < vars.big", "new.a >= vars.big", "new.a > `1001`", "new.a > `999`"],
        ),
        ("new.a == vars.name", ["old.a == vars.name", "new.a != vars.name"]),
        ("new.a == `true`", ["old.a == `true`", "new.a != `true`"]),
        ("became(&a, 'X')", ["!(became(&a, 'X'))"]),
        ("contains(lists.ids, new.id)", ["!(contains(lists.ids, new.id))"]),
        ("!(new.a > `1`)", ["(new.a > `1`)", "!(old.a > `1`)", "!(new.a < `1`)", "!(new.a >= `1`)",
                            "!(new.a > `0`)", "!(new.a > `2`)"]),
        ("!(is.vip)", ["(is.vip)"]),
        ("new.a == '=='", ["old.a == '=='", "new.a != '=='"]),
        (
            "is.vip && !expired || present(&b)",
            [
                "!(is.vip) && !expired || present(&b)",
                "is.vip || present(&b)",
                "!expired || present(&b)",
                "is.vip && !expired",
                "present(&b)",
                "is.vip || !expired || present(&b)",
                "is.vip && expired || present(&b)",
                "is.vip && !expired && present(&b)",
                "is.vip && !expired || !(present(&b))",
            ],
        ),
        (
            "is.vip && expired && present(&b)",
            [
                "!(is.vip) && expired && present(&b)",
                "is.vip && present(&b)",
                "expired && present(&b)",
                "is.vip && expired",
                "is.vip || expired && present(&b)",
                "is.vip && !(expired) && present(&b)",
                "is.vip && expired || present(&b)",
                "is.vip && expired && !(present(&b))",
            ],
        ),
        ("(new.name || '') == 'x'", ["(old.name || '') == 'x'", "(new.name || '') != 'x'"]),
        (
            "new.items[?qty > `2`]",
            ["!(new.items[?qty > `2`])", "new.items[?qty < `2`]", "new.items[?qty >= `2`]",
             "new.items[?qty > `1`]", "new.items[?qty > `3`]"],
        ),
        ("new.items[?new == 'x']", ["!(new.items[?new == 'x'])", "new.items[?new != 'x']"]),
    ],
)  # fmt: skip
def test_each_change_that_an_author_might_make_is_made_once(text: str, changed: list[str]) -> None:
    assert sorted(mutant.apply(text) for mutant, _ in mutants(text, SCOPE)) == sorted(changed)


@given(expressions())
def test_a_mutant_compiles_to_what_its_text_does_and_is_another_text(text: str) -> None:
    texts = [text]
    for mutant, program in mutants(text, Scope()):
        changed = mutant.apply(text)
        assert (program.text, program.node) == (changed, compile_expression(changed).node)
        texts.append(changed)
    assert len(set(texts)) == len(texts)


def survivors(directory: Path, text: str, **files: str) -> tuple[int, list[tuple[str, str, str]]]:
    """(how many changes were tried, (rule, clause, changed text) of those that survived)."""
    rule_set, tests = load(directory, rules=text, **files)
    found = list(mutate(rule_set.rules, cases_by_rule(rule_set.rules, tests)))
    return sum(each.tried for each in found), [
        (survivor.rule_id, survivor.clause, survivor.mutant.apply(survivor.text))
        for each in found
        for survivor in each.survivors
    ]


RULE = """
rules:
  - id: big
    table: orders
    event: INSERT
    when: new.total >= `100`
    unless: [{name: tests, when: new.test}]
    actions: [{type: log}]
    tests: [TESTS]
"""


def case(expect: str, new: str, event: str = "INSERT") -> str:
    image = f"old: {new}" if event == "REMOVE" else f"new: {new}"
    return f"{{name: a, record: {{event: {event}, keys: {{id: '1'}}, {image}}}, expect: {{{expect}}}}}"


FIRES = case("match: true", "{total: 100}")
BELOW = case("match: false, stopped_by: when", "{total: 99.99}")
TESTED = case("match: false", "{total: 100, test: true}")
MODIFIED = case("match: false", "{total: 100}", "MODIFY")


def test_tests_on_both_sides_of_everything_notice_every_change(tmp_path: Path) -> None:
    text = RULE.replace("TESTS", ", ".join([FIRES, BELOW, TESTED, MODIFIED]))
    assert survivors(tmp_path, text) == (9, [])


@pytest.mark.parametrize(
    ("tests", "survived"),
    [
        pytest.param(
            [BELOW, TESTED, MODIFIED],
            [
                ("when", "old.total >= `100`"),
                ("when", "new.total > `100`"),
                ("when", "new.total >= `101`"),
            ],
            id="nothing fires",
        ),
        pytest.param(
            [FIRES, TESTED, MODIFIED],
            [("when", "new.total <= `100`"), ("when", "new.total >= `99`"), ("when", "`true`")],
            id="nothing is too small",
        ),
        pytest.param([FIRES, BELOW, MODIFIED], [("unless[tests]", "`false`")], id="no exception"),
        pytest.param([FIRES, BELOW, TESTED], [("event", "INSERT, MODIFY, REMOVE, EXPIRE")], id="no event"),
    ],
)
def test_what_no_test_shows_survives(
    tests: list[str], survived: list[tuple[str, str]], tmp_path: Path
) -> None:
    tried, found = survivors(tmp_path, RULE.replace("TESTS", ", ".join(tests)))
    assert (tried, found) == (9, [("big", *each) for each in survived])


def test_the_clause_that_stopped_a_record_is_noticed_too(tmp_path: Path) -> None:
    wider = case("match: false, stopped_by: event", "{total: 1}", "MODIFY")
    text = RULE.replace("TESTS", ", ".join([FIRES, BELOW, TESTED, wider]))
    assert survivors(tmp_path, text) == (9, [])


def test_a_change_after_which_a_condition_cannot_be_evaluated_is_noticed(tmp_path: Path) -> None:
    text = RULE.replace("new.total >= `100`", "present(&to) && !starts_with(new.to, 'us-')").replace(
        "INSERT\n", "[INSERT, MODIFY]\n"
    )
    absent = case("match: false", "{}")
    seen = [case("match: true", "{to: eu-1}"), case("match: false", "{to: us-1}")]
    guard = ("big", "when", "!starts_with(new.to, 'us-')")
    _, found = survivors(tmp_path, text.replace("TESTS", ", ".join(seen)))
    assert guard in found
    _, found = survivors(tmp_path, text.replace("TESTS", ", ".join([*seen, absent])))
    assert guard not in found


def test_an_event_is_left_out_where_there_are_several(tmp_path: Path) -> None:
    text = RULE.replace("INSERT\n", "[INSERT, REMOVE, EXPIRE]\n").replace("TESTS", FIRES)
    _, found = survivors(tmp_path, text)
    assert [each for each in found if each[1] == "event"] == [
        ("big", "event", "INSERT"),
        ("big", "event", "INSERT, MODIFY, REMOVE, EXPIRE"),
    ]


NAMED = """
conditions:
  gold: new.tier == 'gold'
  vip: is.gold && new.total > `10`
rules:
  - {id: a, table: orders, when: is.vip, actions: [{type: log}], tests: [A]}
  - {id: b, table: orders, when: is.vip, actions: [{type: log}], tests: [B]}
  - {id: untested, table: orders, when: is.vip, actions: [{type: log}]}
"""


def test_a_change_of_a_named_condition_is_noticed_by_any_rule_that_uses_it(tmp_path: Path) -> None:
    fires = case("match: true", "{tier: gold, total: 11}")
    quiet = case("match: false", "{tier: basic, total: 11}")
    text = NAMED.replace("[A]", f"[{fires}]").replace("[B]", f"[{quiet}]")
    _, found = survivors(tmp_path, text)
    assert [each for each in found if each[1] not in ("when",)] == [
        ("a", "is.vip", "is.gold"),
        ("a", "is.vip", "is.gold && new.total >= `10`"),
        ("a", "is.vip", "is.gold && new.total > `9`"),
    ]


def test_a_test_of_the_rule_set_notices_for_every_rule(tmp_path: Path) -> None:
    text = RULE.replace("TESTS", FIRES)
    others = "\n".join(
        f"  - {{name: {name}, matches: [], record: {record}}}"
        for name, record in [
            ("below", "{event: INSERT, keys: {id: '1'}, new: {total: 99}}"),
            ("test", "{event: INSERT, keys: {id: '1'}, new: {total: 100, test: true}}"),
            ("modified", "{event: MODIFY, keys: {id: '1'}, new: {total: 100}}"),
        ]
    )
    assert survivors(tmp_path, text, all_test=f"tests:\n{others}\n") == (9, [])
