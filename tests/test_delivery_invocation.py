from __future__ import annotations

import traceback
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from rules_engine.delivery.identity import deliveries_of, delivery_id
from rules_engine.delivery.resume import FREE_BYTES, NoResumeStore, short_id, short_lane
from rules_engine.delivery.unit import Lane
from rules_engine.errors import ActionError, BatchError, SettingsError, Superseded, TemplateError
from rules_engine.model import ActionSpec, Delivery, Match, Rule, RuleSet
from rules_engine.record import parse_record
from tests.delivery_fakes import (
    START,
    Bench,
    FakeAction,
    FakeBatchingAction,
    FakeDeadLetters,
    Fault,
    World,
    change,
    malformed,
    rules_of,
)

DOWN = ActionError("HTTP_503", "the receiver answered 503", "transient")
DENIED = ActionError("HTTP_403", "the receiver answered 403", "systemic")
REFUSED = ActionError("HTTP_422", "the receiver answered 422", "permanent")
NOT_THERE = ActionError("HTTP_404", "the receiver answered 404", "systemic")
GONE = ActionError("HTTP_410", "the receiver answered 410", "gone")
ODD = ActionError("HTTP_302", "the receiver answered 302")


def failing(*units: tuple[str, str], error: Exception = DOWN, times: int = 99) -> World:
    """A world in which these fail, that many times."""
    world = World()

    def fault(event_id: str, action_id: str, number: int) -> Fault:
        return error if (event_id, action_id) in units and number <= times else None

    world.fault = fault
    return world


def with_on_error(on_error: str, letters: str = "ab") -> RuleSet:
    (rule,) = rules_of(first=letters).rules
    head, *rest = rule.actions
    return RuleSet((replace(rule, actions=(replace(head, on_error=on_error), *rest)),))


# Order


def test_units_of_one_rule_and_item_start_in_the_order_of_the_changes() -> None:
    bench = Bench(rules_of(first="ab", second="c"))
    raws = [change(1, "o-1"), change(2, "o-2"), change(3, "o-1")]
    assert bench.deliver(*raws) is None
    assert sorted(bench.world.done) == [(f"e-{number}", letter) for number in (1, 2, 3) for letter in "abc"]
    item = [unit for unit in bench.world.done if unit[0] != "e-2" and unit[1] != "c"]
    assert item == [("e-1", "a"), ("e-1", "b"), ("e-3", "a"), ("e-3", "b")]
    assert bench.log == []


def test_a_batch_out_of_order_is_put_in_order() -> None:
    bench = Bench(rules_of(first="a"), failing(("e-10", "a"), ("e-9", "a")), dead_letters=None)
    assert bench.deliver(change(10, "o-1"), change(9, "o-2"), change(2, "o-1")) == "900"
    assert bench.world.tried[0] == ("e-2", "a")


def test_a_record_that_is_there_twice_is_delivered_once() -> None:
    bench = Bench(rules_of(first="a"))
    assert bench.deliver(change(1), change(1)) is None
    assert bench.world.done == [("e-1", "a")]


def test_no_records_are_a_success_without_any_call() -> None:
    bench = Bench(rules_of(first="a"))
    assert bench.deliver() is None
    assert (bench.resume.reads, bench.log) == ([], [])


def test_a_batch_in_which_nothing_matches_reads_no_state() -> None:
    bench = Bench(RuleSet((Rule("none", ("others",), (ActionSpec("a", "fake"),)),)))
    assert bench.deliver(change(1)) is None
    assert bench.resume.reads == []


# Failures


def test_a_failed_unit_blocks_its_lane_and_no_other() -> None:
    bench = Bench(rules_of(first="ab", second="c"), failing(("e-1", "a"), error=REFUSED), dead_letters=None)
    raws = [change(1, "o-1"), change(2, "o-2"), change(3, "o-1")]
    assert bench.deliver(*raws) == "100"
    assert sorted(bench.world.done) == [
        ("e-1", "c"),
        ("e-2", "a"),
        ("e-2", "b"),
        ("e-2", "c"),
        ("e-3", "c"),
    ]
    assert bench.lines("action failed") == [
        {
            "level": "ERROR",
            "message": "action failed",
            "rule_id": "first",
            "action_id": "a",
            "delivery_id": delivery_id("e-1", "first", "a"),
            "record": "100",
            "target": "somewhere",
            "class": "permanent",
            "code": "HTTP_422",
            "error": "the receiver answered 422",
            "tries": 1,
            "then": "comes again",
        }
    ]


def test_what_is_done_is_not_done_again_when_the_batch_comes_back() -> None:
    bench = Bench(rules_of(first="ab"), failing(("e-2", "a"), times=3))
    raws = [change(number) for number in (1, 2, 3)]
    assert bench.deliver(*raws) == "200"
    assert bench.deliver(*raws[1:]) is None
    assert sorted(bench.world.done) == [(f"e-{number}", letter) for number in (1, 2, 3) for letter in "ab"]
    assert bench.resume.reads == ["100", "200"]
    assert bench.resume.writes == [([], "200")]


