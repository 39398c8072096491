"""Checkpoints in the state table: one item for each stream, with an attribute for each that stands.

In goes a client of DynamoDB; `TableResumeStore` reads the item with one consistent call and changes it with
one update, which leaves alone what other shards write at the same time. What a large checkpoint says is done
is in an item of its own, so that the one which every invocation reads stays small; a mark that both have
tells that they belong together. An item for each checkpoint alone was the alternative: nobody who starts
before one would find it. A checkpoint that does not fit any more is not kept, which costs repeats.
"""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from rules_engine.delivery.failure import code_of
from rules_engine.delivery.resume import ID_BYTES, LANE_BYTES, Checkpoint, Outstanding
from rules_engine.errors import BatchError
from rules_engine.light_dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

KEY, EXPIRY = "id", "expires_at"
LIFETIME_SECONDS = 48 * 3600
"""Twice as long as a stream keeps its records."""
MOST_TRIES = 500
MOST_INLINE = 256
"""Ids in the item of the stream, 4 KB: what one unit of reading pays for."""
MOST_BYTES = 300 * 1024
"""DynamoDB's items end at 400 KB, and several shards may add to one at the same time."""
MOST_REMOVED = 100
"""By one update, whose text is limited."""
_CHECKPOINT = "at#"
_OVERHEAD_BYTES = 150
_TRY_BYTES = 40


@dataclass(frozen=True, slots=True)
class TableResumeStore:
    """`client` is boto3's of DynamoDB."""

    client: Any
    table: str

    def read(self, stream: str, start: str, now: float) -> Outstanding:
        checkpoints: dict[str, Checkpoint] = {}
        expired, unreadable, size = [], [], 0
        for name, value in self._item(_key(stream)).items():
            if not name.startswith(_CHECKPOINT):
                continue
            record_id = name.removeprefix(_CHECKPOINT)
            try:
                entry = value["M"]
                size += _size(entry)
                if int(entry[EXPIRY]["N"]) <= now:
                    expired.append(record_id)
                else:
                    checkpoints[record_id] = self._checkpoint(stream, record_id, entry, record_id == start)
            except (LookupError, TypeError, ValueError, AttributeError):
                unreadable.append(record_id)
        return Outstanding(checkpoints, tuple(expired), size, tuple(unreadable))

    def _checkpoint(
        self, stream: str, record_id: str, entry: Mapping[str, Any], is_asked_for: bool
    ) -> Checkpoint:
        content = entry
        if "apart" in entry:
            apart = self._item(_key(stream, record_id)) if is_asked_for else {}
            content = apart if apart.get("mark") == entry["apart"] else {}
        return _checkpoint_of(entry, content)

    def _item(self, key: str) -> Mapping[str, Any]:
        try:
            answer = self.client.get_item(
                TableName=self.table,
                Key={KEY: {"S": key}},
                ConsistentRead=True,
                ReturnConsumedCapacity="NONE",
            )
        except (BotoCoreError, ClientError) as error:
            raise BatchError(f"the state table cannot be read: {code_of(error)}") from None
        item: Mapping[str, Any] = answer.get("Item", {})
        return item

    def write(
        self,
        stream: str,
        before: Outstanding,
        forgotten: Sequence[str],
        kept: tuple[str, Checkpoint] | None,
        now: float,
    ) -> None:
        expiry = {"N": str(int(now) + LIFETIME_SECONDS)}
        removed, entry = [*forgotten, *before.expired], None
        if kept is not None:
            record_id, checkpoint = kept
            removed.append(record_id)
            content, apart = _entry_of(checkpoint, expiry)
            if before.size_bytes + _size(content) <= MOST_BYTES:
                entry = (removed.pop(), content)
                if apart:
                    name = {KEY: {"S": _key(stream, record_id)}, EXPIRY: expiry}
                    self.client.put_item(TableName=self.table, Item=name | apart)
        while len(removed) > MOST_REMOVED:
            self._update(stream, removed[:MOST_REMOVED], None, expiry)
            del removed[:MOST_REMOVED]
        self._update(stream, removed, entry, expiry)

    def _update(
        self, stream: str, removed: Sequence[str], kept: tuple[str, Any] | None, expiry: Mapping[str, str]
    ) -> None:
        names, values = {"#expiry": EXPIRY}, {":expiry": expiry}
        text = "SET #expiry = :expiry"
        if kept is not None:
            names["#kept"], values[":kept"] = _CHECKPOINT + kept[0], {"M": kept[1]}
            text += ", #kept = :kept"
            removed = [record_id for record_id in removed if record_id != kept[0]]
        names |= {f"#r{place}": _CHECKPOINT + record_id for place, record_id in enumerate(removed)}
        if removed:
            text += " REMOVE " + ", ".join(f"#r{place}" for place in range(len(removed)))
        self.client.update_item(
            TableName=self.table,
            Key={KEY: {"S": _key(stream)}},
            UpdateExpression=text,
            ExpressionAttributeNames=names,
            ExpressionAttributeValues=values,
        )


def _key(stream: str, record_id: str | None = None) -> str:
    return f"resume#{stream}" if record_id is None else f"resume#{stream}#{record_id}"


def _entry_of(checkpoint: Checkpoint, expiry: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """A checkpoint as the stream's item holds it, and what of it is in an item of its own."""
    entry: dict[str, Any] = {EXPIRY: expiry, "newest": {"S": str(checkpoint.newest)}}
    if checkpoint.lanes:
        entry["lanes"] = {"B": b"".join(sorted(checkpoint.lanes))}
    content: dict[str, Any] = {}
    if checkpoint.done:
        content["done"] = {"B": b"".join(checkpoint.done)}
    if checkpoint.tries:
        kept = list(checkpoint.tries.items())[:MOST_TRIES]
        content["tries"] = {"M": {_text(name): {"N": str(count)} for name, count in kept}}
    if len(checkpoint.done) + len(checkpoint.tries) <= MOST_INLINE:
        return entry | content, {}
    mark = {"B": hashlib.sha256(repr(content).encode()).digest()}
    return entry | {"apart": mark}, content | {"mark": mark}


def _checkpoint_of(entry: Mapping[str, Any], content: Mapping[str, Any]) -> Checkpoint:
    tries = content.get("tries", {}).get("M", {})
    return Checkpoint(
        _pieces(content.get("done"), ID_BYTES),
        {base64.b32decode(name): int(count["N"]) for name, count in tries.items()},
        frozenset(_pieces(entry.get("lanes"), LANE_BYTES)),
        int(entry["newest"]["S"]),
    )


def _pieces(value: Mapping[str, Any] | None, size: int) -> tuple[bytes, ...]:
    data = b"" if value is None else bytes(value["B"])
    return tuple(data[at : at + size] for at in range(0, len(data), size))


def _size(entry: Mapping[str, Any]) -> int:
    """About what a checkpoint takes up in the stream's item."""
    binary = sum(len(value["B"]) for value in entry.values() if "B" in value)
    return _OVERHEAD_BYTES + binary + _TRY_BYTES * len(entry.get("tries", {}).get("M", {}))


def _text(name: bytes) -> str:
    return base64.b32encode(name).decode("ascii")
