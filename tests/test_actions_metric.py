"""Metrics as lines of the log: what stands in a line, and what CloudWatch would not take."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.session import get_session

from rules_engine.actions import ConfigFinding, metric
from rules_engine.errors import RuleSetError, SettingsError, TemplateError
from rules_engine.model import EMPTY_SCOPE
from rules_engine.testing import FakeAws
from tests.units import action_spec, delivery_of, raw_record

CONFIG = {"namespace": "Shop", "name": "Orders"}
KEY = {"id": {"S": "1"}}
MILLISECONDS = 1_704_067_200_000
"""When the change was made."""


def render(record: dict[str, Any] | None = None, **config: Any) -> dict[str, Any]:
    spec = action_spec("metric", **{**CONFIG, **config})
    return metric.build(spec, EMPTY_SCOPE, {"STAGE": "dev"}, None).render(delivery_of(spec, record))


def test_without_a_value_a_change_counts_one() -> None:
    assert render() == {
        "_aws": {
            "Timestamp": MILLISECONDS,
            "CloudWatchMetrics": [
                {
                    "Namespace": "Shop",
                    "Dimensions": [[]],
                    "Metrics": [{"Name": "Orders", "Unit": "Count"}],
                }
            ],
        },
        "Orders": 1,
        "rule_id": "order-shipped",
        "action_id": "metric",
        "delivery_id": delivery_of(action_spec("metric")).id,
    }


def test_value_unit_and_dimensions_are_those_of_the_rule() -> None:
    request = render(
        namespace="Shop/${STAGE}",
        name="OrderTotal",
        value="{{ new.total }}",
        dimensions={"status": "{{ new.status }}", "large": "{{ new.total > `10` }}", "version": 2},
    )
    (directive,) = request["_aws"]["CloudWatchMetrics"]
    assert directive == {
        "Namespace": "Shop/dev",
        "Dimensions": [["status", "large", "version"]],
        "Metrics": [{"Name": "OrderTotal", "Unit": "None"}],
    }
    shown = {name: request[name] for name in ("OrderTotal", "status", "large", "version")}
    assert json.loads(json.dumps(shown, default=float)) == {
        "OrderTotal": 12.5,
        "status": "SHIPPED",
        "large": "true",
        "version": "2",
    }
    assert render(unit="Bytes/Second", value=3)["_aws"]["CloudWatchMetrics"][0]["Metrics"] == [
        {"Name": "Orders", "Unit": "Bytes/Second"}
    ]


def test_the_line_is_the_request_with_exact_numbers() -> None:
    written: list[str] = []
    spec = action_spec("metric", **CONFIG, value="{{ new.n }}")
    action = metric.build(spec, EMPTY_SCOPE, {}, None, written.append)
    new = {"n": {"N": "12345678901234567890123456789012345678"}}
    request = action.render(delivery_of(spec, raw_record(new, KEY)))
    action.perform(request)
    (line,) = written
    assert json.loads(line) == request
    assert "\n" not in line


def test_only_a_change_without_a_time_has_that_of_the_clock() -> None:
    written: list[str] = []
    spec = action_spec("metric", **CONFIG)
    action = metric.build(spec, EMPTY_SCOPE, {}, None, written.append, lambda: 1700.25)
    timeless = raw_record({}, KEY)
    del timeless["dynamodb"]["ApproximateCreationDateTime"]
    for record in (timeless, raw_record({}, KEY)):
        action.perform(action.render(delivery_of(spec, record)))
    assert [json.loads(line)["_aws"]["Timestamp"] for line in written] == [1_700_250, MILLISECONDS]


def test_the_units_are_those_of_cloudwatch() -> None:
    model = get_session().get_service_model("cloudwatch")
    assert sorted(metric.UNITS) == sorted(model.shape_for("StandardUnit").enum)


@pytest.mark.parametrize("number", [0, -1, "1E+108", "-1E-108", 2**360])
def test_a_value_that_cloudwatch_takes_is_sent(number: Any) -> None:
    new = {"n": {"N": str(number)}} if isinstance(number, str) else {"n": {"N": "1"}}
    value = "{{ new.n }}" if isinstance(number, str) else number
    assert render(raw_record(new, KEY), value=value)["Orders"] is not None


BEYOND = "the value of the metric is beyond what CloudWatch takes, 2 to the power of 360"


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"value": "{{ new.text }}"}, "the value of the metric is of type string, not a number"),
        ({"value": "{{ new.none }}"}, "the value of the metric is of type null, not a number"),
        ({"value": "{{ new.yes }}"}, "the value of the metric is of type boolean, not a number"),
        ({"value": "{{ new.large }}"}, BEYOND),
        ({"value": "{{ new.small }}"}, BEYOND),
        (
            {"dimensions": {"a": "{{ new }}"}},
            "the dimension 'a' is of type object, which CloudWatch does not take",
        ),
        (
            {"dimensions": {"a": "{{ new.set }}"}},
            "the dimension 'a' is of type array, which CloudWatch does not take",
        ),
        *(
            (
                {"dimensions": {"a": value}},
                "the dimension 'a' is empty, too long, or has characters that are not printable ASCII",
            )
            for value in (
                "{{ new.none }}",
                "{{ ' ' }}",
                "{{ 'Zoë' }}",
                "{{ 'a\tb' }}",
                "x" * 1020 + "{{ new.text }}",
            )
        ),
    ],
)
def test_what_cloudwatch_would_not_take_is_an_error_of_the_record(
    config: dict[str, Any], message: str
) -> None:
    new = {
        "text": {"S": "12345"},
        "yes": {"BOOL": True},
        "large": {"N": "1E+125"},
        "small": {"N": "1E-130"},
        "set": {"SS": ["a"]},
    }
    with pytest.raises(TemplateError) as failure:
        render(raw_record(new, KEY), **config)
    assert str(failure.value) == message


def finding(path: str, message: str, hint: str, *below: str) -> ConfigFinding:
    return ConfigFinding("RE109", (path, *below), message, hint)


NO_NAMESPACE = "'namespace' is not a namespace of one's own"
ALWAYS_TEXT = "the value of the metric is always text, never a number"
NAMESPACE_HINT = (
    "write letters, digits and . - _ / # : and spaces, at most 255, not beginning with AWS/ or ':'"
)
NAME_HINT = "write one short line of ASCII, at most 255 characters"
VALUE_HINT = "write a number, or one hole and nothing else, such as {{ new.total }}"
DIMENSION = "the dimension 'a' is empty, too long, or has characters that are not printable ASCII"
DIMENSION_HINT = "write one line of ASCII, 1 to 1024 characters"


@pytest.mark.parametrize(
    ("config", "found"),
    [
        *(
            ({"namespace": each}, finding("namespace", NO_NAMESPACE, NAMESPACE_HINT))
            for each in ("AWS/Shop", ":Shop", "Größe", " ", "x" * 256, "a\n")
        ),
        *(
            ({"name": each}, finding("name", "'name' is not the name of a metric", NAME_HINT))
            for each in ("Größe", " ", "x" * 256, "a\nb")
        ),
        (
            {"name": "_aws"},
            finding("name", "'_aws' is another field of the same line", "write another name"),
        ),
        *(
            ({"value": each}, finding("value", ALWAYS_TEXT, VALUE_HINT))
            for each in ("12", "{{ new.a }}0", "${A}")
        ),
        ({"value": 2**360 + 1}, finding("value", BEYOND, VALUE_HINT)),
        *(
            ({"dimensions": {"a": each}}, finding("dimensions", DIMENSION, DIMENSION_HINT, "a"))
            for each in ("", " ", "ü{{ new.a }}", "x" * 1025, "${A}\n")
        ),
        *(
            (
                {"dimensions": {each: "x"}},
                finding(
                    "dimensions", f"'{each}' is another field of the same line", "write another name", each
                ),
            )
            for each in ("Orders", "delivery_id")
        ),
        *(
            (
                {"dimensions": {each: "x"}},
                finding(
                    "dimensions",
                    f"'{each}' is no name of a dimension",
                    "write a short name of ASCII that does not begin with ':'",
                    each,
                ),
            )
            for each in (":a", " ", "ä", "x" * 256)
        ),
        (
            {"dimensions": {f"d{number}": "x" for number in range(31)}},
            finding(
                "dimensions",
                "the metric has 31 dimensions: CloudWatch takes at most 30",
                "leave some of them out",
            ),
        ),
    ],
)
def test_what_is_wrong_for_every_record_is_found(config: dict[str, Any], found: ConfigFinding) -> None:
    assert metric.check({**CONFIG, **config}) == [found]
    with pytest.raises(RuleSetError) as refusal:
        render(**config)
    assert str(refusal.value) == f"action 'metric': {found}"


@pytest.mark.parametrize(
    "value",
    [
        "{{ keys.order_id }}",
        'item {{ keys."order id" }}',
        "{{eventID}}",
        "{{ sequenceNumber }}",
        "{{ createdAt }}",
    ],
)
def test_a_dimension_with_another_value_for_each_change_is_a_warning(value: str) -> None:
    (found,) = metric.check({**CONFIG, "dimensions": {"a": value}})
    assert (found.code, found.path, found.severity) == ("RE455", ("dimensions", "a"), "warning")
    assert render(dimensions={"a": "{{ keys.order_id }}"})["a"] == "o-1"


@pytest.mark.parametrize(
    "config",
    [
        {"namespace": "Shop/${STAGE}", "name": "${NAME}", "value": "{{ new.total }}", "unit": "Seconds"},
        {"dimensions": {f"d{number}": "x" for number in range(30)}, "value": 0},
        {"dimensions": {"a": "{{ new.a || 'none' }}", "b": 1, "c": True, "d": "x${A}", "e": "${A}"}},
        {"dimensions": {"a": "{{ starts_with(keys.id, 'test') }}", "b": "{{ new.keys }}"}},
    ],
)
def test_a_config_that_can_work_has_no_findings(config: dict[str, Any]) -> None:
    assert metric.check({**CONFIG, **config}) == []


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"A": "AWS/Shop", "B": "b"}, "'AWS/Shop' is not a namespace of one's own"),
        ({"A": "Shop", "B": "ü"}, "'ü' is not the name of a metric"),
        ({"A": "Shop", "B": "delivery_id"}, "'delivery_id' is another field of the same line"),
    ],
)
def test_what_the_environment_names_wrongly_is_found_when_the_function_starts(
    environment: dict[str, str], message: str
) -> None:
    spec = action_spec("metric", namespace="${A}", name="${B}")
    with pytest.raises(SettingsError) as refusal:
        metric.connect(spec, environment, FakeAws())
    assert str(refusal.value) == f"action 'metric': {message}"


def test_nothing_is_reached_and_nothing_must_be_allowed() -> None:
    spec = action_spec("metric", **CONFIG)
    assert metric.build(spec, EMPTY_SCOPE, {}, FakeAws()).target == ""
    assert metric.permissions(spec) == []
