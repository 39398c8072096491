"""Where archived changes lie, and what stands in the files: every document once, whatever is around it."""

from __future__ import annotations

import gzip
import io
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules_engine import exact_json
from rules_engine.backtest.archive import Piece, Unreadable, documents_in, pieces_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rules_engine.local.ministack import Ministack

CUT_SHORT = "the gzip of it is damaged: Compressed file ended before the end-of-stream marker was reached"


def read(content: bytes) -> list[tuple[str, Any]]:
    return list(documents_in(Piece("a", lambda: io.BytesIO(content))))  # type: ignore[arg-type, return-value]


def packed(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


def no_client(service: str) -> Any:
    raise AssertionError(service)


@pytest.mark.parametrize(
    ("content", "documents"),
    [
        (b"", []),
        (b" \n\n", []),
        (b'{"a": 1.50}', [("a:1", {"a": Decimal("1.50")})]),
        (b'\xef\xbb\xbf{"a": 1}\r\n\r\n{"b": 2}', [("a:1", {"a": 1}), ("a:3", {"b": 2})]),
        (b'{"a": 1}{"b": 2} [3]', [("a:1", {"a": 1}), ("a:1:9", {"b": 2}), ("a:1:18", [3])]),
        (b'{\n "a":\n 1\n}\n', [("a", {"a": 1})]),
        (b'{\n "a": 1}\n{"b":\n 2}\n', [("a", {"a": 1}), ("a", {"b": 2})]),
        (
            b'{"a": 1}\nnone\n{"b": 2}',
            [("a:1", {"a": 1}), ("a:2:1", Unreadable("not JSON: Expecting value")), ("a:3", {"b": 2})],
        ),
        (
            b'{"cut": \n{"b": 2}\n',
            [("a:1:1", Unreadable("not JSON: Expecting value")), ("a:2", {"b": 2})],
        ),
        (
            b'{"a": 1, "a": 2}\n{"b": 2}',
            [("a:1", Unreadable("the key 'a' stands twice in one object")), ("a:2", {"b": 2})],
        ),
        (b"PAR1\xff\xfe", [("a", Unreadable("neither UTF-8 text nor gzip of it"))]),
        (packed(b'{"a": 1}\n'), [("a:1", {"a": 1})]),
        (packed(b'{"a": 1}\n') + packed(b'{"b": 2}\n'), [("a:1", {"a": 1}), ("a:2", {"b": 2})]),
        (packed(b'{"a": 1}\n')[:-9], [("a:1", {"a": 1}), ("a", Unreadable(CUT_SHORT))]),
    ],
)
def test_the_documents_of_a_piece(content: bytes, documents: list[tuple[str, Any]]) -> None:
    assert read(content) == documents


@given(
    st.lists(
        st.dictionaries(st.text(max_size=4), st.integers() | st.text(max_size=4) | st.none(), max_size=3)
    ),
    st.sampled_from(["\n", "", " ", "\r\n", "\n\n"]),
    st.booleans(),
)
def test_what_was_written_is_read(documents: list[Any], between: str, is_packed: bool) -> None:
    content = between.join(map(exact_json.dumps, documents)).encode()
    assert [document for _, document in read(packed(content) if is_packed else content)] == documents


def test_of_a_directory_the_data_is_read_in_the_order_of_its_names(tmp_path: Path) -> None:
    for name in (
        "2026/02/b", "2026/01/c.gz", "2026/01/a.json", "manifest-files.json", "data/a.md5", "_started",
        ".git/a", "a-manifest.json",
    ):  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("{}")
    names = [piece.name for piece in pieces_of(str(tmp_path), no_client)]
    assert names == [
        str(tmp_path / name) for name in ("2026/01/a.json", "2026/01/c.gz", "2026/02/b", "a-manifest.json")
    ]


def test_a_file_is_read_whatever_it_is_called(tmp_path: Path) -> None:
    path = tmp_path / "_named.md5"
    path.write_text('{"a": 1}')
    (piece,) = pieces_of(str(path), no_client)
    assert list(documents_in(piece)) == [(f"{path}:1", {"a": 1})]


def test_a_file_that_is_not_there_is_an_error() -> None:
    with pytest.raises(FileNotFoundError):
        list(pieces_of("no/such/file", no_client))


def test_a_file_that_goes_away_is_unreadable(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("{}")
    (piece,) = pieces_of(str(path), no_client)
    path.unlink()
    assert list(documents_in(piece)) == [
        (str(path), Unreadable("it cannot be read: No such file or directory"))
    ]


@pytest.mark.local
def test_the_objects_below_a_prefix_are_read(aws: Ministack, unique_name: Callable[[str], str]) -> None:
    s3 = aws.client("s3")
    bucket = unique_name("archive")
    s3.create_bucket(Bucket=bucket)
    contents = {
        "2026/11/01-plain": b'{"a": 1}\n{"b": 2}',
        "2026/11/02-packed": packed(b'{"c": 3}'),
        "2026/11/empty": b"",
        "2026/11/manifest-summary.json": b"{}",
        "2026/12/other": b'{"d": 4}',
    }
    for key, content in contents.items():
        s3.put_object(Bucket=bucket, Key=key, Body=content)
    pieces = list(pieces_of(f"s3://{bucket}/2026/11/", aws.client))
    assert [found for piece in pieces for found in documents_in(piece)] == [
        (f"s3://{bucket}/2026/11/01-plain:1", {"a": 1}),
        (f"s3://{bucket}/2026/11/01-plain:2", {"b": 2}),
        (f"s3://{bucket}/2026/11/02-packed:1", {"c": 3}),
    ]