@pytest.mark.parametrize(("size_bytes", "removals"), [(FREE_BYTES, []), (FREE_BYTES + 1, [(["200"], None)])])
def test_a_checkpoint_whose_batch_is_resolved_is_removed_where_it_makes_reading_dearer(
    size_bytes: int, removals: list[Any]
) -> None:
    bench = Bench(rules_of(first="a"), failing(("e-2", "a"), times=3))
    bench.resume.size_bytes = size_bytes
    raws = [change(number) for number in (1, 2, 3)]
    assert bench.deliver(*raws) == "200"
    assert bench.deliver(*raws[1:]) is None
    assert bench.resume.writes == [([], "200"), *removals]


def test_without_partial_answers_the_checkpoint_waits_for_the_first_record() -> None:
    bench = Bench(rules_of(first="a"), failing(("e-2", "a"), times=3), options={"partial_batch": False})
    raws = [change(number) for number in (1, 2, 3)]
    assert bench.deliver(*raws) == "200"
    assert bench.deliver(*raws) is None
    assert sorted(bench.world.done) == [("e-1", "a"), ("e-2", "a"), ("e-3", "a")]


def test_nothing_new_is_not_written_again() -> None:
    bench = Bench(rules_of(first="a"), failing(("e-1", "a")))
    raws = [change(1), change(2)]
    assert bench.deliver(*raws) == bench.deliver(*raws) == bench.deliver(*raws) == "100"
    assert len(bench.resume.writes) == 1


def test_what_does_not_come_again_is_forgotten() -> None:
    world = failing(("e-1", "a"), ("e-3", "a"), ("e-3", "a"))
    bench = Bench(rules_of(first="a"), world)
    raws = [change(number) for number in (1, 2, 3)]
    assert bench.deliver(*raws) == "100"
    world.fault = failing(("e-3", "a")).fault
    assert bench.deliver(*raws) == "300"
    # Nothing behind the third record is done.
    assert bench.resume.items == {}
    assert bench.resume.writes == [([], "100"), (["100"], None)]


def test_what_is_done_is_kept_in_the_order_of_the_records() -> None:
    bench = Bench(rules_of(first="ab"), failing(("e-1", "a")))
    assert bench.deliver(change(1, "o-1"), change(3, "o-3"), change(2, "o-2")) == "100"
    names = [short_id(delivery_id(f"e-{number}", "first", letter)) for number in (2, 3) for letter in "ab"]
    assert [each.done for each in bench.resume.items.values()] == [tuple(names)]
    # The half that is delivered alone keeps what is known of the other half, behind its own.
    bench.world.fault = failing(("e-1", "b")).fault
    assert bench.deliver(change(1, "o-1"), change(2, "o-2")) == "100"
    first = short_id(delivery_id("e-1", "first", "a"))
    assert [each.done for each in bench.resume.items.values()] == [(first, *names)]
    lanes = frozenset(short_lane(Lane(f'first\0orders/{{"order_id":{{"S":"o-{n}"}}}}')) for n in (1, 2, 3))
    assert [(each.lanes, each.newest) for each in bench.resume.items.values()] == [(lanes, 300)]


def test_what_an_answer_that_was_lost_had_promised_is_taken_back() -> None:
    """Otherwise the third record would be skipped after the first had put an old value in its place."""
    bench = Bench(rules_of(first="a"), failing(("e-2", "a")))
    raws = [change(1, "o-1"), change(2, "o-2"), change(3, "o-1")]
    assert bench.deliver(*raws) == "200"  # and the poller never learns of it
    bench.world.fault = failing(("e-2", "a"), ("e-3", "a")).fault
    assert bench.deliver(*raws) == "200"
    bench.world.fault = World().fault
    assert bench.deliver(*raws[1:]) is None
    assert [unit for unit in bench.world.done if unit[0] != "e-2"] == [
        ("e-1", "a"),
        ("e-3", "a"),
        ("e-1", "a"),
        ("e-3", "a"),
    ]


@pytest.mark.parametrize("is_write_lost", [False, True])
def test_what_was_written_for_the_second_half_of_a_halved_batch_is_taken_back(is_write_lost: bool) -> None:
    """Otherwise the fourth record would be skipped after the first had put an old value in its place."""
    bench = Bench(rules_of(first="a"), failing(("e-3", "a")))
    raws = [change(1, "o-1"), change(2), change(3), change(4, "o-1")]
    assert bench.deliver(*raws) == "300"  # and the poller never learns of it
    if is_write_lost:
        bench.resume.fault = lambda operation: OSError("lost") if operation == "write" else None
        tried = list(bench.world.tried)
        with pytest.raises(BatchError) as failure:
            bench.deliver(*raws)
        assert str(failure.value) == "the state table cannot be written: OSError"
        assert failure.value.__cause__ is None
        assert bench.world.tried == tried
        bench.resume.fault = lambda operation: None
    bench.world.fault = World().fault
    assert bench.deliver(*raws[:2]) is None
    assert bench.deliver(*raws[2:]) is None
    order = [event_id for event_id, _ in bench.world.done if event_id in ("e-1", "e-4")]
    assert order == ["e-1", "e-4"] * 2


