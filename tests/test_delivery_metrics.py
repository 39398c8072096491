"""The one line of metrics of an invocation: valid by CloudWatch's specification, and true."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules_engine.delivery.metrics import UNITS, Metrics, missing_images
from rules_engine.delivery.report import FIELDS, Report
from rules_engine.errors import ActionError, BatchError, Superseded
from rules_engine.log_line import LIMIT_BYTES
from rules_engine.model import ActionSpec, Rule, RuleSet
from rules_engine.views import images_wanted
from tests.delivery_fakes import START, Bench, FakeAction, Fault, World, batch, change, malformed, rules_of
from tests.test_delivery_properties import ITEMS, Chaos, bench_of, records_of

COUNT_OR_SECONDS = {"enum": ["Count", "Seconds"]}
TEXT = {"type": "string", "minLength": 1, "maxLength": 255}

EMF: dict[str, Any] = {
    "type": "object",
    "required": ["_aws"],
    "properties": {
        "_aws": {
            "type": "object",
            "required": ["Timestamp", "CloudWatchMetrics"],
            "additionalProperties": False,
            "properties": {
                "Timestamp": {"type": "integer", "minimum": 0},
                "CloudWatchMetrics": {
                    "type": "array",
                    "minItems": 1,
                    "items": {
                        "type": "object",
                        "required": ["Namespace", "Dimensions", "Metrics"],
                        "additionalProperties": False,
                        "properties": {
                            "Namespace": {**TEXT, "pattern": "^[A-Za-z0-9._/#: -]+$"},
                            "Dimensions": {
                                "type": "array",
                                "minItems": 1,
                                "items": {"type": "array", "maxItems": 30, "items": TEXT},
                            },
                            "Metrics": {
                                "type": "array",
                                "maxItems": 100,
                                "items": {
                                    "type": "object",
                                    "required": ["Name"],
                                    "additionalProperties": False,
                                    "properties": {"Name": TEXT, "Unit": COUNT_OR_SECONDS},
                                },
                            },
                        },
                    },
                },
            },
        }
    },
}
"""What the embedded metric format asks of a document; `checked` adds what a schema cannot say."""


def checked(line: str) -> dict[str, Any]:
    """The document that a line is, which must be valid."""
    document: dict[str, Any] = json.loads(line)
    jsonschema.validate(document, EMF)
    for directive in document["_aws"]["CloudWatchMetrics"]:
        for dimension in (name for names in directive["Dimensions"] for name in names):
            assert isinstance(document[dimension], str)
        names = [metric["Name"] for metric in directive["Metrics"]]
        assert len(set(names)) == len(names)
        for name in names:
            values = document[name] if isinstance(document[name], list) else [document[name]]
            assert len(values) <= 100
            assert all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values)
    assert "\n" not in line
    assert len(line.encode()) < LIMIT_BYTES
    return document


def measured(bench: Bench) -> list[str]:
    """Where the lines go from now on."""
    lines: list[str] = []
    bench.options["metrics"] = Metrics.of(bench.rules, lines.append, rules_hash="5f1d")
    return lines


def totals(document: dict[str, Any]) -> dict[str, float]:
    """All metrics that are not zero."""
    return {name: document[name] for name in UNITS if document[name]}


def test_what_an_invocation_did_is_one_line() -> None:
    errors = {
        ("e-1", "a"): ActionError("HTTP_422", "refused", "permanent"),
        ("e-2", "b"): Superseded("newer"),
        ("e-3", "c"): ActionError("HTTP_403", "denied", "systemic"),
    }

    def fault(event_id: str, action_id: str, number: int) -> Fault:
        if (event_id, action_id) == ("e-4", "a"):
            return ActionError("HTTP_503", "down", "transient") if number == 1 else None
        return errors.get((event_id, action_id))

    bench = Bench(rules_of(first="ab", second="c"), World(fault=fault))
    bench.actions["second", "c"] = FakeAction(bench.world, "elsewhere")
    bench.world.clock.time = START + 90.5
    lines = measured(bench)
    assert bench.deliver(*map(change, (1, 2, 3, 4)), malformed(5), remaining=lambda: 60.0) == "300"
    document = checked(lines[0])
    assert document["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "RulesEngine/rules"
    assert document["_aws"]["Timestamp"] >= (START + 90.5) * 1000
    found = totals(document)
    assert found.pop("Lag") >= 90.5
    assert found == {
        "Records": 5,
        "Matched": 8,
        "Delivered": 9,
        "Retried": 1,
        "Superseded": 1,
        "DeadLettered": 1,
        "Unresolved": 1,
        "UnreadableRecords": 1,
        "SystemicFailures": 1,
    }
    who = {name: document[name] for name in ("rules_hash", "first_record", "last_record")}
    assert who == {"rules_hash": "5f1d", "first_record": "100", "last_record": "500"}
    rules = document["rules"]
    assert rules["first"].pop("lag") >= 90.5
    assert rules["second"].pop("lag") >= 90.5
    assert rules == {
        "first": {
            "evaluated": 4,
            "matched": 4,
            "delivered": 6,
            "retried": 1,
            "superseded": 1,
            "dead_lettered": 1,
        },
        "second": {"evaluated": 4, "matched": 4, "delivered": 3, "unresolved": 1},
    }


def test_a_rule_is_evaluated_for_records_of_its_tables_and_events() -> None:
    rules = RuleSet(
        (
            Rule("inserts", ("orders",), (ActionSpec("a", "fake"),), events=("INSERT",)),
            Rule("removals", ("orders",), (ActionSpec("a", "fake"),), events=("REMOVE",)),
            Rule("broken", ("orders",), (ActionSpec("a", "fake"),), when=("starts_with(new.total, 'x')",)),
        )
    )
    bench = Bench(rules)
    lines = measured(bench)
    removal = change(3)
    removal["eventName"] = "REMOVE"
    del removal["dynamodb"]["NewImage"]
    assert bench.deliver(change(1, total=1), change(2, total=1), removal) is None
    document = checked(lines[0])
    for counts in document["rules"].values():
        counts.pop("lag", None)
    assert document["rules"] == {
        "inserts": {"evaluated": 2, "matched": 2, "delivered": 2},
        "removals": {"evaluated": 1, "matched": 1, "delivered": 1},
        "broken": {"evaluated": 3, "condition_errors": document["ConditionErrors"]},
    }
    assert document["ConditionErrors"] >= 2


def test_a_batch_that_fails_as_a_whole_is_counted() -> None:
    bench = Bench(rules_of(first="a"))
    lines = measured(bench)
    bench.resume.fault = lambda operation: BatchError("the state table cannot be read")
    with pytest.raises(BatchError):
        bench.deliver(change(1))
    assert totals(checked(lines[0])) == {"Records": 1, "Matched": 1, "FailedBatches": 1}


@pytest.mark.parametrize("age_seconds", [0, 7 * 3600])
def test_what_cannot_be_given_up_without_a_queue_is_counted(age_seconds: int) -> None:
    errors = {
        "e-1": ActionError("HTTP_422", "refused", "permanent"),
        "e-2": ActionError("HTTP_503", "down", "transient"),
    }
    bench = Bench(rules_of(first="a"), World(fault=lambda event_id, action_id, number: errors.get(event_id)))
    bench.dead_letters = None
    bench.world.clock.time = START + age_seconds
    lines = measured(bench)
    assert bench.deliver(change(1), change(2), change(3)) == "100"
    document = checked(lines[0])
    assert (document["Unresolved"], document["NotGivenUp"]) == (2, 2 if age_seconds else 1)


def test_a_quiet_batch_is_a_line_of_zeros_and_an_empty_one_is_none() -> None:
    bench = Bench(RuleSet((Rule("none", ("others",), (ActionSpec("a", "fake"),)),)))
    lines = measured(bench)
    bench.deliver()
    assert lines == []
    bench.deliver(change(1))
    document = checked(lines[0])
    assert (totals(document), document["rules"]) == ({"Records": 1}, {})


def test_of_very_many_rules_the_busiest_are_shown() -> None:
    names = [f"a-rule-with-a-rather-long-name-{number:04d}" for number in range(500)]
    rules = RuleSet(tuple(Rule(name, ("orders",), ()) for name in names))
    lines: list[str] = []
    report = Report(lines.append, lambda: START)
    for number, name in enumerate(names):
        report.of(name).matched = number + 1
    Metrics.of(rules, lines.append).emit(report, [], "f", START)
    document = checked(lines[0])
    shown = list(document["rules"])
    assert document["rules_left_out"] + len(shown) == 500
    assert len(shown) > 50
    assert shown == names[::-1][: len(shown)]
    assert document["Matched"] == sum(range(501))


@pytest.mark.parametrize(
    ("view", "missing"),
    [(None, 3), ("NEW_AND_OLD_IMAGES", 3), ("NEW_IMAGE", 2), ("OLD_IMAGE", 2), ("KEYS_ONLY", 0)],
)
def test_images_that_the_rules_count_on_and_records_lack_are_counted(view: str | None, missing: int) -> None:
    rules = RuleSet((Rule("r", ("orders",), (ActionSpec("a", "fake"),), view=view),))
    raws = [change(1), change(2), change(3)]
    for raw, event in zip(raws, ("INSERT", "MODIFY", "REMOVE"), strict=True):
        raw["eventName"] = event
        del raw["dynamodb"]["NewImage"]
    assert missing_images(batch(*raws), images_wanted(rules.rules)) == missing
    assert missing_images(batch(change(1)), images_wanted(rules.rules)) == 0


def test_a_rule_that_is_switched_off_counts_on_nothing() -> None:
    (rule,) = rules_of(first="a").rules
    assert images_wanted([replace(rule, enabled=False)]) == {}


@settings(max_examples=100, deadline=None)
@given(ITEMS, st.integers(0, 10**6), st.sampled_from([0.0, 0.5, 1.0]), st.booleans())
def test_whatever_happens_the_line_is_valid_and_adds_up(
    items: list[int | None], seed: int, rate: float, has_queue: bool
) -> None:
    bench = bench_of(Chaos(seed, rate, 0.2, 0.2), ("retry", "continue", "dead_letter"), has_queue, True)
    lines = measured(bench)
    failed = 0
    try:
        bench.deliver(*records_of(items))
    except BatchError:
        failed = 1
    document = checked(lines[0])
    readable = sum(item is not None for item in items)
    assert (document["Records"], document["Matched"]) == (len(items), 2 * readable)
    assert document["FailedBatches"] == failed
    ends = ("Delivered", "Superseded", "Skipped", "DeadLettered", "Unresolved")
    assert sum(document[name] for name in ends) == 3 * readable or failed
    assert {name for line in bench.log for name in line} <= {"level", "message", *FIELDS}


def test_a_field_that_is_not_on_the_list_has_no_way_into_the_log() -> None:
    report = Report(lambda line: None, lambda: START)
    with pytest.raises(ValueError, match="no log line has the field 'payload'"):
        report.line("INFO", "m", payload="canary")
