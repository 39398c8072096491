"""RE453 for payloads whose own text is too large. What copies an item has cases below `cases/validate`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rules_engine.loader import load_rules

if TYPE_CHECKING:
    from pathlib import Path

LIMIT = 256 * 1024


@pytest.mark.parametrize(
    ("texts", "size"),
    [
        (["a" * 200_000, "b" * (LIMIT - 200_000)], None),
        (["a" * 200_000, "b" * (LIMIT - 200_000 + 1)], LIMIT + 1),
        (["é" * (LIMIT // 2), "{{ new.note }}b"], LIMIT + 1),
    ],
)
def test_a_payload_that_is_too_large_before_anything_is_filled_in(
    texts: list[str], size: int | None, tmp_path: Path
) -> None:
    lines = "".join(f'          - "{text}"\n' for text in texts)
    (tmp_path / "rules.yaml").write_text(
        "rules:\n  - id: a\n    table: orders\n    actions:\n      - type: sns\n"
        f"        topic_arn: ${{TOPIC}}\n        message:\n{lines}"
        "    tests: [{name: n, record: {event: INSERT, keys: {a: 1}}, expect: {match: true}}]\n"
    )
    rule_set, problems = load_rules(tmp_path)
    assert [rule.id for rule in rule_set.rules] == ["a"]
    assert [(problem.code, problem.location.line, problem.message) for problem in problems] == (
        []
        if size is None
        else [
            (
                "RE453",
                7,
                f"'message' has {size:,} bytes before anything is filled in, and the limit is 262,144",
            )
        ]
    )
