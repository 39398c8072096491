"""`test --watch`: when the tests are run again, without a clock."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from rules_engine.cli.formats import TEXT, Output
from rules_engine.cli.test import Request, watch_tests
from rules_engine.cli.watch import run_on_save

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pytest

RULES = """
rules:
  - id: a
    table: orders
    when: new.total > `10`
    actions: [{type: log}]
    tests:
      - {name: it matches, record_file: ../record.json, expect: {match: true}}
"""


def test_it_runs_at_once_and_then_when_a_file_is_changed_new_or_gone(tmp_path: Path) -> None:
    runs = []

    def looks() -> Iterator[None]:
        yield  # nothing has happened
        (tmp_path / "a").write_text("1")
        yield
        yield
        (tmp_path / "a").write_text("22")
        yield
        os.utime(tmp_path / "a", ns=(1, 1))
        yield
        (tmp_path / "a").unlink()
        yield
        yield

    def files() -> list[str]:
        return [str(tmp_path / "a"), str(tmp_path / "b")]

    run_on_save(lambda: runs.append(sorted(path.name for path in tmp_path.iterdir())), files, looks())
    assert runs == [[], ["a"], ["a"], ["a"], []]


def test_a_file_saved_during_a_run_starts_the_next_one(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("1")
    runs = []

    def run() -> None:
        runs.append(path.read_text())
        if len(runs) == 1:
            path.write_text("22")

    run_on_save(run, lambda: [str(path)], [None, None])
    assert runs == ["1", "22"]


def test_rules_and_recorded_records_are_watched_and_a_broken_file_ends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rules").mkdir()
    rules, record = tmp_path / "rules/a.yaml", tmp_path / "record.json"
    rules.write_text(RULES)
    record.write_text('{"event": "INSERT", "keys": {"id": "1"}, "new": {"total": 11}}')
    shown = []

    def looks() -> Iterator[None]:
        for path, text in [
            (record, '{"event": "INSERT", "keys": {"id": "1"}, "new": {"total": 1}}'),
            (rules, RULES.replace("new.total", "new..total")),
            (rules, RULES),
        ]:
            shown.append(capsys.readouterr())
            path.write_text(text)
            yield

    watch_tests(Request(["rules"]), [Output(TEXT)], looks())
    shown.append(capsys.readouterr())
    assert [out.splitlines()[-1:] for out, _ in shown] == [
        ["1 passed: 1 test of 1 rule"],
        ["1 failed: 1 test of 1 rule"],
        [],
        ["1 failed: 1 test of 1 rule"],
    ]
    waiting = "waiting for a file to be saved; Ctrl-C ends"
    assert [err.splitlines()[-1] for _, err in shown] == [waiting] * 4
    assert "Error: the rules have 1 error; nothing was done" in shown[2].err
