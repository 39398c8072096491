"""One simulated day of delivery: `play(stage, mix, seed, changes)` -> a `Day` with what it came to.

Random changes of a few items go through StreamSim, the whole delivery and the faults of the mix. Afterwards
every effect is compared with what was owed, every dead letter with its record, every copy with its original
and every count with the changes counted.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING

from rules_engine.delivery.dead_letter import read_dead_letter
from rules_engine.delivery.identity import delivery_id
from rules_engine.testing import (
    Effect,
    Expected,
    FaultMix,
    HistoryReport,
    MappingSettings,
    StreamSim,
    check_history,
)
from tests.soak.outside import QUEUE, Outside
from tests.soak.rules import COPIES, COUNTS, origin, owed

if TYPE_CHECKING:
    from rules_engine.testing import Change
    from tests.soak.outside import Stage

ITEMS = 8
MAPPING = MappingSettings(
    batch_size=20,
    report_batch_item_failures=True,
    bisect_batch_on_function_error=True,
    maximum_record_age_seconds=72_000,
)
"""As our template sets it, apart from the size: a hundred records would be the whole day."""
UNREADABLE = 0.1
"""Of poison records: those that not even the function can read."""
FIFO = "queued"
"""Its topic drops a repeat within five minutes. What comes later is counted, and no more is made of it: the
topic then takes an old message and drops a newer one, whatever the function does."""
_PAUSES = (0, 0, 0, 0, 0, 0, 0, 0.5, 0.5, 4)
_STATUSES = ("NEW", "OPEN", "SHIPPED")
Name = tuple[str | None, str | None, str]
"""Rule, action and event id: a delivery."""


@dataclass(frozen=True, slots=True)
class Day:
    """`violations` are sentences; without any the day is as it has to be."""

    report: HistoryReport
    violations: list[str]
    counts: Counter[str]


def play(stage: Stage, mix: FaultMix, seed: int, changes: int) -> Day:
    outside = stage.outside = Outside.of_mix(mix, seed)
    mapping, shards = mapping_of(seed)
    outside.partial_batch = mapping.report_batch_item_failures
    sim = StreamSim(
        stage.function(seed),
        mapping=mapping,
        seed=seed,
        faults=mix,
        sandbox=outside.sandbox,
        shards=shards,
        fresh_events=False,
        new_process=lambda: stage.function(seed),
    )
    write_changes(sim, outside, mix.poison_records, Random(seed), changes)
    sim.run()
    return judge(sim, outside)


def mapping_of(seed: int) -> tuple[MappingSettings, int]:
    """Half of the days have the mapping of our template, the others any; and the number of shards."""
    choice = Random(f"mapping {seed}").choice
    if choice((True, False)):
        return MAPPING, 1
    return replace(
        MAPPING,
        batch_size=choice((5, 10, 20)),
        batching_window_seconds=choice((0, 2)),
        parallelization_factor=choice((1, 3)),
        report_batch_item_failures=choice((True, True, False)),
        bisect_batch_on_function_error=choice((True, False)),
    ), choice((1, 2))


def write_changes(sim: StreamSim, outside: Outside, poison: float, random: Random, changes: int) -> None:
    draw, at = random.random, sim.sandbox.now
    for _ in range(changes):
        key = {"id": f"o-{int(draw() * ITEMS)}"}
        at += _PAUSES[int(draw() * len(_PAUSES))]
        if draw() < 0.1:
            change = sim.remove(key, at)
        else:
            item = {"status": {"S": _STATUSES[int(draw() * 3)]}, "size": {"N": str(int(draw() * 9))}}
            change = sim.put_raw({"id": {"S": key["id"]}, **item}, at)
        if change is not None and draw() < poison:
            spoil(change, outside, unreadable=draw() < UNREADABLE)


def spoil(change: Change, outside: Outside, *, unreadable: bool) -> None:
    """No target takes it; or not even the function can read it."""
    if unreadable:
        change.record["eventName"] = "CANARY"
    outside.poison |= {change.event_id, _version(change)}


def _version(change: Change) -> str:
    return str(change.sequence).zfill(64)


def judge(sim: StreamSim, outside: Outside) -> Day:
    """What became of the changes that went through `sim`."""
    changes = {change.event_id: change for change in sim.changes}
    changes |= {_version(change): change for change in sim.changes}
    names = expected_of(sim.changes)
    violations: list[str] = []
    dead = _dead_letters(outside, changes, violations)
    effects, times = [], Counter[Name]()
    for effect in outside.aws.effects:
        found = origin(effect)
        if found is not None:
            rule, action, event = found
            change = changes[event]
            name = (rule, action, change.event_id)
            times[name] += 1
            if rule == FIFO and times[name] > 1:
                continue
            effects.append(Effect(name, rule, action, change.item, change.sequence, effect.time))
    report = check_history(names, effects, dead, _superseded(outside, sim.changes))
    if not report.is_clean:
        violations.append(_first_fault(report))
    violations += [
        f"{name} took effect twice" for name, count in times.items() if count > 1 and name[0] == "counted"
    ]
    violations += _wrong_tables(outside, sim, times, dead)
    if sim.given_up:
        violations.append(f"the poller gave up {len(sim.given_up)} batches")
    counts = Counter(
        owed=report.expected,
        effects=times.total(),
        lost=len(report.lost),
        inversions=len(report.inversions),
        stale=len(report.stale),
        duplicates=times.total() - len(times),
        once_duplicates=sum(count - 1 for name, count in times.items() if name[0] == "counted"),
        fifo_duplicates=sum(count - 1 for name, count in times.items() if name[0] == FIFO),
        dead_letters=report.dead_lettered,
        state_reads=outside.state_reads,
        state_writes=outside.state_writes,
        invocations=len(sim.invocations),
    )
    return Day(report, violations, counts)


def expected_of(changes: list[Change]) -> list[Expected]:
    expected = []
    for change in changes:
        event_id, item, sequence = change.event_id, change.item, change.sequence
        if change.record["eventName"] == "CANARY":
            expected.append(Expected((None, None, event_id), "", "", item, sequence))
            continue
        for rule, action in owed(change):
            expected.append(Expected((rule, action, event_id), rule, action, item, sequence))
    return expected


def _dead_letters(outside: Outside, changes: dict[str, Change], violations: list[str]) -> set[Name]:
    """The deliveries that are in the queue; each letter must have the whole record."""
    found = set()
    for message in outside.aws.sqs.messages(QUEUE):
        letter = read_dead_letter(message["MessageBody"], _no_spill)
        event_id = letter.record["eventID"]
        found.add((letter.rule, letter.action, event_id))
        change = changes[event_id]
        name = (event_id, letter.rule, letter.action) if letter.rule else (str(change.sequence), "", "")
        if letter.record != change.record or letter.id != delivery_id(*name):
            violations.append(f"the dead letter {letter.id} is not that of {event_id}")
    return found


def _no_spill(bucket: str, key: str) -> bytes:
    raise AssertionError("no record of the soak is so large")


def _superseded(outside: Outside, changes: list[Change]) -> list[Name]:
    """Copies that the table was asked to take. What it did not take, it held a newer version of: that it is
    the newest is asked at the end of the day."""
    return [("copied", "sync", change.event_id) for change in changes if _version(change) in outside.synced]


def _wrong_tables(outside: Outside, sim: StreamSim, times: Counter[Name], dead: set[Name]) -> list[str]:
    """Copies that are not like the newest version owed; counts that are not the number of changes counted."""
    found = []
    newest: dict[str, Change] = {}
    counted: Counter[str] = Counter()
    for change in sim.changes:
        if change.record["eventName"] == "CANARY":
            continue
        key = change.record["dynamodb"]["Keys"]["id"]["S"]
        name: Name = ("copied", "sync", change.event_id)
        if name in times or name not in dead:
            newest[key] = change
        counted[key] += ("counted", "count", change.event_id) in times
    copies = {item["id"]["S"]: item for item in outside.aws.dynamodb.items(COPIES)}
    for key, change in newest.items():
        copy = dict(copies.get(key, {}))
        version = copy.pop("_sequence_number", {"S": ""})["S"]
        image = change.record["dynamodb"].get("NewImage")
        same = copy == image if image is not None else copy.get("_removed") == {"BOOL": True}
        if version != _version(change) or not same:
            found.append(f"the copy of {key} is not what {change.event_id} made it")
    counts = {item["id"]["S"]: int(item["n"]["N"]) for item in outside.aws.dynamodb.items(COUNTS)}
    if counts != {key: count for key, count in counted.items() if count}:
        found.append(f"counted {counts} instead of {dict(counted)}")
    return found


def _first_fault(report: HistoryReport) -> str:
    faults = [*report.lost, *report.inversions, *report.stale, *report.unexpected]
    return f"{report}; first {faults[0]}"
