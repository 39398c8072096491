from __future__ import annotations

from datetime import UTC, datetime

import pytest

from rules_engine.actions.transport import retry_after


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("7", 7.0),
        (" 120 ", 120.0),
        ("0", 0.0),
        ("Mon, 01 Jan 2024 00:01:30 GMT", 90.0),
        ("Sun, 31 Dec 2023 23:00:00 GMT", 0.0),
        ("9" * 400, 999_999_999.0),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("", None),
        ("Mon, 01 Jan 2024 00:01:30 +99999999999999", None),
        ("Mon, 99 Foo 99999 99:99:99", None),
    ],
)
def test_an_answer_says_how_long_to_wait(header: str | None, seconds: float | None) -> None:
    assert retry_after(header, datetime(2024, 1, 1, tzinfo=UTC)) == seconds
