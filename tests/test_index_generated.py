"""The generated function: its text holds nothing of the rules, is the same every time, and can be shown."""

from __future__ import annotations

import linecache
import traceback
from typing import Any

import pytest

from rules_engine.engine import Engine
from rules_engine.model import Rule, RuleSet

HOSTILE = "x'] = exec('import os') #\n\"\"\"\\"


def engine_of(*conditions: str) -> Engine:
    rules = [Rule(f"r{number}", ("orders",), (), when=(text,)) for number, text in enumerate(conditions)]
    return Engine.from_rules(RuleSet(tuple(rules)))


def record(**new: Any) -> dict[str, Any]:
    return {
        "eventID": "e-1",
        "eventName": "INSERT",
        "awsRegion": "eu-west-1",
        "eventSourceARN": "arn:aws:dynamodb:eu-west-1:1:table/orders/stream/1",
        "dynamodb": {
            "ApproximateCreationDateTime": 1_700_000_000.0,
            "Keys": {"id": {"S": "o-1"}},
            "NewImage": new,
            "SequenceNumber": "1",
        },
    }


def text_of_insert() -> str:
    return "".join(linecache.getlines("<look-ups of orders, INSERT>"))


def test_nothing_that_an_author_writes_stands_in_the_text() -> None:
    name = HOSTILE.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    path = f'new."{name}"'
    engine = engine_of(
        f"{path} == 'secret-a'",
        f"{path}.inner == 'secret-b' && new.total > `12345`",
        f"contains(new.items[*].\"{name}\", 'secret-c')",
        f"sum({path}[*].\"{name}\") > `54321` || {path} == 'secret-d'",
        f"became(&\"{name}\", 'secret-e') && starts_with({path}, 'secret-f')",
    )
    assert [match.rule.id for match in engine.match(record(**{HOSTILE: {"S": "secret-a"}}))] == ["r0"]
    text = text_of_insert()
    assert text.startswith("def find(record):\n")
    assert [
        word for word in ("exec", "secret", "inner", "total", "12345", "54321", "x'") if word in text
    ] == []


def test_the_same_rules_give_the_same_text() -> None:
    conditions = (
        "new.a == 'x' && new.b == 'y'",
        "new.b == 'z'",
        "new.c > `1` && new.a == 'q'",
        "changed(&d)",
    )
    engine_of(*conditions)
    first = text_of_insert()
    engine_of(*conditions)
    assert text_of_insert() == first


def test_a_traceback_shows_its_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(dict[str, Any]):
        def __getitem__(self, name: str) -> Any:
            raise RuntimeError("broken")

    engine = engine_of("new.a == 'x'")
    with pytest.raises(RuntimeError) as raised:
        engine.match(record(a=Broken(S="x")))
    shown = "".join(traceback.format_exception(raised.value))
    assert "<look-ups of orders, INSERT>" in shown
    assert "v0 = a0['S']" in shown


@pytest.mark.parametrize(
    "attribute",
    [{}, {"X": "a"}, {"S": 1}, {"S": "x", "N": "1"}, None, "x", [], {"S": None}, {"S": ["x"]}, {"M": []}, 7],
)
def test_a_damaged_attribute_is_reported_by_the_rules_that_read_it(attribute: Any) -> None:
    engine = engine_of("new.a == 'x'", "new.a == null", "new.b == 'y'", "new.a > `1`", "new.a != 'x'")
    evaluation = engine.evaluate(record(a=attribute, b={"S": "y"}))
    assert [match.rule.id for match in evaluation.matches] == ["r2"]
    assert [error.rule_id for error in evaluation.errors] == ["r0", "r1", "r3", "r4"]


def test_attributes_of_other_types_than_expected_are_what_they_are() -> None:
    engine = engine_of(
        "new.a == 'x'", "new.a == `5`", "new.a == `true`", "new.a == null", "present(&a)", "new.a != 'x'"
    )
    for attribute, ids in [
        ({"S": "x"}, ["r0", "r4"]),
        ({"S": "5"}, ["r4", "r5"]),
        ({"N": "5.0"}, ["r1", "r4", "r5"]),
        ({"BOOL": True}, ["r2", "r4", "r5"]),
        ({"BOOL": False}, ["r4", "r5"]),
        ({"NULL": True}, ["r3", "r4", "r5"]),
        ({"B": "eA=="}, ["r4", "r5"]),
        ({"SS": ["x"]}, ["r4", "r5"]),
        ({"M": {}}, ["r4", "r5"]),
        ({"L": []}, ["r4", "r5"]),
    ]:
        assert [match.rule.id for match in engine.match(record(a=attribute))] == ids, attribute
    assert [match.rule.id for match in engine.match(record(b={"S": "x"}))] == ["r3", "r5"]
