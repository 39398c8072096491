"""Compiled expressions give what jmespath.py gives, but for what `expression_reference` changes."""

from __future__ import annotations

import contextlib
import random
from typing import Any

import jmespath
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rules_engine.errors import EvaluationError, ExpressionError
from rules_engine.expression import compile_expression
from tests.expression_reference import NoAnswer, evaluate, exact, typed
from tests.expression_strategies import Maker, cases, hostile_documents, mutated_expressions

CASES = 5_000
SEED = 20_240_501

OUR_DIFFERENCES = ("<", ">", "==", "!=", "contains(", "to_string(", "to_number(", "avg(", "merge(")
"""What an expression must not hold for plain jmespath.py to be asked too."""

UNHURRIED = settings(suppress_health_check=list(HealthCheck))


def outcome(text: str, data: Any) -> Any:
    """What our program gives, comparably; "error" where it cannot be evaluated."""
    try:
        program = compile_expression(text)
    except ExpressionError as error:
        return error.finding.code
    try:
        return typed(program(data))
    except EvaluationError:
        return "error"


def reference_outcome(text: str, data: Any) -> Any:
    try:
        return typed(evaluate(text, data))
    except NoAnswer:
        return "error"


def check_against_jmespath(text: str, data: Any) -> Any:
    """The outcome, after asserting that it is jmespath.py's; the soak runner uses it too."""
    ours = outcome(text, exact(data))
    assert ours == reference_outcome(text, data), (text, data)
    assert ours == outcome(text, data), (text, data)  # floats count as the decimals they print as
    if not any(mark in text for mark in OUR_DIFFERENCES):
        try:
            theirs = typed(jmespath.search(text, data))
        except Exception:
            theirs = "error"
        assert ours == theirs, (text, data)
    return ours


@settings(UNHURRIED, max_examples=300)
@given(cases())
def test_programs_give_what_jmespath_gives(case: tuple[str, Any]) -> None:
    check_against_jmespath(*case)


def test_programs_give_what_jmespath_gives_in_many_cases() -> None:
    maker = Maker(random.Random(SEED).choice)
    outcomes = [check_against_jmespath(*maker.case()) for _ in range(CASES)]
    # The test would say little if hardly any expression found anything.
    telling = [value for value in outcomes if value not in ("error", ("NoneType", None), [])]
    assert len(telling) > CASES / 3


EXTENSIONS = [
    *("changed(&{})", "became(&{}, {})", "present(&{})", "lower({})", "upper({})", "trim({})"),
    *("glob({}, {})", "cidr_contains({}, {})", "{{new: {}, old: {}}} | changed(&a)", "vars.a || {}", "is.a"),
]


def evaluate_somehow(text: str, data: Any) -> None:
    """Fails for any exception but our own."""
    with contextlib.suppress(ExpressionError):
        program = compile_expression(text)
        for document in (data, {"new": data, "old": [data], "a": data, "n": data, "ns": [data, data]}):
            with contextlib.suppress(EvaluationError):
                program(document)


@settings(UNHURRIED, max_examples=200)
@given(mutated_expressions() | st.text(), hostile_documents())
def test_any_text_on_any_data_gives_a_value_or_our_own_error(text: str, data: Any) -> None:
    evaluate_somehow(text, data)


def test_any_expression_on_any_data_gives_a_value_or_our_own_error() -> None:
    maker = Maker(random.Random(SEED).choice)
    for _ in range(CASES):
        template = maker.choose([*EXTENSIONS, "{}", "{}", "{}"])
        parts = [maker.case()[0] for _ in range(template.count("{}"))]
        evaluate_somehow(template.format(*parts), maker.hostile_document())
