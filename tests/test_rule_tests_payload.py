"""What a test may expect of a request: its payload in the words of the rule, and where that differs."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules_engine import exact_json
from rules_engine.actions import action_type
from rules_engine.attribute_value import AttributeSet
from rules_engine.expression import ABSENT
from rules_engine.model import EMPTY_SCOPE, ActionSpec
from rules_engine.rule_tests import Difference
from rules_engine.rule_tests.difference import differences
from rules_engine.rule_tests.payload import payload_of
from rules_engine.rule_tests.requests import stand_ins
from tests.units import SHIPPED_CHANGE, action_spec, delivery_of


def payload(spec: ActionSpec) -> dict[str, Any]:
    """What the action's request for the shipped order is in the words of the rule."""
    action = action_type(spec.type).build(spec, EMPTY_SCOPE, stand_ins(spec), None)
    request = action.render(delivery_of(spec))
    return {name: value for name, value in payload_of(spec, request).items() if name not in request}


def test_a_message_has_the_words_of_an_sns_action() -> None:
    spec = action_spec(
        "sns",
        topic_arn="${TOPIC}.fifo",
        subject="Order {{ keys.order_id }}",
        message={"total": "{{ new.total }}"},
        attributes={
            "status": "{{ new.status }}",
            "total": "{{ new.total }}",
            "all": ["a", "b"],
            "gift": False,
        },
    )
    found = payload(spec)
    assert found == {
        "topic_arn": "${TOPIC}.fifo",
        "subject": "Order o-1",
        "message": '{"total":12.5}',
        "attributes": {"status": "SHIPPED", "total": Decimal("12.5"), "all": ["a", "b"], "gift": "false"},
        "message_group_id": found["message_group_id"],
        "message_deduplication_id": delivery_of(spec).id,
    }


def test_an_object_has_the_words_of_an_s3_action() -> None:
    spec = action_spec(
        "s3", bucket="${ARCHIVE}", key="{{ keys.order_id }}.json", body={"a": "{{ new.total }}"}
    )
    assert payload(spec) == {
        "bucket": "${ARCHIVE}",
        "key": "o-1.json",
        "body": '{"a":12.5}',
        "content_type": "application/json",
    }


def test_a_document_has_the_words_of_an_opensearch_action() -> None:
    config = {"endpoint": "${ENDPOINT}", "domain_arn": "${DOMAIN}", "index": "${INDEX}"}
    spec = action_spec("opensearch", **config, document={"total": "{{ new.total }}"})
    assert payload(spec) == {"index": "${INDEX}", "document_id": "o-1"}
    action = action_type("opensearch").build(spec, EMPTY_SCOPE, stand_ins(spec), None)
    assert payload_of(spec, action.render(delivery_of(spec)))["document"] == {"total": Decimal("12.5")}


def test_a_message_has_the_words_of_an_sqs_action() -> None:
    spec = action_spec("sqs", queue_url="${QUEUE}.fifo", message={"total": 1}, attributes={"gift": False})
    found = payload(spec)
    assert found == {
        "queue_url": "${QUEUE}.fifo",
        "message": '{"total":1}',
        "attributes": {"gift": "false"},
        "message_group_id": found["message_group_id"],
        "message_deduplication_id": delivery_of(spec).id,
    }


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (
            action_spec(
                "eventbridge",
                event_bus="${BUS}",
                source="${SOURCE}",
                detail_type="Order {{ new.status }}",
                detail={"total": "{{ new.total }}"},
            ),
            {
                "event_bus": "${BUS}",
                "source": "${SOURCE}",
                "detail_type": "Order SHIPPED",
                "detail": {"total": Decimal("12.5")},
            },
        ),
        (
            action_spec("firehose", delivery_stream="${STREAM}", record="{{ new.status }}"),
            {"delivery_stream": "${STREAM}", "record": "SHIPPED"},
        ),
        (
            action_spec("lambda", function="${FUNCTION}", payload=["{{ new.total }}"]),
            {"function": "${FUNCTION}", "invocation": "async", "payload": [Decimal("12.5")]},
        ),
        (
            action_spec("lambda", function="a", invocation="wait", payload=1),
            {"function": "a", "invocation": "wait", "payload": 1},
        ),
        (
            action_spec(
                "stepfunctions", state_machine_arn="${MACHINE}", input={"order": "{{ keys.order_id }}"}
            ),
            {"state_machine_arn": "${MACHINE}", "input": {"order": "o-1"}},
        ),
        (
            action_spec(
                "metric",
                namespace="${NAMESPACE}",
                name="Total",
                value="{{ new.total }}",
                dimensions={"status": "{{ new.status }}"},
            ),
            {
                "namespace": "${NAMESPACE}",
                "name": "Total",
                "unit": "None",
                "value": Decimal("12.5"),
                "dimensions": {"status": "SHIPPED"},
            },
        ),
    ],
    ids=lambda value: value.type if isinstance(value, ActionSpec) else "",
)
def test_each_type_has_the_words_of_its_rule(spec: ActionSpec, words: dict[str, Any]) -> None:
    action = action_type(spec.type).build(spec, EMPTY_SCOPE, stand_ins(spec), None)
    request = action.render(delivery_of(spec))
    assert payload_of(spec, request) == {**request, **words}


