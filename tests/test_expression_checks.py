"""What is said against expressions: all of `cases/expression/mistakes.txt`, and laws for any text."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules_engine.errors import ExpressionError, Finding
from rules_engine.expression import compile_expression
from rules_engine.expression.checks import NamedConditions, check, check_condition
from rules_engine.expression.checks.wording import find_mistake, first_mistake
from rules_engine.expression.syntax import parse
from rules_engine.model import Scope
from tests.expression_strategies import expressions, mutated_expressions

SCOPE = Scope(
    vars={"big_order": 1000, "as_text": "100", "limits": {"gold": 5, "basic": 1}},
    lists={"test_customers": ["c-test-1", "c-test-2"]},
    conditions={
        "vip": "new.customer.tier == 'gold'",
        "was_open": "old.status == 'OPEN'",
        "both": "is.was_open",
        "either": "(old || new).status == 'OPEN'",
    },
)
CASES = Path(__file__).parent / "cases/expression/mistakes.txt"
"""Blocks of an expression and what is said against it, carets under what it is about; `%%` is a comment."""


def blocks() -> list[str]:
    text = re.sub(r"^%%.*\n", "", CASES.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return [block.strip("\n") for block in re.split(r"\n{2,}", text) if block.strip()]


def shown(text: str, findings: list[Finding]) -> str:
    lines = [text]
    for finding in findings:
        lines.append(" " * finding.start + "^" * finding.length)
        lines.append(f"{finding.severity} {finding.code} {finding.message}")
        if finding.hint:
            lines.append(f"hint: {finding.hint}")
    return "\n".join(lines)


def mended(text: str, finding: Finding) -> str | None:
    """The text with what the hint says to write in the place that is marked."""
    patterns = (r"write: (.*)", r"did you mean the string ('.*')\?", r"did you mean '(.*?)'")
    for pattern in patterns:
        found = re.search(pattern, finding.hint or "", re.DOTALL)
        if found:
            return text[: finding.start] + found[1] + text[finding.start + finding.length :]
    return None


@pytest.mark.parametrize("block", blocks(), ids=lambda block: block.split("\n")[0])
def test_a_mistake_is_said_once_at_its_place_with_what_to_write(block: str) -> None:
    expression = block.split("\n")[0]
    assert shown(expression, check_condition(expression, SCOPE)) == block


LEFT = {
    "'order ' + new.id": "RE250",
    "new.a =": "RE201",
    "foo(status)": "RE204",
    "new.name | upper": "RE250",
    "new.items.L[*].M.sku.S": "RE250",
}
"""What is still said of a few expressions when all that the hints say is written."""


@pytest.mark.parametrize("expression", [block.split("\n")[0] for block in blocks()])
def test_writing_what_the_hints_say_mends_the_expression(expression: str) -> None:
    seen = [expression]
    while True:
        findings = check_condition(seen[-1], SCOPE)
        mends = [mended(seen[-1], finding) for finding in findings]
        better = next((mend for mend in mends if mend is not None), None)
        if better is None:
            break
        assert better not in seen
        seen.append(better)
    if len(seen) > 1:
        left = [LEFT[expression]] if expression in LEFT else []
        assert [finding.code for finding in findings] == left


def test_an_empty_expression_is_said_to_be_empty() -> None:
    hint = "hint: write a condition, such as new.status == 'SHIPPED'"
    assert shown("", check("")) == f"\n^\nerror RE201 the expression is empty\n{hint}"
    assert shown(" \n ", check(" \n ")) == f" \n \n^\nerror RE201 the expression is empty\n{hint}"


def test_places_are_counted_in_characters_across_lines() -> None:
    text = "new.näme.é == 'x' &&\n  status"
    assert [(finding.code, finding.start, finding.length) for finding in check(text)] == [("RE201", 4, 4)]
    text = "new.name == 'é' &&\n  status == 'A'"
    assert [(finding.code, finding.start, finding.length) for finding in check(text)] == [("RE206", 21, 6)]


# Correct expressions


@pytest.mark.parametrize(
    "expression",
    [
        "became(&status, 'SHIPPED')",
        "is.vip || new.total >= vars.big_order",
        "contains(lists.test_customers, new.customer_id)",
        "contains(['A', 'B'], new.status) && !contains(new.tags, 'test')",
        "new.price == `0.1` && old.price != `null`",
        "sum(new.items[*].price) > `100`",
        "length(new.items[?status == 'OPEN' && price > vars.limits.gold]) > `0`",
        'new.items[?"unit-price" > `3`] | length(@) > `0`',
        "new.items[?PK == SK] | length(@) > `0`",
        "new.a == old.a || changed(&b.c[0].d) && present(&e)",
        "!(new.active) && !(is.vip)",
        "eventName == 'REMOVE' && expired",
        "!expired",
        "glob(new.sku, 'A-*') || cidr_contains('10.0.0.0/8', new.ip)",
        'new.sizes."L" > `3`',
        "sort_by(new.items, &price)[-1].sku == 'x'",
        "new.items[0:2].price | [0] == `3`",
        "new.and == 'x' && new.not == 'y' && new.in == 'z' && new.is.null == 'w'",
        'new."order-id" == keys."order-id"',
        "new.total == '100'",
        "lower(new.name || '') == 'x'",
        "@.vars.x == 'y'",
        "new.items[].vars.big_order | length(@) > `0`",
        "{total: new.total, limit: vars.big_order} | total > limit",
        "new.a == 'it\\'s'",
        'to_number(new.n) > `-5` && new.list[-1] == `{"a": [1, 2]}`',
        "awsRegion == 'eu-west-1' && table == 'orders' && createdAt != `null` && sequenceNumber == eventID",
    ],
)
def test_nothing_is_said_against_a_correct_condition(expression: str) -> None:
    assert check_condition(expression, SCOPE) == []


# What one rule's records never carry

INSERTS = {"old": "the rule's only event is INSERT"}
REMOVALS = {"new": "the rule's only event is REMOVE"}


@pytest.mark.parametrize(
    ("expression", "absent", "expected"),
    [
        (
            "old.status == 'A' && new.status == old.status",
            INSERTS,
            """
