"""Random rule sets and records that have something to do with each other, made from a seed.

Rules are drawn from the whole language: what an index can look up, in every spelling, what it can only use a
part of, and anything that the grammar of expressions gives. Records use the same few names and values, so
that rules match often; now and then an attribute is missing, null, of another type, or no DynamoDB JSON.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rules_engine.errors import ExpressionError
from rules_engine.expression import compile_expression
from rules_engine.model import EVENT_NAMES, Rule, RuleSet, Scope, Unless
from tests.expression_strategies import Maker

if TYPE_CHECKING:
    from random import Random

TEXTS = ["", "a", "b", "ab", "abc", "10"]
NUMBERS = ["0", "1", "2", "2.50", "10", "-1"]
LONG_NUMBERS = ["12345678901234567", "12345678901234568", "2.500000000000000001", "1E+22", "0.1", "1E-7"]
"""Those that floats mix up, and others that they hold and that are written in more ways than one."""
NAMES = ["a", "b", "n", "t", "m"]
SCOPE = Scope(
    vars={"text": "ab", "number": 2, "nothing": None},
    lists={"texts": ["a", "ab"], "numbers": [1, 2], "none": [], "mixed": ["a", 1, True, None, ["b"]]},
    conditions={
        "ab": "new.t == 'ab'",
        "both": "is.ab && new.n > vars.number",
        "either": "new.t == 'a' || new.t == vars.text",
        "some": "new.l[?n > `1`]",
    },
)


def rule_set(rng: Random) -> RuleSet:
    """Up to a dozen rules on one table or two, of which some share conditions."""
    pool = [condition(rng) for _ in range(rng.randrange(1, 8))]
    return RuleSet(tuple(_rule(rng, number, pool) for number in range(rng.randrange(1, 13))))


def _rule(rng: Random, number: int, pool: list[str]) -> Rule:
    clauses = [rng.choice(pool) if rng.random() < 0.5 else condition(rng) for _ in range(rng.randrange(4))]
    if rng.random() < 0.3:
        clauses = [" && ".join(f"({clause})" for clause in clauses)] if clauses else []
    unless = tuple(
        Unless(name, tuple(rng.sample(pool, rng.randrange(1, 3) if len(pool) > 1 else 1)))
        for name in ("x", "y")
        if rng.random() < 0.15
    )
    events = EVENT_NAMES if rng.random() < 0.3 else tuple(rng.sample(EVENT_NAMES, rng.randrange(1, 4)))
    tables = rng.choice([("orders",), ("orders",), ("orders", "customers"), ("customers",)])
    enabled = rng.random() < 0.95
    return Rule(
        f"r{number}",
        tables,
        (),
        events,
        tuple(clauses),
        when_is_list=True,
        unless=unless,
        enabled=enabled,
        scope=SCOPE,
    )


def condition(rng: Random) -> str:
    """One condition, mostly of a kind that an index has a use for."""
    path, constant = _path(rng), _constant(rng)
    text, name = rng.choice(TEXTS), rng.choice(NAMES)
    return rng.choice(
        [
            lambda: f"{path} {rng.choice(['==', '!=', '<', '<=', '>', '>='])} {constant}",
            lambda: f"{constant} {rng.choice(['==', '!=', '<', '<=', '>', '>='])} {path}",
            lambda: f"{path} == {constant} || {path} == {_constant(rng)}",
            lambda: f"{path} == {constant} || {_path(rng)} == {_constant(rng)}",
            lambda: f"{path} > `{rng.choice(NUMBERS)}` && {path} <= `{rng.choice(NUMBERS)}`",
            lambda: f"{path} {rng.choice(['==', '!=', '<', '>'])} {_path(rng)}",
            lambda: f"became(&{name}, {constant})",
            lambda: f"changed(&{name})",
            lambda: f"present(&{name})",
            lambda: f"starts_with({path}, '{text}')",
            lambda: f"contains({path}, {constant})",
            lambda: f"contains(lists.{rng.choice(['texts', 'numbers', 'none', 'mixed'])}, {path})",
            lambda: f"contains(new.l{rng.choice(['[]', '[*]'])}.{name}, {constant})",
            lambda: f"new.l[?{name} {rng.choice(['==', '!=', '>', '<='])} {constant}]",
            lambda: f"new.l[?{name} == {constant} && {rng.choice(NAMES)} != {_constant(rng)}]",
            lambda: f"new.l[?{name} == {constant} && {rng.choice(NAMES)} >= `{_number(rng)}`]",
            lambda: (
                f"{rng.choice(['sum', 'max', 'min'])}(new.l[*].{name}) {rng.choice(['>', '<=', '==', '!='])} "
                f"{rng.choice([f'`{_number(rng)}`', constant])}"
            ),
            lambda: (
                f"{rng.choice(['sum', 'max', 'min'])}"
                f"({rng.choice(['new.s', 'new', 'foo', 'new.m'])}[*].{name}) "
                f"{rng.choice(['==', '!='])} {constant}"
            ),
            lambda: f"new == {constant} && old != {constant}",
            lambda: f"length({path}) {rng.choice(['>', '==', '!='])} `{rng.randrange(3)}`",
            lambda: f"lower({path}) == '{text}'",
            lambda: f"old.{name} != {constant} && new.{name} == {constant}",
            lambda: f"{_image_name(rng)}.{name} {rng.choice(['<', '>='])} {_image_name(rng)}.n",
            lambda: (
                f"length(new.l[?{name} == {constant}]) "
                f"{rng.choice(['>', '>=', '==', '<'])} `{rng.randrange(3)}`"
            ),
            lambda: rng.choice(["is.ab", "is.both", "is.either", "is.some", "!is.ab", "expired", "!expired"]),
            lambda: f"eventName == '{rng.choice(EVENT_NAMES)}'",
            lambda: f"table == 'orders' && {path}",
            lambda: f"{rng.choice(['old', 'new', 'keys'])} {rng.choice(['==', '!='])} `null`",
            lambda: f"!({path} == {constant})",
            lambda: f"new | ({_anything(rng)})",
        ]
    )()


def _image_name(rng: Random) -> str:
    return rng.choice(["new", "old"])


def _anything(rng: Random) -> str:
    maker = Maker(rng.choice)
    while True:
        text = maker.wild_expression()
        try:
            compile_expression(text)
        except ExpressionError:
            continue
        return text


def _path(rng: Random) -> str:
    name = rng.choice(NAMES)
    return rng.choice(
        [f"new.{name}", f"new.{name}", f"old.{name}", f"new.m.{name}", "keys.id", "new.s", "new.l"]
    )


def _constant(rng: Random) -> str:
    return rng.choice(
        [
            f"'{rng.choice(TEXTS)}'",
            f"'{rng.choice(TEXTS)}'",
            f"`{_number(rng)}`",
            rng.choice(
                ["`true`", "`false`", "`null`", '`["a"]`', "vars.text", "vars.number", "vars.nothing"]
            ),
        ]
    )


def _number(rng: Random) -> str:
    return rng.choice(NUMBERS) if rng.random() < 0.8 else rng.choice(LONG_NUMBERS)


def record(rng: Random) -> dict[str, Any]:
    """A DynamoDB Streams record."""
    event = rng.choice(["INSERT", "MODIFY", "MODIFY", "REMOVE"])
    images: dict[str, Any] = {"Keys": {"id": {"S": rng.choice(TEXTS)}}}
    if event != "REMOVE" and rng.random() < 0.95:
        images["NewImage"] = _image(rng)
    if event != "INSERT" and rng.random() < 0.95:
        images["OldImage"] = _image(rng)
        if "NewImage" in images and rng.random() < 0.5:
            images["OldImage"] = {**images["NewImage"], rng.choice(NAMES): _attribute(rng, 0)}
    table = rng.choice(["orders", "orders", "customers"])
    made: dict[str, Any] = {
        "eventID": "e-1",
        "eventName": event,
        "awsRegion": "eu-west-1",
        "eventSourceARN": f"arn:aws:dynamodb:eu-west-1:1:table/{table}/stream/1",
        "dynamodb": {**images, "SequenceNumber": "1", "ApproximateCreationDateTime": 1700000000},
    }
    if event == "REMOVE" and rng.random() < 0.4:
        made["userIdentity"] = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
    return made


def _image(rng: Random) -> dict[str, Any]:
    image = {name: _attribute(rng, 0) for name in NAMES if rng.random() < 0.8}
    if rng.random() < 0.8:
        image["t"] = {"S": rng.choice(TEXTS)}
    if rng.random() < 0.8:
        image["n"] = {"N": _number(rng)}
    if rng.random() < 0.8:
        image["m"] = {"M": {name: _attribute(rng, 1) for name in NAMES if rng.random() < 0.7}}
    if rng.random() < 0.8:
        image["s"] = rng.choice([{"SS": ["a", "b"]}, {"NS": ["1", "2.50"]}, {"BS": ["YQ=="]}, {"S": "abc"}])
    if rng.random() < 0.8:
        image["l"] = {"L": [_element(rng) for _ in range(rng.randrange(4))]}
    return image


def _element(rng: Random) -> dict[str, Any]:
    if rng.random() < 0.1:
        return _attribute(rng, 1)
    return {"M": {name: _attribute(rng, 2) for name in NAMES if rng.random() < 0.7}}


def _attribute(rng: Random, depth: int) -> Any:
    if rng.random() < 0.01:
        return rng.choice(
            [{}, {"X": "a"}, {"S": 1}, {"N": "one"}, {"S": "a", "N": "1"}, None, "a", {"M": []}]
        )
    kind = rng.randrange(10)
    if kind < 4:
        return {"S": rng.choice(TEXTS)}
    if kind < 7:
        return {"N": _number(rng)}
    if kind == 7 and depth < 2:
        return {"L": [_attribute(rng, depth + 1) for _ in range(rng.randrange(3))]}
    if kind == 8 and depth < 2:
        return {"M": {name: _attribute(rng, depth + 1) for name in NAMES if rng.random() < 0.4}}
    return rng.choice([{"BOOL": True}, {"BOOL": False}, {"NULL": True}, {"B": "YQ=="}, {"SS": ["a", "ab"]}])