@pytest.mark.parametrize(
    ("rewound", "expected"),
    [
        ([(0, 2), (2, 5)], ["e-1", "e-4", "e-1", "e-4"]),
        ([(0, 1), (1, 5)], ["e-1", "e-4", "e-1", "e-4"]),
        ([(0, 3), (2, 5)], ["e-1", "e-4", "e-1", "e-4"]),
        ([(1, 2), (2, 5)], ["e-1", "e-4"]),
        ([(4, 5), (2, 5)], ["e-1", "e-4"]),
    ],
)
def test_a_poller_that_starts_anew_before_a_checkpoint_leaves_no_old_value_behind(
    rewound: list[tuple[int, int]], expected: list[str]
) -> None:
    """Batches by the places of their records. Only what made an older change of the lane again costs."""
    bench = Bench(rules_of(first="a"), failing(("e-3", "a")))
    raws = [change(1, "o-1"), change(2), change(3), change(4, "o-1"), change(5)]
    assert bench.deliver(*raws) == "300"
    bench.world.fault = World().fault
    for start, end in rewound:
        assert bench.deliver(*raws[start:end]) is None
    order = [event_id for event_id, _ in bench.world.done if event_id in ("e-1", "e-4")]
    assert order == expected


def test_a_change_in_the_middle_of_what_is_done_takes_a_checkpoint_back_too() -> None:
    """A poller that goes on behind a checkpoint and then starts at it: without this, the third record would
    be left with what the second one wrote."""
    bench = Bench(rules_of(first="a"), failing(("e-1", "a")))
    raws = [change(1), change(2, "x"), change(3, "x")]
    assert bench.deliver(*raws) == "100"
    bench.world.fault = failing(("e-3", "a")).fault
    assert bench.deliver(*raws[1:]) == "300"
    bench.world.fault = World().fault
    assert bench.deliver(*raws) is None
    assert [unit for unit in bench.world.done if unit[0] != "e-1"] == [
        ("e-2", "a"),
        ("e-3", "a"),
        ("e-2", "a"),
        ("e-2", "a"),
        ("e-3", "a"),
    ]


def test_what_is_done_behind_a_change_that_a_new_rule_wants_is_done_again_after_it() -> None:
    bench = Bench(rules_of(first="b"), failing(("e-1", "b")))
    raws = [change(1), change(2, "x"), change(3, "x")]
    assert bench.deliver(*raws) == "100"
    bench.world.fault = World().fault
    bench.rules = rules_of(first="ab")
    assert bench.deliver(*raws) is None
    assert [unit for unit in bench.world.done if unit[0] != "e-1"] == [
        ("e-2", "b"),
        ("e-3", "b"),
        ("e-2", "a"),
        ("e-3", "a"),
        ("e-3", "b"),
    ]


def test_the_other_half_of_a_batch_that_was_halved_is_not_forgotten() -> None:
    bench = Bench(rules_of(first="a"), failing(("e-1", "a"), times=6))
    raws = [change(number) for number in (1, 2, 3, 4)]
    assert bench.deliver(*raws) == "100"
    assert bench.deliver(*raws[:2]) == "100"
    assert bench.deliver(*raws) is None
    assert sorted(bench.world.done) == [(f"e-{number}", "a") for number in (1, 2, 3, 4)]


def test_a_state_table_that_cannot_be_read_fails_the_batch_before_anything_is_done() -> None:
    bench = Bench(rules_of(first="a"))
    bench.resume.fault = lambda operation: BatchError("the state table cannot be read: AccessDenied")
    with pytest.raises(BatchError):
        bench.deliver(change(1))
    assert bench.world.tried == []


@pytest.mark.parametrize("failing_record", [1, 2])
def test_a_checkpoint_that_cannot_be_written_costs_only_repeats(failing_record: int) -> None:
    bench = Bench(rules_of(first="a"), failing((f"e-{failing_record}", "a"), times=3))
    bench.resume.fault = lambda operation: OSError("canary") if operation == "write" else None
    raws = [change(1), change(2), change(3)]
    assert bench.deliver(*raws) == f"{failing_record}00"
    assert bench.lines("state table cannot be written") == [
        {"level": "ERROR", "message": "state table cannot be written", "code": "OSError"}
    ]
    assert bench.deliver(*raws[failing_record - 1 :]) is None


# Classes


def test_a_transient_failure_gets_two_more_quick_tries_with_jitter() -> None:
    bench = Bench(rules_of(first="a"), failing(("e-1", "a"), times=2))
    assert bench.deliver(change(1)) is None
    assert bench.world.tried == [("e-1", "a")] * 3
    assert len(bench.world.clock.slept) == 2
    assert 0 <= bench.world.clock.slept[0] <= 0.1
    assert 0 <= bench.world.clock.slept[1] <= 0.2


@pytest.mark.parametrize(("asked", "waited"), [(0.5, 0.5), (30.0, 1.0)])
def test_the_wish_of_the_target_is_kept_up_to_a_second(asked: float, waited: float) -> None:
    error = ActionError("HTTP_429", "the receiver answered 429", "transient", asked)
    bench = Bench(rules_of(first="a"), failing(("e-1", "a"), error=error, times=1))
    assert bench.deliver(change(1)) is None
    assert bench.world.clock.slept == [waited]


