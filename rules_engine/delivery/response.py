"""The only builder of what the function returns to Lambda.

The poller reads an empty list, `null` or a misspelt key as complete success, and an empty or unknown
identifier as complete failure; without `ReportBatchItemFailures` on the mapping it ignores the answer
altogether. So there is one function that makes the answer, and wherever it cannot be sure it raises: a
batch that comes again loses nothing.
"""

from __future__ import annotations

from typing import TypedDict

from rules_engine.errors import BatchError


class ItemFailure(TypedDict):
    itemIdentifier: str


class BatchResponse(TypedDict):
    batchItemFailures: list[ItemFailure]


def batch_response(first_failed_id: str | None, partial_batch: bool) -> BatchResponse:
    """Success for None; otherwise the checkpoint: this record and all after it come again. Raises BatchError
    where the mapping does not read partial answers, or where the id cannot be a record's."""
    if first_failed_id is None:
        return {"batchItemFailures": []}
    if not isinstance(first_failed_id, str) or not first_failed_id.strip():
        raise BatchError("a record failed and has no identifier to report: the whole batch is to come again")
    if not partial_batch:
        raise BatchError(f"record {first_failed_id} failed: the whole batch is to come again")
    return {"batchItemFailures": [{"itemIdentifier": first_failed_id}]}
