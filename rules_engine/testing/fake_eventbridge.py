"""The fake of EventBridge: `put_events` and `describe_event_bus`.

As on AWS, an event for a bus that is not there is taken and dropped, and so is one whose detail type is
longer than 128 characters; an entry that is no event fails by itself.
"""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from rules_engine.testing.fake_service import NOTHING, FakeService, raise_error

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rules_engine.testing.fake_aws import FakeAws
    from rules_engine.testing.faults import Fault

MOST_ENTRIES = 10
DETAIL_TYPE_CHARACTERS = 128
MOST_BYTES = 1_048_576
TIME_BYTES = 14


class FakeEventBridge(FakeService):
    """`missing` are the names of buses that are not there; all others are."""

    service = "events"

    def __init__(self, aws: FakeAws) -> None:
        super().__init__(aws)
        self.missing: set[str] = set()
        self._events: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)

    def events(self, bus: str) -> list[dict[str, Any]]:
        """What a bus took, oldest first: the entries, with their `EventId`."""
        return self._events[bus]

    def put_events(self, **request: Any) -> dict[str, Any]:
        entries = request["Entries"]

        def effect(fault: Fault | None) -> dict[str, Any]:
            if not 1 <= len(entries) <= MOST_ENTRIES:
                raise_error("PutEvents", "ValidationException", f"a call has 1 to {MOST_ENTRIES} entries")
            if sum(map(_size, entries)) > MOST_BYTES:
                raise_error("PutEvents", "ValidationException", "the entries are too large together")
            failing = NOTHING if fault is None else fault.entries
            results = [
                {"ErrorCode": fault.code, "ErrorMessage": f"made to fail with {fault.code}"}
                if fault is not None and place in failing
                else self._put(entry)
                for place, entry in enumerate(entries)
            ]
            return {"FailedEntryCount": sum("ErrorCode" in each for each in results), "Entries": results}

        return self._perform("PutEvents", request, effect)

    def _put(self, entry: Mapping[str, Any]) -> dict[str, Any]:
        if not _is_object(entry["Detail"]):
            return {"ErrorCode": "MalformedDetail", "ErrorMessage": "Detail is malformed."}
        event_id = f"event-{len(self._aws.effects)}"
        bus = entry.get("EventBusName", "default")
        if bus not in self.missing and len(entry["DetailType"]) <= DETAIL_TYPE_CHARACTERS:
            self._events[bus].append({**entry, "EventId": event_id})
            self._took_effect("PutEvents", entry)
        return {"EventId": event_id}

    def describe_event_bus(self, **request: Any) -> dict[str, Any]:
        def effect(_fault: Fault | None) -> dict[str, Any]:
            if request["Name"] in self.missing:
                raise_error("DescribeEventBus", "ResourceNotFoundException", "there is no such bus")
            return {"Name": request["Name"]}

        return self._perform("DescribeEventBus", request, effect)


def _size(entry: Mapping[str, Any]) -> int:
    texts = (entry[name] for name in ("Source", "DetailType", "Detail"))
    return (TIME_BYTES if "Time" in entry else 0) + sum(len(text.encode()) for text in texts)


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False
