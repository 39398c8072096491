"""Programs: what expressions mean, case by case, and what no expression can do."""

from __future__ import annotations

import contextlib
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from rules_engine import exact_json
from rules_engine.attribute_value import Image, decode
from rules_engine.errors import AttributeValueError, BudgetError, EvaluationError, ExpressionError
from rules_engine.expression import Program, compile_expression, deferred_program, is_true
from rules_engine.model import Scope

CASES = Path(__file__).parent / "cases" / "expression"


class Case(NamedTuple):
    scope: Scope
    given: Any
    expected: dict[str, Any]


def load_cases() -> list[Any]:
    found = []
    for path in sorted(CASES.glob("*.json")):
        for group in exact_json.loads(path.read_text(encoding="utf-8")):
            scope = Scope(**group.get("scope", {}))
            for case in group["cases"]:
                name = f"{path.stem}: {case['expression']}"
                found.append(pytest.param(Case(scope, group["given"], case), id=name))
    return found


def typed(value: Any) -> Any:
    """The value with its types, so that 1 and true, or 1 and '1', are never equal, but 1 and 1.0 are."""
    if isinstance(value, list):
        return [typed(element) for element in value]
    if isinstance(value, dict):
        return {key: typed(element) for key, element in value.items()}
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        return ("number", Decimal(value))
    return (type(value).__name__, value)


@pytest.mark.parametrize("case", load_cases())
def test_an_expression_means_what_its_case_says(case: Case) -> None:
    expression = case.expected["expression"]
    if "refused" in case.expected:
        with pytest.raises(ExpressionError) as caught:
            compile_expression(expression, case.scope)
        finding = caught.value.finding
        assert [finding.code, finding.message, finding.start, finding.length] == case.expected["refused"]
        return
    program = compile_expression(expression, case.scope)
    if "error" in case.expected:
        with pytest.raises(EvaluationError) as failed:
            program(case.given)
        assert str(failed.value) == case.expected["error"]
    else:
        assert typed(program(case.given)) == typed(case.expected["result"])


def test_a_program_keeps_its_text_and_tree() -> None:
    program = compile_expression("new.a == 'b'")
    assert (program.text, program.node.type, repr(program)) == (
        "new.a == 'b'",
        "comparator",
        "Program(\"new.a == 'b'\")",
    )


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        *[(value, False) for value in (None, False, "", [], {}, Image({}))],
        *[(value, True) for value in (True, 0, 0.0, Decimal("0.0"), 1, "x", [None], {"a": None})],
    ],
)
def test_truth_is_that_of_jmespath(value: Any, expected: bool) -> None:
    assert is_true(value) is expected


def test_floats_count_as_the_decimals_they_print_as() -> None:
    data = {"tenth": 0.1, "three_tenths": 0.30000000000000004, "whole": 2.0, "parts": [0.1, 0.2]}
    results = {
        "tenth == `0.1`": True,
        "three_tenths == `0.3`": False,
        "tenth < `0.1`": False,
        "whole == `2`": True,
        "sum(parts)": Decimal("0.3"),
        "max(parts)": 0.2,
        "sort([parts[1], tenth, `0.15`])": [0.1, Decimal("0.15"), 0.2],
        "abs(tenth)": Decimal("0.1"),
        "ceil(tenth)": 1,
        "contains(parts, `0.2`)": True,
    }
    assert {text: compile_expression(text)(data) for text in results} == results


@pytest.mark.parametrize(
    "text", ["a > `1`", "sum([a])", "ceil(a)", "sort([a, `1`])", "to_string([a])", "avg([a])"]
)
@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_what_is_no_json_number_is_at_most_an_evaluation_error(text: str, number: float) -> None:
    program = compile_expression(text)
    try:
        program({"a": number})
    except EvaluationError:
        return
    # Comparing with infinity, and adding to it, has an answer.
    assert text in ("a > `1`", "sum([a])", "sort([a, `1`])", "avg([a])")


