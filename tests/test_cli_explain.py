"""`explain --format json` keeps its schema; what it and the text say is in `tests/cases/cli/explain-*`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from rules_engine.cli.explanation_json import explanation_schema
from rules_engine.cli.main import rules_engine, run

CASES = Path(__file__).parent / "cases/cli"
WITH_RECORDS = sorted(
    case for case in CASES.glob("explain-*") if (case / "record.json").exists() and (case / "stdout").exists()
)


@pytest.mark.parametrize("case", WITH_RECORDS, ids=lambda case: case.name)
def test_the_json_form_keeps_its_schema(
    case: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(case)
    assert run(rules_engine, ["explain", "--format", "json", "record.json"]) == 0
    document = json.loads(capsys.readouterr().out)
    Draft202012Validator(explanation_schema()).validate(document)
    assert document["records"]


def test_the_schema_refuses_a_document_without_what_it_requires() -> None:
    record = {"event_id": "e", "event_name": "INSERT", "expired": False, "table": "t", "keys": {}}
    validator = Draft202012Validator(explanation_schema())
    assert [error.message for error in validator.iter_errors({"version": 1, "records": [record]})] == [
        "'rules' is a required property"
    ]
