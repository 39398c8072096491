"""What an invocation leaves for the next one: which units after the checkpoint are done already.

Lambda delivers everything from the first unresolved record on again. One item of the state table, named by
the stream and that record's sequence number, says which of it must not be done twice; it is read once, and
written only where something is unresolved. It also counts the tries of units that fail for reasons
nobody knows. A read that fails raises: going on without it would bring old values back over new ones.

The item of the record that a batch started with names the one that was written for its checkpoint. If that
batch comes again, its answer was lost: what it wrote is taken back first, since Lambda may have halved it.

Ids are kept as 16 bytes of their 20. An item holds 22,000 of them; what does not fit is done again.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from rules_engine.delivery.failure import code_of
from rules_engine.errors import BatchError
from rules_engine.light_dataclass import dataclass, field

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rules_engine.delivery.unit import Unit
    from rules_engine.record import MalformedRecord, StreamRecord

KEY, EXPIRY = "id", "expires_at"
LIFETIME_SECONDS = 48 * 3600
"""Twice as long as a stream keeps its records."""
ID_BYTES = 16
MOST_DONE = 22_000
MOST_TRIES = 500
"""DynamoDB's items end at 400 KB."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a resume item says: ids of units that are done, in the order of their records, and tries made of
    some that are not. The order is for an item that is full: of a lane only the end may be forgotten, or an
    older change would be made again and a newer one not.
    """

    done: tuple[bytes, ...] = ()
    tries: Mapping[bytes, int] = field(default_factory=dict)
    leads_to: str | None = None
    """The name of the item that an invocation which started here wrote for a later record."""


NOTHING = Checkpoint()


class ResumeStore(Protocol):
    def read(self, key: str) -> Checkpoint:
        """Raises BatchError."""

    def write(self, key: str, checkpoint: Checkpoint, now: float) -> None:
        """Raises what boto3 raises."""


class NoResumeStore:
    """Without a state table everything after the checkpoint is done again."""

    def read(self, key: str) -> Checkpoint:
        return NOTHING

    def write(self, key: str, checkpoint: Checkpoint, now: float) -> None:
        pass


@dataclass(frozen=True, slots=True)
class TableResumeStore:
    """`client` is boto3's of DynamoDB."""

    client: Any
    table: str

    def read(self, key: str) -> Checkpoint:
        try:
            answer = self.client.get_item(
                TableName=self.table,
                Key={KEY: {"S": key}},
                ConsistentRead=True,
                ReturnConsumedCapacity="NONE",
            )
        except (BotoCoreError, ClientError) as error:
            raise BatchError(f"the state table cannot be read: {code_of(error)}") from None
        item = answer.get("Item")
        return NOTHING if item is None else _checkpoint_of(item)

    def write(self, key: str, checkpoint: Checkpoint, now: float) -> None:
        item: dict[str, Any] = {
            KEY: {"S": key},
            EXPIRY: {"N": str(int(now) + LIFETIME_SECONDS)},
        }
        if checkpoint.done:
            item["done"] = {"B": b"".join(checkpoint.done[:MOST_DONE])}
        if checkpoint.tries:
            kept = list(checkpoint.tries.items())[:MOST_TRIES]
            item["tries"] = {"M": {_text(name): {"N": str(count)} for name, count in kept}}
        if checkpoint.leads_to is not None:
            item["leads_to"] = {"S": checkpoint.leads_to}
        self.client.put_item(TableName=self.table, Item=item)


def resume_key(record: StreamRecord | MalformedRecord) -> str:
    """The name of the resume item of a batch that starts with `record`."""
    source = record.raw.get("eventSourceARN") or getattr(record, "table", "")
    return f"resume#{source}#{record.failure_id}"


def short_id(delivery_id: str) -> bytes:
    """A delivery id as a resume item holds it."""
    return base64.b32decode(delivery_id)[:ID_BYTES]


def _checkpoint_of(item: Mapping[str, Any]) -> Checkpoint:
    done = bytes(item["done"]["B"]) if "done" in item else b""
    tries = item.get("tries", {}).get("M", {})
    return Checkpoint(
        tuple(done[at : at + ID_BYTES] for at in range(0, len(done), ID_BYTES)),
        {base64.b32decode(name): int(count["N"]) for name, count in tries.items()},
        item["leads_to"]["S"] if "leads_to" in item else None,
    )


def next_checkpoint(before: Checkpoint, units: Iterable[Unit], first: int) -> Checkpoint:
    """After an invocation of which the record at position `first` is the first that comes again.

    `units` are in the order of their records. What concerns records that were not in the batch is kept, for
    Lambda may have halved it.
    """
    done, seen = [], set()
    tries = dict(before.tries)
    for unit in units:
        name = short_id(unit.id)
        seen.add(name)
        tries.pop(name, None)
        if unit.position < first:
            continue
        if unit.outcome is not None:
            done.append(name)
        elif unit.failure is not None and unit.failure.error_class == "unknown":
            tries[name] = unit.tries_before + unit.tries
    # What was named there was taken back; to name it once more does no harm and saves a write.
    leads_to = before.leads_to if first == 0 else None
    return Checkpoint((*done, *(name for name in before.done if name not in seen)), tries, leads_to)


def _text(name: bytes) -> str:
    return base64.b32encode(name).decode("ascii")
