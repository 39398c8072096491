"""A stretch of a shard, or all that a stream has -> its records, as Lambda would hand them over.

A stream keeps its records for 24 hours (Kinesis as long as it is told to): a stretch of which any are gone is
a DeadLetterError, for whoever is given the others takes the message for delivered.
`as_delivered` is what Lambda makes of a record of a DynamoDB stream: it adds the stream's ARN, and writes
times as numbers and binaries as base64.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from rules_engine.attribute_value import from_boto
from rules_engine.delivery.dead_letter import DeadLetterError
from rules_engine.redrive.message import KINESIS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from rules_engine.redrive.message import Positions

MOST_EMPTY_PAGES = 100
"""A shard that is being written to may give empty pages; one that is not soon ends."""
GONE = ("TrimmedDataAccessException", "ResourceNotFoundException")


def read_shard(positions: Positions, client: Callable[[str], Any]) -> list[dict[str, Any]]:
    """All records, in order. `client` makes a boto3 client for the name of a service."""
    reader = _kinesis if positions.kind == KINESIS else _dynamodb
    start, end = int(positions.start), int(positions.end)
    found: list[dict[str, Any]] = []
    first = last = None
    try:
        for last, record in reader(positions, client):
            first = last if first is None else first
            if last <= end:
                found.append(record)
            if last >= end:
                break
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code")
        if code not in GONE:
            raise
        raise DeadLetterError(f"the records are not in their stream any more ({code})") from None
    if not found:
        raise DeadLetterError("the records are not in their stream any more")
    if first != start:
        raise DeadLetterError("the first of the records are not in their stream any more")
    if last is None or last < end:
        raise DeadLetterError(f"the stream gave only {len(found)} of the records, up to {last}; try it again")
    return found


def shards_of(stream_arn: str, streams: Any) -> list[str]:
    """The ids of a DynamoDB stream's shards: what was split off stands behind what it was split off from.
    `streams` is a boto3 client."""
    shards: list[dict[str, Any]] = []
    request = {"StreamArn": stream_arn}
    while True:
        description = streams.describe_stream(**request)["StreamDescription"]
        shards += description["Shards"]
        if not (last := description.get("LastEvaluatedShardId")):
            break
        request["ExclusiveStartShardId"] = last
    shards.sort(key=lambda shard: int(shard["SequenceNumberRange"]["StartingSequenceNumber"]))
    return [shard["ShardId"] for shard in shards]


def read_whole(stream_arn: str, shard_id: str, streams: Any) -> Iterator[dict[str, Any]]:
    """Every record that the stream still has of a shard, in order."""
    start = {"StreamArn": stream_arn, "ShardId": shard_id, "ShardIteratorType": "TRIM_HORIZON"}
    for record in _pages(streams, streams.get_shard_iterator(**start)["ShardIterator"]):
        yield as_delivered(record, stream_arn)


def as_delivered(record: Mapping[str, Any], stream_arn: str) -> dict[str, Any]:
    data = dict(record["dynamodb"])
    if "ApproximateCreationDateTime" in data:
        data["ApproximateCreationDateTime"] = int(data["ApproximateCreationDateTime"].timestamp())
    for image in ("Keys", "NewImage", "OldImage"):
        if image in data:
            data[image] = {name: from_boto(value) for name, value in data[image].items()}
    return {**record, "dynamodb": data, "eventSourceARN": stream_arn}


def _dynamodb(positions: Positions, client: Callable[[str], Any]) -> Iterator[tuple[int, dict[str, Any]]]:
    streams = client("dynamodbstreams")
    start = {
        "StreamArn": positions.stream_arn,
        "ShardId": positions.shard_id,
        "ShardIteratorType": "AT_SEQUENCE_NUMBER",
        "SequenceNumber": positions.start,
    }
    for record in _pages(streams, streams.get_shard_iterator(**start)["ShardIterator"]):
        yield int(record["dynamodb"]["SequenceNumber"]), as_delivered(record, positions.stream_arn)


def _kinesis(positions: Positions, client: Callable[[str], Any]) -> Iterator[tuple[int, dict[str, Any]]]:
    kinesis = client("kinesis")
    start = {
        "StreamARN": positions.stream_arn,
        "ShardId": positions.shard_id,
        "ShardIteratorType": "AT_SEQUENCE_NUMBER",
        "StartingSequenceNumber": positions.start,
    }
    for record in _pages(kinesis, kinesis.get_shard_iterator(**start)["ShardIterator"]):
        number = record["SequenceNumber"]
        body = {
            "sequenceNumber": number,
            "partitionKey": record.get("PartitionKey"),
            "data": base64.b64encode(record["Data"]).decode("ascii"),
        }
        yield (
            int(number),
            {
                "eventID": f"{positions.shard_id}:{number}",
                "eventSource": "aws:kinesis",
                "eventSourceARN": positions.stream_arn,
                "kinesis": body,
            },
        )


def _pages(client: Any, iterator: str | None) -> Iterator[Mapping[str, Any]]:
    empty = 0
    while iterator is not None and empty < MOST_EMPTY_PAGES:
        page = client.get_records(ShardIterator=iterator)
        yield from page["Records"]
        empty = 0 if page["Records"] else empty + 1
        iterator = page.get("NextShardIterator")
