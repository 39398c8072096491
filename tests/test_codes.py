"""Every problem code is documented by a page whose examples are true, and has a case of its own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rules_engine.cli.code_pages import codes, load_page
from rules_engine.cli.main import rules_engine, run
from rules_engine.loader import load_rules

ROOT = Path(__file__).parent.parent
CASES = ROOT / "tests/cases/validate"

CODES_IN_SOURCE = sorted(
    {
        code
        for path in (ROOT / "rules_engine").rglob("*.py")
        for code in re.findall(r"RE\d{3}", path.read_text())
    }
)

WITHOUT_TESTS = "RE450"
"""The examples are about something else than tests, and shorter without them."""


def test_the_pages_are_those_of_the_codes_in_the_source() -> None:
    assert codes() == CODES_IN_SOURCE


@pytest.mark.parametrize("code", CODES_IN_SOURCE)
def test_every_code_has_a_case(code: str) -> None:
    expected = [path.read_text() for path in CASES.glob("*/expected.txt")]
    assert any(re.search(rf" {code} ", text) for text in expected)


@pytest.mark.parametrize("code", codes())
def test_every_page_has_a_title_a_text_and_both_examples(code: str) -> None:
    page = load_page(code)
    introduction = page.text.partition("\n## Wrong\n")[0].removeprefix(f"# {code} {page.title}")
    assert introduction.strip()
    assert page.wrong
    assert page.right


@pytest.mark.parametrize("code", codes())
def test_the_wrong_example_has_this_problem_and_no_other(code: str, tmp_path: Path) -> None:
    page = load_page(code)
    assert {example.language for example in page.wrong} == {"yaml"}
    allowed = {WITHOUT_TESTS} - {code}
    assert problems_of([example.text for example in page.wrong], tmp_path) - allowed == {code}


@pytest.mark.parametrize("code", codes())
def test_the_right_example_has_no_problem(code: str, tmp_path: Path) -> None:
    page = load_page(code)
    allowed = {WITHOUT_TESTS} - {code}
    assert problems_of([example.text for example in page.right], tmp_path) - allowed == set()


def problems_of(files: list[str], directory: Path) -> set[str]:
    """The codes of the problems of a rule set of these files."""
    for number, text in enumerate(files):
        (directory / f"{number}.yaml").write_text(text)
    _, problems = load_rules([str(directory)])
    return {problem.code for problem in problems}


@pytest.mark.parametrize("code", codes())
def test_validate_explains_every_code(code: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(rules_engine, ["validate", "--explain", code.lower()]) == 0
    assert capsys.readouterr() == (load_page(code).text, "")
