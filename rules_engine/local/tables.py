"""Tables of the local stack: `create_table` with a stream of both images, and `StreamReader` to read it.

`as_delivered` makes of a record read with boto3 what Lambda hands to a function.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rules_engine.redrive.shard import as_delivered

if TYPE_CHECKING:
    from rules_engine.local.keys import Keys
    from rules_engine.local.ministack import Ministack


def create_table(aws: Ministack, name: str, keys: Keys) -> str:
    """Makes the table; the ARN of its stream."""
    roles = zip(keys.names, ("HASH", "RANGE"), strict=False)
    answer = aws.client("dynamodb").create_table(
        TableName=name,
        KeySchema=[{"AttributeName": attribute, "KeyType": role} for attribute, role in roles],
        AttributeDefinitions=[
            {"AttributeName": attribute, "AttributeType": kind} for attribute, kind in keys.attributes
        ],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    return str(answer["TableDescription"]["LatestStreamArn"])


class StreamReader:
    """Reads one table's stream from its beginning; keeps what it has read."""

    def __init__(self, aws: Ministack, arn: str) -> None:
        self.arn = arn
        self._client = aws.client("dynamodbstreams")
        shards = self._client.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
        self._iterators = [
            self._client.get_shard_iterator(
                StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
            )["ShardIterator"]
            for shard in shards
        ]
        self._records: list[dict[str, Any]] = []

    def read(self) -> list[dict[str, Any]]:
        """Every record until now, oldest first, as the mapping hands them to the function."""
        for shard in range(len(self._iterators)):
            while True:
                page = self._client.get_records(ShardIterator=self._iterators[shard])
                self._iterators[shard] = page["NextShardIterator"]
                if not page["Records"]:
                    break
                self._records += [as_delivered(record, self.arn) for record in page["Records"]]
        return list(self._records)