def test_attributes_that_are_all_null_are_none() -> None:
    spec = action_spec("sns", topic_arn="${TOPIC}", message="x", attributes={"tier": "{{ new.tier }}"})
    found = payload(spec)
    assert found == {"topic_arn": "${TOPIC}", "message": "x", "attributes": {}}
    assert list(differences({"attributes": {"tier": None}}, found, "sns")) == []


def test_headers_have_the_names_of_the_rule_and_those_of_the_request() -> None:
    spec = action_spec("webhook", url="https://hooks.example.com/orders", headers={"X-Team": "${TEAM}"})
    action = action_type("webhook").build(spec, EMPTY_SCOPE, stand_ins(spec), None)
    request = action.render(delivery_of(spec))
    assert payload_of(spec, request) == {**request, "headers": {**request["headers"], "X-Team": "${TEAM}"}}
    assert request["headers"]["x-team"] == "${TEAM}"


def test_a_level_is_written_as_in_the_rule() -> None:
    spec = action_spec("log", level="warning")
    action = action_type("log").build(spec, EMPTY_SCOPE, {}, None)
    assert payload_of(spec, action.render(delivery_of(spec)))["level"] == "warning"


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        pytest.param(
            {"put": {"id": "{{ keys.order_id }}", "total": "{{ new.total }}", "gone": None}},
            {"put": {"id": "o-1", "total": Decimal("12.5"), "gone": None}},
            id="put",
        ),
        pytest.param(
            {"delete": {"key": "{{ keys }}"}}, {"delete": {"key": {"order_id": "o-1"}}}, id="delete"
        ),
        pytest.param(
            {
                "update": {
                    "key": "{{ keys }}",
                    "set": {"last.at[0]": "{{ new.status }}", "SET x": 1},
                    "add": {"orders": 1, "ids": ["{{ keys.order_id }}"]},
                    "remove": ["draft", "notes[1]"],
                }
            },
            {
                "update": {
                    "key": {"order_id": "o-1"},
                    "set": {"last.at[0]": "SHIPPED", "SET x": 1},
                    "add": {"orders": 1, "ids": ["o-1"]},
                    "remove": ["draft", "notes[1]"],
                }
            },
            id="update",
        ),
        pytest.param(
            {"update": {"key": "{{ keys }}", "remove": ["draft"]}},
            {"update": {"key": {"order_id": "o-1"}, "remove": ["draft"]}},
            id="update that only removes",
        ),
        pytest.param(
            {"sync": {"item": {"status": "{{ new.status }}"}}},
            {
                "sync": {
                    "item": {"status": "SHIPPED", "order_id": "o-1", "_sequence_number": f"{10**20 + 1:064}"}
                }
            },
            id="sync",
        ),
    ],
)
def test_a_write_has_the_words_of_a_table_action(config: dict[str, Any], expected: dict[str, Any]) -> None:
    assert payload(action_spec("table", table="copies", **config)) == {"table": "copies", **expected}


