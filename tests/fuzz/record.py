"""Any event is refused, or each of its records can be read or reported; any attribute is read or refused.
Nothing ends with another error than ours.
"""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rules_engine.attribute_value import Image, decode, encode
from rules_engine.errors import AttributeValueError, RecordError
from rules_engine.record import MalformedRecord, parse_event

if TYPE_CHECKING:
    from collections.abc import Iterator

CASES = Path(__file__).parent.parent / "cases/records"


def check(data: bytes) -> None:
    try:
        event = json.loads(data)
    except (ValueError, RecursionError):
        return
    with suppress(AttributeValueError):
        _check_attribute(event)
    try:
        records = parse_event(event)
    except RecordError:
        return
    assert len(records) == len(event if isinstance(event, list) else event["Records"])
    for record in records:
        assert isinstance(record.failure_id, str)
        assert record.failure_id
        if not isinstance(record, MalformedRecord):
            for image in (record.document["keys"], record.document["new"], record.document["old"]):
                for name in image or ():
                    with suppress(AttributeValueError):
                        _read(image[name])


def _check_attribute(attribute: Any) -> None:
    """What can be read comes back as it was."""
    value = decode(attribute)
    _read(value)
    again = decode(encode(value))
    assert type(again) is type(value)
    assert again == value


def _read(value: Any) -> None:
    for part in value.values() if isinstance(value, Image) else value if isinstance(value, list) else ():
        _read(part)


def seeds() -> Iterator[bytes]:
    for path in sorted(CASES.glob("*/*.json")):
        if path.name == "event.json":
            yield path.read_bytes()
        elif path.name == "record.json":
            yield b'{"Records": [' + path.read_bytes() + b"]}"
    for attribute in (all_types(), {"L": [all_types()]}, {"NS": ["1", "-2.50", "1E+3"]}):
        yield json.dumps(attribute).encode()


def all_types() -> dict[str, Any]:
    return {
        "M": {
            "s": {"S": "a"},
            "n": {"N": "-12.50"},
            "b": {"B": "YQ=="},
            "t": {"BOOL": True},
            "u": {"NULL": True},
            "ss": {"SS": ["b", "a"]},
            "bs": {"BS": ["YQ=="]},
        }
    }
