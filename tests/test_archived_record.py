"""The forms in which archives hold changes: each gives the record that Lambda would have delivered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules_engine import exact_json
from rules_engine.actions.rendering import change_of
from rules_engine.archived_record import record_from_archive
from rules_engine.backtest.changes import records_of
from rules_engine.errors import RecordError
from rules_engine.plain_record import record_from_images
from rules_engine.record import StreamRecord, parse_record

CASES = Path(__file__).parent / "cases/records"

IMAGE = {"order_id": {"S": "o-1"}, "total": {"N": "12.50"}, "tags": {"SS": ["a", "b"]}}
KEYS = {"order_id": {"S": "o-1"}}
EXPORTED = {"Metadata": {"WriteTimestampMicros": {"N": "1701385200123456"}}, "Keys": KEYS}

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**15), 10**15) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
IMAGES = st.dictionaries(st.text(min_size=1, max_size=5), VALUES, max_size=4)


def read(document: Any, table: str | None = None) -> StreamRecord:
    raw = record_from_archive(document, table)
    assert raw is not None
    return parse_record(raw)


@st.composite
def changes(draw: st.DrawFn) -> StreamRecord:
    event = draw(st.sampled_from(["INSERT", "MODIFY", "REMOVE", "EXPIRE"]))
    plain = {"event": event, "keys": {"id": draw(st.text(min_size=1, max_size=5))}}
    if event in ("INSERT", "MODIFY"):
        plain["new"] = draw(IMAGES)
    if event != "INSERT":
        plain["old"] = draw(IMAGES)
    return parse_record(record_from_images(plain, "orders"))


@given(changes())
def test_a_change_that_was_sent_is_the_same_record_again(record: StreamRecord) -> None:
    sent = exact_json.loads(
        exact_json.dumps({**change_of(record), "expired": record.expired, "note": "mine"})
    )
    assert read(sent).document == record.document


@given(changes())
def test_what_kinesis_carries_is_the_same_record_but_for_its_number(record: StreamRecord) -> None:
    raw = {key: value for key, value in record.raw.items() if key not in ("eventVersion", "eventSourceARN")}
    data = {
        key: value
        for key, value in raw["dynamodb"].items()
        if key not in ("SequenceNumber", "StreamViewType")
    }
    data["ApproximateCreationDateTime"] *= 1000
    archived = {**raw, "dynamodb": data, "tableName": "orders", "recordFormat": "application/json"}
    there = read(exact_json.loads(exact_json.dumps(archived)))
    but = {"sequenceNumber": "0", "createdAt": "2024-01-01T00:00:00.000Z"}
    assert (there.document, there.kind) == ({**record.document, **but}, record.kind)


@pytest.mark.parametrize(
    ("images", "kind", "new", "old"),
    [
        ({"NewImage": IMAGE}, "INSERT", IMAGE, None),
        ({"NewImage": IMAGE, "OldImage": KEYS}, "MODIFY", IMAGE, KEYS),
        ({"OldImage": IMAGE}, "REMOVE", None, IMAGE),
    ],
)
def test_a_line_of_an_incremental_export_is_a_net_change(
    images: dict[str, Any], kind: str, new: Any, old: Any
) -> None:
    record = read({**EXPORTED, **images}, "orders")
    assert (record.kind, record.table, record.new_raw, record.old_raw) == (kind, "orders", new, old)
    assert (record.keys_raw, record.sequence_number) == (KEYS, "1701385200123456")
    assert record.created_at == "2023-11-30T23:00:00.123456Z"
    assert record.event_id == read({**EXPORTED, **images}, "orders").event_id


def test_a_record_as_lambda_delivers_it_needs_nothing_done() -> None:
    record = record_from_images({"event": "REMOVE", "keys": {"id": "1"}}, "orders")
    assert record_from_archive(record, None) is None


def test_an_image_pair_is_none_of_these_forms() -> None:
    assert record_from_archive({"event": "REMOVE", "keys": {"id": "1"}}, None) is None


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (
            {"Item": IMAGE},
            "a full export holds items, not changes: export incrementally, with both images",
        ),
        (EXPORTED, "the item was made and removed within the time of the export: it has no images"),
        (
            {**EXPORTED, "Metadata": {"WriteTimestampMicros": 5}, "NewImage": IMAGE},
            "'Metadata.WriteTimestampMicros' of an export is not a number",
        ),
        (
            {**EXPORTED, "NewImage": IMAGE},
            "the change names no table, and the rules are for several: backtest takes --table",
        ),
        (
            {"eventName": "INSERT", "keys": {"id": "1"}},
            "the change names no table, and the rules are for several: backtest takes --table",
        ),
        (
            {"eventName": "UPSERT", "table": "orders", "keys": {"id": "1"}},
            "'event' of a record must be one of INSERT, MODIFY, REMOVE, EXPIRE",
        ),
    ],
)
def test_what_cannot_be_a_change_is_refused(document: dict[str, Any], reason: str) -> None:
    with pytest.raises(RecordError) as refused:
        record_from_archive(document, None)
    assert str(refused.value) == reason


@pytest.mark.parametrize("case", ["dynamodb-insert", "pipes-kinesis-alone"])
def test_backtest_reads_a_record_as_the_function_does(case: str) -> None:
    directory = CASES / case
    (record,) = records_of(exact_json.loads((directory / "record.json").read_text()), None)
    assert isinstance(record, StreamRecord)
    expected = exact_json.loads((directory / "expected.json").read_text())
    assert exact_json.loads(exact_json.dumps(record.document)) == expected["document"]
