"""What an invocation leaves for the next one: which units after the checkpoint are done already.

Lambda delivers everything from the first unresolved record on again. A `Checkpoint`, named by that record,
says which of it must not be done twice. It also counts the tries of units that fail for reasons nobody knows.
All checkpoints of a stream that still stand are read together (`Outstanding`), because Lambda may start
anywhere before one of them: whoever makes an older change of a lane again than one that a checkpoint says is
done takes that checkpoint back first, or the newer change would be skipped and the old value stay. A missing
checkpoint costs repeats only. A read that fails raises: what is done must not be guessed.

Ids are kept as 16 bytes of their 20, lanes as 6 bytes of a hash: two lanes that share them cost a repeat.
"""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Protocol

from rules_engine.light_dataclass import dataclass, field

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rules_engine.delivery.unit import Lane, Unit
    from rules_engine.record import MalformedRecord, StreamRecord

ID_BYTES = 16
LANE_BYTES = 6
MOST_DONE = 22_000
"""What does not fit is done again."""
FREE_BYTES = 2 * 1024
"""That the checkpoints of a stream may take up for nothing: a read pays for 4 KB at least."""
_LAST = 10**64
"""After every sequence number: where a pipe left them away, nothing is known of the order."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Ids of units that are done, in the order of their records, and tries made of some that are not. The
    order is for a checkpoint that is full: of a lane only the end may be forgotten.

    `lanes` are those of what is done, and `newest` is the highest sequence number of it."""

    done: tuple[bytes, ...] = ()
    tries: Mapping[bytes, int] = field(default_factory=dict)
    lanes: frozenset[bytes] = frozenset()
    newest: int = -1

    def is_contradicted_by(self, lane: bytes, sequence: int | None) -> bool:
        """Whether it may say that a later change of the lane is done."""
        return lane in self.lanes and (sequence is None or sequence < self.newest)


NOTHING = Checkpoint()


@dataclass(frozen=True, slots=True)
class Outstanding:
    """The checkpoints of a stream, by the failure ids of the records that they start with. What is done is
    said for the one that was asked for; of the others only lanes matter. `size_bytes` is about what all of
    them take up. Those that are `unreadable`, by another version of the engine or by somebody's hand, must go
    before anything is made: nobody knows what they contradict."""

    checkpoints: Mapping[str, Checkpoint] = field(default_factory=dict)
    expired: tuple[str, ...] = ()
    size_bytes: int = 0
    unreadable: tuple[str, ...] = ()


class ResumeStore(Protocol):
    def read(self, stream: str, start: str, now: float) -> Outstanding:
        """What is outstanding, as a batch that starts with `start` has to know it. Raises BatchError."""

    def write(
        self,
        stream: str,
        before: Outstanding,
        forgotten: Sequence[str],
        kept: tuple[str, Checkpoint] | None,
        now: float,
    ) -> None:
        """Raises what boto3 raises. `before` is what was read."""


class NoResumeStore:
    """Without a state table everything after the checkpoint is done again."""

    def read(self, stream: str, start: str, now: float) -> Outstanding:
        return Outstanding()

    def write(
        self,
        stream: str,
        before: Outstanding,
        forgotten: Sequence[str],
        kept: tuple[str, Checkpoint] | None,
        now: float,
    ) -> None:
        pass


def stream_of(record: StreamRecord | MalformedRecord) -> str:
    """What the checkpoints of a record's stream are found by: an event does not name the shard."""
    return str(record.raw.get("eventSourceARN") or getattr(record, "table", ""))


def short_id(delivery_id: str) -> bytes:
    """A delivery id as a checkpoint holds it."""
    return base64.b32decode(delivery_id)[:ID_BYTES]


def short_lane(lane: Lane) -> bytes:
    """A lane as a checkpoint holds it: nobody can read an item's key from it."""
    return hashlib.sha256(lane.name.encode(errors="surrogatepass")).digest()[:LANE_BYTES]


def contradicted(units: Iterable[Unit], outstanding: Outstanding, start: str) -> list[str]:
    """Checkpoints of others than the batch that starts with `start` which must not stand any more once the
    unresolved ones of these units are made."""
    others = {name: each for name, each in outstanding.checkpoints.items() if name != start and each.lanes}
    if not others:
        return []
    to_do = {(short_lane(unit.lane), unit.sequence) for unit in units if unit.outcome is None}
    return [name for name, each in others.items() if any(each.is_contradicted_by(*unit) for unit in to_do)]


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
            done.append(unit)
        elif unit.failure is not None and unit.failure.error_class == "unknown":
            tries[name] = unit.tries_before + unit.tries
    del done[MOST_DONE:]
    rest = tuple(name for name in before.done if name not in seen)
    lanes = {short_lane(unit.lane) for unit in done}
    newest = max((_LAST if unit.sequence is None else unit.sequence for unit in done), default=-1)
    if rest:
        lanes |= before.lanes
        newest = max(newest, before.newest)
    names = (*(short_id(unit.id) for unit in done), *rest)
    return Checkpoint(names[:MOST_DONE], tries, frozenset(lanes), newest)
