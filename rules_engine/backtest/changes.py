"""A document of an archive -> the changes in it, read as the function reads them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rules_engine.archived_record import is_without_images, record_of
from rules_engine.errors import RecordError
from rules_engine.record import parse_event, parse_record

if TYPE_CHECKING:
    from rules_engine.record import MalformedRecord, StreamRecord


def records_of(document: Any, table: str | None) -> list[StreamRecord | MalformedRecord]:
    """Those of a Lambda event, or the one that `document` is. Of an item that was made and removed within the
    time of an export there is none: no rule could be asked about it.

    `table` is the table of a change that names none. Raises RecordError for what is no change.
    """
    if isinstance(document, list) or (isinstance(document, Mapping) and "Records" in document):
        return parse_event(document)
    if isinstance(document, Mapping):
        if is_without_images(document):
            return []
        record = record_of(document, table)
        if record is not None:
            return [parse_record(record)]
    raise RecordError(
        "neither a stream record, nor a Lambda event (Records), nor a change as archives hold it"
    )
