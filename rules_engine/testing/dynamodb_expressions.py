"""Condition and update expressions of DynamoDB, as far as deliveries use them, compiled once for each text.

    compile_condition("attribute_not_exists(#id) OR version < :v")(item, names, values) -> bool
    compile_update("SET a = :a, n = n + :one REMOVE b")(item, names, values) -> the new item

Items, names and values are as boto3's low-level client has them. What is not here (`size`, `attribute_type`,
`list_append`) raises ExpressionTextError, which the fake turns into DynamoDB's ValidationException.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any, NoReturn

Item = Mapping[str, Any]
Names = Mapping[str, str]
Values = Mapping[str, Any]
Operand = Callable[[Item, Names, Values], Any]
Condition = Callable[[Item, Names, Values], bool]
Update = Callable[[Item, Names, Values], dict[str, Any]]

_NAME = r"[A-Za-z_]\w*"
_PATH = rf"#?{_NAME}(?:\.#?{_NAME}|\[\d+\])*"
_TOKEN = re.compile(rf"\s*(<>|<=|>=|[=<>(),+\-]|:{_NAME}|{_PATH})")
_STEP = re.compile(rf"#?{_NAME}|\d+")
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: a == b,
    "<>": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}
_CLAUSES = ("SET", "REMOVE", "ADD", "DELETE")


class ExpressionTextError(Exception):
    """An expression that DynamoDB, or this small reader, does not take."""


@lru_cache(maxsize=256)
def compile_condition(text: str) -> Condition:
    """Raises ExpressionTextError."""
    reader = _Reader(text)
    condition = reader.either()
    reader.expect_end()
    return condition


@lru_cache(maxsize=256)
def compile_update(text: str) -> Update:
    """Raises ExpressionTextError."""
    reader = _Reader(text)
    steps: list[Callable[[dict[str, Any], Item, Names, Values], None]] = []
    while (clause := reader.next()) is not None:
        if clause.upper() not in _CLAUSES:
            reader.refuse(clause)
        steps.append(reader.step(clause.upper()))
        while reader.skip(","):
            steps.append(reader.step(clause.upper()))

    def update(item: Item, names: Names, values: Values) -> dict[str, Any]:
        new = copy.deepcopy(dict(item))
        for step in steps:  # all of them see the item as it was
            step(new, item, names, values)
        return new

    return update


class _Reader:
    """A reader of one expression, by recursive descent."""

    def __init__(self, text: str) -> None:
        self._text, self._tokens, at = text, [], 0
        while text[at:].strip():
            found = _TOKEN.match(text, at)
            if found is None:
                self.refuse(text[at:])
            self._tokens.append(found[1])
            at = found.end()
        self._at = 0

    def refuse(self, where: str | None) -> NoReturn:
        raise ExpressionTextError(f"syntax error at '{where}' in '{self._text}'")

    def next(self) -> str | None:
        self._at += 1
        return self._tokens[self._at - 1] if self._at <= len(self._tokens) else None

    def skip(self, word: str) -> bool:
        if self._at < len(self._tokens) and self._tokens[self._at].upper() == word:
            self._at += 1
            return True
        return False

    def expect(self, word: str) -> None:
        if not self.skip(word):
            self.refuse(self._tokens[self._at] if self._at < len(self._tokens) else None)

    def expect_end(self) -> None:
        if self._at != len(self._tokens):
            self.refuse(self._tokens[self._at])

    # Conditions

    def either(self) -> Condition:
        parts = [self.both()]
        while self.skip("OR"):
            parts.append(self.both())
        return parts[0] if len(parts) == 1 else lambda *at: any(part(*at) for part in parts)

    def both(self) -> Condition:
        parts = [self.negation()]
        while self.skip("AND"):
            parts.append(self.negation())
        return parts[0] if len(parts) == 1 else lambda *at: all(part(*at) for part in parts)

    def negation(self) -> Condition:
        if self.skip("NOT"):
            inner = self.negation()
            return lambda *at: not inner(*at)
        if self.skip("("):
            inside = self.either()
            self.expect(")")
            return inside
        return self.comparison()

    def comparison(self) -> Condition:
        word = self.next()
        if word is None:
            self.refuse(None)
        if self.skip("("):
            return self.function(word)
        left, sign = self._operand(word), self.next()
        if sign is not None and sign.upper() == "BETWEEN":
            low = self.operand()
            self.expect("AND")
            high = self.operand()
            return lambda *at: _compare(">=", left(*at), low(*at)) and _compare("<=", left(*at), high(*at))
        if sign is not None and sign.upper() == "IN":
            self.expect("(")
            choices = self.arguments()
            return lambda *at: any(_compare("=", left(*at), choice(*at)) for choice in choices)
        if sign not in _COMPARE:
            self.refuse(sign)
        right = self.operand()
        return lambda *at: _compare(sign, left(*at), right(*at))

    def function(self, name: str) -> Condition:
        arguments = self.arguments()
        match name, arguments:
            case "attribute_exists", [path]:
                return lambda *at: path(*at) is not None
            case "attribute_not_exists", [path]:
                return lambda *at: path(*at) is None
            case "begins_with", [path, start]:
                return lambda *at: (
                    (value := path(*at)) is not None and plain(value).startswith(plain(start(*at)))
                )
            case "contains", [path, part]:
                return lambda *at: (value := path(*at)) is not None and plain(part(*at)) in plain(value)
        return self.refuse(name)

    def arguments(self) -> list[Operand]:
        found = [self.operand()]
        while self.skip(","):
            found.append(self.operand())
        self.expect(")")
        return found

    # Operands

    def operand(self) -> Operand:
        return self._operand(self.next())

    def _operand(self, word: str | None) -> Operand:
        if word is None or not (word[0] in ":#_" or word[0].isalpha()):
            self.refuse(word)
        if word[0] == ":":
            return lambda _item, _names, values: values[word]
        if word == "if_not_exists" and self.skip("("):
            arguments = self.arguments()
            if len(arguments) != 2:
                self.refuse(word)
            path, default = arguments
            return lambda *at: value if (value := path(*at)) is not None else default(*at)
        return lambda item, names, _values: _read(item, _steps(word, names))

    # Updates

    def step(self, clause: str) -> Callable[[dict[str, Any], Item, Names, Values], None]:
        path = self.next()
        if path is None:
            self.refuse(None)
        if clause == "REMOVE":
            return lambda new, _item, names, _values: _write(new, _steps(path, names), None)
        if clause == "SET":
            self.expect("=")
            value = self.sum()
            return lambda new, item, names, values: _write(
                new, _steps(path, names), value(item, names, values)
            )
        change = self.operand()
        combine = _added if clause == "ADD" else _without

        def step(new: dict[str, Any], item: Item, names: Names, values: Values) -> None:
            steps = _steps(path, names)
            _write(new, steps, combine(_read(item, steps), change(item, names, values)))

        return step

    def sum(self) -> Operand:
        left = self.operand()
        if self.skip("+"):
            right = self.operand()
            return lambda *at: {"N": str(plain(left(*at)) + plain(right(*at)))}
        if self.skip("-"):
            right = self.operand()
            return lambda *at: {"N": str(plain(left(*at)) - plain(right(*at)))}
        return left


def _steps(path: str, names: Names) -> list[str | int]:
    """Names, and numbers for places in lists."""
    steps: list[str] = _STEP.findall(path)
    return [int(step) if step.isdigit() else names[step] if step[0] == "#" else step for step in steps]


def _read(item: Item, steps: list[str | int]) -> Any:
    """The attribute value at a path; None where there is none."""
    value: Any = {"M": item}
    for step in steps:
        members = value.get("L" if isinstance(step, int) else "M")
        if members is None or not _has(members, step):
            return None
        value = members[step]
    return value


def _has(members: Any, step: str | int) -> bool:
    return step < len(members) if isinstance(step, int) else step in members


def _write(item: dict[str, Any], steps: list[str | int], value: Any) -> None:
    """Sets the attribute at a path; removes it for None. A place after a list's end is its end."""
    parent = _read(item, steps[:-1]) if len(steps) > 1 else {"M": item}
    last = steps[-1]
    members: Any = None if parent is None else parent.get("L" if isinstance(last, int) else "M")
    if members is None:
        raise ExpressionTextError("the document path does not lead anywhere in this item")
    if value is None:
        if _has(members, last):
            del members[last]
    elif isinstance(last, int) and last >= len(members):
        members.append(value)
    else:
        members[last] = value


def plain(value: Any) -> Any:
    """What comparisons look at: text, bytes, a number, or what the type holds."""
    ((kind, content),) = value.items()
    return Decimal(content) if kind == "N" else content


def _compare(sign: str, left: Any, right: Any) -> bool:
    if left is None or right is None:
        return False
    if left.keys() != right.keys():
        return sign == "<>"
    return _COMPARE[sign](plain(left), plain(right))


def _added(before: Any, change: Any) -> Any:
    if before is not None and before.keys() != change.keys():
        raise ExpressionTextError("an operand in the update expression has an incorrect data type")
    if "N" in change:
        return {"N": str((plain(before) if before is not None else 0) + plain(change))}
    ((kind, members),) = change.items()
    return {kind: sorted({*(before or {kind: []})[kind], *members})}


def _without(before: Any, change: Any) -> Any:
    ((kind, members),) = change.items()
    left = [member for member in (before or {kind: []})[kind] if member not in members]
    return {kind: left} if left else None