def test_a_permanent_failure_is_a_dead_letter_at_once_and_the_lane_goes_on() -> None:
    bench = Bench(rules_of(first="ab"), failing(("e-1", "b"), error=REFUSED))
    raw = change(1, "o-1")
    assert bench.deliver(raw, change(2, "o-1"), remaining=lambda: 60.0) is None
    assert bench.world.tried == [("e-1", "a"), ("e-1", "b"), ("e-2", "a"), ("e-2", "b")]
    assert bench.dead_letters is not None
    (letter,) = bench.dead_letters.letters
    assert letter.record == raw
    assert (letter.id, letter.rule, letter.action) == (delivery_id("e-1", "first", "b"), "first", "b")
    assert letter.error == {
        "class": "permanent",
        "code": "HTTP_422",
        "message": "the receiver answered 422",
    }
    assert (letter.done, letter.attempts, letter.sequence_number) == (("a",), 1, "100")
    assert (letter.first_seen, letter.last_try) == ("2024-01-01T00:00:00.000Z", "2024-01-01T00:00:00.000Z")
    assert (letter.source_arn, letter.function, letter.request_id) == (raw["eventSourceARN"], "rules", "r-1")


def test_a_systemic_failure_is_not_tried_again_and_waits_for_its_age() -> None:
    bench = Bench(rules_of(first="a"), failing(("e-1", "a"), error=DENIED))
    assert bench.deliver(change(1)) == "100"
    assert bench.world.tried == [("e-1", "a")]
    bench.world.clock.time = START + 6 * 3600
    assert bench.deliver(change(1)) is None
    assert bench.dead_letters is not None
    assert bench.dead_letters.units == [("e-1", "a")]


def test_a_record_without_a_time_is_not_given_up_by_age() -> None:
    bench = Bench(rules_of(first="a"), failing(("e-1", "a"), error=DENIED))
    raw = change(1)
    del raw["dynamodb"]["ApproximateCreationDateTime"]
    bench.world.clock.time = START + 6 * 3600
    assert bench.deliver(raw) == "100"


def test_a_letter_names_what_is_done_of_its_record_alone() -> None:
    bench = Bench(rules_of(first="abc"), failing(("e-2", "b"), error=REFUSED))
    assert bench.deliver(*(change(number, "o-1") for number in (1, 2, 3))) is None
    assert bench.dead_letters is not None
    (letter,) = bench.dead_letters.letters
    assert (letter.record["eventID"], letter.action, letter.done) == ("e-2", "b", ("a",))


def test_what_is_gone_for_one_rule_condemns_nothing_else_that_goes_to_its_host() -> None:
    """hooks.slack.com answers 410 for one archived channel, and has the webhooks of all the others."""
    numbers = range(1, 41)
    gone = [(f"e-{number}", "a") for number in numbers]
    bench = Bench(rules_of(first="a", second="b"), failing(*gone, error=GONE))
    assert bench.deliver(*map(change, numbers)) is None
    assert sorted(bench.world.tried) == sorted([*gone, *((f"e-{number}", "b") for number in numbers)])
    assert bench.dead_letters is not None
    assert sorted(bench.dead_letters.units) == sorted(gone)


def test_an_unknown_failure_is_tried_three_times_over_all_deliveries() -> None:
    bench = Bench(rules_of(first="a"), failing(("e-1", "a"), error=ODD))
    raws = [change(number) for number in (1, 2, 3)]
    assert bench.deliver(*raws) == "100"
    assert bench.world.tried.count(("e-1", "a")) == 2
    assert bench.deliver(*raws) is None
    assert bench.world.tried.count(("e-1", "a")) == 3
    assert bench.dead_letters is not None
    (letter,) = bench.dead_letters.letters
    assert (letter.attempts, letter.error["code"]) == (3, "HTTP_302")


def test_without_a_state_table_an_unknown_failure_gets_its_three_tries_at_once() -> None:
    """Nothing counts them over several deliveries, and the record would hold up its shard for six hours."""
    bench = Bench(rules_of(first="a"), failing(("e-1", "a"), error=ODD))
    bench.resume = NoResumeStore()
    assert bench.deliver(*(change(number) for number in (1, 2, 3))) is None
    assert bench.world.tried.count(("e-1", "a")) == 3
    assert bench.dead_letters is not None
    (letter,) = bench.dead_letters.letters
    assert (letter.attempts, letter.error["code"]) == (3, "HTTP_302")


def test_tries_of_an_unknown_failure_add_up_where_there_is_time_for_one_each() -> None:
    bench = Bench(rules_of(first="a"), failing(("e-1", "a"), error=ODD))
    for reported in ("100", "100", None):
        seconds = iter([20.0])
        assert bench.deliver(change(1), remaining=lambda: next(seconds, 3.0)) == reported  # noqa: B023
    assert bench.world.tried == [("e-1", "a")] * 3
    assert bench.world.clock.slept == []


