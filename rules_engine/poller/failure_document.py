"""What a mapping sends to its on-failure destination about records that it gave up.

A queue or topic gets `failure_document(..., with_records=False)`: positions in the stream and no record. A
bucket gets it with the whole event as JSON text under `payload`, below `failure_object_key`. The shapes are
those of "Retain discarded records for a DynamoDB event source in Lambda". LocalStack's tests, which were run
against AWS, recorded that `functionError` is null after a partial answer. Our choice, where AWS says nothing:
a batch that was too old before it was ever handed over has no `responseContext`.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rules_engine.poller.answer import Failed

if TYPE_CHECKING:
    from rules_engine.poller.virtual_shard import Discard


def failure_document(
    discard: Discard, *, function_arn: str, shard_id: str, request_id: str, with_records: bool
) -> dict[str, Any]:
    """The document, as JSON data. `request_id` is the one of the last invocation."""
    first, last = discard.entries[0], discard.entries[-1]
    document: dict[str, Any] = {
        "requestContext": {
            "requestId": request_id,
            "functionArn": function_arn,
            "condition": discard.condition,
            "approximateInvokeCount": discard.invocations,
        }
    }
    if discard.invocations:
        document["responseContext"] = {
            "statusCode": 200,
            "executedVersion": "$LATEST",
            "functionError": discard.last.function_error if isinstance(discard.last, Failed) else None,
        }
    document["version"] = "1.0"
    document["timestamp"] = _moment(discard.at).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    document["DDBStreamBatchInfo"] = {
        "shardId": shard_id,
        "startSequenceNumber": first.raw["dynamodb"]["SequenceNumber"],
        "endSequenceNumber": last.raw["dynamodb"]["SequenceNumber"],
        "approximateArrivalOfFirstRecord": _seconds(first.arrived),
        "approximateArrivalOfLastRecord": _seconds(last.arrived),
        "batchSize": len(discard.entries),
        "streamArn": first.raw["eventSourceARN"],
    }
    if with_records:
        document["payload"] = json.dumps({"Records": [entry.raw for entry in discard.entries]})
    return document


def failure_object_key(mapping_id: str, shard_id: str, at: float, unique: str) -> str:
    """Where in the bucket: `aws/lambda/<mapping>/<shard>/YYYY/MM/DD/<time>-<unique>`."""
    moment = _moment(at)
    return f"aws/lambda/{mapping_id}/{shard_id}/{moment:%Y/%m/%d}/{moment:%Y-%m-%dT%H.%M.%S}-{unique}"


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _seconds(seconds: float) -> str:
    return f"{_moment(seconds):%Y-%m-%dT%H:%M:%SZ}"
