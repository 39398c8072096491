"""The history checker: what had to happen, what the targets saw -> what was lost, turned round or repeated.

In come the effects that each change owes (`Expected`), the log of effects in the order in which targets saw
them (`Effect`), and the delivery ids that were dead-lettered. A lane is a rule and an item. Only the first
effect of a delivery counts for order, and none that was dead-lettered before: a repeat carries the same
delivery id, so a receiver can tell it. A repeat that comes after a later change is counted by itself; it is
how stale values come about. What is in the dead-letter queue is not owed to its target any more, also where
it took effect once: an older value may stand there after it, but none older than what is not in the queue.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

Lane = tuple[str, str]


class Expected(NamedTuple):
    """An effect that is owed: this action of this rule, for the change with this sequence number."""

    delivery_id: Hashable
    rule: str
    action: str
    item: str
    sequence: int


class Effect(NamedTuple):
    """An effect that a target saw. `delivery_id` is the one of what it was owed for."""

    delivery_id: Hashable
    rule: str
    action: str
    item: str
    sequence: int
    time: float = 0.0


class Inversion(NamedTuple):
    """An effect whose first time was after an effect of a later change in its lane."""

    lane: Lane
    late: Effect
    after: int
    """Sequence number of the later change that was seen before."""


class Stale(NamedTuple):
    """A target that an older change wrote last, though a newer one had been there that is owed to it."""

    lane: Lane
    action: str
    last: int
    newest: int


@dataclass(frozen=True, slots=True)
class HistoryReport:
    """What `check_history` found."""

    expected: int
    effects: int
    lost: list[Expected]
    inversions: list[Inversion]
    stale: list[Stale]
    unexpected: list[Effect]
    duplicates: int
    """Effects of a delivery beyond its first."""
    late_repeats: int
    """Of these, how many came after an effect of a later change in their lane."""
    dead_lettered: int

    @property
    def is_clean(self) -> bool:
        """Nothing lost, turned round, stale or unasked for. Repeats and dead letters are no faults."""
        return not (self.lost or self.inversions or self.stale or self.unexpected)

    def __str__(self) -> str:
        return (
            f"{self.expected} owed, {self.effects} seen: {len(self.lost)} lost, "
            f"{len(self.inversions)} inversions, {len(self.stale)} stale, {len(self.unexpected)} unexpected, "
            f"{self.duplicates} duplicates ({self.late_repeats} of them late), "
            f"{self.dead_lettered} dead-lettered"
        )


def check_history(
    expected: Iterable[Expected],
    effects: Iterable[Effect],
    dead_letters: Iterable[Hashable] = (),
    superseded: Iterable[Hashable] = (),
) -> HistoryReport:
    """`effects` in the order seen. `superseded` are deliveries that rightly had no effect, because their
    target already held a newer value."""
    owed = {each.delivery_id: each for each in expected}
    dead, excused = set(dead_letters), set(superseded)
    seen: set[Hashable] = set()
    newest: dict[Lane, int] = {}
    last: dict[tuple[str, str, str], tuple[int, int]] = {}
    inversions, unexpected = [], []
    count = duplicates = late_repeats = 0
    for effect in effects:
        count += 1
        delivery_id, rule, action, item, sequence, _ = effect
        if delivery_id not in owed:
            unexpected.append(effect)
            continue
        lane = (rule, item)
        before = newest.get(lane, -1)
        if delivery_id in seen:
            duplicates += 1
            late_repeats += sequence < before
        else:
            seen.add(delivery_id)
            if sequence < before and delivery_id not in dead:
                inversions.append(Inversion(lane, effect, before))
        if sequence > before:
            newest[lane] = sequence
        place = (rule, item, action)
        newest_owed = last.get(place, (0, -1))[1]
        last[place] = (sequence, newest_owed if delivery_id in dead else max(sequence, newest_owed))
    settled = seen | dead | excused
    return HistoryReport(
        expected=len(owed),
        effects=count,
        lost=[each for each in owed.values() if each.delivery_id not in settled],
        inversions=inversions,
        stale=_stale(last),
        unexpected=unexpected,
        duplicates=duplicates,
        late_repeats=late_repeats,
        dead_lettered=len(dead & owed.keys()),
    )


def _stale(last: dict[tuple[str, str, str], tuple[int, int]]) -> list[Stale]:
    """Of each rule, item and action: the sequence numbers of its last effect and of the newest one owed."""
    return [
        Stale((rule, item), action, final, newest)
        for (rule, item, action), (final, newest) in last.items()
        if final < newest
    ]
