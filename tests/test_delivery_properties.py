"""Laws of delivery, whatever goes wrong: what is answered, and what a poller makes of the answers."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from hypothesis import given, settings
from hypothesis import strategies as st

from rules_engine.delivery.response import batch_response
from rules_engine.errors import ActionError, BatchError, Superseded, TemplateError
from rules_engine.model import RuleSet
from tests.delivery_fakes import (
    START,
    Bench,
    FakeBatchingAction,
    FakeDeadLetters,
    FakeResumeStore,
    Fault,
    World,
    change,
    malformed,
    rules_of,
)


def throttled() -> ClientError:
    answer: Any = {"Error": {"Code": "ThrottlingException"}, "ResponseMetadata": {"HTTPStatusCode": 400}}
    return ClientError(answer, "Publish")


ERRORS: list[Exception] = [
    ActionError("HTTP_503", "down", "transient"),
    ActionError("HTTP_429", "busy", "transient", 9.0),
    ActionError("HTTP_403", "denied", "systemic"),
    ActionError("HTTP_422", "refused", "permanent"),
    ActionError("HTTP_410", "gone", "gone"),
    ActionError("HOST", "not allowed", "blocked"),
    ActionError("HTTP_302", "odd"),
    throttled(),
    ReadTimeoutError(endpoint_url="http://target"),
    TemplateError("cannot be rendered"),
    ZeroDivisionError("a mistake of ours"),
    OSError("reset"),
    Superseded("newer"),
]

RULES = rules_of(first="ab", second="c")
"""Each record is three units."""
MODES = st.sampled_from(["retry", "dead_letter", "continue"])


@dataclass
class Chaos:
    """Faults drawn from a seed: each try of a unit may fail, always for the reason drawn for the unit."""

    seed: int
    rate: float
    queue_rate: float = 0.0
    store_rate: float = 0.0
    random: Random = field(init=False)

    def __post_init__(self) -> None:
        self.random = Random(self.seed)

    def unit_fault(self, event_id: str, action_id: str, number: int) -> Fault:
        kind = Random(f"{self.seed} {event_id} {action_id}").choice(ERRORS)
        return kind if self.random.random() < self.rate else None

    def queue_fault(self) -> Fault:
        return OSError("queue") if self.random.random() < self.queue_rate else None

    def store_fault(self, operation: str) -> Fault:
        return BatchError(operation) if self.random.random() < self.store_rate else None


def bench_of(chaos: Chaos, on_error: tuple[str, str, str], has_queue: bool, batching: bool) -> Bench:
    modes = iter(on_error)
    rules = RuleSet(
        tuple(
            replace(rule, actions=tuple(replace(spec, on_error=next(modes)) for spec in rule.actions))
            for rule in RULES.rules
        )
    )
    world = World(fault=chaos.unit_fault)
    bench = Bench(rules, world)
    bench.resume = FakeResumeStore(fault=chaos.store_fault)
    bench.dead_letters = (
        FakeDeadLetters(fault=chaos.queue_fault, started=world.started) if has_queue else None
    )
    if batching:
        for key in (("first", "a"), ("first", "b"), ("second", "c")):
            bench.actions[key] = FakeBatchingAction(world, target=key[1], most_entries=4)
    return bench


def records_of(items: list[int | None]) -> list[dict[str, Any]]:
    """One for each: the change of that item, or a record that cannot be read."""
    return [
        malformed(number) if item is None else change(number, f"o-{item}")
        for number, item in enumerate(items, start=1)
    ]


def resolved(bench: Bench, chaos: Chaos) -> set[tuple[str, str | None]]:
    """Units that the target took or held already, and those in the queue."""
    done: set[tuple[str, str | None]] = set(bench.world.done)
    for unit in bench.world.tried:
        if isinstance(Random(f"{chaos.seed} {unit[0]} {unit[1]}").choice(ERRORS), Superseded):
            done.add(unit)
    return done | set(bench.dead_letters.units if bench.dead_letters else [])


def owed(items: list[int | None]) -> list[set[tuple[str, str | None]]]:
    """For each record what has to be resolved."""
    return [
        {(f"e-{number}", None)} if item is None else {(f"e-{number}", letter) for letter in "abc"}
        for number, item in enumerate(items, start=1)
    ]


ITEMS = st.lists(st.none() | st.integers(1, 3), min_size=1, max_size=12)


@settings(max_examples=300, deadline=None)
@given(
    ITEMS, st.integers(0, 10**6), st.sampled_from([0.1, 0.5, 1.0]), st.tuples(MODES, MODES, MODES), st.data()
)
def test_the_answer_is_a_raise_or_names_the_first_unresolved_record(
    items: list[int | None], seed: int, rate: float, on_error: tuple[str, str, str], data: st.DataObject
) -> None:
    chaos = Chaos(seed, rate, *data.draw(st.sampled_from([(0.0, 0.0), (0.5, 0.2)])))
    bench = bench_of(chaos, on_error, data.draw(st.booleans()), data.draw(st.booleans()))
    raws = records_of(items)
    for partial_batch in (True, False):
        try:
            answer = batch_response(bench.deliver(*raws), partial_batch)
        except BatchError:
            continue
        done = resolved(bench, chaos)
        first = next((at for at, units in enumerate(owed(items)) if not units <= done), None)
        expected = [] if first is None else [{"itemIdentifier": raws[first]["dynamodb"]["SequenceNumber"]}]
        assert answer == {"batchItemFailures": expected}


@settings(max_examples=150, deadline=None)
@given(ITEMS, st.integers(0, 10**6), st.tuples(MODES, MODES, MODES), st.booleans())
def test_whatever_fails_nothing_is_lost_and_nothing_overtakes(
    items: list[int | None], seed: int, on_error: tuple[str, str, str], batching: bool
) -> None:
    """A poller that delivers from the checkpoint on until all is done, every half hour."""
    chaos = Chaos(seed, 0.4, 0.1, 0.1)
    bench = bench_of(chaos, on_error, True, batching)
    raws = records_of(items)
    start = 0
    for _ in range(200):
        bench.world.clock.time += 1800
        try:
            reported = bench.deliver(*raws[start:])
        except BatchError:
            continue
        if reported is None:
            break
        start = [raw["dynamodb"]["SequenceNumber"] for raw in raws].index(reported)
    assert reported is None
    assert set().union(*owed(items)) <= resolved(bench, chaos)
    for item in (1, 2, 3):
        for letters in ("ab", "c"):
            assert_in_order(bench, items, item, letters, "continue" in on_error)


def assert_in_order(bench: Bench, items: list[int | None], item: int, letters: str, loose: bool) -> None:
    """The first tries of a lane's units are in order; with `continue` those of its records are.

    A dead letter counts as one: a unit that was given up untried may be tried after a batch has come again.
    """
    numbers = [number for number, each in enumerate(items, start=1) if each == item]
    lane: list[tuple[str, str | None]] = [(f"e-{number}", letter) for number in numbers for letter in letters]
    seen = [unit for unit in dict.fromkeys(bench.world.started) if unit in lane]
    if loose:
        order = [numbers.index(int(unit[0][2:])) for unit in seen]
        assert order == sorted(order)
    else:
        assert seen == [unit for unit in lane if unit in seen]


def test_a_queue_that_takes_nothing_and_targets_that_never_answer_lose_nothing() -> None:
    bench = bench_of(Chaos(1, 1.0, 1.0), ("retry", "retry", "retry"), True, False)
    bench.world.clock.time = START + 24 * 3600
    with_reports = [bench.deliver(*records_of([1, 2])) for _ in range(3)]
    assert with_reports == ["100"] * 3
    assert bench.world.done == []


@pytest.mark.parametrize("partial_batch", [True, False])
def test_all_done_is_an_empty_list(partial_batch: bool) -> None:
    bench = bench_of(Chaos(1, 0.0), ("retry", "retry", "retry"), True, True)
    assert batch_response(bench.deliver(*records_of([1, 2])), partial_batch) == {"batchItemFailures": []}


@settings(max_examples=400, deadline=None)
@given(st.lists(st.integers(1, 2), min_size=2, max_size=8), st.integers(0, 10**6), st.booleans())
def test_whatever_comes_again_and_while_the_state_table_fails_no_old_value_is_left_behind(
    items: list[int], seed: int, partial_batch: bool
) -> None:
    """Each effect is a write over the one before. Batches end anywhere; now and then the poller does not get
    the answer, or starts anew some records before."""
    random = Random(seed)
    down = ActionError("HTTP_503", "down", "transient")

    def write_fault(operation: str) -> Fault:
        return OSError("store") if operation == "write" and random.random() < 0.3 else None

    bench = Bench(rules_of(first="a"), World(fault=lambda *_: down if random.random() < 0.8 else None))
    bench.resume = FakeResumeStore(fault=write_fault)
    bench.dead_letters = None
    bench.options["partial_batch"] = partial_batch
    raws = [change(number, f"o-{item}") for number, item in enumerate(items, start=1)]
    numbers = [raw["dynamodb"]["SequenceNumber"] for raw in raws]
    start = 0
    for _ in range(1_000):
        end = random.randint(start + 1, len(raws))
        try:
            reported = bench.deliver(*raws[start:end])
        except BatchError:
            continue
        if random.random() < 0.3:
            continue
        if reported is None:
            start = end
        elif partial_batch:
            start = numbers.index(reported)
        if start == len(raws):
            break
        if random.random() < 0.1:
            start = random.randint(0, start)
    assert start == len(raws)
    for item in set(items):
        written = [
            int(event_id[2:]) for event_id, _ in bench.world.done if items[int(event_id[2:]) - 1] == item
        ]
        assert written[-1] == max(number for number, each in enumerate(items, start=1) if each == item)