def test_a_write_that_takes_place_once_has_the_same_words() -> None:
    spec = ActionSpec("table", "table", {"table": "copies", "put": {"id": "1"}}, mode="once")
    assert payload(spec) == {"table": "copies", "put": {"id": "1"}}


def test_the_change_itself_is_compared_as_a_value() -> None:
    spec = action_spec("webhook", url="https://hooks.example.com/orders")
    action = action_type("webhook").build(spec, EMPTY_SCOPE, {}, None)
    found = payload_of(spec, action.render(delivery_of(spec)))
    assert found["body"] == SHIPPED_CHANGE
    expected = {"body": {"keys": {"order_id": "o-1"}, "new": {"total": Decimal("12.50")}}}
    assert list(differences(expected, found, "webhook")) == []


@pytest.mark.parametrize(
    ("expected", "got"),
    [
        (12, Decimal("12.0")),
        (Decimal("12.50"), Decimal("12.5")),
        ("SHIPPED", "SHIPPED"),
        (None, None),
        (True, True),
        ({"a": 1}, {"a": 1, "b": 2}),
        ({"gone": None}, {}),
        ([1, {"a": 2}], [1, {"a": 2, "b": 3}]),
        ({"a": [1]}, '{"a":[1.0]}'),
        (["b", "a"], AttributeSet("SS", ["a", "b"])),
        ("[1]", "[1]"),
    ],
)
def test_what_is_as_expected_differs_nowhere(expected: Any, got: Any) -> None:
    assert list(differences(expected, got, "sns")) == []


@pytest.mark.parametrize(
    ("expected", "got", "found"),
    [
        (12, "12", [Difference("sns", 12, "12")]),
        (1, True, [Difference("sns", 1, True)]),
        (0, None, [Difference("sns", 0, None)]),
        ("a", {"a": 1}, [Difference("sns", "a", {"a": 1})]),
        ({"a": 1}, "no JSON", [Difference("sns", {"a": 1}, "no JSON")]),
        ({"a": {"b": 1}}, {"a": {"b": 2}}, [Difference("sns.a.b", 1, 2)]),
        ({"mesage": 1}, {"message": 1}, [Difference("sns.mesage", 1, ABSENT, "did you mean 'message'?")]),
        ({"gone": None}, {"gone": 1}, [Difference("sns.gone", None, 1)]),
        ([1, 2], [1], [Difference("sns[1]", 2, ABSENT)]),
        ([1], [1, 2], [Difference("sns[1]", ABSENT, 2)]),
        ([1, 3], '[1,2]', [Difference("sns[1]", 3, 2)]),
        (["a"], AttributeSet("SS", ["a", "b"]), [Difference("sns", ["a"], ["a", "b"])]),
        (["a", "c"], AttributeSet("SS", ["a", "b"]), [Difference("sns", ["a", "c"], ["a", "b"])]),
    ],
)  # fmt: skip
def test_each_path_that_differs_is_named(expected: Any, got: Any, found: list[Difference]) -> None:
    assert list(differences(expected, got, "sns")) == found


SCALARS = (
    st.none() | st.booleans() | st.integers() | st.decimals(allow_nan=False, allow_infinity=False) | st.text()
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
)


def grown(value: Any, more: Any) -> Any:
    """`value` with another key in each of its maps."""
    if isinstance(value, dict):
        return {key: grown(each, more) for key, each in value.items()} | {"another key": more}
    return [grown(each, more) for each in value] if isinstance(value, list) else value


@given(VALUES, VALUES)
def test_a_request_with_all_that_is_expected_and_more_differs_nowhere(expected: Any, more: Any) -> None:
    assert list(differences(expected, grown(expected, more), "sns")) == []


@given(st.lists(VALUES, max_size=3) | st.dictionaries(st.text(max_size=3), VALUES, max_size=3))
def test_a_message_is_compared_as_the_value_that_its_json_holds(value: Any) -> None:
    assert list(differences(value, exact_json.dumps(value), "sns")) == []
