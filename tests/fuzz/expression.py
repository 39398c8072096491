"""Any text compiles or is refused, and evaluates or fails on hostile data: with no other error than ours."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from rules_engine.errors import EvaluationError, ExpressionError
from rules_engine.expression import compile_expression
from rules_engine.expression.checks import check as findings_of
from rules_engine.expression.syntax import tokens, tokens_by_lexer
from tests.expression_strategies import Maker

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rules_engine.expression.syntax import Token

CASES = Path(__file__).parent.parent / "cases/expression"
_make = Maker(Random(0).choice)
DOCUMENTS = [
    *(_make.typed_document() for _ in range(3)),
    *(_make.hostile_document() for _ in range(5)),
    {"new": _make.typed_document(), "old": _make.hostile_document()},
]


def check(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    assert _tokens(text, by_lexer=False) == _tokens(text, by_lexer=True)
    found = findings_of(text)
    assert all(0 <= finding.start <= len(text) for finding in found)
    try:
        program = compile_expression(text)
    except ExpressionError:
        assert found, "refused, and the author would not be told"
        return
    for document in DOCUMENTS:
        with suppress(EvaluationError):
            program(document)


def _tokens(text: str, *, by_lexer: bool) -> list[Token] | str:
    """The tokens, or what is wrong with one."""
    try:
        return tokens_by_lexer(text) if by_lexer else tokens(text)
    except ExpressionError as error:
        return str(error)


def seeds() -> Iterator[bytes]:
    for path in sorted(CASES.glob("*.json")):
        for group in json.loads(path.read_text(encoding="utf-8")):
            for case in group["cases"]:
                yield case["expression"].encode()
