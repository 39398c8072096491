"""`show` prints a rule file that means what the files mean."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules_engine.canonical.values import yaml_lines
from rules_engine.cli.main import rules_engine, run
from rules_engine.cli.rule_document import rule_document
from rules_engine.effective import effective_rule
from rules_engine.loader import load_rules
from rules_engine.source import parse_source

ROOT = Path(__file__).parent.parent
SOUND = [
    path
    for path in [
        ROOT / "rules",
        ROOT / "rules_engine/cli/starter/rules",
        *sorted((ROOT / "tests/cases/cli").glob("[les][ixh]*/rules")),
    ]
    if not any(problem.severity == "error" for problem in load_rules(path)[1]) and load_rules(path)[0].rules
]


@pytest.mark.parametrize("rules", SOUND, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_is_shown_means_the_same(
    rules: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(rules_engine, ["show", str(rules)]) == 0
    shown = tmp_path / "shown.yaml"
    shown.write_text(capsys.readouterr().out)
    rule_set, _ = load_rules(rules)
    again, problems = load_rules(shown)
    assert {problem.severity for problem in problems} <= {"warning"}
    assert [rule_document(rule) for rule in again.rules] == [
        rule_document(effective_rule(rule)) for rule in rule_set.rules
    ]
    assert run(rules_engine, ["fmt", "--check", str(shown)]) == 0


def test_two_conditions_of_one_name_that_must_stay_names_get_two(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, tier in (("a", "gold"), ("b", "silver")):
        (tmp_path / f"{name}.yaml").write_text(
            f"conditions: {{good: new.tier == '{tier}'}}\n"
            f"rules: [{{id: {name}, table: orders, when: 'new.items[?is.good]', actions: [{{type: log}}]}}]\n"
        )
    assert run(rules_engine, ["show", "--format", "json", str(tmp_path)]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["conditions"] == {"good": "new.tier == 'gold'", "good_2": "new.tier == 'silver'"}
    assert [rule["when"] for rule in document["rules"]] == ["new.items[?is.good]", "new.items[?is.good_2]"]


TEXT = st.text(st.characters(exclude_categories=["Cs"]))
DATA = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | TEXT
    | st.sampled_from(["a\nb", "a\n\nb\n", "on"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=12,
)


@given(value=st.dictionaries(TEXT, DATA, min_size=1, max_size=3))
def test_data_as_yaml_is_read_back_as_it_was(value: dict[str, Any]) -> None:
    root, problems = parse_source("r.yaml", "".join(f"{line}\n" for line in yaml_lines(value)).encode())
    assert (problems, root and root.plain()) == ([], value)


def test_numbers_keep_their_digits() -> None:
    assert yaml_lines({"a": Decimal("12.50"), "b": [1, Decimal("1E+3")]}) == ["a: 12.50", "b: [1, 1E+3]"]
