"""The rules of Lambda's poller of DynamoDB streams, without any input, output or clock of its own.

In come the records of a shard, the time, and what the function answered; out come the batches to hand over
and the records that are given up. `rules_engine.testing` drives this with virtual time and memory,
`rules_engine.local` with real time and HTTP, so both follow one reading of what AWS says. Where AWS says
nothing, the code says that the choice is ours.
"""

from rules_engine.poller.answer import Checkpoint, Done, Failed, NotInvoked, Verdict, read_answer
from rules_engine.poller.failure_document import failure_document, failure_object_key
from rules_engine.poller.filters import compile_filters
from rules_engine.poller.settings import RETENTION_SECONDS, MappingError, MappingSettings
from rules_engine.poller.virtual_shard import (
    EXPIRED,
    RECORD_AGE_EXCEEDED,
    RETRIES_EXHAUSTED,
    Batch,
    Discard,
    Entry,
    VirtualShard,
    virtual_shard_number,
)

__all__ = [
    "EXPIRED",
    "RECORD_AGE_EXCEEDED",
    "RETENTION_SECONDS",
    "RETRIES_EXHAUSTED",
    "Batch",
    "Checkpoint",
    "Discard",
    "Done",
    "Entry",
    "Failed",
    "MappingError",
    "MappingSettings",
    "NotInvoked",
    "Verdict",
    "VirtualShard",
    "compile_filters",
    "failure_document",
    "failure_object_key",
    "read_answer",
    "virtual_shard_number",
]
