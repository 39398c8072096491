"""Contenders against `json.loads` on the same records, taken in turn.

In: contenders, and records as text. Out: for each a `Timing`: seconds per record, and what `json.loads` took
for the same texts in the same batches. Before anything is timed, every contender's answers are compared with
the expected ones, record by record; a wrong one is a `WrongAnswer`. What is slow is timed on fewer records,
and the `Timing` says on how many.

Batches of 100 are parsed and then given to the contender, so that each sees new objects, with no hash or
decoded value left over from the last round, as in a function. Rounds go through all contenders in turn; of
each batch the fastest round counts, which keeps the noise of a shared machine out better than the fastest
whole round. Processor time is taken, for the same reason, and the garbage collector is off, as in `timeit`:
it makes json.loads a fifth slower, and would so make every ratio look better.
"""

from __future__ import annotations

import gc
import json
from dataclasses import dataclass
from time import process_time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

BATCH = 100
_LEAST = 10
"""Records that are always timed: fewer would not hold the workload's mix of events."""


class WrongAnswer(Exception):
    """A contender's matches are not the reference's."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How long may be measured. `seconds` is for one round of one contender."""

    seconds: float
    rounds: int
    records: int


@dataclass(frozen=True, slots=True)
class Contender:
    """Something that finds the rules that match.

    `match` gives their ids for one input, `match_all` the number of all matches of a batch. `prepare` makes
    inputs of a batch of texts and of the records parsed from them; it is not timed.
    """

    name: str
    match: Callable[[Any], list[str]]
    match_all: Callable[[Sequence[Any]], int]
    expected: Sequence[list[str]]
    prepare: Callable[[Sequence[str], list[dict[str, Any]]], Sequence[Any]] = lambda texts, parsed: parsed


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds are per record."""

    records: int
    seconds: float
    yardstick: float
    matches: float

    @property
    def ratio(self) -> float:
        return self.seconds / self.yardstick


def time_contenders(
    contenders: Sequence[Contender], texts: Sequence[str], effort: Effort
) -> dict[str, Timing]:
    """By the contenders' names. Raises WrongAnswer."""
    races = [_Race(contender, texts, effort) for contender in contenders]
    gc.collect()
    gc.disable()
    try:
        for _ in range(effort.rounds):
            for race in races:
                race.run()
    finally:
        gc.enable()
    return {race.contender.name: race.result() for race in races}


class _Race:
    """One contender, the records it is timed on, and the fastest times of each batch so far."""

    def __init__(self, contender: Contender, texts: Sequence[str], effort: Effort) -> None:
        self.contender = contender
        count = _checked(contender, texts[: effort.records], effort.seconds)
        self.batches = [texts[start : min(start + BATCH, count)] for start in range(0, count, BATCH)]
        self.count = count
        self.expected = sum(map(len, contender.expected[:count]))
        self.allowed, self.spent = effort.seconds * effort.rounds, 0.0
        self.fastest = [(float("inf"), float("inf"))] * len(self.batches)

    def run(self) -> None:
        """One round, unless the rounds so far have taken what all of them may."""
        if self.spent > self.allowed:
            return
        began = process_time()
        matched = 0
        for number, batch in enumerate(self.batches):
            for text in batch:
                json.loads(text)  # or the yardstick pays for the caches that the contender has emptied
            start = process_time()
            parsed = [json.loads(text) for text in batch]
            yardstick = process_time() - start
            inputs = self.contender.prepare(batch, parsed)
            start = process_time()
            matched += self.contender.match_all(inputs)
            seconds = process_time() - start
            best = self.fastest[number]
            self.fastest[number] = (min(best[0], seconds), min(best[1], yardstick))
            del parsed, inputs  # here, or freeing them would count as parsing the next batch
        self.spent += process_time() - began
        if matched != self.expected:
            raise WrongAnswer(f"{self.contender.name}: {matched} matches instead of {self.expected}")

    def result(self) -> Timing:
        seconds, yardstick = (sum(column) / self.count for column in zip(*self.fastest, strict=True))
        return Timing(self.count, seconds, yardstick, self.expected / self.count)


def _checked(contender: Contender, texts: Sequence[str], seconds: float) -> int:
    """How many records could be checked in `seconds`, in whole tens. Raises WrongAnswer."""
    start = process_time()
    count = 0
    for text, expected in zip(texts, contender.expected, strict=False):
        if count >= _LEAST and count % _LEAST == 0 and process_time() - start > seconds:
            break
        (made,) = contender.prepare([text], [json.loads(text)])
        matched = contender.match(made)
        if matched != expected:
            raise WrongAnswer(f"{contender.name}, record {count}: {matched} instead of {expected}")
        count += 1
    return count
