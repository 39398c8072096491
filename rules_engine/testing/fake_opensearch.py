"""The fake of an index server: `_bulk` with external versions, and versions of what was deleted.

`FakeOpenSearch.documents` holds the documents by index and id, as they were sent. A version that is too low
is answered with 409, each document for itself. What was deleted keeps its version for `gc_deletes_seconds`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from rules_engine import exact_json
from rules_engine.actions.transport import Answer
from rules_engine.testing.fake_service import NOTHING

if TYPE_CHECKING:
    from rules_engine.testing.fake_aws import FakeAws
    from rules_engine.testing.faults import Fault

GC_DELETES_SECONDS = 60.0
"""OpenSearch's own default."""


class FakeOpenSearch:
    """See the module. Indexes are there as soon as they are named."""

    def __init__(self, aws: FakeAws) -> None:
        self._aws = aws
        self.gc_deletes_seconds = GC_DELETES_SECONDS
        self.documents: dict[tuple[str, str], Any] = {}
        self._versions: dict[tuple[str, str], tuple[int, float | None]] = {}
        """The version of each document, and when it was deleted."""

    def bulk(self, url: str, body: bytes) -> Answer:
        """One call of an index's `_bulk`."""
        index = urlsplit(url).path.split("/")[1]
        entries = _entries(body.decode())
        request = {"url": url, "body": body.decode(), "Entries": entries}

        def effect(fault: Fault | None) -> Answer:
            failing = NOTHING if fault is None else fault.entries
            items = [
                {operation: _status(429, "rejected_execution_exception")}
                if position in failing
                else {operation: self._take(index, operation, head, document)}
                for position, (operation, head, document) in enumerate(entries)
            ]
            answer = {"errors": any("error" in each for item in items for each in item.values())}
            return Answer(200, None, json.dumps({**answer, "items": items}).encode())

        return self._aws.perform("opensearch", "Bulk", request, effect)

    def _take(self, index: str, operation: str, head: dict[str, Any], document: Any) -> dict[str, Any]:
        place = (index, head["_id"])
        known = self._known_version(place)
        lowest = -1 if known is None else known if head["version_type"] == "external_gte" else known + 1
        if head["version"] < lowest:
            return _status(409, "version_conflict_engine_exception")
        existed = place in self.documents
        if operation == "delete":
            self.documents.pop(place, None)
        else:
            self.documents[place] = document
        deleted_at = self._aws.sandbox.now if operation == "delete" else None
        self._versions[place] = (head["version"], deleted_at)
        self._aws.took_effect("opensearch", operation, {"_index": index, **head, "document": document})
        if operation == "delete":
            return _status(200 if existed else 404)
        return _status(200 if existed else 201)

    def _known_version(self, place: tuple[str, str]) -> int | None:
        version, deleted_at = self._versions.get(place, (None, None))
        if deleted_at is not None and self._aws.sandbox.now - deleted_at >= self.gc_deletes_seconds:
            return None
        return version


def _entries(body: str) -> list[tuple[str, dict[str, Any], Any]]:
    """(operation, its head, the document or None) of each entry."""
    found: list[tuple[str, dict[str, Any], Any]] = []
    lines = iter(body.splitlines())
    for line in lines:
        ((operation, head),) = json.loads(line).items()
        found.append((operation, head, exact_json.loads(next(lines)) if operation == "index" else None))
    return found


def _status(status: int, error_type: str | None = None) -> dict[str, Any]:
    return {"status": status} if error_type is None else {"status": status, "error": {"type": error_type}}
