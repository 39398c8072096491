"""The table whose stream is simulated: writes -> stream records, as DynamoDB makes them.

A write that changes nothing makes no record. Sequence numbers look as those of real streams do: a count of
changes in front of 20 digits that grow by irregular steps. They have 21 digits, and 22 from the tenth record
on, so a handler that compares them as text is found out.
"""

from __future__ import annotations

import json
import random
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, NamedTuple

from rules_engine.attribute_value import encode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

REGION = "eu-central-1"
ACCOUNT_ID = "000000000000"
FIRST_SEQUENCE = 499_000
COUNTED = 10**20
LARGEST_STEP = 37


class Change(NamedTuple):
    """One change of one item. `item` names the item: its keys as canonical JSON."""

    sequence: int
    item: str
    event_name: str
    at: float
    partition: int
    """A hash of the partition key, which decides the shard."""
    record: dict[str, Any]

    @property
    def event_id(self) -> str:
        return str(self.record["eventID"])


class SourceTable:
    """See the module. `keys` are the names of the partition key and, if there is one, of the sort key."""

    def __init__(self, name: str, keys: Sequence[str], seed: int) -> None:
        self.stream_arn = (
            f"arn:aws:dynamodb:{REGION}:{ACCOUNT_ID}:table/{name}/stream/2026-01-01T00:00:00.000"
        )
        self._keys = tuple(keys)
        self._seed = seed
        self._random = random.Random(f"sequence numbers {seed}")  # noqa: S311 - repeatable, not secret
        self._sequence = FIRST_SEQUENCE
        self._items: dict[str, dict[str, Any]] = {}
        self._names: dict[tuple[Any, ...], tuple[str, dict[str, Any], int]] = {}
        self._count = 0

    def put(self, item: Mapping[str, Any], at: float) -> Change | None:
        """Writes an item in plain values; None if it was there just so."""
        return self.put_raw({name: encode(value) for name, value in item.items()}, at)

    def put_raw(self, item: dict[str, Any], at: float) -> Change | None:
        """The same in DynamoDB JSON. The item is the caller's to leave alone afterwards."""
        name, keys, partition = self._place(item)
        old = self._items.get(name)
        if old == item:
            return None
        self._items[name] = item
        images = {"NewImage": item} if old is None else {"NewImage": item, "OldImage": old}
        event_name = "INSERT" if old is None else "MODIFY"
        return self._change(event_name, name, keys, partition, images, at)

    def remove(self, key: Mapping[str, Any], at: float) -> Change | None:
        """Removes an item, its key in plain values; None if there was none."""
        name, keys, partition = self._place({name: encode(value) for name, value in key.items()})
        old = self._items.pop(name, None)
        if old is None:
            return None
        return self._change("REMOVE", name, keys, partition, {"OldImage": old}, at)

    def items(self) -> dict[str, dict[str, Any]]:
        """What the table holds now, by the items' names."""
        return dict(self._items)

    def _place(self, item: Mapping[str, Any]) -> tuple[str, dict[str, Any], int]:
        values = tuple([next(iter(item[name].items())) for name in self._keys])
        known = self._names.get(values)
        if known is None:
            keys = {name: item[name] for name in self._keys}
            digest = blake2b(json.dumps(keys[self._keys[0]]).encode(), digest_size=4).digest()
            name = json.dumps(keys, sort_keys=True, separators=(",", ":"))
            known = self._names[values] = (name, keys, int.from_bytes(digest))
        return known

    def _change(
        self,
        event_name: str,
        name: str,
        keys: dict[str, Any],
        partition: int,
        images: dict[str, Any],
        at: float,
    ) -> Change:
        self._sequence += COUNTED + 1 + int(self._random.random() * LARGEST_STEP)
        self._count += 1
        record = {
            "eventID": f"{self._seed:016x}{self._count:016x}",
            "eventName": event_name,
            "eventVersion": "1.1",
            "eventSource": "aws:dynamodb",
            "awsRegion": REGION,
            "dynamodb": {
                "ApproximateCreationDateTime": int(at),
                "Keys": keys,
                **images,
                "SequenceNumber": str(self._sequence),
                "SizeBytes": 100,
                "StreamViewType": "NEW_AND_OLD_IMAGES",
            },
            "eventSourceARN": self.stream_arn,
        }
        return Change(self._sequence, name, event_name, at, partition, record)