def test_a_rule_whose_action_cannot_be_had_stops_no_other() -> None:
    class Lazy(dict[Any, Any]):
        def __missing__(self, key: Any) -> Any:
            raise SettingsError("'${TOPIC}' is not set")

    bench = Bench(rules_of(first="a", second="b"))
    actions = Lazy({("second", "b"): FakeAction(bench.world)})
    bench.options["actions"] = actions
    assert bench.deliver(change(1), change(2), change(3)) == "100"
    assert sorted(bench.world.done) == [("e-1", "b"), ("e-2", "b"), ("e-3", "b")]
    assert [line["error"] for line in bench.lines("action failed")] == ["'${TOPIC}' is not set"] * 3


def test_an_error_that_nobody_expects_hides_no_other_record() -> None:
    bench = Bench(rules_of(first="a"), failing(("e-2", "a"), error=ZeroDivisionError("canary")))
    assert bench.deliver(change(1), change(2), change(3), change(4)) == "200"
    assert sorted(bench.world.done) == [("e-1", "a"), ("e-3", "a"), ("e-4", "a")]
    (line,) = bench.lines("action failed")
    assert (line["class"], line["code"], line.get("error")) == ("unknown", "ZeroDivisionError", None)


def test_more_than_half_of_a_batch_failing_for_unknown_reasons_fails_the_batch() -> None:
    units = [(f"e-{number}", "a") for number in (2, 3, 4)]
    bench = Bench(rules_of(first="a"), failing(*units, error=ODD))
    raws = [change(number) for number in (1, 2, 3, 4, 5)]
    for _ in range(3):
        with pytest.raises(BatchError, match="more than half of the batch failed with HTTP_302"):
            bench.deliver(*raws)
    assert bench.dead_letters is not None
    assert (bench.dead_letters.letters, bench.world.done) == ([], [("e-1", "a"), ("e-5", "a")])


def test_a_request_that_cannot_be_rendered_is_a_permanent_failure() -> None:
    class Unrenderable(FakeAction):
        def render(self, delivery: Delivery) -> dict[str, Any]:
            raise TemplateError("the subject has 101 characters")

    bench = Bench(rules_of(first="ab"))
    bench.actions["first", "a"] = Unrenderable(bench.world)
    assert bench.deliver(change(1)) is None
    assert bench.world.done == [("e-1", "b")]
    assert bench.dead_letters is not None
    assert bench.dead_letters.units == [("e-1", "a")]


def test_something_newer_at_the_target_is_as_good_as_done() -> None:
    bench = Bench(rules_of(first="ab"), failing(("e-1", "a"), error=Superseded("newer")))
    assert bench.deliver(change(1)) is None
    assert (bench.world.done, bench.log) == ([("e-1", "b")], [])


# What the author says


def test_on_error_dead_letter_gives_up_after_the_quick_tries() -> None:
    bench = Bench(with_on_error("dead_letter"), failing(("e-1", "a")))
    assert bench.deliver(change(1, "o-1"), change(2, "o-1")) is None
    assert bench.world.tried.count(("e-1", "a")) == 3
    assert bench.world.done == [("e-1", "b"), ("e-2", "a"), ("e-2", "b")]
    assert bench.dead_letters is not None
    assert bench.dead_letters.units == [("e-1", "a")]


def test_on_error_dead_letter_without_a_queue_gives_nothing_up() -> None:
    bench = Bench(with_on_error("dead_letter"), failing(("e-1", "a")), dead_letters=None)
    assert bench.deliver(change(1)) == "100"


def test_on_error_continue_runs_the_other_actions_of_the_record_and_no_later_one() -> None:
    bench = Bench(with_on_error("continue", "abc"), failing(("e-1", "a"), times=3))
    raws = [change(1, "o-1"), change(2, "o-1")]
    assert bench.deliver(*raws) == "100"
    assert bench.world.done == [("e-1", "b"), ("e-1", "c")]
    assert bench.deliver(*raws) is None
    assert bench.world.done[2:] == [("e-1", "a"), ("e-2", "a"), ("e-2", "b"), ("e-2", "c")]


# Records that cannot be read


def test_a_record_that_cannot_be_read_is_a_dead_letter() -> None:
    bench = Bench(rules_of(first="a"))
    assert bench.deliver(change(1), malformed(2), change(3)) is None
    assert sorted(bench.world.done) == [("e-1", "a"), ("e-3", "a")]
    assert bench.dead_letters is not None
    (letter,) = bench.dead_letters.letters
    assert (letter.rule, letter.action, letter.record) == (None, None, malformed(2))
    assert (letter.sequence_number, letter.error["class"]) == ("200", "permanent")
    (line,) = bench.lines("record cannot be read")
    assert (line["record"], line["then"]) == ("200", "dead letter")
    assert "canary" not in str(bench.log)


def test_without_a_queue_a_record_that_cannot_be_read_is_reported_and_holds_up_no_other() -> None:
    bench = Bench(rules_of(first="a"), dead_letters=None)
    assert bench.deliver(change(1), malformed(2), change(3)) == "200"
    assert sorted(bench.world.done) == [("e-1", "a"), ("e-3", "a")]


# Dead letters that cannot be written


