"""The mapping of the local stack: the poller's rules over HTTP, with a function in its own process."""

from __future__ import annotations

import io
import json
import time
import zipfile
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ReadTimeoutError

from rules_engine.local.event_source_mapping import EventSourceMapping
from rules_engine.local.failure_destination import failure_destination
from rules_engine.local.function_process import FUNCTION_ARN, FunctionProcess, InvocationResult
from rules_engine.local.keys import Keys
from rules_engine.local.ministack import LocalStackError, Ministack
from rules_engine.local.play import wait_until
from rules_engine.local.tables import create_table
from rules_engine.poller import MappingSettings
from rules_engine.testing import StreamSim

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.local

PATIENCE_SECONDS = 60
SOON = (0.02, 0.1)
"""How long to wait before a retry: AWS waits longer."""

FUNCTION = """
import json, os, time

def handler(event, context):
    ids = [record["dynamodb"]["Keys"]["id"]["S"] for record in event["Records"]]
    print("handed", *ids, flush=True)
    for record in event["Records"]:
        todo = record["dynamodb"]["NewImage"].get("todo", {}).get("S")
        if todo == "report":
            return {"batchItemFailures": [{"itemIdentifier": record["dynamodb"]["SequenceNumber"]}]}
        if todo == "raise":
            raise ValueError("no")
        if todo == "die once" and not os.path.exists(os.environ["MARK"]):
            open(os.environ["MARK"], "w").close()
            os._exit(9)
        if todo == "hang once" and not os.path.exists(os.environ["MARK"]):
            open(os.environ["MARK"], "w").close()
            time.sleep(60)
    return {"batchItemFailures": []}
"""


class Orders:
    """A table with a stream, and a function that does what its records ask for."""

    def __init__(self, aws: Ministack, table: str, mark: str) -> None:
        self.table = table
        self._aws, self._dynamodb, self._mark = aws, aws.client("dynamodb"), mark
        self.stream_arn = create_table(aws, table, Keys((("id", "S"),), "the test"))

    def put(self, **todo_by_id: str | None) -> None:
        for name, todo in todo_by_id.items():
            extra = {} if todo is None else {"todo": {"S": todo}}
            self._dynamodb.put_item(TableName=self.table, Item={"id": {"S": name}, **extra})

    def handed(self, records: int, **options: Any) -> list[str]:
        """The batches handed over, as `a b c`, until the mapping is done with so many records."""
        settings = MappingSettings(backoff_seconds=SOON, **options.pop("settings", {}))
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as package:
            package.writestr("toy.py", FUNCTION)
        environment = {"MARK": self._mark}
        with (
            FunctionProcess(
                archive.getvalue(),
                environment,
                handler="toy.handler",
                timeout_seconds=options.pop("timeout", 10),
            ) as function,
            EventSourceMapping(self._aws, self.stream_arn, function.invoke, settings, **options) as mapping,
        ):
            assert wait_until(lambda: mapping.done == records, PATIENCE_SECONDS), function.log
            lines = function.log.splitlines()
        return [line.removeprefix("handed ") for line in lines if line.startswith("handed ")]


@pytest.fixture
def orders(ministack: Ministack, unique_name: Callable[[str], str], tmp_path: Any) -> Orders:
    return Orders(ministack, unique_name("orders"), str(tmp_path / "mark"))


@pytest.fixture
def queue_arn(ministack: Ministack, unique_name: Callable[[str], str]) -> str:
    name = unique_name("failures")
    ministack.client("sqs").create_queue(QueueName=name)
    return f"arn:aws:sqs:eu-central-1:000000000000:{name}"


def documents(ministack: Ministack, queue_arn: str) -> list[dict[str, Any]]:
    sqs = ministack.client("sqs")
    url = sqs.get_queue_url(QueueName=queue_arn.rpartition(":")[2])["QueueUrl"]
    found = []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        found += [json.loads(message["Body"]) for message in messages]
    return found


def test_records_come_in_batches_in_order(orders: Orders) -> None:
    orders.put(a=None, b=None, c=None, d=None, e=None)
    assert orders.handed(5, settings={"batch_size": 2}) == ["a b", "c d", "e"]


def test_a_partial_answer_is_a_checkpoint(orders: Orders) -> None:
    orders.put(a=None, b=None, c="report", d=None)
    settings = {"batch_size": 3, "report_batch_item_failures": True, "maximum_retry_attempts": 1}
    assert orders.handed(4, settings=settings) == ["a b c", "c", "c", "d"]


def test_without_the_setting_a_partial_answer_is_ignored(orders: Orders) -> None:
    orders.put(a=None, b="report", c=None)
    assert orders.handed(3) == ["a b c"]


def test_a_failed_batch_is_halved_and_then_given_up_alone(
    orders: Orders, ministack: Ministack, queue_arn: str
) -> None:
    orders.put(a=None, b=None, c="raise", d=None)
    settings = {"bisect_batch_on_function_error": True, "maximum_retry_attempts": 1}
    handed = orders.handed(4, settings=settings, destination=queue_arn)
    assert handed == ["a b c d", "a b", "c d", "c", "c", "d"]
    (document,) = documents(ministack, queue_arn)
    assert document["DDBStreamBatchInfo"]["batchSize"] == 1
    assert document["requestContext"]["approximateInvokeCount"] == 2


