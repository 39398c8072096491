"""Records to Firehose streams: what is rendered and refused, what each came to, and what is archived."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from rules_engine.actions import ConfigFinding, Permission, firehose
from rules_engine.aws import Clients
from rules_engine.delivery.failure import classify
from rules_engine.errors import ActionError, RuleSetError, SettingsError, TemplateError
from rules_engine.model import EMPTY_SCOPE
from rules_engine.testing import FakeAws
from tests.units import SHIPPED_CHANGE, action_spec, delivery_of, requests_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from rules_engine.local.ministack import Ministack

STREAM = "order-archive"


def built(clients: Any, **config: Any) -> firehose.FirehoseAction:
    spec = action_spec("firehose", **{"delivery_stream": STREAM, **config})
    return firehose.build(spec, EMPTY_SCOPE, {}, clients)


def render(**config: Any) -> dict[str, Any]:
    return built(None, **config).render(delivery_of(action_spec("firehose")))


def test_without_a_record_the_change_is_one_line() -> None:
    assert render() == {"DeliveryStreamName": STREAM, "Record": {"Data": SHIPPED_CHANGE + "\n"}}


@pytest.mark.parametrize(
    ("record", "line"),
    [
        ({"order": "{{ keys.order_id }}", "total": "{{ new.total }}"}, '{"order":"o-1","total":12.5}\n'),
        ("Order {{ keys.order_id }}", '"Order o-1"\n'),
        ("{{ 'two\nlines' }}", '"two\\nlines"\n'),
        ("{{ new.none }}", "null\n"),
        (["{{ new.total }}"], "[12.5]\n"),
    ],
)
def test_a_record_is_one_line_of_json(record: Any, line: str) -> None:
    assert render(record=record)["Record"]["Data"] == line


def test_what_firehose_would_refuse_is_found_before_it_is_sent() -> None:
    assert len(render(record="x" * 1_023_997)["Record"]["Data"]) == 1_024_000
    with pytest.raises(TemplateError) as failure:
        render(record="x" * 1_023_998)
    assert str(failure.value) == "the record has 1024001 bytes: Firehose takes at most 1024000"


STREAM_FINDING = ConfigFinding(
    "RE109",
    ("delivery_stream",),
    "'delivery_stream' is not the name of a Firehose stream",
    "write its name, of an ARN what stands behind deliverystream/, or ${NAME}",
)


@pytest.mark.parametrize(
    "stream", ["a stream", "arn:aws:firehose:eu-west-1:123456789012:deliverystream/a", "x" * 65, "a\n"]
)
def test_what_is_no_name_of_a_stream_is_found(stream: str) -> None:
    assert firehose.check({"delivery_stream": stream}) == [STREAM_FINDING]
    with pytest.raises(RuleSetError) as refusal:
        built(None, delivery_stream=stream)
    assert str(refusal.value) == f"action 'firehose': {STREAM_FINDING}"
    with pytest.raises(SettingsError) as late:
        firehose.connect(action_spec("firehose", delivery_stream="${S}"), {"S": stream}, FakeAws())
    assert str(late.value) == f"action 'firehose': '{stream}' is not the name of a Firehose stream"


@pytest.mark.parametrize("stream", ["${STREAM}", "Order_archive.2-b", "x" * 64])
def test_a_name_that_can_work_has_no_findings(stream: str) -> None:
    assert firehose.check({"delivery_stream": stream}) == []


def test_writing_is_allowed_on_the_stream_alone() -> None:
    arn = "arn:${AWS::Partition}:firehose:${AWS::Region}:${AWS::AccountId}:deliverystream/${STREAM}"
    assert firehose.permissions(action_spec("firehose", delivery_stream="${STREAM}")) == [
        Permission("firehose:PutRecord", arn),
        Permission("firehose:PutRecordBatch", arn),
    ]


def test_each_record_of_a_call_gets_what_was_said_of_it() -> None:
    class Stream(FakeAws):
        def client(self, service: str, timeout_seconds: float | None = None) -> Any:
            return self

        def put_record_batch(self, **request: Any) -> dict[str, Any]:
            codes = ("ServiceUnavailableException", "InternalFailure", "SomethingNew")
            refused = [{"ErrorCode": code, "ErrorMessage": "canary"} for code in codes]
            return {"FailedPutCount": 3, "RequestResponses": [{"RecordId": "1"}, *refused]}

    action = built(Stream())
    errors = action.perform_batch(requests_of(action, "firehose", 5))
    assert errors[0] is None
    assert [(each.code, each.error_class) for each in errors[1:] if isinstance(each, ActionError)] == [
        ("ServiceUnavailableException", "transient"),
        ("InternalFailure", "transient"),
        ("SomethingNew", "unknown"),
        ("NO_ANSWER", "transient"),
    ]
    assert {str(each) for each in errors[1:]} == {
        "the stream refused the record",
        "the stream said nothing of this record",
    }


def test_the_records_of_a_call_are_those_of_single_ones() -> None:
    aws = FakeAws()
    action = built(aws)
    requests = requests_of(action, "firehose", 3)
    assert action.perform_batch(requests) == [None] * 3
    action.perform(requests[0])
    lines = [request["Record"]["Data"].encode() for request in requests]
    assert aws.firehose.records(STREAM) == [*lines, lines[0]]


def test_a_record_counts_as_its_base64() -> None:
    action = built(None, record="ü")
    request = action.render(delivery_of(action_spec("firehose")))
    assert request["Record"]["Data"] == '"ü"\n'
    assert action.entry_bytes(request) == 8  # of 5 bytes
    assert (firehose.FirehoseAction.most_entries, firehose.FirehoseAction.most_bytes) == (500, 4_194_304)


def test_actions_of_one_stream_go_out_together_and_no_others() -> None:
    one, same, other = built(None), built(None, record="x"), built(None, delivery_stream="b")
    assert one.batch_key == same.batch_key != other.batch_key


# On a real server


@pytest.fixture
def archive(aws: Ministack, unique_name: Callable[[str], str]) -> tuple[str, str]:
    """A stream, and the bucket to which it writes."""
    name = unique_name("archive")
    aws.client("s3").create_bucket(
        Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    aws.client("firehose").create_delivery_stream(
        DeliveryStreamName=name,
        ExtendedS3DestinationConfiguration={
            "RoleARN": "arn:aws:iam::000000000000:role/archive",
            "BucketARN": f"arn:aws:s3:::{name}",
        },
    )
    return name, name


def archived(aws: Ministack, bucket: str) -> list[Any]:
    """What the lines of all objects say."""
    s3 = aws.client("s3")
    keys = [each["Key"] for each in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]
    texts = [s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode() for key in keys]
    return [json.loads(line) for text in texts for line in text.splitlines()]


@pytest.mark.local
def test_what_was_rendered_is_archived_line_by_line(aws: Ministack, archive: tuple[str, str]) -> None:
    stream, bucket = archive
    action = built(Clients(), delivery_stream=stream)
    assert action.perform_batch(requests_of(action, "firehose", 12)) == [None] * 12
    action.perform(action.render(delivery_of(action_spec("firehose"))))
    ids = sorted(line["eventID"] for line in archived(aws, bucket))
    assert ids == sorted(["e-1", *(f"e-{number}" for number in range(12))])
    assert json.loads(SHIPPED_CHANGE) in archived(aws, bucket)


@pytest.mark.local
def test_a_stream_that_is_not_there_is_an_error_of_the_service(aws: Ministack) -> None:
    action = built(Clients(), delivery_stream="not-there")
    with pytest.raises(ClientError) as refusal:
        action.perform(action.render(delivery_of(action_spec("firehose"))))
    failure = classify(refusal.value)
    assert (failure.error_class, failure.code) == ("systemic", "ResourceNotFoundException")
