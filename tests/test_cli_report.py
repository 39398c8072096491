"""How problems look: whole texts, with carets under what they point at."""

from __future__ import annotations

import json

from jsonschema import Draft202012Validator

from rules_engine.cli.problems_schema import problems_schema
from rules_engine.cli.report import render_text
from rules_engine.cli.report_json import render_json
from rules_engine.cli.validation import Validation
from rules_engine.errors import Fix, Location, Problem
from rules_engine.loader.mending import Mended

UNKNOWN_FUNCTION = Problem(
    code="RE204",
    message="unknown function 'start_with'",
    location=Location("rules/orders.yaml", 9, 11, 10),
    hint="did you mean 'starts_with'?",
    source_line="    when: start_with(new.sku, 'A')",
    fix=Fix(Location("rules/orders.yaml", 9, 11, 10), "starts_with"),
)


def test_no_problems_are_no_text() -> None:
    assert render_text([]) == ""


def test_a_problem_shows_its_line_a_caret_and_what_to_do() -> None:
    assert render_text([UNKNOWN_FUNCTION]) == (
        "rules/orders.yaml:9:11: error RE204 unknown function 'start_with'\n"
        "   9 |     when: start_with(new.sku, 'A')\n"
        "     |           ^^^^^^^^^^\n"
        "     = hint: did you mean 'starts_with'?\n"
    )


def test_several_problems_follow_each_other_with_their_related_places() -> None:
    duplicate = Problem(
        code="RE401",
        message="rule id 'a' is used twice",
        location=Location("b.yaml", 12345, 7, 1),
        severity="warning",
        source_line="  - id: a",
        related=((Location("a.yaml", 2, 7), "it is used here first"),),
    )
    missing = Problem("RE101", "cannot be read: no such file", Location("c.yaml", 1, 1))
    assert render_text([duplicate, missing]) == (
        "b.yaml:12345:7: warning RE401 rule id 'a' is used twice\n"
        "12345 |   - id: a\n"
        "      |       ^\n"
        "      = a.yaml:2:7: it is used here first\n"
        "c.yaml:1:1: error RE101 cannot be read: no such file\n"
    )


def test_the_caret_stands_under_wide_and_combining_characters() -> None:
    problem = Problem(
        "RE206", "unknown root 'x'", Location("r.yaml", 1, 16, 1), source_line="when: '漢e\u0301' == x"
    )
    assert render_text([problem]).splitlines()[1:] == [
        "   1 | when: '漢e\u0301' == x",
        "     |                ^",
    ]


def test_tabs_control_and_bidirectional_characters_cannot_draw_on_the_terminal() -> None:
    problem = Problem(
        "RE106",
        "unknown key '\x1b[31mred'",
        Location("r\u202e.yaml", 1, 2, 3),
        source_line="\tabc\x9b31m",
        hint="\x07",
    )
    assert render_text([problem]) == (
        "r\ufffd.yaml:1:2: error RE106 unknown key '\ufffd[31mred'\n"
        "   1 |  abc\ufffd31m\n"
        "     |  ^^^\n"
        "     = hint: \ufffd\n"
    )


def test_a_very_long_line_is_shown_around_its_caret() -> None:
    line = "x" * 1000 + "HERE" + "y" * 1000
    problem = Problem("RE201", "syntax", Location("r.yaml", 1, 1001, 4), source_line=line)
    assert render_text([problem]).splitlines() == [
        "r.yaml:1:1001: error RE201 syntax",
        "   1 | …" + "x" * 40 + "HERE" + "y" * 116 + "…",
        "     | " + " " * 41 + "^^^^",
    ]


def test_a_mark_longer_than_the_shown_part_ends_with_it() -> None:
    problem = Problem("RE201", "syntax", Location("r.yaml", 1, 1, 900), source_line="z" * 1000)
    assert render_text([problem]).splitlines()[1:] == [
        "   1 | " + "z" * 160 + "…",
        "     | " + "^" * 160,
    ]


def test_colours_come_from_the_painter() -> None:
    painted = render_text([UNKNOWN_FUNCTION], lambda text, role: f"<{role}>{text}</>")
    assert painted == (
        "<place>rules/orders.yaml:9:11</>: <error>error RE204</> unknown function 'start_with'\n"
        "   9 |     when: start_with(new.sku, 'A')\n"
        "     |           <caret>^^^^^^^^^^</>\n"
        "     = <hint>hint</>: did you mean 'starts_with'?\n"
    )


def test_the_json_document_holds_all_of_a_problem() -> None:
    related = Problem(
        code="RE450",
        message="rule 'a' has no tests",
        location=Location("a.yaml", 3, 5, 2),
        severity="warning",
        source_line="  - id: a",
        related=((Location("b.yaml", 1, 2, 3), "here"),),
    )
    found = Validation(["a.yaml", "b.yaml", "rules/orders.yaml"], 7, [UNKNOWN_FUNCTION, related])
    document = json.loads(render_json(found))
    assert document == {
        "version": 1,
        "files": 3,
        "rules": 7,
        "errors": 1,
        "warnings": 1,
        "exit_code": 1,
        "problems": [
            {
                "code": "RE204",
                "severity": "error",
                "message": "unknown function 'start_with'",
                "path": "rules/orders.yaml",
                "line": 9,
                "column": 11,
                "end_column": 21,
                "length": 10,
                "source_line": "    when: start_with(new.sku, 'A')",
                "hint": "did you mean 'starts_with'?",
                "fix": {
                    "path": "rules/orders.yaml",
                    "line": 9,
                    "column": 11,
                    "end_column": 21,
                    "length": 10,
                    "text": "starts_with",
                },
                "related": [],
            },
            {
                "code": "RE450",
                "severity": "warning",
                "message": "rule 'a' has no tests",
                "path": "a.yaml",
                "line": 3,
                "column": 5,
                "end_column": 7,
                "length": 2,
                "source_line": "  - id: a",
                "hint": None,
                "fix": None,
                "related": [
                    {
                        "path": "b.yaml",
                        "line": 1,
                        "column": 2,
                        "end_column": 5,
                        "length": 3,
                        "message": "here",
                    }
                ],
            },
        ],
    }
    Draft202012Validator(problems_schema()).validate(document)


def test_the_schema_of_the_json_document_is_one_and_requires_every_key() -> None:
    schema = problems_schema()
    Draft202012Validator.check_schema(schema)
    document = json.loads(render_json(Validation(["a.yaml"], 1, [UNKNOWN_FUNCTION])))
    for key in document:
        without = {other: value for other, value in document.items() if other != key}
        assert not Draft202012Validator(schema).is_valid(without), key
    (problem,) = document["problems"]
    for key in problem:
        without = {other: value for other, value in problem.items() if other != key}
        assert not Draft202012Validator(schema).is_valid(document | {"problems": [without]}), key


def test_what_was_fixed_is_in_the_json_document_by_its_schema() -> None:
    mended = Mended(b"", gone=[UNKNOWN_FUNCTION], left=[])
    document = json.loads(render_json(Validation(["a.yaml"], 1, [], mended=[mended])))
    Draft202012Validator(problems_schema()).validate(document)
    assert [problem["code"] for problem in document["fixed"]] == ["RE204"]
