"""The table of EventBridge operators: pattern and condition of each row say the same of every change."""

from __future__ import annotations

import json
import re
from fnmatch import fnmatchcase
from ipaddress import ip_address, ip_network
from itertools import product
from typing import Any

import pytest

from rules_engine.engine import Engine
from rules_engine.model import ActionSpec, Rule, RuleSet
from rules_engine.plain_record import record_from_images
from tests.eventbridge_rows import ROWS, SECTION

ABSENT = object()
VALUES: dict[str, list[Any]] = {
    "status": [ABSENT, "", "SHIPPED", "shipped", "SHOP", "NEW", "PACKED", "PAID", "WASSERSHIPPED"],
    "total": [ABSENT, -1, 0, 1, 100, 100.5, 101],
    "file": [ABSENT, "", "a.png", "A.PNG", "png", "x/lib/y.so", "/lib/.so", "lib/y.so", "x/lib/y.sox"],
    "note": [ABSENT, "", "x", None],
    "coupon": [ABSENT, None, "", "c"],
    "address": [ABSENT, "10.1.2.3", "11.0.0.1", "10.255.255.255", "::1", "nonsense"],
    "country": [ABSENT, "DE", "de", "FR"],
}
ITEMS = [{name: value} for name, values in VALUES.items() for value in values if value is not ABSENT]
ITEMS += [
    {"status": status, "country": country, "total": total}
    for status, country, total in product(["SHIPPED", "NEW"], ["DE", "FR"], [100, 101])
]
ITEMS.append({})


def fits(pattern: dict[str, Any], item: dict[str, Any]) -> bool:
    """What EventBridge says: all fields of the pattern, of each any choice."""
    for name, choices in pattern.items():
        if name == "$or":
            if not any(fits(one, item) for one in choices):
                return False
        elif not any(choice_fits(choice, item.get(name, ABSENT)) for choice in choices):
            return False
    return True


def choice_fits(choice: Any, value: Any) -> bool:
    if not isinstance(choice, dict):
        return value is not ABSENT and type(value) is type(choice) and value == choice
    ((name, operand),) = choice.items()
    if name == "exists":
        return (value is not ABSENT) == operand
    if value is ABSENT:
        return False
    if name == "anything-but":
        refused = operand if isinstance(operand, list) else [operand]
        return not any(choice_fits(one, value) for one in refused)
    if name == "numeric":
        return isinstance(value, int | float) and all(
            {"=": value == limit, "<": value < limit, "<=": value <= limit, ">": value > limit}[sign]
            for sign, limit in zip(operand[::2], operand[1::2], strict=True)
        )
    return isinstance(value, str) and text_fits(name, operand, value)


def text_fits(name: str, operand: Any, value: str) -> bool:
    if isinstance(operand, dict):
        return text_fits(name, operand["equals-ignore-case"].lower(), value.lower())
    if name == "cidr":
        try:
            return ip_address(value) in ip_network(operand)
        except ValueError:
            return False
    return {
        "prefix": value.startswith(operand),
        "suffix": value.endswith(operand),
        "equals-ignore-case": value.lower() == operand.lower(),
        "wildcard": fnmatchcase(value, operand),
    }[name]


def test_the_table_has_every_operator() -> None:
    texts = {"prefix", "suffix", "equals-ignore-case", "wildcard", "cidr"}
    named = set(re.findall(r'"([a-z-]+)": ', json.dumps([pattern for pattern, _ in ROWS])))
    assert {*texts, "anything-but", "numeric", "exists"} <= named
    assert len(ROWS) == SECTION.count('| `{"')


@pytest.mark.parametrize(("pattern", "condition"), ROWS, ids=[json.dumps(pattern) for pattern, _ in ROWS])
def test_pattern_and_condition_say_the_same(pattern: dict[str, Any], condition: str) -> None:
    rule = Rule("r", ("orders",), (ActionSpec("log", "log", {}),), when=(condition,))
    engine = Engine.from_rules(RuleSet((rule,)))
    expected = [fits(pattern, item) for item in ITEMS]
    records = [record_from_images({"event": "INSERT", "new": item}, "orders") for item in ITEMS]
    assert [bool(engine.match(record)) for record in records] == expected
    assert set(expected) == {True, False}