IMAGE = Image(
    {
        "id": {"S": "o-1"},
        "total": {"N": "12.50"},
        "tags": {"SS": ["b", "a"]},
        "photo": {"B": "aGk="},
        "customer": {"M": {"tier": {"S": "gold"}, "broken": {"N": "1_0"}}},
        "items": {"L": [{"M": {"price": {"N": "0.1"}}}, {"M": {"price": {"N": "0.2"}}}]},
        "broken": {"N": "NaN"},
    }
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("new.total == `12.5`", True),
        ("new.customer.tier", "gold"),
        ("new.customer.{t: tier}", {"t": "gold"}),
        ("contains(new.tags, 'a')", True),
        ("sort(new.tags)", ["a", "b"]),
        ("join('', new.tags)", "ab"),
        ('new.tags == `["a", "b"]`', True),
        ("starts_with(new.photo, 'aGk')", True),
        ("new.photo == 'aGk='", True),
        ("type(new.customer)", "object"),
        ("length(new.customer)", 2),
        ("keys(new.customer)", ["tier", "broken"]),
        ("sum(new.items[*].price) == `0.3`", True),
        ('new.items[0] == `{"price": 0.1}`', True),
        ('`{"price": 0.1}` == new.items[0]', True),
        ('merge(new.items[0], `{"a": 1}`)', {"price": Decimal("0.1"), "a": 1}),
        ("to_string(new.items)", '[{"price":0.1},{"price":0.2}]'),
        ("new.items[*].*[]", [Decimal("0.1"), Decimal("0.2")]),
    ],
)
def test_images_are_objects(text: str, expected: Any) -> None:
    assert compile_expression(text)({"new": IMAGE}) == expected


def test_a_flattened_set_is_a_list() -> None:
    program = compile_expression("new.tags[]")
    assert type(program({"new": IMAGE})) is list


def test_a_sum_has_no_negative_zero_and_all_its_digits() -> None:
    program = compile_expression("sum(@)")
    texts = (["-0.0"], ["0.10"], ["1E+5", "2E+5"], ["1E+30", "0.1"])
    sums = [str(program([Decimal(text) for text in numbers])) for numbers in texts]
    assert sums == ["0.0", "0.10", "300000", "1000000000000000000000000000000.1"]


def test_a_condition_on_other_attributes_does_not_see_a_damaged_one() -> None:
    assert compile_expression("new.id == 'o-1' && new.customer.tier == 'gold'")({"new": IMAGE}) is True
    for text in (
        "new.broken > `1`",
        "new.customer.broken == `10`",
        "new.*",
        "changed(&broken)",
        "[new] == [old]",
    ):
        with pytest.raises(AttributeValueError):
            compile_expression(text)({"new": IMAGE, "old": Image(IMAGE.raw)})


def test_an_image_is_handed_on_as_it_is() -> None:
    assert compile_expression("new")({"new": IMAGE}) is IMAGE
    assert compile_expression("{item: new}")({"new": IMAGE})["item"] is IMAGE


def test_the_largest_item_can_be_searched() -> None:
    numbers = decode({"L": [{"N": "1"}] * 130_000})
    program = compile_expression(
        "sum(new.readings) > `1000` && length(new.readings[?@ > `0` && @ < `5`]) > `9`"
    )
    assert program({"new": {"readings": numbers}}) is True


LIST = list(range(100_000))
TEXT = "a" * 400_000

EXPENSIVE: dict[str, tuple[str, Any]] = {
    "doubling": ("[@, @]" + " | [@, @]" * 40, "x"),
    "doubling and flattening": ("[@, @][]" + " | [@, @][]" * 40, [1]),
    "doubling an object": ("{a: @, b: @}" + " | {a: @, b: @}" * 40, 1),
    "doubling and writing": ("[@, @]" + " | [@, @]" * 40 + " | length(to_string(@))", "x"),
    "doubling and comparing": (f"{{a: @{' | [@, @]' * 40}, b: @{' | [@, @]' * 40}}} | a == b", "x"),
    "doubling text": ("join('', [@, @])" + " | join('', [@, @])" * 40, "x"),
    "nested filters": ("[?[@, @, @][?[@, @][?[@, @][?[@, @, @][?@]]]]]", LIST),
    "projections side by side": (" && ".join(["[*].[a, b, c, d]"] * 30), LIST),
    "map in map": ("map(&map(&map(&map(&@, @), @), @), @)", [[[LIST] * 100] * 100] * 100),
    "sort_by with work": ("sort_by(@, &length([to_string(@), to_string(@)][?@]))", LIST * 3),
    "a long text written often": ("[*].to_string([@])", [TEXT] * 100),
    "a long text searched often": ("[?contains(@, 'b')]", [TEXT] * 200_000),
    "a long text matched often": ("[?glob(@, '*a?b*')]", [TEXT] * 100),
    "a long text compared often": ("[?[0] == [1]]", [[TEXT, "a" * 400_000]] * 100_000),
    "long texts sorted": ("sort(@)", [TEXT, "a" * 400_000 + "b"] * 50_000),
    "long texts turned around": ("[*].reverse(@)", [TEXT] * 100),
    "an object merged often": ("[*].merge(@, @, @)", [{str(number): 1 for number in range(1000)}] * 1000),
    "join with a long separator": ("join(@[0], @)", [TEXT] * 100),
    "keys and values": ("[*].[keys(@), values(@)]", [{str(number): 1 for number in range(1000)}] * 3000),
    "an array searched for each element": ("[*].contains(@, 'x')", [LIST] * 1000),
    "equal lists compared often": ("[?[0] == [1]]", [[LIST, list(LIST)]] * 1000),
}