def test_a_unit_is_unresolved_where_its_dead_letter_cannot_be_written() -> None:
    bench = Bench(rules_of(first="ab"), failing(("e-1", "a"), error=REFUSED))
    assert bench.dead_letters is not None
    bench.dead_letters.fault = lambda: OSError("canary")
    assert bench.deliver(change(1)) == "100"
    assert bench.world.done == []
    (line,) = bench.lines("dead letter cannot be written")
    assert (line["record"], line["code"], line["then"]) == ("100", "OSError", "comes again")
    bench.dead_letters.fault = lambda: None
    assert bench.deliver(change(1)) is None
    assert bench.world.done == [("e-1", "b")]


# Breaker


def test_a_target_that_is_down_is_left_alone_after_a_few_calls() -> None:
    units = [(f"e-{number}", "a") for number in range(1, 101)]
    bench = Bench(rules_of(first="a", second="b"), failing(*units))
    bench.actions["second", "b"] = FakeAction(bench.world, "elsewhere")
    assert bench.deliver(*map(change, range(1, 101))) == "100"
    assert len([unit for unit in bench.world.tried if unit[1] == "a"]) <= 20
    assert len([unit for unit in bench.world.done if unit[1] == "b"]) == 100
    (line,) = bench.lines("target is left alone")
    assert (line["target"], line["code"], line["class"]) == ("somewhere", "HTTP_503", "transient")
    assert line["count"] > 80


def test_writes_that_meet_are_no_trouble_of_the_table() -> None:
    conflict: Any = {"Error": {"Code": "TransactionCanceledException"}}
    conflict["CancellationReasons"] = [{"Code": "None"}, {"Code": "TransactionConflict"}]
    units = [(f"e-{number}", "a") for number in range(1, 31)]
    error = ClientError(conflict, "TransactWriteItems")
    bench = Bench(rules_of(first="a"), failing(*units, error=error, times=2))
    assert bench.deliver(*map(change, range(1, 31))) is None
    assert bench.world.tried.count(("e-30", "a")) == 3


def test_a_target_whose_calls_hang_costs_one_timeout() -> None:
    units = [(f"e-{number}", "a") for number in range(1, 101)]
    bench = Bench(rules_of(first="a"), failing(*units))
    bench.world.seconds = lambda event_id, action_id: 10.0
    assert bench.deliver(*map(change, range(1, 101))) == "100"
    assert len(bench.world.tried) == 2  # they would be under way at the same time
    assert bench.world.clock.slept == []


def test_healthy_records_get_through_beside_many_that_a_target_does_not_like() -> None:
    bad = [(f"e-{number}", "a") for number in range(1, 16)]
    bench = Bench(rules_of(first="a"), failing(*bad, error=DENIED))
    raws = list(map(change, range(1, 31)))
    for seed in range(40):
        bench.options["random"] = Random(seed)
        assert bench.deliver(*raws) == "100"
    assert sorted(set(bench.world.done)) == sorted((f"e-{number}", "a") for number in range(16, 31))


@pytest.mark.parametrize("error", [DENIED, DOWN], ids=["systemic", "transient"])
def test_one_record_that_a_target_does_not_like_keeps_the_others_from_nothing(error: Exception) -> None:
    bench = Bench(rules_of(first="a"), failing(("e-1", "a"), error=error))
    assert bench.deliver(*map(change, range(1, 101))) == "100"
    assert sorted(set(bench.world.done)) == sorted((f"e-{number}", "a") for number in range(2, 101))


@pytest.mark.parametrize("error", [NOT_THERE, DOWN], ids=["systemic", "transient"])
@pytest.mark.parametrize(("age", "on_error"), [(0, "retry"), (0, "dead_letter"), (7 * 3600, "retry")])
@pytest.mark.parametrize("seed", range(5))
def test_what_one_rule_meets_at_a_host_keeps_no_other_rule_from_it(
    error: Exception, age: int, on_error: str, seed: int
) -> None:
    """One host has the webhooks of many rules. The path of one of them is not there, for nearly all records;
    the few of another rule must neither wait for that nor be given up."""
    many, few = rules_of(many="a", few="b").rules
    few = replace(few, when=("new.vip",), actions=(ActionSpec("b", "fake", on_error=on_error),))
    numbers, of_few = range(1, 101), (30, 60, 90)
    bench = Bench(RuleSet((many, few)), failing(*((f"e-{number}", "a") for number in numbers), error=error))
    bench.world.clock.time += age
    bench.options["random"] = Random(seed)
    reported = bench.deliver(*(change(number, vip=number in of_few) for number in numbers))
    assert sorted(bench.world.done) == [(f"e-{number}", "b") for number in of_few]
    given_up = [(f"e-{number}", "a") for number in numbers] if age else []
    assert bench.dead_letters is not None
    assert (reported, sorted(bench.dead_letters.units)) == (None if age else "100", sorted(given_up))


def test_what_is_given_up_at_a_host_that_refuses_all_rules_costs_one_call_for_each() -> None:
    rules = rules_of(**{f"rule-{number}": "a" for number in range(20)})
    bench = Bench(rules, World(fault=lambda *_: NOT_THERE))
    bench.world.clock.time += 7 * 3600
    assert bench.deliver(*(change(number) for number in range(1, 31))) is None
    assert bench.dead_letters is not None
    assert (len(bench.dead_letters.letters), len(bench.world.tried) <= 25) == (600, True)


