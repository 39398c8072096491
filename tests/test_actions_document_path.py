from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules_engine.actions.document_path import Path, UpdateNames, overlap, parse_path

NAMES = st.text(st.characters(exclude_characters=".[]"), min_size=1)
PATHS = st.builds(
    lambda name, rest: (name, *rest), NAMES, st.lists(NAMES | st.integers(min_value=0, max_value=99))
)


@given(PATHS)
def test_a_path_is_read_as_it_was_written(path: Path) -> None:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)[1:]
    assert parse_path(text) == path


@pytest.mark.parametrize(
    "text", ["", ".", ".a", "a.", "a..b", "[0]", "a[", "a[]", "a[x]", "a[-1]", "a[0]b", "a]", "a[0", "a.[0]"]
)
def test_what_is_no_path_is_refused(text: str) -> None:
    assert parse_path(text) is None


def test_each_name_gets_one_placeholder() -> None:
    names = UpdateNames()
    paths: list[Path] = [("status",), ("a", "status", 0, "b"), ("a", 1, 2)]
    assert [names.write(path) for path in paths] == ["#n0", "#n1.#n0[0].#n2", "#n1[1][2]"]
    assert names.names == {"#n0": "status", "#n1": "a", "#n2": "b"}


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (("a",), ("a",), True),
        (("a",), ("a", "b"), True),
        (("a", 0, "b"), ("a", 0), True),
        (("a", "b"), ("a", "c"), False),
        (("a", 0), ("a", 1), False),
        (("a",), ("b",), False),
    ],
)
def test_paths_overlap_where_one_leads_to_the_other(one: Path, other: Path, expected: bool) -> None:
    assert overlap(one, other) is expected
    assert overlap(other, one) is expected
