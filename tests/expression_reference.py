"""jmespath.py, changed in exactly the points in which our language is meant to differ from it.

`evaluate` runs jmespath.py's own parser and interpreter. The differences, each one override below:

1. Numbers are exact: literals and data become Decimals, which its functions then take as numbers.
2. Ordering two values that are not both numbers gives null; jmespath.py also orders strings, and raises
   TypeError for a string and a number.
3. Equality never mixes types, at any depth, also in `contains`; jmespath.py finds [1] equal to [true].
4. `contains` of a string and something else is false; jmespath.py raises TypeError.
5. `to_string` writes decimals as they are.
6. `to_number` takes ASCII numbers only.
7. `merge` refuses whatever is no object; jmespath.py looks at the first argument only.

Whatever it raises is an error of the data; which exception it is makes no difference.
"""

from __future__ import annotations

import decimal
import json
import re
from decimal import Decimal
from typing import Any

from jmespath.functions import Functions, signature
from jmespath.parser import Parser
from jmespath.visitor import Options, TreeInterpreter


class NoAnswer(Exception):
    """jmespath.py raised something."""


def evaluate(text: str, data: Any) -> Any:
    """The value of the expression on `data`; raises NoAnswer where jmespath.py cannot say."""
    tree = _exact_literals(Parser()._do_parse(text).parsed)
    interpreter = _Interpreter(Options(custom_functions=_ExactFunctions()))
    with decimal.localcontext(prec=38):
        try:
            return interpreter.visit(tree, exact(data))
        except Exception as error:
            raise NoAnswer from error


def exact(value: Any) -> Any:
    """The value with Decimals for floats."""
    if isinstance(value, float):
        return Decimal(repr(value))
    if isinstance(value, list):
        return [exact(element) for element in value]
    if isinstance(value, dict):
        return {key: exact(element) for key, element in value.items()}
    return value


def typed(value: Any) -> Any:
    """The value so that Python's equality is JMESPath's: 1 is 1.0, and neither is true."""
    if isinstance(value, list):
        return [typed(element) for element in value]
    if isinstance(value, dict):
        return {key: typed(element) for key, element in value.items()}
    if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
        return ("number", Decimal(exact(value)))
    return (type(value).__name__, value)


def _exact_literals(node: Any) -> Any:
    if not isinstance(node, dict):
        return node  # a number of a slice
    value = exact(node["value"]) if node["type"] == "literal" else node.get("value")
    return {**node, "value": value, "children": [_exact_literals(child) for child in node["children"]]}


class _Interpreter(TreeInterpreter):
    def visit_comparator(self, node: Any, value: Any) -> Any:
        left, right = (self.visit(child, value) for child in node["children"])
        if node["value"] in ("eq", "ne"):
            return (typed(left) == typed(right)) == (node["value"] == "eq")
        if _is_number(left) and _is_number(right):
            return self.COMPARATOR_FUNC[node["value"]](left, right)
        return None


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, Decimal)) and not isinstance(value, bool)


def _json(value: Any) -> str:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, list):
        return f"[{','.join(map(_json, value))}]"
    if isinstance(value, dict):
        return f"{{{','.join(f'{json.dumps(key)}:{_json(element)}' for key, element in value.items())}}}"
    return json.dumps(value)


class _ExactFunctions(Functions):
    def _get_allowed_pytypes(self, types: Any) -> Any:
        allowed, subtypes = super()._get_allowed_pytypes(types)
        return _with_decimal(allowed), [_with_decimal(names) for names in subtypes]

    def _convert_to_jmespath_type(self, pyobject: str) -> str:
        return "number" if pyobject == "Decimal" else super()._convert_to_jmespath_type(pyobject)

    @signature({"types": ["array", "string"]}, {"types": []})
    def _func_contains(self, subject: Any, search: Any) -> bool:
        if isinstance(subject, str):
            return isinstance(search, str) and search in subject
        return typed(search) in [typed(element) for element in subject]

    @signature({"types": ["array-number"]})
    def _func_avg(self, numbers: Any) -> Any:
        return Decimal(sum(numbers)) / len(numbers) if numbers else None

    @signature({"types": ["object"], "variadic": True})
    def _func_merge(self, *objects: Any) -> Any:
        if not all(isinstance(value, dict) for value in objects):
            raise TypeError
        return super()._func_merge(*objects)

    @signature({"types": []})
    def _func_to_string(self, value: Any) -> str:
        return value if isinstance(value, str) else _json(value)

    @signature({"types": []})
    def _func_to_number(self, value: Any) -> Any:
        if _is_number(value):
            return value
        if isinstance(value, str) and re.fullmatch(r"[+-]?[0-9]+(\.[0-9]+)?", value):
            return Decimal(value)
        return None

    @signature({"types": []})
    def _func_type(self, value: Any) -> Any:
        return "number" if _is_number(value) else super()._func_type(value)


def _with_decimal(names: Any) -> list[str]:
    return [*names, "Decimal"] if "float" in names else list(names)