old.status == 'A' && new.status == old.status
^^^
error RE402 'old' is never there: the rule's only event is INSERT
                                   ^^^
error RE402 'old' is never there: the rule's only event is INSERT
""",
        ),
        (
            "became(&customer.tier, 'gold')",
            INSERTS,
            """
became(&customer.tier, 'gold')
^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
error RE402 'became' reads 'old', which is never there: the rule's only event is INSERT
hint: write: new.customer.tier == 'gold'
""",
        ),
        (
            "changed(&status)",
            INSERTS,
            """
changed(&status)
^^^^^^^^^^^^^^^^
error RE402 'changed' reads 'old', which is never there: the rule's only event is INSERT
hint: write: present(&status)
""",
        ),
        (
            "present(&status)",
            REMOVALS,
            """
present(&status)
^^^^^^^
error RE402 'present' reads 'new', which is never there: the rule's only event is REMOVE
""",
        ),
        (
            "is.vip && is.both",
            INSERTS,
            """
is.vip && is.both
          ^^^^^^^
error RE402 'is.both' reads 'old', which is never there: the rule's only event is INSERT
hint: if rules for other events share 'is.both', let it read (new || old), the image that is there; or \
change 'event' or 'view' of this rule
""",
        ),
        ("(new || old).id == (new.id || old.id)", INSERTS, "(new || old).id == (new.id || old.id)"),
        ("is.either", INSERTS, "is.either"),
        (
            "is.either",
            {**INSERTS, "new": "the view type has no images"},
            "is.either\n^^^^^^^^^\n"
            "error RE402 'is.either' reads 'new', which is never there: the view type has no images",
        ),
        (
            "new.id == 'a' || old.id == 'a'",
            INSERTS,
            """
new.id == 'a' || old.id == 'a'
                 ^^^
error RE402 'old' is never there: the rule's only event is INSERT
""",
        ),
        (
            "status == 'A'",
            REMOVALS,
            """