def test_what_is_given_up_at_a_host_whose_calls_hang_costs_one_timeout() -> None:
    bench = Bench(rules_of(first="a", second="b", third="c"), World(fault=lambda *_: DOWN))
    bench.world.clock.time += 7 * 3600
    bench.world.seconds = lambda event_id, action_id: 10.0
    assert bench.deliver(*(change(number) for number in range(1, 31))) is None
    assert bench.dead_letters is not None
    assert (len(bench.dead_letters.letters), len(bench.world.tried)) == (90, 2)


def test_a_queue_for_dead_letters_that_is_not_there_is_asked_a_few_times_only() -> None:
    bench = Bench(rules_of(first="a", second="b"), World(fault=lambda *_: REFUSED))
    asked = []

    def refuse() -> Exception:
        asked.append(1)
        return NOT_THERE

    bench.dead_letters = FakeDeadLetters(fault=refuse)
    bench.world.clock.time += 7 * 3600
    assert bench.deliver(*(change(number) for number in range(1, 31))) == "100"
    assert len(asked) <= 7


# Time


def test_no_unit_starts_without_time_for_its_timeout() -> None:
    bench = Bench(rules_of(first="a"), World(seconds=lambda event_id, action_id: 5.0))
    end = START + 30
    reported = bench.deliver(
        *(change(number, "o-1") for number in range(1, 10)), remaining=lambda: end - bench.world.clock.time
    )
    # 10 s for a call and 2 s for the rest: the fourth starts at 15 s, and a fifth would at 20 s.
    assert (len(bench.world.done), reported) == (4, "500")


def test_a_function_with_too_short_a_timeout_uses_half_of_it() -> None:
    bench = Bench(rules_of(first="a"), World(seconds=lambda event_id, action_id: 1.0))
    end = START + 8
    raws = [change(number, "o-1") for number in range(1, 10)]
    assert bench.deliver(*raws, remaining=lambda: end - bench.world.clock.time) == "600"
    assert len(bench.world.done) == 5  # the last starts when four of the eight seconds are left


@pytest.mark.parametrize(("seconds", "is_short"), [(3.0, True), (11.9, True), (12.0, False)])
def test_an_invocation_that_may_end_in_the_middle_of_a_call_says_so_before(
    seconds: float, is_short: bool
) -> None:
    rules = RuleSet(
        (
            Rule("quick", ("orders",), (ActionSpec("a", "fake", timeout_seconds=1.0),)),
            Rule("slow", ("orders",), (ActionSpec("b", "fake", timeout_seconds=10.0),)),
        )
    )
    bench = Bench(rules)
    assert bench.deliver(change(1), remaining=lambda: seconds) is None
    line = {
        "level": "WARNING",
        "message": "function may be ended too early",
        "rule_id": "slow",
        "action_id": "b",
        "error": f"the invocation has {seconds:g} s, and this action may take 10 s",
    }
    assert bench.log == ([line] if is_short else [])


def test_the_first_unit_is_tried_however_little_time_there_is() -> None:
    bench = Bench(rules_of(first="a"))
    times = iter([20.0])
    assert bench.deliver(change(1), change(2), remaining=lambda: next(times, 0.1)) == "200"
    assert bench.world.done == [("e-1", "a")]


# Batches


def batching(world: World, **options: Any) -> Bench:
    bench = Bench(rules_of(first="a", second="b"), world)
    for key in (("first", "a"), ("second", "b")):
        bench.actions[key] = FakeBatchingAction(world, **options)
    return bench


def test_a_unit_that_is_tried_again_waits_for_none_that_was_not_tried() -> None:
    world = failing(("e-1", "a"), times=1)
    world.seconds = lambda event_id, action_id: 0.05
    bench = Bench(rules_of(first="a"), world)
    assert bench.deliver(*map(change, range(1, 101))) is None
    again = world.tried.index(("e-1", "a"), 1)
    assert again < world.tried.index(("e-100", "a"))


def test_units_of_different_lanes_share_calls() -> None:
    bench = batching(World())
    assert bench.deliver(*map(change, range(1, 101))) is None
    assert sorted(bench.world.done) == sorted(
        (f"e-{number}", letter) for number in range(1, 101) for letter in "ab"
    )
    assert bench.world.calls == [10] * 20


def test_a_lane_is_never_in_one_call_twice() -> None:
    bench = batching(World())
    assert bench.deliver(*(change(number, "o-1") for number in (1, 2, 3))) is None
    assert bench.world.calls == [2, 2, 2]
    assert [unit for unit in bench.world.done if unit[1] == "a"] == [("e-1", "a"), ("e-2", "a"), ("e-3", "a")]


def test_a_call_holds_no_more_bytes_than_the_target_takes() -> None:
    bench = batching(World(), most_bytes=4)
    assert bench.deliver(*map(change, range(1, 6))) is None
    assert bench.world.calls == [4, 4, 2]


def test_of_a_call_only_what_failed_comes_again() -> None:
    bench = batching(failing(("e-3", "a"), times=3))
    raws = list(map(change, range(1, 6)))
    assert bench.deliver(*raws) == "300"
    assert len(bench.world.done) == 9
    assert bench.deliver(*raws[2:]) is None
    assert len(bench.world.done) == 10


