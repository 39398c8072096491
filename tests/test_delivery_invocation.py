from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from rules_engine.delivery.identity import delivery_id
from rules_engine.delivery.invocation import Invocation, deliveries_of
from rules_engine.engine import Engine
from rules_engine.errors import ActionError, TemplateError
from rules_engine.model import ActionSpec, Delivery, Match, Rule, RuleSet
from rules_engine.plain_record import record_from_images
from rules_engine.record import parse_event, parse_record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rules_engine.record import MalformedRecord, StreamRecord


@dataclass
class Target:
    """An action type's stand-in: keeps what was performed, and fails where `failures` says so."""

    performed: list[tuple[str, str]] = field(default_factory=list)
    """(event id, action id) of every attempt, in order."""
    failures: dict[tuple[str, str], Exception] = field(default_factory=dict)
    render_failures: dict[tuple[str, str], Exception] = field(default_factory=dict)

    def render(self, delivery: Delivery) -> dict[str, Any]:
        unit = (delivery.match.record.event_id, delivery.action.id)
        if unit in self.render_failures:
            raise self.render_failures[unit]
        return {"unit": unit}

    def perform(self, request: Mapping[str, Any]) -> None:
        self.performed.append(request["unit"])
        if request["unit"] in self.failures:
            raise self.failures[request["unit"]]


FIRST = Rule("first", ("orders",), (ActionSpec("a", "log"), ActionSpec("b", "log")))
SECOND = Rule("second", ("orders",), (ActionSpec("c", "log"),), when=("new.total > `10`",))
RULES = RuleSet((FIRST, SECOND))


def invocation_of(
    target: Target, log: list[str], rule_set: RuleSet = RULES, debug_values: bool = False
) -> Invocation:
    actions = {(rule.id, spec.id): target for rule in rule_set.rules for spec in rule.actions}
    return Invocation(Engine.from_rules(rule_set), actions, log.append, debug_values)


def run(
    records: list[StreamRecord | MalformedRecord],
    target: Target,
    rule_set: RuleSet = RULES,
    debug_values: bool = False,
) -> tuple[str | None, list[dict[str, Any]]]:
    """What was reported, and the log."""
    log: list[str] = []
    reported = invocation_of(target, log, rule_set, debug_values).deliver(records)
    return reported, [json.loads(line) for line in log]


def change(number: int, total: Any = 20) -> dict[str, Any]:
    plain = {
        "event": "INSERT",
        "eventID": f"e-{number}",
        "sequenceNumber": f"{number}00",
        "keys": {"order_id": f"o-{number}"},
        "new": {"order_id": f"o-{number}", "total": total},
    }
    return record_from_images(plain, "orders")


def batch(*raws: dict[str, Any]) -> list[StreamRecord | MalformedRecord]:
    return parse_event({"Records": list(raws)})


def malformed(number: int) -> dict[str, Any]:
    raw = change(number)
    raw["eventName"] = "canary"
    return raw


def test_records_rules_and_actions_run_in_order() -> None:
    target = Target()
    reported, log = run(batch(change(1), change(2, total=5), change(3)), target)
    assert (reported, log) == (None, [])
    assert target.performed == [
        ("e-1", "a"),
        ("e-1", "b"),
        ("e-1", "c"),
        ("e-2", "a"),
        ("e-2", "b"),
        ("e-3", "a"),
        ("e-3", "b"),
        ("e-3", "c"),
    ]


def test_no_records_are_a_success() -> None:
    assert run([], Target()) == (None, [])


def test_the_first_failure_is_reported_and_nothing_after_it_is_tried() -> None:
    target = Target(failures={("e-2", "b"): ActionError("HTTP_503", "the receiver answered 503")})
    reported, log = run(batch(change(1), change(2), change(3)), target)
    assert reported == "200"
    assert target.performed == [("e-1", "a"), ("e-1", "b"), ("e-1", "c"), ("e-2", "a"), ("e-2", "b")]
    assert log == [
        {
            "level": "ERROR",
            "message": "action failed",
            "rule_id": "first",
            "action_id": "b",
            "delivery_id": delivery_id("e-2", "first", "b"),
            "record": "200",
            "code": "HTTP_503",
            "error": "the receiver answered 503",
        }
    ]