@pytest.mark.parametrize(("text", "data"), EXPENSIVE.values(), ids=EXPENSIVE.keys())
def test_cost_is_bounded(text: str, data: Any) -> None:
    program = compile_expression(text)
    with pytest.raises(BudgetError):
        program(data)


LONGEST: dict[str, int] = {
    "[*].a": 2_000_000,
    "[*].a.b": 666_666,
    "[?a].a": 1_000_000,
    "[]": 1_000_000,
    "contains(@, 'x')": 2_000_000,
    "sum([*].a)": 888_889,
    "max([*].a)": 333_333,
    "max_by(@, &a)": 347_826,
    "map(&a, @)": 2_000_000,
}
"""Expressions, and the longest array that each can still be evaluated on."""


@pytest.mark.parametrize(("text", "count"), LONGEST.items(), ids=LONGEST.keys())
def test_the_budget_lasts_for_just_so_many_elements(text: str, count: int) -> None:
    program = compile_expression(text)
    program([{"a": 1}] * count)
    with pytest.raises(BudgetError):
        program([{"a": 1}] * (count + 1))


def test_named_conditions_cannot_multiply_cost() -> None:
    conditions = {f"c{number}": " && ".join([f"is.c{number + 1}"] * 5) for number in range(12)}
    program = compile_expression("is.c0", Scope(conditions={**conditions, "c12": "new.a"}))
    with pytest.raises(BudgetError):
        program({"new": {"a": 1}})


def test_named_conditions_cannot_nest_without_end() -> None:
    conditions = {f"c{number}": f"!(is.c{number + 1})" for number in range(60)}
    with pytest.raises(ExpressionError) as caught:
        compile_expression("is.c0", Scope(conditions={**conditions, "c60": "new.a"}))
    assert caught.value.finding.code == "RE212"
    assert (
        caught.value.finding.message
        == "the expression has more than 50 levels, counting the named conditions in it"
    )


def test_constants_cost_nothing_when_they_fail_or_are_large() -> None:
    failing = compile_expression("a && length(`5`)")
    assert failing({}) is None
    with pytest.raises(EvaluationError):
        failing({"a": 1})
    many = "`[" + ",".join(["1"] * 16_000) + "]`"
    assert compile_expression(f"sum({many}) == `16000`")({}) is True


def nested(levels: int, leaf: Any) -> Any:
    value = leaf
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    "text",
    [
        "@",
        "[@, @]",
        "@ == other",
        "contains(@, `1`)",
        "to_string(@)",
        "[]",
        "[0][0]",
        "length(@)",
        "*",
        "sort(@)",
        "!@",
    ],
)
def test_deep_data_ends_in_no_other_error(text: str) -> None:
    program = compile_expression(text.replace("other", "`1`"))
    with contextlib.suppress(EvaluationError):
        program(nested(50_000, 1))


def test_deep_lists_are_compared_to_the_bottom() -> None:
    program = compile_expression("a == b")
    assert program({"a": nested(50_000, 1), "b": nested(50_000, 1)}) is True
    assert program({"a": nested(50_000, 1), "b": nested(50_000, True)}) is False


def test_a_program_can_be_used_again_and_again() -> None:
    program: Program = compile_expression("items[?price > `1`].name | [0]")
    assert [program({"items": [{"price": 2, "name": name}]}) for name in "abc"] == ["a", "b", "c"]


def test_a_deferred_program_is_compiled_when_it_is_first_called() -> None:
    scope = Scope(conditions={"big": "[total > `1`]"})
    program = deferred_program("is.big", scope)
    assert not hasattr(program, "node")
    assert [program({"total": total}) for total in (1, 2)] == [[False], [True]]
    assert (program.text, program.node) == ("is.big", compile_expression("is.big", scope).node)
    broken = deferred_program("is.small", scope)
    with pytest.raises(ExpressionError):
        broken({})
