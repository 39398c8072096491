"""The records of tests: read once, as a stream would deliver them.

In: a test node and the table of a record that names none. Out: its `StreamRecord`s (one, or those of the
Lambda event in its `record_file`), and problems: a record that is not there, twice there, or that no stream
can deliver.
"""

from __future__ import annotations

from json import JSONDecodeError
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from rules_engine import exact_json
from rules_engine.errors import RecordError, RulesEngineError
from rules_engine.loader.files import is_out_of_checkout
from rules_engine.loader.shape import check_shape
from rules_engine.plain_record import record_from_images
from rules_engine.record import StreamRecord, parse_event, parse_record
from rules_engine.schema import RECORD_SHAPE

if TYPE_CHECKING:
    from rules_engine.errors import Location, Problem
    from rules_engine.source import Node

MOST_BYTES_OF_RECORDS = 6 * 1024 * 1024


class RecordsOfTest(NamedTuple):
    """The records of one test; none where a problem was found, or its shape is wrong and was reported."""

    records: tuple[StreamRecord, ...] = ()
    problems: tuple[Problem, ...] = ()


def read_records(test: Node, table: str) -> RecordsOfTest:
    """The record of a test: there once, and one that can be."""
    inline, file = test.get("record"), test.get("record_file")
    if inline is None and file is None:
        hint = "add record: with 'event' and the images, or record_file: with the name of a JSON file"
        place = test.source.location(test.start, test.end)
        return RecordsOfTest((), (test.source.problem("RE108", "this test has no 'record'", place, hint),))
    if inline is not None and file is not None:
        message = "'record_file' does not go together with 'record'"
        place = test.keys["record_file"].location
        return RecordsOfTest((), (test.source.problem("RE109", message, place, "keep one of them"),))
    if file is not None and isinstance(file.value, str):
        return _of_file(file, table)
    if inline is not None and inline.kind == "mapping":
        return _of_images(inline, test.keys["record"], table)
    return RecordsOfTest()


def path_of(file: Node) -> Path:
    """What `record_file` means: a path relative to the file it stands in."""
    return Path(file.source.path).parent / str(file.value)


def _of_file(node: Node, table: str) -> RecordsOfTest:
    path = path_of(node)
    if is_out_of_checkout(str(path), node.source.path):
        message = f"'{path}' is not in the checkout that this file stands in"
        hint = "put a copy beside the rules: a file elsewhere is not there for others"
        return RecordsOfTest((), (node.source.problem("RE101", message, node.location, hint),))
    try:
        found = path.is_file()
    except (OSError, ValueError):
        found = False
    if not found:
        hint = "the name is relative to the file it stands in"
        return RecordsOfTest(
            (), (node.source.problem("RE101", f"there is no file '{path}'", node.location, hint),)
        )
    try:
        return RecordsOfTest(_records_of_json(path, table))
    except (RulesEngineError, OSError, ValueError) as error:
        message = f"'{path}' holds no record: {error}"
        hint = "it must be one stream record or a Lambda event, as JSON"
        return RecordsOfTest((), (node.source.problem("RE109", message, node.location, hint),))


def _records_of_json(path: Path, table: str) -> tuple[StreamRecord, ...]:
    with path.open("rb") as file:
        data = file.read(MOST_BYTES_OF_RECORDS + 1)
    if len(data) > MOST_BYTES_OF_RECORDS:
        raise ValueError("it is larger than 6 MiB, the most that Lambda takes")
    try:
        document = exact_json.loads(data.decode("utf-8-sig"), unique_keys=True)
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8") from None
    except JSONDecodeError as error:
        raise ValueError(f"it is not JSON: {error}") from None
    if isinstance(document, list):
        return _records_of_event(document)
    if isinstance(document, dict):
        return _records_of(document, table)
    raise RecordError("it is neither an object nor an array")


def _of_images(node: Node, key: Node, table: str) -> RecordsOfTest:
    raw = any(name in node.value for name in ("dynamodb", "kinesis", "Records"))
    problems = () if raw else tuple(check_shape(node, RECORD_SHAPE, "record", key))
    if problems or _is_broken(node):
        return RecordsOfTest((), problems)
    try:
        return RecordsOfTest(_records_of(node.plain(), table))
    except RulesEngineError as error:
        place, hint = _blame(node, key, str(error))
        return RecordsOfTest((), (node.source.problem("RE109", str(error), place, hint),))


def _records_of(plain: dict[str, Any], table: str) -> tuple[StreamRecord, ...]:
    """Raises RecordError."""
    if "Records" in plain:
        return _records_of_event(plain)
    raw = "dynamodb" in plain or "kinesis" in plain
    return (parse_record(plain if raw else record_from_images(plain, table)),)


def _records_of_event(event: Any) -> tuple[StreamRecord, ...]:
    records = []
    for record in parse_event(event):
        if not isinstance(record, StreamRecord):
            raise RecordError(record.reason)
        records.append(record)
    if not records:
        raise RecordError("it is an event without records")
    return tuple(records)


def _blame(node: Node, key: Node, message: str) -> tuple[Location, str]:
    """The key that a record error names, and what to do."""
    named = message.split("'")[1] if message.count("'") >= 2 else ""
    at = key
    for step in named.split("."):
        if step in node.keys:
            at, node = node.keys[step], node.value[step]
    hint = "a test's record must be one that a stream can deliver"
    if "never there" in message:
        hint = f"remove '{named}', or choose another event"
    return at.location, hint


def _is_broken(node: Node) -> bool:
    below = node.items() if node.kind == "sequence" else [value for _, value in node.entries()]
    return node.broken or any(_is_broken(child) for child in below)