def test_a_record_that_cannot_be_read_is_reported_where_it_stands() -> None:
    target = Target()
    reported, log = run(batch(change(1, total=5), malformed(2), change(3)), target)
    assert reported == "200"
    assert target.performed == [("e-1", "a"), ("e-1", "b")]
    (line,) = log
    assert (line["level"], line["message"], line["record"]) == ("ERROR", "record cannot be read", "200")
    assert "canary" not in str(log)


def test_a_failure_before_a_record_that_cannot_be_read_comes_first() -> None:
    target = Target(failures={("e-1", "a"): OSError("reset")})
    assert run(batch(change(1), malformed(2)), target)[0] == "100"


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
    for target in (Target(failures={("e-1", "a"): error}), Target(render_failures={("e-1", "a"): error})):
        reported, log = run(batch(change(1)), target)
        assert (reported, log[0]["code"], log[0].get("error")) == ("100", code, text)


def test_what_a_service_said_is_logged_where_values_may_be_shown() -> None:
    target = Target(failures={("e-1", "a"): client_error()})
    _, log = run(batch(change(1)), target, debug_values=True)
    assert log[0]["error"].endswith("canary is not a key")


def test_a_condition_that_cannot_be_evaluated_fails_nothing_and_is_logged_once_for_its_rule() -> None:
    rules = RuleSet(
        (
            Rule("broken", ("orders",), (ActionSpec("a", "log"),), when=("starts_with(new.total, 'x')",)),
            Rule("sound", ("orders",), (ActionSpec("b", "log"),)),
        )
    )
    target = Target()
    reported, log = run(batch(change(1), change(2), change(3, total="x1")), target, rules)
    assert reported is None
    assert target.performed == [("e-1", "b"), ("e-2", "b"), ("e-3", "a"), ("e-3", "b")]
    (line,) = log
    assert line.pop("error").startswith("starts_with()")
    assert line == {
        "level": "WARNING",
        "message": "condition cannot be evaluated",
        "rule_id": "broken",
        "clause": "when",
        "count": 2,
    }


def test_an_error_that_nobody_expects_is_logged_and_raised() -> None:
    target = Target(failures={("e-2", "a"): ZeroDivisionError("canary")})
    log: list[str] = []
    with pytest.raises(ZeroDivisionError):
        invocation_of(target, log).deliver(batch(change(1), change(2)))
    assert log == [
        '{"level":"ERROR","message":"unexpected error","record":"200","error":"ZeroDivisionError"}'
    ]


def test_a_unit_has_the_same_id_in_every_process() -> None:
    match = Match((FIRST,), 0, parse_record(change(1)))
    assert [delivery.id for delivery in deliveries_of(match)] == [
        delivery_id("e-1", "first", "a"),
        delivery_id("e-1", "first", "b"),
    ]


@pytest.mark.parametrize("failing", range(1, 6))
def test_a_batch_that_comes_again_from_the_checkpoint_loses_nothing(failing: int) -> None:
    """As the stream poller does it: everything from the reported record on is delivered again."""
    raws = [change(number) for number in range(1, 6)]
    target = Target(failures={(f"e-{failing}", "b"): ActionError("HTTP_503", "once")})
    reported, _ = run(batch(*raws), target)
    start = [raw["dynamodb"]["SequenceNumber"] for raw in raws].index(reported)
    target.failures.clear()
    assert run(batch(*raws[start:]), target)[0] is None
    done = {unit: target.performed.count(unit) for unit in target.performed}
    repeated = {(f"e-{failing}", "a"): 2, (f"e-{failing}", "b"): 2}
    assert done == {(f"e-{number}", action): 1 for number in range(1, 6) for action in "abc"} | repeated