def test_a_call_that_is_refused_as_a_whole_is_taken_apart() -> None:
    world = failing(("e-3", "a"), error=REFUSED)
    refuse = lambda units: REFUSED if ("e-3", "a") in units and len(units) > 1 else None  # noqa: E731
    bench = batching(world, refuse=refuse)
    assert bench.deliver(*map(change, range(1, 6))) is None
    assert len(set(world.done)) == len(world.done) == 9
    assert bench.dead_letters is not None
    assert bench.dead_letters.units == [("e-3", "a")]


def test_what_a_call_held_that_was_taken_apart_counts_once() -> None:
    """Twelve of twenty are more than half, though all of them were in a call before."""
    odd = [(f"e-{number}", letter) for number in range(1, 7) for letter in "ab"]
    bench = batching(failing(*odd, error=ODD), refuse=lambda units: ODD if len(units) > 1 else None)
    with pytest.raises(BatchError, match="more than half of the batch failed with HTTP_302"):
        bench.deliver(*map(change, range(1, 11)))


def test_a_call_that_does_not_get_through_is_one_failure_of_the_target() -> None:
    answers = iter([DOWN, DOWN])
    bench = batching(World(), refuse=lambda units: next(answers, None))
    assert bench.deliver(*map(change, range(1, 101))) is None
    assert len(bench.world.done) == 200


# Logs


def client_error() -> ClientError:
    answer: Any = {"Error": {"Code": "ValidationException", "Message": "canary is not a key"}}
    return ClientError(answer, "PutItem")


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (TemplateError("the subject has 101 characters"), "TemplateError", "the subject has 101 characters"),
        (client_error(), "ValidationException", None),
        (ReadTimeoutError(endpoint_url="http://canary"), "ReadTimeoutError", None),
        (ConnectionResetError("canary"), "ConnectionResetError", None),
        (ActionError("TLS", "half a pair: \ud800"), "TLS", "half a pair: \\ud800"),
    ],
)
def test_a_failure_is_logged_by_its_code_and_only_with_our_own_words(
    error: Exception, code: str, text: str | None
) -> None:
    bench = Bench(rules_of(first="a"), failing(("e-1", "a"), error=error), dead_letters=None)
    assert bench.deliver(change(1)) == "100"
    (line,) = bench.lines("action failed")
    assert (line["code"], line.get("error")) == (code, text)


def test_what_a_service_said_is_logged_where_values_may_be_shown() -> None:
    bench = Bench(rules_of(first="a"), failing(("e-1", "a"), error=client_error()))
    bench.options["debug_values"] = True
    assert bench.deliver(change(1)) is None
    assert bench.log[0]["error"].endswith("canary is not a key")
    assert bench.dead_letters is not None
    assert "canary" not in str(bench.dead_letters.letters)


def test_a_condition_that_cannot_be_evaluated_fails_nothing_and_is_logged_once_for_its_rule() -> None:
    broken = Rule("broken", ("orders",), (ActionSpec("a", "fake"),), when=("starts_with(new.total, 'x')",))
    bench = Bench(RuleSet((broken, *rules_of(sound="b").rules)))
    raws = [change(1, total=20), change(2, total=20), change(3, total="x1")]
    assert bench.deliver(*raws) is None
    assert sorted(bench.world.done) == [("e-1", "b"), ("e-2", "b"), ("e-3", "a"), ("e-3", "b")]
    (line,) = bench.log
    assert line.pop("error").startswith("starts_with()")
    assert line == {
        "level": "WARNING",
        "message": "condition cannot be evaluated",
        "rule_id": "broken",
        "clause": "when",
        "count": 2,
    }


# Names


def test_a_unit_has_the_same_id_in_every_process() -> None:
    (rule,) = rules_of(first="ab").rules
    match = Match((rule,), 0, parse_record(change(1)))
    assert [delivery.id for delivery in deliveries_of(match)] == [
        delivery_id("e-1", "first", "a"),
        delivery_id("e-1", "first", "b"),
    ]


def test_a_checkpoint_names_units_by_the_start_of_their_ids() -> None:
    bench = Bench(rules_of(first="a"), failing(("e-1", "a")))
    assert bench.deliver(change(1), change(2)) == "100"
    name = short_id(delivery_id("e-2", "first", "a"))
    assert [each.done for each in bench.resume.items.values()] == [(name,)]


# What nobody expects


def test_a_mistake_of_ours_is_told_without_the_values_in_its_text() -> None:
    bench = Bench(rules_of(first="a"))

    def fail(operation: str) -> Fault:
        return KeyError("canary")

    bench.resume.fault = fail
    with pytest.raises(BatchError) as failure:
        bench.deliver(change(1))
    assert str(failure.value) == "unexpected KeyError: the whole batch is to come again"
    assert (failure.value.__context__, failure.value.__cause__) == (None, None)
    told = "".join(traceback.format_exception(failure.value))
    assert "delivery_fakes.py" in told  # where it was raised
    assert "canary" not in told
    assert bench.log == [{"level": "ERROR", "message": "unexpected error", "code": "KeyError"}]
