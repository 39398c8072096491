"""Files that are written as a whole or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rules_engine.cli.whole_file import write_whole

if TYPE_CHECKING:
    from pathlib import Path


def test_a_new_file_is_as_any_other_that_is_made(tmp_path: Path) -> None:
    write_whole(tmp_path / "new", b"whole")
    (tmp_path / "other").write_bytes(b"")
    assert (tmp_path / "new").read_bytes() == b"whole"
    assert (tmp_path / "new").stat().st_mode == (tmp_path / "other").stat().st_mode


def test_what_was_there_keeps_its_mode_and_a_link_stays_a_link(tmp_path: Path) -> None:
    file, link = tmp_path / "file", tmp_path / "link"
    file.write_bytes(b"old")
    file.chmod(0o751)
    link.symlink_to(file)
    write_whole(link, b"new")
    assert link.is_symlink()
    assert (file.read_bytes(), file.stat().st_mode & 0o777) == (b"new", 0o751)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "link"]


def test_nothing_is_left_of_what_could_not_be_written(tmp_path: Path) -> None:
    (tmp_path / "full/inside").mkdir(parents=True)
    with pytest.raises(OSError, match="full"):
        write_whole(tmp_path / "full", b"new")
    assert [path.name for path in tmp_path.rglob("*")] == ["full", "inside"]