status == 'A'
^^^^^^
error RE206 unknown name 'status'
hint: did you mean 'old.status'?
""",
        ),
        (
            "new.items[?old.price > `3`] | length(@) > `0`",
            INSERTS,
            "new.items[?old.price > `3`] | length(@) > `0`",
        ),
        (
            "present(&old.status)",
            {},
            "present(&old.status)\n         ^^^^^^^^^^\n"
            "error RE206 'old' is looked for inside of the item here\n"
            "hint: the function looks into the images by itself; write: status",
        ),
    ],
)
def test_images_that_are_never_there_are_said_with_the_reason(
    expression: str, absent: dict[str, str], expected: str
) -> None:
    assert shown(expression, check_condition(expression, SCOPE, absent)) == expected.strip("\n")


# Named conditions

CIRCLE = Scope(conditions={"a": "is.b || expired", "b": "expired && is.c", "c": "is.a", "alone": "is.alone"})


def circles(**conditions: str) -> dict[str, str]:
    found = NamedConditions(Scope(conditions=conditions)).circles()
    return {name: shown(conditions[name], [finding]) for name, finding in found}


def circle(text: str, marked: str, names: str) -> str:
    return (
        f"{text}\n{' ' * text.index(marked)}{'^' * len(marked)}\n"
        f"error RE213 named conditions use each other in a circle: {names}\n"
        "hint: write out in one of them what it needs of the next"
    )


def test_a_circle_of_named_conditions_is_said_once_where_it_begins() -> None:
    assert circles(**CIRCLE.conditions) == {
        "a": circle("is.b || expired", "is.b", "is.a -> is.b -> is.c -> is.a"),
        "alone": circle("is.alone", "is.alone", "is.alone -> is.alone"),
    }


def test_conditions_of_equal_text_are_not_mistaken_for_each_other() -> None:
    assert circles(a="is.b", c="is.b", b="is.c") == {"c": circle("is.b", "is.b", "is.c -> is.b -> is.c")}
    assert circles(x="is.x", y="is.x") == {"x": circle("is.x", "is.x", "is.x -> is.x")}


def test_the_names_of_a_long_circle_are_not_all_shown() -> None:
    chain = {f"c{number}": f"is.c{(number + 1) % 20}" for number in range(20)}
    shown_names = " -> ".join(f"is.c{number}" for number in range(6)) + " -> ... -> is.c0"
    assert circles(**chain) == {"c0": circle("is.c1", "is.c1", shown_names)}


@given(
    st.dictionaries(
        st.sampled_from("abcdefg"),
        st.lists(st.sampled_from("abcdefgh"), max_size=3).map(
            lambda names: " || ".join(["expired", *(f"is.{name}" for name in names)])
        ),
    )
)
def test_there_is_a_circle_exactly_where_the_compiler_refuses_one(conditions: dict[str, str]) -> None:
    scope = Scope(conditions=conditions)
    refused = set()
    for text in conditions.values():
        try:
            compile_expression(text, scope)
        except ExpressionError as error:
            refused.add(error.finding.code)
    if "RE208" not in refused:  # which hides whatever follows it
        assert bool(circles(**conditions)) == ("RE213" in refused)


def test_a_condition_that_uses_a_circle_is_not_blamed_for_it() -> None:
    assert check("is.a && new.x == 'y'", CIRCLE) == []
    assert check("is.a", CIRCLE, {"old": "no reason"}) == []


def test_images_are_found_through_conditions_that_are_used_twice() -> None:
    conditions = {"a": "is.b && is.c", "b": "is.d", "c": "is.d && new.x == 'y'", "d": "old.x == 'y'"}
    named = NamedConditions(Scope(conditions=conditions))
    assert {name: set(named.images_read(name)) for name in conditions} == {
        "a": {"new", "old"},
        "b": {"old"},
        "c": {"new", "old"},
        "d": {"old"},
    }


def test_of_a_chain_of_conditions_that_is_too_deep_only_the_first_too_deep_is_refused() -> None:
    chain = {f"c{number}": f"is.c{number + 1}" for number in range(200)} | {"c200": "expired"}
    named = NamedConditions(Scope(conditions=chain))
    refused = {name: codes for name, text in chain.items() if (codes := [f.code for f in check(text, named)])}
    assert refused == {"c175": ["RE212"]}
    assert check("is.c0 && is.c1", named) == []


def test_a_broken_named_condition_is_not_said_again_where_it_is_used() -> None:
    scope = Scope(conditions={"broken": "new.status = 'A'"})
    assert check("is.broken", scope, {"old": "no reason"}) == []
    assert [finding.code for finding in check("new.status = 'A'", scope)] == ["RE202"]


# Limits


def test_an_expression_may_have_500_nodes() -> None:
    side = " || ".join(["expired"] * 251)
    (finding,) = check(side)
    assert (finding.code, finding.message) == ("RE212", "the expression has more than 500 nodes")
    assert check(" || ".join(["expired"] * 250)) == []


def test_an_expression_may_have_50_levels() -> None:
    (finding,) = check("!" * 50 + "expired")
    assert (finding.code, finding.message) == ("RE212", "the expression has more than 50 levels")
    assert check("!" * 49 + "expired") == []


def test_the_levels_of_named_conditions_count_where_they_are_used() -> None:
    scope = Scope(conditions={"deep": "!" * 40 + "expired"})
    text = "!" * 20 + "(is.deep)"
    (finding,) = check(text, scope)
    assert (finding.code, finding.start, finding.length) == ("RE212", 0, len(text))


# Laws

PIECES = (
    *(
        "new",
        "old",
        "status",
        ".",
        "a",
        "-",
        "=",
        "==",
        "and",
        "or",
        "not",
        "in",
        "is",
        "null",
        "(",
        ")",
        "[",
        "]",
    ),
    *(
        "{",
        "}",
        "&",
        "|",
        "'x'",
        "'",
        '"',
        "`1`",
        "`",
        "1",
        "2.5",
        "2024-01-01",
        "changed",
        "contains",
        "!",
        ",",
    ),
    *(
        ":",
        "?",
        " ",
        "<",
        ">",
        "vars",
        "lists",
        "$",
        "+",
        "*",
        "/",
        "like",
        "between",
        "\u201c",
        "\u201d",
        "\u2019",
    ),
    *("\u00a0", "é", "@", "if", "SHIPPED", ".5", "-5", "?.", "{{", "${", "#", ";", "->", "is.vip", "vars.x"),
)
soups = st.builds(str.join, st.sampled_from(["", " "]), st.lists(st.sampled_from(PIECES), max_size=12))
anything = st.one_of(soups, mutated_expressions(), st.text(max_size=20))


@given(expressions())
def test_what_the_parser_takes_holds_no_mistake_of_wording(text: str) -> None:
    try:
        parse(text)
    except ExpressionError:
        return
    assert find_mistake(text) is None


plain_parts = st.sampled_from(
    (
        *(
            "new",
            "not",
            "Not",
            "nothing",
            "and",
            ".",
            "'a'",
            "''",
            "`1`",
            "`-0.5`",
            "`01`",
            f"`{'9' * 2000}`",
        ),
        *(" ", "==", "<", ">", "<=", "&&", "||", "="),
    )
)


@settings(max_examples=1000)
@given(st.lists(plain_parts, max_size=10).map("".join))
def test_a_plain_text_holds_no_mistake_token_by_token_either(text: str) -> None:
    found = first_mistake(text)
    assert find_mistake(text) == (found.finding() if found else None)


@settings(max_examples=300)
@given(anything)
def test_any_text_has_findings_within_it_or_compiles(text: str) -> None:
    findings = check_condition(text, SCOPE)
    for finding in findings:
        assert finding.length >= 1
        assert 0 <= finding.start <= finding.start + finding.length <= max(len(text), 1)
    if all(finding.severity == "warning" for finding in findings):
        compile_expression(text, SCOPE)


@given(anything)
def test_two_findings_never_mark_the_same_text(text: str) -> None:
    marked = [(finding.start, finding.length) for finding in check_condition(text, SCOPE)]
    assert len(marked) == len(set(marked))


def test_a_negated_list_is_said_like_a_negated_name() -> None:
    (finding,) = check("!`[1]`.a", Scope())
    message = "'!`[1]`.a' reads as '(!`[1]`).a'"
    assert finding == Finding("RE210", message, 0, 8, "write: !(`[1]`.a)", fix="!(`[1]`.a)")


def test_only_the_first_of_many_unknown_names_have_suggestions() -> None:
    named = NamedConditions(Scope(vars={"largest_order": 1}))
    hints = [check("new.total > vars.larges_order", named)[0].hint or "" for _ in range(30)]
    assert [hint.startswith("did you mean 'vars.largest_order'") for hint in hints] == [True] * 20 + [
        False
    ] * 10
    many = Scope(vars={f"largest_order_{number}": 1 for number in range(501)})
    (finding,) = check("new.total > vars.larges_order_1", many)
    assert (finding.hint or "").startswith("'vars' of this file has 'largest_order_0', ")
