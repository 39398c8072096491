"""Rules against records: matches in rule order, and an explanation for each rule."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from rules_engine.engine import ClauseTrace, ConditionError, Engine, Explanation, compile_rule
from rules_engine.errors import ExpressionError, RecordError, RuleSetError
from rules_engine.expression import ABSENT
from rules_engine.index.outline import outline_of
from rules_engine.model import Rule, RuleSet, Scope, Unless
from rules_engine.record import parse_record


def stream_record(event: str = "MODIFY", *, table: str = "orders", **dynamodb: Any) -> dict[str, Any]:
    return {
        "eventID": "e-1",
        "eventName": event,
        "eventSource": "aws:dynamodb",
        "awsRegion": "eu-west-1",
        "eventSourceARN": f"arn:aws:dynamodb:eu-west-1:123456789012:table/{table}/stream/2026-01-01T00:00:00",
        "dynamodb": {
            "Keys": {"order_id": {"S": "o-1"}},
            "SequenceNumber": "100000000000000000001",
            **dynamodb,
        },
    }


def expired(record: dict[str, Any]) -> dict[str, Any]:
    return {**record, "userIdentity": {"type": "Service", "principalId": "dynamodb.amazonaws.com"}}


def rule(rule_id: str, *when: str, **other: Any) -> Rule:
    return Rule(id=rule_id, tables=other.pop("tables", ("orders",)), actions=(), when=when, **other)


def matched_ids(rules: list[Rule], record: dict[str, Any]) -> list[str]:
    return [match.rule.id for match in Engine.from_rules(RuleSet(tuple(rules))).match(record)]


SHIPPED = stream_record(
    NewImage={"status": {"S": "SHIPPED"}, "total": {"N": "12.50"}}, OldImage={"status": {"S": "PACKED"}}
)

NO_TEXT = "starts_with(new.total, 'a')"
WHY = "starts_with() needs a string as its first argument, but got a number (new.total)"


def test_matches_come_in_rule_order() -> None:
    rules = [rule("b", "new.status == 'SHIPPED'"), rule("no", "new.status == 'PACKED'"), rule("a")]
    assert matched_ids(rules, SHIPPED) == ["b", "a"]


def test_a_match_carries_the_rule_and_the_record() -> None:
    [match] = Engine.from_rules(RuleSet((rule("r"),))).match(SHIPPED)
    assert (match.rule, match.record.raw) == (rule("r"), SHIPPED)


def test_rules_of_other_tables_and_disabled_rules_do_not_match() -> None:
    rules = [
        rule("other", tables=("customers",)),
        rule("both", tables=("customers", "orders")),
        rule("off", enabled=False),
    ]
    assert matched_ids(rules, SHIPPED) == ["both"]


@pytest.mark.parametrize("rules", [(), (rule("other", tables=("customers",)),)])
def test_a_record_of_a_table_that_no_rule_names_matches_nothing(rules: tuple[Rule, ...]) -> None:
    engine = Engine.from_rules(RuleSet(rules))
    assert engine.match(SHIPPED) == []
    assert engine.evaluate(SHIPPED) == ([], [])


@pytest.mark.parametrize(
    ("record", "ids"),
    [
        (stream_record("INSERT", NewImage={}), ["any", "insert"]),
        (stream_record("MODIFY", NewImage={}), ["any"]),
        (stream_record("REMOVE", OldImage={}), ["any", "remove"]),
        (expired(stream_record("REMOVE", OldImage={})), ["any", "remove", "expire"]),
    ],
)
def test_remove_means_every_removal_and_expire_only_those_by_time_to_live(
    record: dict[str, Any], ids: list[str]
) -> None:
    rules = [
        rule("any"),
        rule("insert", events=("INSERT",)),
        rule("remove", events=("REMOVE",)),
        rule("expire", events=("EXPIRE",)),
    ]
    assert matched_ids(rules, record) == ids


def test_all_clauses_must_hold_and_no_exception_may() -> None:
    spared = Unless(name="cheap", when=("new.total < `100`", "new.status == 'SHIPPED'"))
    not_spared = Unless(name="cheap and lost", when=("new.total < `100`", "new.status == 'LOST'"))
    rules = [
        rule("both", "new.status == 'SHIPPED'", "new.total > `12`"),
        rule("one", "new.status == 'SHIPPED'", "new.total > `13`"),
        rule("spared", unless=(spared,)),
        rule("not-spared", unless=(not_spared,)),
    ]
    assert matched_ids(rules, SHIPPED) == ["both", "not-spared"]


def test_exceptions_that_the_index_cannot_decide_are_evaluated() -> None:
    long_enough, too_long = "length(new.status) > `6`", "length(new.status) > `7`"
    rules = [
        rule("holds", long_enough, unless=(Unless(name="x", when=(too_long,)),)),
        rule("does-not-hold", too_long, unless=(Unless(name="x", when=(too_long,)),)),
        rule("excepted", long_enough, unless=(Unless(name="x", when=(long_enough,)),)),
        rule("excepted-without-when", unless=(Unless(name="x", when=(long_enough,)),)),
        rule("exception-fails", long_enough, unless=(Unless(name="x", when=(NO_TEXT,)),)),
    ]
    matches, errors = Engine.from_rules(RuleSet(tuple(rules))).evaluate(SHIPPED)
    assert [match.rule.id for match in matches] == ["holds", "exception-fails"]
    assert errors == [ConditionError("exception-fails", "unless[x]", WHY)]
    assert matched_ids(rules, SHIPPED) == ["holds", "exception-fails"]


def test_vars_lists_and_named_conditions_come_from_the_rules_scope() -> None:
    scope = Scope(
        vars={"limit": Decimal("12.5")},
        lists={"done": ["SHIPPED", "DELIVERED"]},
        conditions={"big": "new.total >= vars.limit", "done": "contains(lists.done, new.status)"},
    )
    assert matched_ids([rule("r", "is.big && is.done", scope=scope)], SHIPPED) == ["r"]


def test_a_condition_that_cannot_be_evaluated_does_not_hold_and_is_reported() -> None:
    rules = [
        rule("broken", "starts_with(new.total, 'a')"),
        rule("broken-exception", unless=(Unless(name="odd", when=("starts_with(new.total, 'a')",)),)),
        rule("sound"),
    ]
    evaluation = Engine.from_rules(RuleSet(tuple(rules))).evaluate(SHIPPED)
    assert [match.rule.id for match in evaluation.matches] == ["broken-exception", "sound"]
    assert [(error.rule_id, error.clause) for error in evaluation.errors] == [
        ("broken", "when"),
        ("broken-exception", "unless[odd]"),
    ]
    assert all(
        isinstance(error, ConditionError) and "starts_with" in error.message for error in evaluation.errors
    )


def test_a_malformed_attribute_disturbs_only_the_rules_that_read_it() -> None:
    record = stream_record(NewImage={"status": {"S": "SHIPPED"}, "total": {"N": "twelve"}})
    evaluation = Engine.from_rules(
        RuleSet((rule("reads-it", "new.total > `1`"), rule("does-not", "new.status == 'SHIPPED'")))
    ).evaluate(record)
    assert [match.rule.id for match in evaluation.matches] == ["does-not"]
    assert [error.rule_id for error in evaluation.errors] == ["reads-it"]


def test_what_is_no_stream_record_is_refused() -> None:
    with pytest.raises(RecordError):
        Engine.from_rules(RuleSet()).match({"hello": "world"})


def test_explain_names_the_clause_that_stopped_a_rule_and_the_values_it_read() -> None:
    rules = (
        rule("matches", "became(&status, 'SHIPPED')"),
        rule("stopped", "new.status == 'SHIPPED'", "new.total > `100`", when_is_list=True),
        rule("excepted", unless=(Unless(name="cheap", when=("new.total < `100`",)),)),
        rule("fails", "starts_with(new.total, 'a')"),
        rule("other-table", "new.total", tables=("customers",)),
        rule("other-event", events=("INSERT",)),
        rule("off", enabled=False),
    )
    explanations = Engine.from_rules(RuleSet(rules)).explain(SHIPPED)
    assert [(e.rule_id, e.outcome, e.stopped_by) for e in explanations] == [
        ("matches", "matched", None),
        ("stopped", "not_matched", "when[1]"),
        ("excepted", "not_matched", "unless[cheap]"),
        ("fails", "error", "when"),
        ("other-table", "not_matched", "table"),
        ("other-event", "not_matched", "event"),
        ("off", "not_matched", "enabled"),
    ]
    assert explanations[0].clauses == (
        ClauseTrace(
            "when",
            "became(&status, 'SHIPPED')",
            "true",
            True,
            (("old.status", "PACKED"), ("new.status", "SHIPPED")),
        ),
    )
    assert explanations[1].clauses == (
        ClauseTrace("when[0]", "new.status == 'SHIPPED'", "true", True, (("new.status", "SHIPPED"),)),
        ClauseTrace("when[1]", "new.total > `100`", "false", False, (("new.total", Decimal("12.50")),)),
    )
    assert explanations[4] == Explanation(
        "other-table", "not_matched", "table", (ClauseTrace("when", "new.total", "not_evaluated"),)
    )


def test_explain_tells_the_clauses_of_one_exception_from_those_of_the_next() -> None:
    no, yes = "new.total > `100`", "new.status == 'SHIPPED'"
    exceptions = (Unless(name="first", when=(no, yes)), Unless(name="second", when=(yes, no)))
    engine = Engine.from_rules(RuleSet((rule("r", unless=exceptions),)))
    [explanation] = engine.explain(SHIPPED)
    assert (explanation.outcome, explanation.stopped_by) == ("matched", None)
    assert [match.rule.id for match in engine.match(SHIPPED)] == ["r"]


def test_explain_shows_all_clauses_of_a_rule_that_an_exception_stopped() -> None:
    shipped = "new.status == 'SHIPPED'"
    rules = RuleSet((rule("r", shipped, unless=(Unless(name="x", when=(shipped,)),)),))
    reads = (("new.status", "SHIPPED"),)
    assert Engine.from_rules(rules).explain(SHIPPED) == [
        Explanation(
            "r",
            "not_matched",
            "unless[x]",
            (
                ClauseTrace("when", shipped, "true", True, reads),
                ClauseTrace("unless[x]", shipped, "true", True, reads),
            ),
        )
    ]


def test_explain_shows_what_named_conditions_read() -> None:
    scope = Scope(vars={"limit": 12}, lists={}, conditions={"big": "new.total >= vars.limit"})
    [explanation] = Engine.from_rules(RuleSet((rule("r", "is.big", scope=scope),))).explain(SHIPPED)
    reads = (("new.total", Decimal("12.50")),)
    assert explanation == Explanation(
        "r", "matched", None, (ClauseTrace("when", "is.big", "true", True, reads),)
    )


def test_explain_and_match_agree() -> None:
    rules = (rule("a", "new.total > `1`"), rule("b", "new.total < `1`"), rule("c", "abs(new.status)"))
    engine = Engine.from_rules(RuleSet(rules))
    explained = [e.rule_id for e in engine.explain(SHIPPED) if e.outcome == "matched"]
    assert explained == [match.rule.id for match in engine.match(SHIPPED)] == ["a"]


def test_explain_tells_an_absent_attribute_from_one_that_is_null() -> None:
    record = stream_record(NewImage={"email": {"NULL": True}}, OldImage={})
    [explanation] = Engine.from_rules(RuleSet((rule("r", "changed(&email)"),))).explain(record)
    assert explanation.clauses[0].reads == (("old.email", ABSENT), ("new.email", None))


def failing_rules() -> RuleSet:
    odd = Unless(name="odd", when=("new.status == 'SHIPPED'", NO_TEXT))
    return RuleSet(
        (
            rule("fails", NO_TEXT),
            rule("malformed", "new.broken == `1`", NO_TEXT, when_is_list=True),
            rule("exception-fails", unless=(odd,)),
            rule("holds", "new.status == 'SHIPPED'"),
        )
    )


BROKEN = stream_record(
    NewImage={"status": {"S": "SHIPPED"}, "total": {"N": "12.50"}, "broken": {"N": "twelve"}}, OldImage={}
)
MALFORMED = "attribute 'broken': N is not a number"


@pytest.mark.parametrize("record", [BROKEN, parse_record(BROKEN)])
def test_evaluate_reports_every_clause_that_fails_in_whole_words(record: Any) -> None:
    engine = Engine.from_rules(failing_rules())
    matches, errors = engine.evaluate(record)
    assert [match.position for match in matches] == [2, 3]
    assert errors == [
        ConditionError("fails", "when", WHY),
        ConditionError("malformed", "when[0]", MALFORMED),
        ConditionError("exception-fails", "unless[odd][1]", WHY),
    ]
    assert [match.rule.id for match in engine.match(record)] == ["exception-fails", "holds"]


def test_explain_shows_what_fails_and_reads_on_beside_it() -> None:
    engine = Engine.from_rules(failing_rules())
    total = (("new.total", Decimal("12.50")),)
    shipped = (("new.status", "SHIPPED"),)
    explanations = engine.explain(BROKEN)
    assert explanations == [
        Explanation("fails", "error", "when", (ClauseTrace("when", NO_TEXT, "error", None, total, WHY),)),
        Explanation(
            "malformed",
            "error",
            "when[0]",
            (
                ClauseTrace(
                    "when[0]",
                    "new.broken == `1`",
                    "error",
                    None,
                    (("new.broken", f"<{MALFORMED}>"),),
                    MALFORMED,
                ),
                ClauseTrace("when[1]", NO_TEXT, "error", None, total, WHY),
            ),
        ),
        Explanation(
            "exception-fails",
            "matched",
            None,
            (
                ClauseTrace("unless[odd][0]", "new.status == 'SHIPPED'", "true", True, shipped),
                ClauseTrace("unless[odd][1]", NO_TEXT, "error", None, total, WHY),
            ),
        ),
        Explanation(
            "holds",
            "matched",
            None,
            (ClauseTrace("when", "new.status == 'SHIPPED'", "true", True, shipped),),
        ),
    ]
    record = parse_record(BROKEN)
    assert engine.explain(record) == explanations
    assert [engine.explain_rule(position, record) for position in range(4)] == explanations


@pytest.mark.parametrize(
    ("stopped_by", "other"),
    [
        ("enabled", {"enabled": False}),
        ("table", {"tables": ("customers",)}),
        ("event", {"events": ("INSERT",)}),
    ],
)
def test_explain_evaluates_nothing_of_a_rule_that_is_not_for_the_record(
    stopped_by: str, other: dict[str, Any]
) -> None:
    exceptions = (Unless(name="one", when=("new.a",)), Unless(name="two", when=("new.b", "new.c")))
    rules = RuleSet((rule("r", "new.total", NO_TEXT, when_is_list=True, unless=exceptions, **other),))
    assert Engine.from_rules(rules).explain(SHIPPED) == [
        Explanation(
            "r",
            "not_matched",
            stopped_by,
            (
                ClauseTrace("when[0]", "new.total", "not_evaluated"),
                ClauseTrace("when[1]", NO_TEXT, "not_evaluated"),
                ClauseTrace("unless[one]", "new.a", "not_evaluated"),
                ClauseTrace("unless[two][0]", "new.b", "not_evaluated"),
                ClauseTrace("unless[two][1]", "new.c", "not_evaluated"),
            ),
        )
    ]


def test_what_does_not_compile_is_named_by_rule_and_clause_with_its_reason() -> None:
    def message(*when: str, **other: Any) -> str:
        with pytest.raises(RuleSetError) as caught:
            Engine.from_rules(RuleSet((rule("r", *when, **other),)))
        assert isinstance(caught.value.__cause__, ExpressionError)
        return str(caught.value)

    reason = "the expression ends too early (at character 9 of 'new.b ==')"
    assert message("new.a", "new.b ==", when_is_list=True) == f"rule 'r', when[1]: {reason}"
    assert message("new.b ==") == f"rule 'r', when: {reason}"
    assert message(unless=(Unless(name="x", when=("new.b ==",)),)) == f"rule 'r', unless[x]: {reason}"
    both = Unless(name="x", when=("new.a", "new.b =="))
    assert message(unless=(both,)) == f"rule 'r', unless[x][1]: {reason}"


def test_an_engine_of_outlines_compiles_a_rule_when_a_record_needs_it() -> None:
    """As in the function, where the outlines come with the bundle."""
    whole = failing_rules()
    outlines = tuple(
        outline_of(each.rule, nodes(each.when), [nodes(entry.clauses) for entry in each.unless])
        for each in map(compile_rule, whole.rules)
    )
    late, early = Engine.from_rules(RuleSet(whole.rules, outlines)), Engine.from_rules(whole)
    assert late.rule_set.outlines is outlines
    assert late.evaluate(BROKEN).errors == early.evaluate(BROKEN).errors
    assert [match.position for match in late.match(BROKEN)] == [2, 3]
    assert late.explain(BROKEN) == early.explain(BROKEN)


def nodes(clauses: Any) -> list[Any]:
    return [clause.program.node for clause in clauses]
