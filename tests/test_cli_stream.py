"""`stream` on a real stream, and what it cannot do."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from rules_engine.cli.main import rules_engine, run
from rules_engine.local.keys import Keys
from rules_engine.local.tables import StreamReader, create_table
from rules_engine.redrive.shard import shards_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rules_engine.local.ministack import Ministack

pytestmark = pytest.mark.local

RULES = """
version: 1
rules:
  - {{id: order-shipped, table: {table}, when: "became(&status, 'SHIPPED')", actions: [{{type: log}}]}}
"""


@pytest.fixture
def table(aws: Ministack, unique_name: Callable[[str], str]) -> str:
    return unique_name("orders")


@pytest.fixture
def records(aws: Ministack, table: str) -> list[dict[str, Any]]:
    """Two changes of the first line of an order, one of the second, one of another order."""
    keys = Keys((("order_id", "S"), ("line", "N")), "")
    reader = StreamReader(aws, create_table(aws, table, keys))
    dynamodb = aws.client("dynamodb")
    for order_id, line, status in (
        ("o-1", "1", "NEW"),
        ("o-1", "2", "NEW"),
        ("o-2", "1", "NEW"),
        ("o-1", "1", "SHIPPED"),
    ):
        item = {"order_id": {"S": order_id}, "line": {"N": line}, "status": {"S": status}, "b": {"B": b"\0"}}
        dynamodb.put_item(TableName=table, Item=item)
    return reader.read()


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[Any], str]:
    """Exit code, records and what is said beside."""
    code = run(rules_engine, ["stream", *arguments])
    out, err = capsys.readouterr()
    return code, [json.loads(line) for line in out.splitlines()], err


def test_changes_are_printed_as_the_function_gets_them(
    records: list[dict[str, Any]], table: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert len(records) == 4
    assert printed(capsys, table) == (0, records, "4 of 4 changes\n")


def test_changes_of_an_item_and_single_records_are_found(
    records: list[dict[str, Any]], table: str, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second, other, last = records
    assert printed(capsys, table, "--key", "order_id=o-1") == (0, [first, second, last], "3 of 4 changes\n")
    key = ("--key", "order_id=o-1", "--key", "line=1")
    assert printed(capsys, table, *key) == (0, [first, last], "2 of 4 changes\n")
    number, event_id = other["dynamodb"]["SequenceNumber"], last["eventID"]
    assert printed(capsys, table, "--record", number, "--record", event_id)[:2] == (0, [other, last])
    assert printed(capsys, table, "--since", "2024-01-31T17:20:00Z")[1] == records
    nothing = f"Error: the stream of table '{table}' has 4 changes, and none that was asked for\n"
    assert printed(capsys, table, "--until", "2024-01-31T17:20:00+01:00") == (2, [], nothing)
    assert printed(capsys, table, "--since", "2124-01-31T17:20:00Z") == (2, [], nothing)


def test_explain_says_of_an_order_why_a_rule_did_not_fire(
    records: list[dict[str, Any]], table: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "rules.yaml").write_text(RULES.format(table=table))
    run(rules_engine, ["stream", table, "--key", "order_id=o-1"])
    (tmp_path / "changes").write_text(capsys.readouterr().out)
    arguments = ["explain", str(tmp_path / "changes"), "--rules", str(tmp_path / "rules.yaml")]
    assert run(rules_engine, [*arguments, "--format", "json"]) == 0
    explained = json.loads(capsys.readouterr().out)["records"]
    assert [each["rules"][0]["outcome"] for each in explained] == ["not_matched", "not_matched", "matched"]
    arguments[0] = "backtest"
    assert run(rules_engine, [*arguments, "--format", "json"]) == 0
    (counted,) = json.loads(capsys.readouterr().out)["rules"]
    assert (counted["rule"], counted["matched"]["count"]) == ("order-shipped", 1)


def test_what_cannot_be_read_is_said(
    aws: Ministack,
    records: list[dict[str, Any]],
    table: str,
    unique_name: Callable[[str], str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    def said(*arguments: str) -> tuple[int, str]:
        code, out, err = printed(capsys, *arguments)
        assert out == []
        return code, err.splitlines()[-1]

    quiet = unique_name("quiet")
    aws.client("dynamodb").create_table(
        TableName=quiet,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    assert said(quiet) == (1, f"Error: the table '{quiet}' has no stream")
    missing = "Error: the stream of table 'not-there' cannot be read: ResourceNotFoundException"
    assert said("not-there") == (1, missing)
    no_such_key = f"Error: The key of table '{table}' has no 'id': it is order_id, line."
    assert said(table, "--key", "id=o-1") == (2, no_such_key)
    no_value = "Error: --key is NAME=VALUE, as order_id=o-17, and not 'order_id'."
    assert said(table, "--key", "order_id") == (2, no_value)
    no_zone = (
        "Error: --since is a time with its zone, as 2026-01-31T17:20:00Z, and not '2026-01-31T17:20:00'."
    )
    assert said(table, "--since", "2026-01-31T17:20:00") == (2, no_zone)
    assert said(table, "--since", "yesterday") == (2, no_zone.replace("2026-01-31T17:20:00'", "yesterday'"))


def test_shards_come_behind_those_that_they_were_split_off_from() -> None:
    """DynamoDB gives them by pages, in whatever order."""

    class Streams:
        def describe_stream(self, StreamArn: str, ExclusiveStartShardId: str = "") -> Any:  # noqa: N803 - boto3's
            shards = {"": [("third", "100"), ("first", "9")], "first": [("second", "30")]}
            last = {"": {"LastEvaluatedShardId": "first"}, "first": {}}
            each = [
                {"ShardId": name, "SequenceNumberRange": {"StartingSequenceNumber": start}}
                for name, start in shards[ExclusiveStartShardId]
            ]
            return {"StreamDescription": {"Shards": each, **last[ExclusiveStartShardId]}}

    assert shards_of("arn", Streams()) == ["first", "second", "third"]
