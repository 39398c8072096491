"""Batch calls over real HTTP in which single entries fail: each finds its way back to its own unit."""

from __future__ import annotations

import json
from collections import Counter
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from rules_engine.model import ActionSpec, Rule
from tests.aws_proxy import AwsProxy
from tests.test_actions_firehose import archived
from tests.test_delivery_local import (
    Surroundings,
    deliver,
    function_of,
    metrics,
    new_surroundings,
    records,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from rules_engine.local.ministack import Ministack

pytestmark = pytest.mark.local


def rule_of(spec: ActionSpec) -> Rule:
    return Rule("sent", ("orders",), (spec,))


QUEUED = rule_of(ActionSpec("sqs", "sqs", {"queue_url": "${QUEUE}", "message": "{{ eventID }}"}))
EVENT = {
    "event_bus": "${NAME}",
    "source": "example.orders",
    "detail_type": "x",
    "detail": {"id": "{{ eventID }}"},
}
PUT = rule_of(ActionSpec("eventbridge", "eventbridge", EVENT))
ARCHIVED = rule_of(
    ActionSpec("firehose", "firehose", {"delivery_stream": "${NAME}", "record": "{{ eventID }}"})
)


@pytest.fixture
def surroundings(ministack: Ministack, unique_name: Callable[[str], str]) -> Surroundings:
    """With a bus whose events go to the inbox, and a stream whose records go to a bucket, by one name."""
    around = new_surroundings(ministack, unique_name)
    name = unique_name("batches")
    queue = ministack.client("sqs").get_queue_attributes(
        QueueUrl=around.inbox_url, AttributeNames=["QueueArn"]
    )
    events = ministack.client("events")
    events.create_event_bus(Name=name)
    events.put_rule(Name=name, EventBusName=name, EventPattern='{"source": ["example.orders"]}')
    target = {"Id": "inbox", "Arn": queue["Attributes"]["QueueArn"]}
    events.put_targets(Rule=name, EventBusName=name, Targets=[target])
    ministack.client("s3").create_bucket(
        Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    bucket = {"RoleARN": "arn:aws:iam::000000000000:role/any", "BucketARN": f"arn:aws:s3:::{name}"}
    ministack.client("firehose").create_delivery_stream(
        DeliveryStreamName=name, ExtendedS3DestinationConfiguration=bucket
    )
    around.environment |= {"QUEUE": around.inbox_url, "NAME": name}
    return around


def arrived(around: Surroundings, rule: Rule) -> Counter[str]:
    if rule is ARCHIVED:
        return Counter(archived(around.aws, around.environment["NAME"]))
    texts = around.published()
    return Counter(texts if rule is QUEUED else (json.loads(text)["detail"]["id"] for text in texts))


CALLS = {"sqs": "SendMessageBatch", "eventbridge": "PutEvents", "firehose": "PutRecordBatch"}


@pytest.mark.parametrize("rule", [QUEUED, PUT, ARCHIVED], ids=CALLS)
def test_what_fails_in_a_call_comes_again_and_nothing_else_does(
    rule: Rule, surroundings: Surroundings
) -> None:
    """In every third call the first and the last entry fail."""
    raws = records(60)
    calls = count()

    def refuse(name: str, entries: int) -> Collection[int]:
        return {0, entries - 1} if entries > 1 and next(calls) % 3 == 0 else ()

    with (
        AwsProxy(surroundings.aws.endpoint_url, refuse_entries=refuse) as proxy,
        function_of(surroundings.environment | {"AWS_ENDPOINT_URL": proxy.url}, rule) as function,
    ):
        left: list[dict[str, Any]] = raws
        rounds = 0
        while left:
            left, rounds = deliver(function, left), rounds + 1
            assert rounds < 10
        figures = metrics(function)
    assert arrived(surroundings, rule) == {raw["eventID"]: 1 for raw in raws}
    assert next(calls) >= 1  # so entries did fail
    assert (figures["Unresolved"], figures["DeadLettered"]) == (0, 0)
    assert surroundings.dead_letters() == []
    most = {"sqs": 10, "eventbridge": 10, "firehose": 500}[rule.actions[0].type]
    assert proxy.calls.count(CALLS[rule.actions[0].type]) <= 2 * 60 / most + 5


def test_two_rules_for_one_bus_share_its_calls(surroundings: Surroundings) -> None:
    other = ActionSpec("eventbridge", "eventbridge", {**EVENT, "detail_type": "y"})
    proxy = AwsProxy(surroundings.aws.endpoint_url)
    with (
        proxy,
        function_of(
            surroundings.environment | {"AWS_ENDPOINT_URL": proxy.url},
            PUT,
            Rule("other", ("orders",), (other,)),
        ) as function,
    ):
        assert deliver(function, records(50)) == []
    assert len(surroundings.published()) == 100
    assert proxy.calls.count("PutEvents") <= 100 / 10 + 4
    assert proxy.calls.count("DescribeEventBus") <= 4


def test_events_for_a_bus_that_is_not_there_wait_for_it(surroundings: Surroundings) -> None:
    raws = records(5)
    surroundings.environment["NAME"] += "-not-there"
    with function_of(surroundings.environment, PUT) as function:
        assert deliver(function, raws) == raws
        assert metrics(function)["SystemicFailures"] >= 1
        surroundings.aws.client("events").create_event_bus(Name=surroundings.environment["NAME"])
        assert deliver(function, raws) == []
