"""The emulator's own mapping keeps and drops the records that we say it does."""

from __future__ import annotations

import io
import json
import time
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from rules_engine import bundle
from rules_engine.deploy.pushdown import filter_patterns
from rules_engine.engine import Engine
from rules_engine.local.keys import Keys
from rules_engine.local.ministack import ACCOUNT_ID
from rules_engine.local.tables import StreamReader, create_table
from rules_engine.model import Rule, RuleSet
from rules_engine.poller import compile_filters

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rules_engine.local.ministack import Ministack

pytestmark = pytest.mark.local

PATIENCE_SECONDS = 60

LAST = {"id": {"S": "last"}, "city": {"S": "in Bern"}, "total": {"N": "7"}, "is_open": {"BOOL": True}}
"""Every filter here lets it through: when it has arrived, all that was written before has been judged."""

RULE_SETS = {
    "texts": [(("new.city == 'in Bern' || new.city == 'in Genf'",), ("INSERT", "MODIFY"))],
    "base64": [(("new.city == 'Bern'",), ("INSERT",)), (("keys.id == 'last'",), ("INSERT",))],
    "prefixes and numbers": [(("starts_with(new.city, 'in B')", "new.total > `3`"), ("INSERT",))],
    "booleans": [(("new.is_open == `true`",), ("INSERT", "MODIFY", "REMOVE"))],
    "nested": [(("new.place.city == 'in Bern'",), ("INSERT",)), (("new.total == `7`",), ("INSERT",))],
    "removals": [((), ("REMOVE",)), (("keys.id == 'last'",), ("INSERT",))],
    "old images": [(("old.city == 'in Bern'",), ("MODIFY",)), (("new.is_open == `true`",), ("INSERT",))],
    "more than five": [
        *(((f"new.city == 'in {city}'",), ("INSERT",)) for city in ("Bern", "Genf", "Chur", "Zug", "Uri")),
        (("new.total > `100`", "new.is_open == `false`"), ("MODIFY",)),
        (("starts_with(new.place.city, 'B')",), ("INSERT",)),
    ],
}

KEEPING = """
import json, os

def handler(event, context):
    with open(os.environ["KEPT"], "a") as file:
        for record in event["Records"]:
            file.write(record["eventID"] + "\\n")
"""


def changes(table: str, dynamodb: Any) -> None:
    """Items of many kinds, written, changed and deleted."""
    cities = [
        {"S": "in Bern"},
        {"S": "in Genf"},
        {"S": "Bern"},
        {"B": b"\x05\xea\xe7"},
        {"N": "7"},
        {"NULL": True},
        None,
    ]
    others = [
        {"total": {"N": "7"}, "is_open": {"BOOL": True}},
        {"total": {"N": "2.5"}, "is_open": {"BOOL": False}},
        {"total": {"S": "7"}, "place": {"M": {"city": {"S": "in Bern"}}}},
        {"place": {"S": "in Bern"}, "is_open": {"S": "true"}},
    ]
    items = [
        {"id": {"S": f"i-{number}"}, **({} if city is None else {"city": city}), **rest}
        for number, (city, rest) in enumerate((city, rest) for city in cities for rest in others)
    ]
    for item in items:
        dynamodb.put_item(TableName=table, Item=item)
    for item in items[::3]:
        dynamodb.put_item(TableName=table, Item={**item, "city": {"S": "in Bern"}, "total": {"N": "101"}})
    for item in items[::5]:
        dynamodb.delete_item(TableName=table, Key={"id": item["id"]})
    dynamodb.put_item(TableName=table, Item=LAST)


@pytest.mark.parametrize("clauses", RULE_SETS.values(), ids=RULE_SETS)
def test_the_emulator_hands_over_what_the_patterns_let_through_and_nothing_else(
    clauses: list[tuple[tuple[str, ...], tuple[str, ...]]],
    ministack: Ministack,
    unique_name: Callable[[str], str],
    tmp_path: Path,
) -> None:
    table, kept = unique_name("orders"), tmp_path / "kept"
    rules = RuleSet(
        tuple(Rule(f"r{number}", (table,), (), kinds, when) for number, (when, kinds) in enumerate(clauses))
    )
    outlines = bundle.load(bundle.dump(rules)).outlines
    assert outlines is not None
    patterns = filter_patterns(outlines, table)
    assert patterns
    stream_arn = create_table(ministack, table, Keys((("id", "S"),), "as in the tests"))
    mapping = map_stream(ministack, stream_arn, unique_name("keeper"), kept, patterns)
    try:
        changes(table, ministack.client("dynamodb"))
        records = StreamReader(ministack, stream_arn).read()
        wait_for(records[-1]["eventID"], kept)
    finally:
        ministack.client("lambda").delete_event_source_mapping(UUID=mapping)
    wanted = compile_filters([json.loads(each) for each in patterns])
    assert wanted is not None
    arrived = kept.read_text().split()
    assert arrived == [record["eventID"] for record in records if wanted(record)]
    assert len(arrived) < len(records)
    engine = Engine.from_rules(rules)
    assert {record["eventID"] for record in records if engine.match(record)} <= set(arrived)


def map_stream(aws: Ministack, stream_arn: str, name: str, kept: Path, patterns: list[str]) -> str:
    """A function that writes down what it gets, behind ministack's own mapping; the mapping's id."""
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("keeper.py", KEEPING)
    kept.touch()
    functions = aws.client("lambda")
    functions.create_function(
        FunctionName=name,
        Runtime="python3.13",
        Role=f"arn:aws:iam::{ACCOUNT_ID}:role/keeper",
        Handler="keeper.handler",
        Code={"ZipFile": code.getvalue()},
        Environment={"Variables": {"KEPT": str(kept)}},
    )
    mapping = functions.create_event_source_mapping(
        EventSourceArn=stream_arn,
        FunctionName=name,
        StartingPosition="TRIM_HORIZON",
        BatchSize=100,
        FilterCriteria={"Filters": [{"Pattern": each} for each in patterns]},
    )
    return str(mapping["UUID"])


def wait_for(event_id: str, kept: Path) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while event_id not in kept.read_text().split():
        assert time.monotonic() < deadline, "the last record never came"
        time.sleep(0.1)
