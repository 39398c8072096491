"""Declarative rules for DynamoDB Streams: event, JMESPath condition, action, in one generic Lambda function.

The names below are the public ones. Each is imported when it is first asked for: the function imports
`rules_engine.handler` and must not load the author's side (YAML, JSON Schema) with it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rules_engine.engine import Engine
    from rules_engine.errors import Problem
    from rules_engine.expression import Program, compile_expression
    from rules_engine.loader import load_rules
    from rules_engine.model import RuleSet

__all__ = ["Engine", "Problem", "Program", "RuleSet", "compile_expression", "load_rules"]

_HOMES = {
    "Engine": "rules_engine.engine",
    "Problem": "rules_engine.errors",
    "Program": "rules_engine.expression",
    "RuleSet": "rules_engine.model",
    "compile_expression": "rules_engine.expression",
    "load_rules": "rules_engine.loader",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'rules_engine' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
