"""SARIF: places, related places and encoded paths; and the official schema, where `make compliance`
fetched it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft4Validator

from rules_engine.cli.code_pages import codes
from rules_engine.cli.report_sarif import render_sarif
from rules_engine.cli.validation import Validation
from rules_engine.errors import Fix, Location, Problem
from rules_engine.loader import find_files, load_rules

ROOT = Path(__file__).parent.parent
SCHEMA = ROOT / ".cache/sarif-schema/sarif-2.1.0-rtm.5.json"
CASES = ROOT / "tests/cases/validate"


def run_of(problems: list[Problem]) -> dict[str, Any]:
    document = json.loads(render_sarif(Validation(["a.yaml"], 0, problems), lambda path: path))
    (run,) = document["runs"]
    assert isinstance(run, dict)
    return run


def test_a_result_holds_its_region_its_hint_and_its_related_places() -> None:
    related = ((Location("b.yaml", 2, 7, 3), "the first one is here"),)
    problem = Problem(
        "RE401", "two rules", Location("a.yaml", 3, 9, 3), "warning", "rename one", related=related
    )
    (result,) = run_of([problem])["results"]
    fingerprint = result.pop("partialFingerprints")
    assert list(fingerprint) == ["rulesEngine/v1"]
    assert result == {
        "ruleId": "RE401",
        "ruleIndex": 0,
        "level": "warning",
        "message": {"text": "two rules\nhint: rename one"},
        "locations": [place("a.yaml", 3, 9, 12)],
        "relatedLocations": [
            {"id": 1, **place("b.yaml", 2, 7, 10), "message": {"text": "the first one is here"}}
        ],
    }


def test_a_safe_mend_is_a_fix() -> None:
    fix = Fix(Location("a b.yaml", 9, 11, 10), "starts_with")
    problem = Problem("RE204", "unknown function 'start_with'", fix.location, fix=fix)
    (result,) = run_of([problem])["results"]
    region = {"startLine": 9, "startColumn": 11, "endLine": 9, "endColumn": 21}
    assert result["fixes"] == [
        {
            "artifactChanges": [
                {
                    "artifactLocation": {"uri": "a%20b.yaml", "uriBaseId": "%SRCROOT%"},
                    "replacements": [{"deletedRegion": region, "insertedContent": {"text": "starts_with"}}],
                }
            ]
        }
    ]


def place(uri: str, line: int, first: int, end: int) -> dict[str, Any]:
    region = {"startLine": line, "startColumn": first, "endLine": line, "endColumn": end}
    return {
        "physicalLocation": {"artifactLocation": {"uri": uri, "uriBaseId": "%SRCROOT%"}, "region": region}
    }


@pytest.mark.parametrize(
    ("path", "artifact"),
    [
        ("rules/a b#1%.yaml", {"uri": "rules/a%20b%231%25.yaml", "uriBaseId": "%SRCROOT%"}),
        ("c:d.yaml", {"uri": "c%3Ad.yaml", "uriBaseId": "%SRCROOT%"}),
        ("é\udcff.yaml", {"uri": "%C3%A9%FF.yaml", "uriBaseId": "%SRCROOT%"}),
        ("/outside/a b.yaml", {"uri": "file:///outside/a%20b.yaml"}),
    ],
)
def test_paths_are_uris(path: str, artifact: dict[str, str]) -> None:
    (result,) = run_of([Problem("RE101", "cannot be read", Location(path, 1, 1))])["results"]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"] == artifact


def test_a_code_of_another_package_is_a_rule_without_a_page() -> None:
    run = run_of([Problem("XX1", "wrong", Location("a.yaml", 1, 1))])
    assert run["tool"]["driver"]["rules"] == [{"id": "XX1"}]


def test_every_page_can_be_a_rule() -> None:
    run = run_of([Problem(code, "wrong", Location("a.yaml", 1, 1)) for code in codes()])
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == codes()
    assert [result["ruleIndex"] for result in run["results"]] == list(range(len(rules)))
    for rule in rules:
        # GitHub cuts a longer description.
        assert 0 < len(rule["fullDescription"]["text"]) <= 1024, rule["id"]


@pytest.mark.skipif(not SCHEMA.exists(), reason="the SARIF schema is not here: `make compliance` fetches it")
def test_the_problems_of_every_case_are_sarif_by_the_official_schema(monkeypatch: pytest.MonkeyPatch) -> None:
    validator = Draft4Validator(json.loads(SCHEMA.read_text()))
    assert not validator.is_valid({"version": "2.1.0", "runs": [{}]})
    for case in [None, *sorted(CASES.iterdir())]:
        monkeypatch.chdir(case or ROOT / "rules")
        _, problems = load_rules(".")
        document = json.loads(render_sarif(Validation(find_files("."), 0, problems), lambda path: path))
        errors = [f"{error.json_path}: {error.message}" for error in validator.iter_errors(document)]
        assert (case, errors) == (case, [])
