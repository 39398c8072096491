"""Events on EventBridge buses: what is rendered and refused, what each entry came to, and what arrives."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from rules_engine.actions import ConfigFinding, Permission, eventbridge
from rules_engine.actions.event_bus import CHECK_SECONDS
from rules_engine.aws import Clients
from rules_engine.errors import ActionError, RuleSetError, SettingsError, TemplateError
from rules_engine.model import EMPTY_SCOPE
from rules_engine.testing import FakeAws, Fault, ScriptedFaults
from tests.test_actions_sns import messages_in
from tests.units import SHIPPED_CHANGE, action_spec, delivery_of, requests_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from rules_engine.local.ministack import Ministack

BUS = "orders"
CONFIG = {"event_bus": BUS, "source": "example.orders", "detail_type": "Order shipped"}
TIME = "2024-01-01T00:00:00Z"
SIZE_OF_THE_REST = len("example.orders") + len("Order shipped") + 14


def render(**config: Any) -> dict[str, Any]:
    spec = action_spec("eventbridge", **{**CONFIG, **config})
    return eventbridge.build(spec, EMPTY_SCOPE, {}, None).render(delivery_of(spec))


def built(clients: Any, clock: Callable[[], float] = lambda: 0.0, **config: Any) -> Any:
    return eventbridge.build(
        action_spec("eventbridge", **{**CONFIG, **config}), EMPTY_SCOPE, {}, clients, clock
    )


# The request


def test_without_a_detail_the_change_is_sent() -> None:
    assert render() == {
        "EventBusName": BUS,
        "Source": "example.orders",
        "DetailType": "Order shipped",
        "Detail": SHIPPED_CHANGE,
        "Time": TIME,
    }


def test_the_detail_is_json_with_exact_numbers() -> None:
    detail = {"order": "{{ keys.order_id }}", "total": "{{ new.total }}"}
    assert render(detail=detail)["Detail"] == '{"order":"o-1","total":12.5}'
    assert json.loads(render(detail="{{ old }}")["Detail"]) == {"order_id": "o-1", "status": "PACKED"}


def test_the_detail_type_may_come_from_the_record() -> None:
    assert render(detail_type="Order {{ new.status }}")["DetailType"] == "Order SHIPPED"


def test_bus_and_source_may_come_from_the_environment() -> None:
    spec = action_spec("eventbridge", **{**CONFIG, "event_bus": "${BUS}", "source": "example.${STAGE}"})
    action = eventbridge.build(spec, EMPTY_SCOPE, {"BUS": "b", "STAGE": "dev"}, FakeAws())
    request = action.render(delivery_of(spec))
    assert (request["EventBusName"], request["Source"]) == ("b", "example.dev")


# What is refused


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"detail": "{{ new.status }}"}, "the detail is no map, and EventBridge takes nothing else"),
        ({"detail": "{{ new.none }}"}, "the detail is no map, and EventBridge takes nothing else"),
        (
            {"detail_type": "{{ new.none || '' }}"},
            "the detail type is empty, which EventBridge does not take",
        ),
        (
            {"detail_type": "x" * 122 + "{{ new.status }}"},
            "the detail type has 129 characters: EventBridge takes at most 128",
        ),
        (
            {"detail": {"a": "x" * (1_048_576 - SIZE_OF_THE_REST - 7)}},
            "the event has 1048577 bytes: EventBridge takes at most 1048576",
        ),
    ],
)
def test_what_eventbridge_would_refuse_or_drop_is_found_before_it_is_sent(
    config: dict[str, Any], message: str
) -> None:
    with pytest.raises(TemplateError) as failure:
        render(**config)
    assert str(failure.value) == message


def test_the_largest_event_is_taken_and_counted_as_eventbridge_counts() -> None:
    request = render(detail={"ä": "x" * (1_048_576 - SIZE_OF_THE_REST - 9)})
    assert built(None).entry_bytes(request) == 1_048_576


BUS_FINDING = ConfigFinding(
    "RE109",
    ("event_bus",),
    "'event_bus' is not the name or ARN of an event bus",
    "write its name of letters, digits, '.', '_' and '-', its ARN, 'default', or ${NAME}",
)
SOURCE_FINDING = ConfigFinding(
    "RE109",
    ("source",),
    "'source' is not a source of events of one's own",
    "write a name such as example.orders, at most 256 characters; those with aws. are AWS's own",
)


@pytest.mark.parametrize(
    ("config", "finding"),
    [
        *(
            ({"event_bus": bus}, BUS_FINDING)
            for bus in ("a bus", "arn:aws:events:eu-west-1:123456789012:rule/orders", "orders\n")
        ),
        *(({"source": each}, SOURCE_FINDING) for each in ("aws.orders", "AWS", " a", "a\nb", "x" * 257)),
        (
            {"detail": "a {{ new.a }}"},
            ConfigFinding(
                "RE109",
                ("detail",),
                "'detail' is always text, never a map",
                'write name: value lines, or one hole and nothing else, such as: detail: "{{ new }}"',
            ),
        ),
        (
            {"detail_type": "x" * 129 + "{{ new.a }}"},
            ConfigFinding(
                "RE109",
                ("detail_type",),
                "the detail type has 129 characters: EventBridge takes at most 128",
                "write a few words that rules can match, and the rest in 'detail'",
            ),
        ),
    ],
)
def test_what_is_wrong_for_every_record_is_found(config: dict[str, Any], finding: ConfigFinding) -> None:
    assert eventbridge.check({**CONFIG, **config}) == [finding]
    with pytest.raises(RuleSetError) as refusal:
        built(None, **config)
    assert str(refusal.value) == f"action 'eventbridge': {finding}"


@pytest.mark.parametrize(
    "config",
    [
        {"event_bus": "default"},
        {"event_bus": "arn:aws-cn:events:cn-north-1:123456789012:event-bus/Orders_2-b.c"},
        {"event_bus": "${BUS}", "source": "${SOURCE}"},
        {"source": "awsome"},
        {"detail": {}, "detail_type": "x" * 128 + "{{ new.a || '' }}"},
        {"detail": "{{ new }}"},
    ],
)
def test_a_config_that_can_work_has_no_findings(config: dict[str, Any]) -> None:
    assert eventbridge.check({**CONFIG, **config}) == []


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"A": "a bus", "B": "b"}, "'a bus' is not the name or ARN of an event bus"),
        ({"A": "bus", "B": "aws.x"}, "'aws.x' is not a source of events of one's own"),
    ],
)
def test_what_the_environment_names_wrongly_is_found_when_the_function_starts(
    environment: dict[str, str], message: str
) -> None:
    spec = action_spec("eventbridge", event_bus="${A}", source="${B}", detail_type="x")
    with pytest.raises(SettingsError) as refusal:
        eventbridge.connect(spec, environment, FakeAws())
    assert str(refusal.value) == f"action 'eventbridge': {message}"


def test_putting_is_allowed_on_the_bus_alone() -> None:
    def allowed(bus: str) -> list[Permission]:
        return eventbridge.permissions(action_spec("eventbridge", **{**CONFIG, "event_bus": bus}))

    here = "arn:${AWS::Partition}:events:${AWS::Region}:${AWS::AccountId}:event-bus/"
    arn = "arn:aws:events:eu-west-1:123456789012:event-bus/orders"
    calls = ("events:PutEvents", "events:DescribeEventBus")
    assert allowed("${BUS}") == [Permission(call, here + "${BUS}") for call in calls]
    assert allowed(arn) == [Permission(call, arn) for call in calls]
    assert allowed("default") == [Permission("events:PutEvents", here + "default")]


# Entries, and the bus that is not there


def test_each_entry_gets_what_was_said_of_it() -> None:
    class Bus(FakeAws):
        def client(self, service: str, timeout_seconds: float | None = None) -> Any:
            return self

        def put_events(self, **request: Any) -> dict[str, Any]:
            codes = ("ThrottlingException", "MalformedDetail", "AccessDeniedException", "SomethingNew")
            refused = [{"ErrorCode": code, "ErrorMessage": "canary"} for code in codes]
            return {"FailedEntryCount": 4, "Entries": [{"EventId": "1"}, *refused, {}]}

    action = built(Bus(), event_bus="default")
    errors = action.perform_batch(requests_of(action, "eventbridge", 7))
    assert errors[0] is None
    assert [(each.code, each.error_class) for each in errors[1:] if isinstance(each, ActionError)] == [
        ("ThrottlingException", "transient"),
        ("MalformedDetail", "permanent"),
        ("AccessDeniedException", "systemic"),
        ("SomethingNew", "unknown"),
        ("NO_ANSWER", "transient"),
        ("NO_ANSWER", "transient"),
    ]
    assert {str(each) for each in errors[1:]} == {
        "the bus refused the event",
        "the bus said nothing of this event",
    }


def test_the_entries_of_a_call_are_the_requests() -> None:
    aws = FakeAws()
    action = built(aws)
    requests = requests_of(action, "eventbridge", 3)
    assert action.perform_batch(requests) == [None] * 3
    action.perform(requests[0])
    puts = [effect.request for effect in aws.effects]
    assert puts == [*requests, requests[0]]
    assert aws.calls == {("events", "DescribeEventBus"): 1, ("events", "PutEvents"): 2}


def test_a_single_event_that_is_refused_is_an_error() -> None:
    action = built(
        FakeAws(faults=ScriptedFaults({0: Fault.some([0], "InternalFailure")})), event_bus="default"
    )
    with pytest.raises(ActionError) as failure:
        action.perform(action.render(delivery_of(action_spec("eventbridge", **CONFIG))))
    assert (failure.value.code, failure.value.error_class) == ("InternalFailure", "transient")


def test_nothing_is_put_on_a_bus_that_is_not_there() -> None:
    aws = FakeAws()
    aws.eventbridge.missing.add(BUS)
    action = built(aws)
    requests = requests_of(action, "eventbridge", 2)
    for perform in (lambda: action.perform(requests[0]), lambda: action.perform_batch(requests)):
        with pytest.raises(ActionError) as failure:
            perform()
        assert (failure.value.code, failure.value.error_class) == ("EVENT_BUS_NOT_FOUND", "systemic")
    assert aws.calls == {("events", "DescribeEventBus"): 2}
    aws.eventbridge.missing.clear()
    action.perform(requests[0])
    assert aws.eventbridge.events(BUS) == [{**requests[0], "EventId": "event-0"}]


def test_the_bus_is_asked_for_again_after_a_while() -> None:
    aws, now = FakeAws(), [1000.0]
    action = built(aws, clock=lambda: now[0])
    (request,) = requests_of(action, "eventbridge", 1)
    for moment in (1000.0, 1000.0 + CHECK_SECONDS - 1, 1000.0 + CHECK_SECONDS):
        now[0] = moment
        action.perform(request)
    assert aws.calls == {("events", "DescribeEventBus"): 2, ("events", "PutEvents"): 3}


@pytest.mark.parametrize("bus", ["default", "arn:aws:events:eu-west-1:123456789012:event-bus/default"])
def test_the_default_bus_is_not_asked_for(bus: str) -> None:
    aws = FakeAws()
    action = built(aws, event_bus=bus)
    action.perform(requests_of(action, "eventbridge", 1)[0])
    assert aws.calls == {("events", "PutEvents"): 1}


@pytest.mark.parametrize("code", ["AccessDeniedException", "ThrottlingException"])
def test_a_function_that_may_not_ask_puts_events_all_the_same(code: str) -> None:
    aws = FakeAws(faults=ScriptedFaults({0: Fault.error(code)}))
    action = built(aws)
    action.perform(requests_of(action, "eventbridge", 1)[0])
    assert len(aws.eventbridge.events(BUS)) == 1


def test_actions_of_one_bus_go_out_together_whatever_their_source() -> None:
    one, same, other = built(None), built(None, source="x", detail_type="y"), built(None, event_bus="b")
    assert one.batch_key == same.batch_key != other.batch_key


# On a real server


@pytest.fixture
def heard(aws: Ministack, unique_name: Callable[[str], str]) -> tuple[str, str]:
    """A bus, and the URL of a queue that gets its events of `example.orders`."""
    bus, events, queues = unique_name("orders"), aws.client("events"), aws.client("sqs")
    events.create_event_bus(Name=bus)
    url = queues.create_queue(QueueName=bus)["QueueUrl"]
    arn = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_rule(Name=bus, EventBusName=bus, EventPattern='{"source": ["example.orders"]}')
    events.put_targets(Rule=bus, EventBusName=bus, Targets=[{"Id": "queue", "Arn": arn}])
    return bus, url


@pytest.mark.local
def test_a_target_of_the_bus_gets_what_was_rendered(aws: Ministack, heard: tuple[str, str]) -> None:
    bus, url = heard
    detail = {"order": "{{ keys.order_id }}", "total": "{{ new.total }}"}
    action = built(Clients(), event_bus=bus, detail=detail)
    action.perform(action.render(delivery_of(action_spec("eventbridge", **CONFIG))))
    other = built(Clients(), event_bus=bus, source="example.others")
    other.perform(requests_of(other, "eventbridge", 1)[0])
    (message,) = messages_in(aws, url)
    event = json.loads(message["Body"])
    assert (event["source"], event["detail-type"]) == ("example.orders", "Order shipped")
    assert event["detail"] == {"order": "o-1", "total": 12.5}


@pytest.mark.local
def test_every_event_of_a_call_arrives(aws: Ministack, heard: tuple[str, str]) -> None:
    bus, url = heard
    action = built(Clients(), event_bus=bus)
    assert action.perform_batch(requests_of(action, "eventbridge", 10)) == [None] * 10
    arrived = [json.loads(message["Body"])["detail"]["eventID"] for message in messages_in(aws, url)]
    assert sorted(arrived) == [f"e-{number}" for number in range(10)]


@pytest.mark.local
def test_a_bus_that_is_not_there_is_found_out(aws: Ministack, unique_name: Callable[[str], str]) -> None:
    action = built(Clients(), event_bus=unique_name("nowhere"))
    with pytest.raises(ActionError) as failure:
        action.perform(requests_of(action, "eventbridge", 1)[0])
    assert (failure.value.code, failure.value.error_class) == ("EVENT_BUS_NOT_FOUND", "systemic")
