from __future__ import annotations

import io
import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from rules_engine.log_line import LIMIT_BYTES, log_line, write_line

if TYPE_CHECKING:
    import pytest

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner),
    max_leaves=5,
)


def test_level_and_message_come_first_and_numbers_stay_exact() -> None:
    line = log_line("INFO", "order shipped", rule_id="big", total=Decimal("12.50"))
    assert line == '{"level":"INFO","message":"order shipped","rule_id":"big","total":12.50}'


def test_a_long_value_is_cut_and_the_line_says_so() -> None:
    line = log_line("INFO", "m", rule_id="big", fields={"note": 'x"' * 10_000})
    assert LIMIT_BYTES - 20 < len(line.encode()) < LIMIT_BYTES
    entry = json.loads(line)
    assert entry.pop("fields").startswith('{"note":"x\\"x\\"')
    assert entry == {"level": "INFO", "message": "m", "rule_id": "big", "truncated": True}


def test_several_long_values_are_all_cut() -> None:
    entry = json.loads(log_line("ERROR", "ü" * 9000, one="y" * 9000, two=["z" * 9000], id="short"))
    assert (entry["level"], entry["id"], entry["truncated"]) == ("ERROR", "short", True)


@given(st.text(st.characters(codec="utf-8")), st.integers(0, 4000), PLAIN, PLAIN)
def test_every_line_is_json_within_the_limit(message: str, times: int, one: Any, two: Any) -> None:
    line = log_line("INFO", message * times, one=one, two=[two] * times)
    assert "\n" not in line
    assert len(line.encode()) < LIMIT_BYTES
    assert json.loads(line).keys() >= {"level", "message", "one", "two"}


def test_a_line_is_written_with_its_newline(capsys: pytest.CaptureFixture[str]) -> None:
    write_line('{"level":"INFO"}')
    assert capsys.readouterr().out == '{"level":"INFO"}\n'


def test_a_line_is_out_before_anything_else_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lambda may freeze or kill the process after any line."""
    written = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(written))
    write_line('{"level":"INFO"}')
    assert written.getvalue() == b'{"level":"INFO"}\n'
