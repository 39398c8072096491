"""Where a mapping sends what it gave up: `failure_destination(aws, arn)` for a queue, a topic or a bucket.

A queue or topic gets positions in the stream, a bucket the records too, in the shapes of
`rules_engine.poller.failure_document`.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rules_engine.local.function_process import FUNCTION_ARN
from rules_engine.local.ministack import LocalStackError
from rules_engine.poller import failure_document, failure_object_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from rules_engine.local.ministack import Ministack
    from rules_engine.poller import Discard

    Send = Callable[["FailedBatch"], object]


@dataclass(frozen=True, slots=True)
class FailedBatch:
    """What was given up, by which mapping, of which shard, and in which invocation it failed last."""

    discard: Discard
    mapping_id: str
    shard_id: str
    request_id: str

    def document(self, with_records: bool) -> str:
        document = failure_document(
            self.discard,
            function_arn=FUNCTION_ARN,
            shard_id=self.shard_id,
            request_id=self.request_id,
            with_records=with_records,
        )
        return json.dumps(document)

    @property
    def object_key(self) -> str:
        return failure_object_key(self.mapping_id, self.shard_id, self.discard.at, str(uuid.uuid4()))


def failure_destination(aws: Ministack, arn: str) -> Send:
    """A function that sends a failed batch to the target with this ARN. Raises LocalStackError."""
    service, name = arn.split(":")[2], arn.rpartition(":")[2]
    if service not in ("sqs", "sns", "s3"):
        raise LocalStackError(f"'{arn}' is neither a queue, nor a topic, nor a bucket")
    client = aws.client(service)
    if service == "sqs":
        url = client.get_queue_url(QueueName=name)["QueueUrl"]
        return lambda failed: client.send_message(QueueUrl=url, MessageBody=failed.document(False))
    if service == "sns":
        return lambda failed: client.publish(TopicArn=arn, Message=failed.document(False))
    return lambda failed: client.put_object(
        Bucket=name, Key=failed.object_key, Body=failed.document(True).encode()
    )
