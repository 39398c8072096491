"""Files, directories and S3 prefixes -> the JSON documents in them, one at a time.

A piece is one file or object. It may be packed with gzip, whatever it is called, and holds documents one
behind the other, with or without lines between them: Firehose writes both. Nothing is read as a whole but a
piece whose first line is not a document by itself. What cannot be read is an `Unreadable` in its place, and
what stands behind it is read all the same.
"""

from __future__ import annotations

import gzip
import io
import sys
import zlib
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from itertools import chain
from json import JSONDecodeError
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, Any, NamedTuple, cast

from rules_engine import exact_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

STANDARD_INPUT = "-"
_GZIP = b"\x1f\x8b"
_ABOUT_OTHERS = ("manifest-", "_")
"""What stands beside data in the buckets of exports and of Spark: manifests, `_started`, `_SUCCESS`."""
_SUMS = (".md5", ".checksum")


@dataclass(frozen=True, slots=True)
class Piece:
    """`name` is how reports call it."""

    name: str
    open: Callable[[], io.RawIOBase]


class Unreadable(NamedTuple):
    reason: str


def pieces_of(source: str, client: Callable[[str], Any]) -> Iterator[Piece]:
    """Those of a file, of a directory, of `s3://bucket/prefix`, or `-`, in the order of their names.

    `client` makes a boto3 client for the name of a service. Raises OSError where there is no such file, and
    what boto3 raises.
    """
    if source.startswith("s3://"):
        yield from _objects(source, client("s3"))
    elif source == STANDARD_INPUT:
        yield Piece("<stdin>", _standard_input)
    else:
        path = Path(source)
        path.stat()
        for each in _files_below(path) if path.is_dir() else [path]:
            yield Piece(str(each), partial(io.FileIO, each))


def documents_in(piece: Piece) -> Iterator[tuple[str, Any]]:
    """(place, document or Unreadable). A place is `name:line`, with a column for a document behind another on
    its line, or the name alone of a piece that is one document on several lines."""
    try:
        with closing(piece.open()) as raw:
            buffered = io.BufferedReader(raw)
            is_packed = buffered.peek(len(_GZIP))[: len(_GZIP)] == _GZIP
            file = cast("IO[bytes]", gzip.GzipFile(fileobj=buffered) if is_packed else buffered)
            lines = io.TextIOWrapper(file, encoding="utf-8-sig", newline="\n")
            yield from _documents(lines, piece.name)
    except UnicodeDecodeError:
        yield piece.name, Unreadable("neither UTF-8 text nor gzip of it")
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        yield piece.name, Unreadable(f"the gzip of it is damaged: {error}")
    except OSError as error:
        yield piece.name, Unreadable(f"it cannot be read: {error.strerror or error}")


def _documents(lines: Iterable[str], name: str) -> Iterator[tuple[str, Any]]:
    numbered: Iterator[tuple[int, str]] = (
        (number, line) for number, line in enumerate(lines, start=1) if line.strip()
    )
    first = next(numbered, None)
    if first is None:
        return
    if not _has_whole_documents(first[1]):
        # One document on several lines, or a line that is damaged.
        held = [first, *numbered]
        text = "".join(line for _, line in held)
        if _has_whole_documents(text):
            yield from ((name, document) for _, document in exact_json.loads_each(text))
            return
        first, numbered = held[0], iter(held[1:])
    for number, line in chain([first], numbered):
        yield from _documents_of_line(line, f"{name}:{number}")


def _has_whole_documents(text: str) -> bool:
    try:
        for _ in exact_json.loads_each(text):
            pass
    except ValueError:
        return False
    return True


def _documents_of_line(line: str, place: str) -> Iterator[tuple[str, Any]]:
    try:
        for at, document in exact_json.loads_each(line):
            yield f"{place}:{at + 1}" if at else place, document
    except JSONDecodeError as error:
        yield f"{place}:{error.colno}", Unreadable(f"not JSON: {error.msg}")
    except ValueError as error:
        yield place, Unreadable(str(error))


def _files_below(directory: Path) -> list[Path]:
    names = sorted(path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file())
    return [directory / name for name in names if _is_data(name)]


def _objects(source: str, s3: Any) -> Iterator[Piece]:
    bucket, _, prefix = source.removeprefix("s3://").partition("/")
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for key in [entry["Key"] for entry in page.get("Contents", []) if entry["Size"]]:
            if _is_data(key.removeprefix(prefix) or key):
                yield Piece(f"s3://{bucket}/{key}", partial(_opened_object, s3, bucket, key))


def _standard_input() -> io.RawIOBase:
    return io.FileIO(sys.stdin.fileno(), closefd=False)


def _opened_object(s3: Any, bucket: str, key: str) -> io.RawIOBase:
    return cast("io.RawIOBase", s3.get_object(Bucket=bucket, Key=key)["Body"])


def _is_data(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return not (
        any(part.startswith(".") for part in parts)
        or parts[-1].startswith(_ABOUT_OTHERS)
        or parts[-1].endswith(_SUMS)
    )
