"""`Bucket`: a bucket of the local server, with versions: no object is written over before it is read."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rules_engine.local.ministack import Ministack


@dataclass(frozen=True, slots=True)
class StoredObject:
    """One version of an object. `text` is what it says once it is decompressed."""

    key: str
    content_type: str
    content_encoding: str | None
    text: str


class Bucket:
    """Makes the bucket `name`. `read` keeps what it has read."""

    def __init__(self, aws: Ministack, name: str) -> None:
        self.name = name
        self._s3 = aws.client("s3")
        self._s3.create_bucket(
            Bucket=name, CreateBucketConfiguration={"LocationConstraint": self._s3.meta.region_name}
        )
        self._s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        self._read: dict[tuple[str, str], StoredObject] = {}

    def read(self) -> list[StoredObject]:
        """Every version of every object until now, in the order in which they were found."""
        pages = self._s3.get_paginator("list_object_versions").paginate(Bucket=self.name)
        for page in pages:
            for version in page.get("Versions", []):
                place = (version["Key"], version["VersionId"])
                if place not in self._read:
                    self._read[place] = self._object(*place)
        return list(self._read.values())

    def _object(self, key: str, version_id: str) -> StoredObject:
        found: dict[str, Any] = self._s3.get_object(Bucket=self.name, Key=key, VersionId=version_id)
        data, encoding = found["Body"].read(), found.get("ContentEncoding")
        text = (gzip.decompress(data) if encoding == "gzip" else data).decode()
        return StoredObject(key, found["ContentType"], encoding, text)