def test_after_its_retries_a_queue_is_told_where_the_batch_was(
    orders: Orders, ministack: Ministack, queue_arn: str
) -> None:
    orders.put(a=None, b="raise", c=None)
    settings = {"batch_size": 2, "maximum_retry_attempts": 2}
    assert orders.handed(3, settings=settings, destination=queue_arn) == ["a b"] * 3 + ["c"]
    (document,) = documents(ministack, queue_arn)
    info = document.pop("DDBStreamBatchInfo")
    assert document.pop("timestamp").endswith("Z")
    assert len(document["requestContext"].pop("requestId")) == 36
    assert document == {
        "requestContext": {
            "functionArn": FUNCTION_ARN,
            "condition": "RetryAttemptsExhausted",
            "approximateInvokeCount": 3,
        },
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "version": "1.0",
    }
    assert (info["batchSize"], info["streamArn"]) == (2, orders.stream_arn)
    assert records_at(ministack, info) == ["a", "b"]


def records_at(ministack: Ministack, info: dict[str, Any]) -> list[str]:
    """The ids of the records between the two positions of a document, read from the stream."""
    streams = ministack.client("dynamodbstreams")
    iterator = streams.get_shard_iterator(
        StreamArn=info["streamArn"],
        ShardId=info["shardId"],
        ShardIteratorType="AT_SEQUENCE_NUMBER",
        SequenceNumber=info["startSequenceNumber"],
    )["ShardIterator"]
    found = []
    for record in streams.get_records(ShardIterator=iterator)["Records"]:
        found.append(record["dynamodb"]["Keys"]["id"]["S"])
        if record["dynamodb"]["SequenceNumber"] == info["endSequenceNumber"]:
            break
    return found


def test_a_bucket_gets_the_whole_event(
    orders: Orders, ministack: Ministack, unique_name: Callable[[str], str]
) -> None:
    bucket = unique_name("failures")
    s3 = ministack.client("s3")
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    orders.put(a="report", b=None)
    settings = {"report_batch_item_failures": True, "maximum_retry_attempts": 0}
    assert orders.handed(2, settings=settings, destination=f"arn:aws:s3:::{bucket}") == ["a b"]
    (found,) = s3.list_objects_v2(Bucket=bucket)["Contents"]
    document = json.loads(s3.get_object(Bucket=bucket, Key=found["Key"])["Body"].read())
    assert found["Key"].startswith("aws/lambda/")
    assert document["DDBStreamBatchInfo"]["shardId"] in found["Key"]
    assert document["responseContext"]["functionError"] is None
    payload = json.loads(document["payload"])
    assert [record["dynamodb"]["Keys"]["id"]["S"] for record in payload["Records"]] == ["a", "b"]
    assert {record["eventSourceARN"] for record in payload["Records"]} == {orders.stream_arn}


def test_records_over_the_age_limit_are_given_up(
    orders: Orders, ministack: Ministack, queue_arn: str
) -> None:
    orders.put(a=None, b=None)
    later = time.time() + 120
    settings = {"maximum_record_age_seconds": 60}
    assert orders.handed(2, settings=settings, destination=queue_arn, clock=lambda: later) == []
    (document,) = documents(ministack, queue_arn)
    assert document["requestContext"]["condition"] == "RecordAgeExceeded"
    assert document["DDBStreamBatchInfo"]["batchSize"] == 2


def test_records_that_no_filter_wants_are_passed_over(orders: Orders) -> None:
    orders.put(a=None, b="wanted", c=None, d="wanted")
    settings = {"filters": ({"dynamodb": {"NewImage": {"todo": {"S": ["wanted"]}}}},)}
    assert orders.handed(4, settings=settings) == ["b d"]


@pytest.mark.parametrize(("todo", "timeout"), [("die once", 10), ("hang once", 1)])
def test_a_function_that_is_killed_in_the_middle_is_invoked_again(
    orders: Orders, todo: str, timeout: int
) -> None:
    orders.put(a=None, b=todo, c=None)
    assert orders.handed(3, timeout=timeout) == ["a b c", "a b c"]


def test_a_window_gathers_what_is_written_meanwhile(orders: Orders) -> None:
    orders.put(a=None, b=None, c=None)
    settings = {"batch_size": 2, "batching_window_seconds": 1}
    assert orders.handed(3, settings=settings) == ["a b", "c"]


def test_from_latest_on_only_new_records_count(orders: Orders, ministack: Ministack) -> None:
    orders.put(a=None)
    events: list[list[str]] = []

    def invoke(event: Any) -> InvocationResult:
        events.append([record["dynamodb"]["Keys"]["id"]["S"] for record in event["Records"]])
        return InvocationResult()

    with EventSourceMapping(
        ministack, orders.stream_arn, invoke, MappingSettings(), starting_position="LATEST"
    ) as mapping:
        orders.put(b=None)
        assert wait_until(lambda: mapping.done == 1, PATIENCE_SECONDS)
    assert events == [["b"]]


