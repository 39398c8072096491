"""What `s3` actions write to: buckets with versions, every object read back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rules_engine.local.bucket import Bucket, StoredObject
from rules_engine.local.derivation import only_reference
from rules_engine.local.effect import Effect, decoded
from rules_engine.local.ministack import ACCOUNT_ID, REGION

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rules_engine.actions import Action
    from rules_engine.local.derivation import Derivation
    from rules_engine.local.surroundings import Surroundings
    from rules_engine.model import ActionSpec

IN_BUCKET = "in bucket"
PURPOSE = "writes objects to bucket {}"

_KMS_KEY = f"arn:aws:kms:{REGION}:{ACCOUNT_ID}:key/00000000-0000-4000-8000-000000000000"


def localise(spec: ActionSpec, derivation: Derivation, where: str) -> dict[str, Any]:
    name, bucket = derivation.target(spec.config["bucket"], "a bucket", str, str)
    derivation.need("s3", name)
    config = {**spec.config, "bucket": bucket}
    if "kms_key" in config:
        reference = only_reference(config["kms_key"])
        if reference is None:
            config["kms_key"] = _KMS_KEY
        else:
            derivation.assign(reference, "a key of KMS", _KMS_KEY)
    return config


class BucketTarget:
    def __init__(self, surroundings: Surroundings) -> None:
        self._buckets = [Bucket(surroundings.aws, name) for name in surroundings.plan.needs["s3"]]

    def arrivals(self) -> list[Effect]:
        return [_effect(bucket.name, found) for bucket in self._buckets for found in bucket.read()]

    def owed(self, action: Action, request: Mapping[str, Any]) -> list[Effect]:
        encoding = request.get("ContentEncoding")
        written = StoredObject(request["Key"], request["ContentType"], encoding, request["Body"])
        return [_effect(request["Bucket"], written)]


def open_target(surroundings: Surroundings) -> BucketTarget:
    return BucketTarget(surroundings)


def _effect(bucket: str, found: StoredObject) -> Effect:
    content: dict[str, Any] = {"key": found.key, "content_type": found.content_type}
    if found.content_encoding is not None:
        content["content_encoding"] = found.content_encoding
    return Effect(IN_BUCKET, bucket, {**content, "body": decoded(found.text)})
