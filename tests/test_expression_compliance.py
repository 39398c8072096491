"""The official JMESPath compliance suite, where `make compliance` has fetched it. Every case passes.

Cases with an `error` pass by any ExpressionError or EvaluationError: what the suite calls `unknown-function`,
`invalid-arity` and a slice step of 0 is refused here before it runs. Cases without a result are benchmarks.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rules_engine import exact_json
from rules_engine.errors import EvaluationError, ExpressionError
from rules_engine.expression import compile_expression
from tests.expression_reference import typed

SUITE = Path(__file__).parent.parent / ".cache" / "jmespath-compliance"


def load_cases() -> list[Any]:
    found = []
    for path in sorted(SUITE.glob("*.json")):
        for group in exact_json.loads(path.read_text(encoding="utf-8")):
            for case in group["cases"]:
                found.append(pytest.param(group["given"], case, id=f"{path.stem}: {case['expression']}"))
    absent = pytest.mark.skip(reason="the compliance suite is not here: `make compliance` fetches it")
    return found or [pytest.param(None, {}, marks=absent, id="not fetched")]


@pytest.mark.parametrize(("given", "case"), load_cases())
def test_the_official_suite(given: Any, case: dict[str, Any]) -> None:
    expression = case["expression"]
    if "error" in case:
        with pytest.raises((ExpressionError, EvaluationError)):
            compile_expression(expression)(given)
        return
    value = compile_expression(expression)(given)
    if "result" in case:
        assert typed(value) == typed(case["result"])
