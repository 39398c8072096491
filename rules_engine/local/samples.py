"""The rules' own tests as changes to play: `samples_of(rule_set)`.

Each test of an enabled rule gives a `Sample`: its record as Lambda would deliver it, and whether the test
says that the rule matches. A record that a write to a table can bring about is `written`; any other one
(an expiry, a raw event, images that no write makes) is handed to the function directly, and `handed` says
why. What cannot be read becomes a note and no sample. Nothing is decided here about other rules.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rules_engine import exact_json
from rules_engine.errors import RecordError
from rules_engine.plain_record import record_from_images
from rules_engine.record import MalformedRecord, parse_event, parse_record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rules_engine.model import Rule, RuleSet
    from rules_engine.record import StreamRecord

ADVICE = (
    "add under it:  tests: [{name: ..., record: {event: INSERT, keys: {...}, new: {...}}, "
    "expect: {match: true}}]"
)
_IMAGES_OF = {"INSERT": (False, True), "MODIFY": (True, True), "REMOVE": (True, False)}
"""Whether a record of the kind has an old and a new image."""
_STREAM_DECIDES = ("createdAt", "eventID", "awsRegion", "sequenceNumber")


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """One test's record. `matches`: what the test says of its own rule; None where it says nothing.
    `placed`: whether the test says itself where in the stream the record is."""

    rule_id: str
    test: str
    event: Any
    record: StreamRecord
    matches: bool | None
    handed: str | None
    placed: bool

    def after(self, sequence_number: str) -> Sample:
        """The same as the next change of a stream that has come so far; as it is where it is placed."""
        if self.placed:
            return self
        (raw,) = self.event["Records"]
        number = str(int(sequence_number) + 1).zfill(len(sequence_number))
        data = {**raw["dynamodb"], "SequenceNumber": number}
        event = {"Records": [{**raw, "eventID": f"{raw['eventID']}-{number}", "dynamodb": data}]}
        return replace(self, event=event, record=parse_record(event["Records"][0]))

    @property
    def item(self) -> tuple[str, str]:
        """Table and key: two samples of one item cannot be laid out at the same time."""
        return self.record.table, exact_json.dumps(dict(sorted((self.record.keys_raw or {}).items())))


def samples_of(rule_set: RuleSet) -> tuple[list[Sample], list[str]]:
    """The samples in rule order, and a note for each rule or test that gives none."""
    samples: list[Sample] = []
    notes: list[str] = []
    for rule in rule_set.rules:
        if not rule.enabled:
            continue
        if not rule.tests:
            notes.append(f"rule '{rule.id}' has no test, so no change is made for it; {ADVICE}")
        for test in rule.tests:
            try:
                samples += _samples(rule, test, rule_set)
            except (RecordError, OSError, ValueError) as error:
                notes.append(f"test '{test.get('name', '')}' of rule '{rule.id}' cannot be played: {error}")
    return samples, notes


def _samples(rule: Rule, test: Mapping[str, Any], rule_set: RuleSet) -> Iterator[Sample]:
    document = _document(rule, test)
    plain = isinstance(document, Mapping) and "event" in document
    event = _event(document, rule, plain)
    records = parse_event(event)
    tables = {table for each in rule_set.rules if each.enabled for table in each.tables}
    for record, raw in zip(records, _raw_records(event), strict=True):
        if isinstance(record, MalformedRecord):
            raise RecordError(record.reason)
        handed = _why_handed(record, tables) if plain else "its record is given as a stream delivers it"
        if plain and handed is None:
            given = [name for name in _STREAM_DECIDES if name in document]
            handed = f"its record says '{given[0]}', which a stream decides" if given else None
        # Of several records the test does not say which of them it is about.
        expected = _matches(test) if len(records) == 1 else None
        single = [raw] if isinstance(event, list) else {"Records": [raw]}
        placed = not plain or "eventID" in document or "sequenceNumber" in document
        yield Sample(rule.id, str(test.get("name", "")), single, record, expected, handed, placed)


def _document(rule: Rule, test: Mapping[str, Any]) -> Any:
    if "record" in test:
        return test["record"]
    folder = Path(rule.location.path).parent if rule.location is not None else Path()
    return exact_json.loads((folder / str(test["record_file"])).read_text(encoding="utf-8"))


def _event(document: Any, rule: Rule, plain: bool) -> Any:
    if plain:
        return {"Records": [record_from_images(document, rule.tables[0])]}
    if isinstance(document, list) or (isinstance(document, Mapping) and "Records" in document):
        return document
    return {"Records": [document]}


def _raw_records(event: Any) -> list[Any]:
    return list(event if isinstance(event, list) else event["Records"])


def _matches(test: Mapping[str, Any]) -> bool | None:
    expect = test.get("expect")
    if not isinstance(expect, Mapping):
        return None
    if isinstance(expect.get("match"), bool):
        return bool(expect["match"])
    if "stopped_by" in expect:
        return False
    return True if "actions" in expect else None


def _why_handed(record: StreamRecord, tables: set[str]) -> str | None:
    """Why no write to a table makes this record; None where one does."""
    if record.expired:
        return "time to live of the local server writes no records"
    if record.table not in tables:
        return f"no rule is for its table '{record.table}'"
    keys, old, new = record.keys_raw, record.old_raw, record.new_raw
    if not keys:
        return "its record has no keys"
    if (old is not None, new is not None) != _IMAGES_OF[record.event_name]:
        return "its record lacks an image, which a stream of both images never does"
    for image in (old, new):
        if image is not None and any(name in image and image[name] != keys[name] for name in keys):
            return "an image has another key than its record"
    if record.event_name == "MODIFY" and old is not None and new is not None and {**old} == {**new}:
        return "a write that changes nothing makes no record"
    return None
