"""Records as people have them -> events as Lambda delivers them.

In: JSON text, or one JSON document a line; each document is a Lambda event, a stream record, a message that
`messages` takes such out of, a change as archives hold it, or a plain image pair (`{"event": "MODIFY",
"keys": {...}, "old": {...}, "new": {...}}`). Out: events that `parse_event` and the handler take. Records
that stand alone are put together into batches, in their order. Numbers stay exact, and no key may stand twice
in an object. What is none of these is refused with a RecordError that names file and line.
"""

from __future__ import annotations

from collections.abc import Mapping
from json import JSONDecodeError
from typing import IO, TYPE_CHECKING, Any

from rules_engine import exact_json
from rules_engine.archived_record import is_short_form, record_of
from rules_engine.cli.messages import unwrap
from rules_engine.cli.rule_files import only_table
from rules_engine.errors import RecordError
from rules_engine.record import parse_event

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rules_engine.model import RuleSet
    from rules_engine.record import MalformedRecord, StreamRecord

BATCH_SIZE = 100
"""Records of one event, as in the event source mapping that the deployment template makes."""


def load_records(file: IO[str], rule_set: RuleSet) -> list[StreamRecord | MalformedRecord]:
    """The records of the events in `file`, read as the function reads them."""
    events = load_events(file, rule_set)
    try:
        return [record for event in events for record in parse_event(event)]
    except RecordError as error:
        raise RecordError(f"{file.name}: {error}") from error


def load_events(file: IO[str], rule_set: RuleSet) -> list[Any]:
    """The events in `file` that hold a record.

    An image pair without `table` is for the table of the rules, if there is only one.
    """
    try:
        text = file.read().removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise RecordError(f"{file.name}: not UTF-8 text (byte {error.start})") from error
    if not text.strip():
        return []
    events: list[Any] = []
    batch: list[Mapping[str, Any]] = []
    documents = (
        (place, document) for place, outer in _documents(text, file.name) for document in unwrap(outer, place)
    )
    for place, document in documents:
        if isinstance(document, list) or (isinstance(document, Mapping) and "Records" in document):
            if document and document != {"Records": []}:
                events += [*_batches(batch), document]
                batch = []
        else:
            batch.append(_record(document, place, rule_set))
    return events + _batches(batch)


def _documents(text: str, name: str) -> Iterator[tuple[str, Any]]:
    """(place, value) of the one document that `text` is, or of each of its lines."""
    try:
        yield name, exact_json.loads(text, unique_keys=True)
        return
    except JSONDecodeError as error:
        # "Extra data" behind a whole first line: one document a line.
        if not (error.msg == "Extra data" and "\n" in text[: error.pos]):
            raise RecordError(f"{name}:{error.lineno}:{error.colno}: not JSON: {error.msg}") from error
    except ValueError as error:
        raise RecordError(f"{name}: {error}") from error
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                yield f"{name}:{number}", exact_json.loads(line, unique_keys=True)
            except JSONDecodeError as error:
                raise RecordError(f"{name}:{number}:{error.colno}: not JSON: {error.msg}") from error
            except ValueError as error:
                raise RecordError(f"{name}:{number}: {error}") from error


def _record(document: Any, place: str, rule_set: RuleSet) -> Mapping[str, Any]:
    if isinstance(document, Mapping):
        try:
            record = record_of(document, only_table(rule_set))
        except RecordError as error:
            raise RecordError(f"{place}: {error}") from error
        if record is not None:
            return record
        if is_short_form(document):
            tables = sorted({table for rule in rule_set.rules for table in rule.tables})
            raise RecordError(f"{place}: the record needs a 'table': the rules are for {', '.join(tables)}")
    raise RecordError(
        f"{place}: neither a stream record, nor a Lambda event (Records), nor a dead letter, "
        "nor an image pair (event, keys, old, new)"
    )


def _batches(records: list[Mapping[str, Any]]) -> list[Any]:
    return [{"Records": records[start : start + BATCH_SIZE]} for start in range(0, len(records), BATCH_SIZE)]
