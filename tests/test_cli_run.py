"""`run` really sends what the rules say, and says so plainly where it cannot."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from rules_engine.cli.main import rules_engine, run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rules_engine.local.ministack import Ministack

RULES = """
version: 1
rules:
  - id: order-history
    table: orders
    actions:
      - {type: table, table: "${HISTORY_TABLE}", put: {id: "{{ keys.id }}", total: "{{ new.total }}"}}
"""
RECORD = '{"event": "INSERT", "keys": {"id": "o-1"}, "new": {"id": "o-1", "total": 12.75}}'


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with rules and a record, which is also where commands run."""
    (tmp_path / "rules.yaml").write_text(RULES)
    (tmp_path / "record.json").write_text(RECORD)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.local
@pytest.mark.usefixtures("project")
def test_what_the_rules_say_is_sent(
    aws: Ministack,
    unique_name: Callable[[str], str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    table = unique_name("history")
    aws.client("dynamodb").create_table(
        TableName=table,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    monkeypatch.setenv("HISTORY_TABLE", table)
    assert run(rules_engine, ["run", "--rules", "rules.yaml", "record.json"]) == 0
    assert capsys.readouterr() == ("event 1: 1 record, done\n", "")
    assert aws.client("dynamodb").scan(TableName=table)["Items"] == [
        {"id": {"S": "o-1"}, "total": {"N": "12.75"}}
    ]


@pytest.mark.local
@pytest.mark.usefixtures("project", "aws")
def test_a_refused_action_is_logged_and_the_next_event_is_tried(
    unique_name: Callable[[str], str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HISTORY_TABLE", unique_name("missing"))
    command = ["run", "--rules", "rules.yaml", "--format", "json", "record.json", "record.json"]
    assert run(rules_engine, command) == 1
    out, err = capsys.readouterr()
    number = "100000000000000000001"
    failures = [{"itemIdentifier": number}]
    assert json.loads(out) == {
        "version": 1,
        "events": [{"event": event, "records": 1, "batchItemFailures": failures} for event in (1, 2)],
    }
    lines = err.splitlines()
    logged = [json.loads(line) for line in lines if line.startswith("{")]
    assert [(entry["message"], entry["code"]) for entry in logged] == [
        ("action failed", "ResourceNotFoundException")
    ] * 2
    assert [line for line in lines if not line.startswith("{")] == [
        f"Error: event {event}: record {number} failed; in Lambda it and all after it would come again"
        for event in (1, 2)
    ]


@pytest.mark.usefixtures("project")
def test_without_a_region_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_DEFAULT_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("HISTORY_TABLE", "history")
    assert run(rules_engine, ["run", "--rules", "rules.yaml", "record.json"]) == 1
    complaint = "Error: no AWS region is known: set AWS_DEFAULT_REGION, or one in the profile\n"
    assert capsys.readouterr() == ("", complaint)
