"""The canonical form of rule files: cases with their whole text, and the laws it keeps on any file.

A case is `tests/cases/fmt/<slug>/` with `before.yaml` and `after.yaml`.
"""

from __future__ import annotations

import re
from collections import Counter
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from rules_engine.canonical import canonical_form
from rules_engine.canonical.comments import comments_of
from rules_engine.canonical.scalars import text_of
from rules_engine.loader import load_rules
from rules_engine.source import parse_source
from tests.test_mutated_rule_files import SEEDS, mutate, with_a_line_changed, with_a_value_replaced

if TYPE_CHECKING:
    from rules_engine.model import RuleSet

ROOT = Path(__file__).parent.parent
CASES = sorted((ROOT / "tests/cases/fmt").iterdir())
FILES = sorted(
    path
    for folder in ("rules", "rules_engine/cli/starter", "tests/cases")
    for path in (ROOT / folder).rglob("*.y*ml")
)
TODAY = date(2026, 1, 1)
LIMITS = settings(
    max_examples=150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)


def formatted(data: bytes) -> bytes:
    text, problems = canonical_form("rules.yaml", data)
    assert problems == []
    return text


def meaning(path: Path, data: bytes) -> tuple[RuleSet, Counter[tuple[str, str, str]]]:
    """What the loader makes of a file: the rules, and its problems wherever they stand.

    Some quote how a value is written, which `~` and `True` need not be any more, a quote at the end of a text
    without quotes stands between some, and of keys that were moved together the first is told, which may be
    another by now.
    """
    path.write_bytes(data)
    rule_set, problems = load_rules(path, today=TODAY)
    told = [(each.code, each.severity, spelled_alike(each.message)) for each in problems]
    return rule_set, Counter(each for each in told if "for none opens the text" not in each[2])


def spelled_alike(message: str) -> str:
    message = re.sub("^unknown key '.*' in a rule file$", "unknown key in a rule file", message)
    for word, spellings in {"null": "|~|Null|NULL", "true": "True|TRUE", "false": "False|FALSE"}.items():
        message = re.sub(f"'({spellings})'", f"'{word}'", message)
    return message


def check_laws(path: Path, data: bytes) -> None:
    text, problems = canonical_form("rules.yaml", data)
    if problems:
        assert text == data
        return
    assert formatted(text) == text
    assert meaning(path, text) == meaning(path, data)
    assert comment_texts(text) == comment_texts(data)


def comment_texts(data: bytes) -> Counter[str]:
    root, _ = parse_source("rules.yaml", data)
    assert root is not None
    return Counter(comment.text for comment in comments_of(root))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_case_gets_its_canonical_form(case: Path) -> None:
    after = (case / "after.yaml").read_bytes()
    assert formatted((case / "before.yaml").read_bytes()).decode() == after.decode()
    assert formatted(after) == after


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_the_laws_hold_on_every_rule_file_of_the_repository(file: Path, tmp_path: Path) -> None:
    check_laws(tmp_path / "rules.yaml", file.read_bytes())


@st.composite
def with_comments(draw: st.DrawFn, files: st.SearchStrategy[bytes]) -> bytes:
    """A file with comments, empty lines and odd indentation put in."""
    lines = draw(files).decode("utf-8", "replace").split("\n")
    for number in range(draw(st.integers(1, 8))):
        at = draw(st.integers(0, len(lines) - 1))
        line = lines[at]
        column = draw(st.integers(0, len(line)))
        spaces = " " * draw(st.integers(0, 8))
        lines[at : at + 1] = draw(
            st.sampled_from(
                [
                    [f"{spaces}# above {number}", line],
                    [f"{line} # behind {number}"],
                    ["", line],
                    [f"{line[:column]} # within {number}", f"{spaces}{line[column:]}"],
                ]
            )
        )
    return "\n".join(lines).encode("utf-8", "replace")


@given(data=with_comments(st.sampled_from(SEEDS).map(lambda text: text.encode("utf-8", "replace"))))
@LIMITS
def test_the_laws_hold_wherever_comments_stand(tmp_path: Path, data: bytes) -> None:
    check_laws(tmp_path / "rules.yaml", data)


@given(data=with_comments(mutate(with_a_value_replaced)))
@LIMITS
def test_the_laws_hold_with_any_value_in_a_place(tmp_path: Path, data: bytes) -> None:
    check_laws(tmp_path / "rules.yaml", data)


@given(data=with_comments(mutate(with_a_line_changed)))
@LIMITS
def test_the_laws_hold_on_files_as_tired_people_leave_them(tmp_path: Path, data: bytes) -> None:
    check_laws(tmp_path / "rules.yaml", data)


@given(
    value=st.text(st.characters(exclude_categories=["Cs"])),
    place=st.sampled_from(["{}: 1\n", "a: {}\n", "a:\n  - {}\n", "a: [{}]\n", "a: {{b: {}}}\n"]),
)
@example(value="\U000e0000", place="{}: 1\n")
def test_any_text_is_read_back_as_it_was(value: str, place: str) -> None:
    text = place.format(text_of(value, in_flow="[" in place or "{{" in place))
    root, problems = parse_source("rules.yaml", text.encode())
    assert problems == []
    assert root is not None
    written = place.format("x")
    expected, _ = parse_source("rules.yaml", written.encode())
    assert expected is not None
    assert str(root.plain()) == str(replaced(expected.plain(), value))


def replaced(plain: object, value: str) -> object:
    """`plain` with `value` for every `x`."""
    if isinstance(plain, dict):
        return {replaced(key, value): replaced(each, value) for key, each in plain.items()}
    if isinstance(plain, list):
        return [replaced(each, value) for each in plain]
    return value if plain == "x" else plain


@pytest.mark.parametrize("text", ["", "# only a comment\n", "[a,   b]\n", "'text'\n", "{}  # nothing\n"])
def test_what_is_no_mapping_with_entries_is_left_as_it_is(text: str) -> None:
    assert formatted(text.encode()) == text.encode()


def test_a_file_that_is_no_yaml_is_refused_untouched() -> None:
    data = b"rules: [\n"
    text, problems = canonical_form("rules.yaml", data)
    assert (text, [(each.code, each.message) for each in problems]) == (
        data,
        [("RE102", "the '[' that opens here is not closed")],
    )


def test_windows_line_ends_stay_and_a_byte_order_mark_goes() -> None:
    assert formatted(b"\xef\xbb\xbfrules: []\r\nvars: { a: 1 }\r\n") == b"vars: {a: 1}\r\nrules: []\r\n"


def test_line_ends_become_those_of_the_first_line() -> None:
    assert formatted(b"vars: {}\nrules: []\r\n") == b"vars: {}\nrules: []\n"


@pytest.mark.parametrize("folder", ["rules", "rules_engine/cli/starter/rules"])
def test_the_rules_that_come_with_the_project_are_in_canonical_form(folder: str) -> None:
    files = sorted((ROOT / folder).rglob("*.yaml"))
    assert files
    assert [file.name for file in files if formatted(file.read_bytes()) != file.read_bytes()] == []
