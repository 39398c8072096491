"""What the function's answer means to the poller: `read_answer` gives a `Verdict`.

Stated by AWS ("Configuring partial batch response with DynamoDB and Lambda"): without
ReportBatchItemFailures any answer is success. With it, an empty or null answer and an empty or null list are
complete success; an empty, null or misnamed `itemIdentifier` is complete failure; otherwise the lowest
sequence number named is the checkpoint. An identifier that no record of the batch has is a complete failure:
LocalStack's tests, which were run against AWS, recorded it. A misspelt `batchItemFailures` is an answer
without that list, so it is success: the trap our own response builder exists for.

Our choice, where AWS says nothing about streams: an answer or list of another type is complete failure, as
AWS says of invalid answers to queues.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rules_engine.poller.virtual_shard import Entry

UNHANDLED = "Unhandled"
"""How AWS names the error of a function that raised, crashed or timed out."""


@dataclass(frozen=True, slots=True)
class Done:
    """Complete success: the next batch follows."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Partial success: what stands before `position` of the batch is done, the rest comes again."""

    position: int


@dataclass(frozen=True, slots=True)
class Failed:
    """Complete failure. `function_error` is None where the function did answer."""

    function_error: str | None = UNHANDLED


@dataclass(frozen=True, slots=True)
class NotInvoked:
    """The function could not be invoked, as when it is throttled: this uses up no retry."""


Verdict = Done | Checkpoint | Failed | NotInvoked
_INVALID = Failed(None)


def read_answer(answer: Any, entries: Sequence[Entry], report_batch_item_failures: bool) -> Verdict:
    """`answer` is what the function returned, as JSON data; `entries` are the batch that it got."""
    if not report_batch_item_failures or answer is None or (isinstance(answer, (str, list)) and not answer):
        return Done()
    if not isinstance(answer, Mapping):
        return _INVALID
    failures = answer.get("batchItemFailures")
    if failures is None:
        return Done()
    if not isinstance(failures, list):
        return _INVALID
    if not failures:
        return Done()
    positions = {entry.raw["dynamodb"]["SequenceNumber"]: place for place, entry in enumerate(entries)}
    failed = []
    for failure in failures:
        identifier = failure.get("itemIdentifier") if isinstance(failure, Mapping) else None
        if not isinstance(identifier, str) or identifier not in positions:
            return _INVALID
        failed.append(positions[identifier])
    return Checkpoint(min(failed))