def test_a_destination_must_be_a_queue_a_topic_or_a_bucket(ministack: Ministack) -> None:
    with pytest.raises(LocalStackError, match="is neither a queue, nor a topic, nor a bucket"):
        failure_destination(ministack, "arn:aws:lambda:eu-central-1:000000000000:function:f")


class SplitStream:
    """A stream whose shard `p` was split into `c`, as no local server shows it; client and server in one."""

    def __init__(self) -> None:
        self._records = {"p": ["a", "b"], "c": ["d"]}
        self.silences = 0
        """How many reads get no answer."""
        self._moment = datetime.now(UTC)
        self._looks = 0

    def client(self, _service: str) -> SplitStream:
        return self

    def describe_stream(self, **_: Any) -> dict[str, Any]:
        """The child is there from the second look on."""
        shards = [{"ShardId": "p"}, {"ShardId": "c", "ParentShardId": "p"}]
        self._looks += 1
        return {"StreamDescription": {"Shards": shards[: self._looks]}}

    def get_shard_iterator(self, **request: Any) -> dict[str, Any]:
        return {"ShardIterator": request["ShardId"]}

    def get_records(self, **request: Any) -> dict[str, Any]:
        """All records of a shard at once. The parent is closed; the child stays open."""
        if self.silences:
            self.silences -= 1
            raise ReadTimeoutError(endpoint_url="http://127.0.0.1")
        shard = request["ShardIterator"]
        records, self._records[shard] = self._records[shard], []
        page: dict[str, Any] = {"Records": [self._record(name) for name in records]}
        return page if shard == "p" else {**page, "NextShardIterator": shard}

    def _record(self, name: str) -> dict[str, Any]:
        data = {
            "Keys": {"id": {"S": name}},
            "SequenceNumber": str(ord(name)),
            "ApproximateCreationDateTime": self._moment,
        }
        return {"eventName": "INSERT", "dynamodb": data}


def test_a_child_shard_waits_until_its_closed_parent_is_done() -> None:
    handed: list[list[str]] = []

    def invoke(event: Any) -> InvocationResult:
        handed.append([record["dynamodb"]["Keys"]["id"]["S"] for record in event["Records"]])
        return InvocationResult(error={"errorType": "No"} if len(handed) < 3 else None)

    stream: Any = SplitStream()
    with EventSourceMapping(stream, "arn", invoke, MappingSettings(backoff_seconds=SOON)) as mapping:
        assert wait_until(lambda: mapping.done == 3, PATIENCE_SECONDS)
    assert handed == [["a", "b"]] * 3 + [["d"]]


def test_a_read_that_gets_no_answer_is_made_again() -> None:
    handed: list[int] = []

    def invoke(event: Any) -> InvocationResult:
        handed.append(len(event["Records"]))
        return InvocationResult()

    stream: Any = SplitStream()
    stream.silences = 2
    with EventSourceMapping(stream, "arn", invoke, MappingSettings()) as mapping:
        assert wait_until(lambda: mapping.done == 3, PATIENCE_SECONDS)
    assert handed == [2, 1]


# One reading of the rules

SCENARIOS: list[tuple[dict[str, Any], dict[str, str | None]]] = [
    (
        {"batch_size": 3, "report_batch_item_failures": True, "maximum_retry_attempts": 2},
        {"a": None, "b": "report", "c": None, "d": "report", "e": None},
    ),
    (
        {"bisect_batch_on_function_error": True, "maximum_retry_attempts": 1},
        {"a": None, "b": "raise", "c": None, "d": None, "e": "raise", "f": None},
    ),
    (
        {
            "batch_size": 4,
            "bisect_batch_on_function_error": True,
            "report_batch_item_failures": True,
            "maximum_retry_attempts": 0,
        },
        {"a": "raise", "b": None, "c": "report", "d": None, "e": "raise", "f": "report"},
    ),
    ({"batch_size": 2, "maximum_retry_attempts": 1}, {"a": None, "b": "report", "c": "raise", "d": None}),
]


@pytest.mark.parametrize(("settings", "records"), SCENARIOS)
def test_over_http_and_in_the_simulator_the_same_batches_are_handed_over(
    orders: Orders, settings: dict[str, Any], records: dict[str, str | None]
) -> None:
    orders.put(**records)
    over_http = orders.handed(len(records), settings=settings)
    printed: list[str] = []
    function: dict[str, Any] = {"print": lambda *words, **_: printed.append(" ".join(words[1:]))}
    exec(FUNCTION, function)
    sim = StreamSim(function["handler"], mapping=MappingSettings(**settings))
    for name, todo in records.items():
        sim.put({"id": name} if todo is None else {"id": name, "todo": todo})
    sim.run()
    assert over_http == printed
    assert len(printed) >= 3
