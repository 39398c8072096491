"""What `firehose` actions put records into: delivery streams, each with a bucket whose objects are read back.

The local server makes an object of each record; the real service gathers them for minutes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rules_engine.local.bucket import Bucket
from rules_engine.local.effect import Effect, decoded
from rules_engine.local.ministack import ACCOUNT_ID

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rules_engine.actions import Action
    from rules_engine.local.derivation import Derivation
    from rules_engine.local.surroundings import Surroundings
    from rules_engine.model import ActionSpec

IN_STREAMS_BUCKET = "in the bucket of delivery stream"
PURPOSE = "puts records into delivery stream {}, which writes them to a bucket"


def localise(spec: ActionSpec, derivation: Derivation, where: str) -> dict[str, Any]:
    name, delivery_stream = derivation.target(spec.config["delivery_stream"], "a delivery stream", str, str)
    derivation.need("firehose", name)
    return {**spec.config, "delivery_stream": delivery_stream}


class DeliveryStreamTarget:
    def __init__(self, surroundings: Surroundings) -> None:
        self._buckets = {}
        firehose = surroundings.aws.client("firehose")
        for name in surroundings.plan.needs["firehose"]:
            self._buckets[name] = Bucket(surroundings.aws, f"of-stream-{name}")
            firehose.create_delivery_stream(
                DeliveryStreamName=name,
                ExtendedS3DestinationConfiguration={
                    "BucketARN": f"arn:aws:s3:::of-stream-{name}",
                    "RoleARN": f"arn:aws:iam::{ACCOUNT_ID}:role/local-delivery-stream",
                },
            )

    def arrivals(self) -> list[Effect]:
        return [
            effect
            for name, bucket in self._buckets.items()
            for found in bucket.read()
            for effect in _effects(name, found.text)
        ]

    def owed(self, action: Action, request: Mapping[str, Any]) -> list[Effect]:
        return list(_effects(request["DeliveryStreamName"], request["Record"]["Data"]))


def open_target(surroundings: Surroundings) -> DeliveryStreamTarget:
    return DeliveryStreamTarget(surroundings)


def _effects(name: str, text: str) -> Iterator[Effect]:
    """One for each line: a bucket holds nothing else of where one record ends and the next begins."""
    for line in text.removesuffix("\n").split("\n"):
        yield Effect(IN_STREAMS_BUCKET, name, decoded(line))
