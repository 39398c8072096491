"""Conditions: JMESPath with exact numbers, names of the rule file, and bounded cost.

`compile_expression(text, scope)` gives a `Program` to call with a document, `deferred_program` one that is
compiled when it is first called; `is_true` says what a condition's
value means; `paths_read` says what an expression reads of the document. Authors' mistakes leave as
ExpressionError, data that an expression cannot handle as EvaluationError.
"""

from rules_engine.expression.compiler import Program, compile_expression, deferred_program
from rules_engine.expression.operations import ABSENT
from rules_engine.expression.paths import paths_read, value_at
from rules_engine.expression.values import is_true

__all__ = [
    "ABSENT",
    "Program",
    "compile_expression",
    "deferred_program",
    "is_true",
    "paths_read",
    "value_at",
]
