"""Rules written out: by example, and the law that they match what the rules themselves match."""

from __future__ import annotations

from decimal import Decimal
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules_engine import exact_json
from rules_engine.effective import effective_rule, literal
from rules_engine.engine import Engine
from rules_engine.expression import compile_expression
from rules_engine.model import ActionSpec, Rule, RuleSet, Scope, Unless
from rules_engine.record import parse_record
from rules_engine.template import compile_template
from tests import random_rules

SCOPE = Scope(
    vars={"big": 1000, "text": "a", "odd": "it's `x`"},
    lists={"few": [1, Decimal("2.50")]},
    conditions={
        "gold": "new.tier == 'gold'",
        "vip": "is.gold || new.total > vars.big",
        "listed": "contains(lists.few, new.total)",
    },
)


def written_out(text: str) -> str:
    return effective_rule(Rule("r", ("t",), (), when=(text,), scope=SCOPE)).when[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("new.total > vars.big", "new.total > `1000`"),
        ("new.a == vars.text && vars.odd == new.b", "new.a == 'a' && `\"it's \\u0060x\\u0060\"` == new.b"),
        ("lists.few[0] == new.a", "`[1,2.50]`[0] == new.a"),
        ("is.vip", "new.tier == 'gold' || new.total > `1000`"),
        ("!(is.gold)", "!(new.tier == 'gold')"),
        ("is.gold == is.vip", "(new.tier == 'gold') == (new.tier == 'gold' || new.total > `1000`)"),
        ("!(is.listed)", "!(contains(`[1,2.50]`, new.total))"),
        ("is.gold && is.vip", "new.tier == 'gold' && (new.tier == 'gold' || new.total > `1000`)"),
        ("(is.vip) == `true`", "(new.tier == 'gold' || new.total > `1000`) == `true`"),
        ("new.items[?n > vars.big]", "new.items[?n > `1000`]"),
        ("new.items[?is.gold]", "new.items[?is.gold]"),
        ("new.vars.big", "new.vars.big"),
    ],
)
def test_names_of_the_file_are_written_out(text: str, expected: str) -> None:
    assert written_out(text) == expected


def test_a_condition_that_must_stay_a_name_is_kept_written_out() -> None:
    rule = effective_rule(Rule("r", ("t",), (), when=("new.items[?is.vip]",), scope=SCOPE))
    assert (rule.when, rule.scope) == (
        ("new.items[?is.vip]",),
        Scope(conditions={"vip": "new.tier == 'gold' || new.total > `1000`"}),
    )


def test_exceptions_and_holes_are_written_out_and_references_stay() -> None:
    action = ActionSpec(
        "log", "log", {"message": "{{ vars.text }} of ${HOST} {{ new.a }}", "n": [1, "{{vars.big}}"]}
    )
    rule = Rule("r", ("t",), (action,), unless=(Unless("u", ("is.gold",)),), scope=SCOPE)
    found = effective_rule(rule)
    assert found.unless == (Unless("u", ("new.tier == 'gold'",)),)
    assert found.actions[0].config == {"message": "{{ 'a' }} of ${HOST} {{ new.a }}", "n": [1, "{{`1000`}}"]}


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("ab`'\\{}", max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(value=JSON)
def test_a_literal_is_the_value(value: Any) -> None:
    text = literal(value)
    assert exact_json.dumps(compile_expression(text)({})) == exact_json.dumps(value)
    assert compile_template(f"{{{{ {text} }}}}", SCOPE, {}).render({}) == value


@given(seed=st.integers(0, 2**32))
def test_rules_written_out_match_and_fail_as_before(seed: int) -> None:
    rng = Random(seed)
    rules = random_rules.rule_set(rng)
    written = RuleSet(tuple(effective_rule(rule) for rule in rules.rules))
    assert not any(rule.scope.vars or rule.scope.lists for rule in written.rules)
    before, after = Engine.from_rules(rules), Engine.from_rules(written)
    for _ in range(5):
        record = parse_record(random_rules.record(rng))
        assert [(each.rule_id, each.outcome, each.stopped_by) for each in after.explain(record)] == [
            (each.rule_id, each.outcome, each.stopped_by) for each in before.explain(record)
        ]
