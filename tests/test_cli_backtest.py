"""`backtest` against another version of the rules and on S3; its other reports are in
`tests/cases/cli/backtest-*`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from rules_engine import exact_json
from rules_engine.cli.backtest_json import backtest_schema
from rules_engine.cli.main import rules_engine, run
from rules_engine.engine import Engine
from rules_engine.loader import load_rules
from rules_engine.plain_record import record_from_images
from tests.test_cli_diff import git

if TYPE_CHECKING:
    from collections.abc import Callable

    from rules_engine.local.ministack import Ministack

CASES = Path(__file__).parent / "cases/cli"
PATTERNS = Path(__file__).parent.parent / "rules"

BEFORE = """version: 1
rules:
  - {id: big, table: orders, when: "new.total > `100`", actions: [{type: log}]}
  - {id: gone, table: orders, event: REMOVE, actions: [{type: log}]}
  - {id: sent, table: orders, when: "new.status == 'SHIPPED'", actions: [{type: log}]}
  - {id: same, table: orders, actions: [{type: log}]}
"""
AFTER = """version: 1
rules:
  - {id: big, table: orders, when: "new.total > `50` && new.total < `500`", actions: [{type: log}]}
  - {id: shipped, table: orders, when: "new.status == 'SHIPPED'", actions: [{type: log}]}
  - {id: same, table: orders, actions: [{type: log}]}
  - {id: young, table: orders, event: INSERT, actions: [{type: log}]}
"""
TOTALS = [20, 60, 70, 110, 600, 700]

GONE = """gone, removed: 1 fewer (0 matched, 1 before)
  - orders.ndjson:7  REMOVE orders {"id":"9"}
"""

REPORT = f"""7 changes

big: 2 more, 2 fewer (3 matched, 3 before)
  + orders.ndjson:2  INSERT orders {{"id":"1"}}
  + and 1 more
  - orders.ndjson:5  INSERT orders {{"id":"4"}}
  - and 1 more

young, new: 6 more (6 matched, 0 before)
  + orders.ndjson:1  INSERT orders {{"id":"0"}}
  + and 5 more

{GONE}
2 other rules decided as at HEAD
"""


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """BEFORE is committed, AFTER is there, and `orders.ndjson` holds seven changes."""
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules/orders.yaml").write_text(BEFORE)
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "rules")
    (tmp_path / "rules/orders.yaml").write_text(AFTER)
    changes: list[dict[str, Any]] = [
        {"eventName": "INSERT", "keys": {"id": str(number)}, "new": {"total": total, "status": "SHIPPED"}}
        for number, total in enumerate(TOTALS)
    ]
    changes.append({"eventName": "REMOVE", "keys": {"id": "9"}, "old": {"total": 1}})
    (tmp_path / "orders.ndjson").write_text("\n".join(map(json.dumps, changes)))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("repository")
def test_only_decisions_that_differ_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(rules_engine, ["backtest", "orders.ndjson", "--against", "HEAD", "--most", "1"]) == 0
    assert capsys.readouterr() == (REPORT, "")


@pytest.mark.usefixtures("repository")
@pytest.mark.parametrize(
    ("rule_id", "report", "code"),
    [
        ("shipped", "7 changes\n\n1 rule decided as at HEAD\n", 0),
        ("gone", f"7 changes\n\n{GONE}", 1),
    ],
)
def test_the_exit_code_tells_of_the_rules_asked_for(
    rule_id: str, report: str, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--against", "HEAD", "--rule", rule_id, "--exit-code"]
    assert run(rules_engine, ["backtest", "orders.ndjson", *arguments]) == code
    assert capsys.readouterr() == (report, "")


@pytest.mark.usefixtures("repository")
def test_the_document_is_as_its_schema_says_and_says_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(rules_engine, ["backtest", "orders.ndjson", "--against", "HEAD", "--format", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    schema = backtest_schema()
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(document)
    counts = {
        rule["rule"]: (
            rule["previous_id"], rule["added"], rule["removed"], rule["matched"]["count"],
            rule["matched_before"], rule["more"]["count"], rule["fewer"]["count"],
        )
        for rule in document["rules"]
    }  # fmt: skip
    assert counts == {
        "big": (None, False, False, 3, 3, 2, 2),
        "shipped": ("sent", False, False, 6, 6, 0, 0),
        "same": (None, False, False, 7, 7, 0, 0),
        "young": (None, True, False, 6, 0, 6, 0),
        "gone": (None, False, True, 0, 1, 0, 1),
    }


def test_the_document_of_counts_is_as_its_schema_says() -> None:
    document = json.loads((CASES / "backtest-json/stdout").read_text())
    Draft202012Validator(backtest_schema()).validate(document)


def test_the_counts_are_those_of_the_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # Every record of the tests of every pattern, against the rules of all of them.
    rule_set, problems = load_rules([str(PATTERNS)])
    assert problems == []
    records = [
        record_from_images(test["record"], rule.tables[0])
        for rule in rule_set.rules
        for test in rule.tests
        if "record" in test
    ]
    assert len(records) > 50
    (tmp_path / "archive").write_text("\n".join(map(exact_json.dumps, records)))
    arguments = ["--rules", str(PATTERNS), "--format", "json", "--most", "1000"]
    assert run(rules_engine, ["backtest", str(tmp_path / "archive"), *arguments]) == 0
    document = json.loads(capsys.readouterr().out)
    engine = Engine.from_rules(rule_set)
    wanted: dict[str, list[str]] = {rule.id: [] for rule in rule_set.rules}
    for record in records:
        for match in engine.match(record):
            wanted[match.rule.id].append(record["eventID"])
    found = {
        rule["rule"]: [change["event_id"] for change in rule["matched"]["first"]]
        for rule in document["rules"]
    }
    assert found == wanted


@pytest.mark.local
def test_an_archive_in_a_bucket_is_read(
    aws: Ministack,
    unique_name: Callable[[str], str],
    repository: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    s3, bucket = aws.client("s3"), unique_name("archive")
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="2026/a", Body=(repository / "orders.ndjson").read_bytes())
    assert run(rules_engine, ["backtest", f"s3://{bucket}/2026", "--rule", "young", "--most", "1"]) == 0
    assert capsys.readouterr() == (
        f"""7 changes

young  6 matched
    s3://{bucket}/2026/a:1  INSERT orders {{"id":"0"}}
    and 5 more
""",
        "",
    )


@pytest.mark.local
@pytest.mark.usefixtures("repository", "aws")
def test_a_bucket_that_is_not_there_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(rules_engine, ["backtest", "s3://no-such-bucket/2026"]) == 1
    assert capsys.readouterr() == (
        "",
        "Error: cannot read s3://no-such-bucket/2026: NoSuchBucket: The specified bucket does not exist\n",
    )
