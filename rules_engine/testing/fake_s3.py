"""The fake of S3: `put_object` with `IfNoneMatch`, and `get_object`."""

from __future__ import annotations

import hashlib
import io
from typing import TYPE_CHECKING, Any

from rules_engine.testing.fake_service import FakeService, raise_error

if TYPE_CHECKING:
    from rules_engine.testing.fake_aws import FakeAws
    from rules_engine.testing.faults import Fault


class FakeS3(FakeService):
    """`objects` holds the content by bucket and key."""

    service = "s3"

    def __init__(self, aws: FakeAws) -> None:
        super().__init__(aws)
        self.objects: dict[tuple[str, str], bytes] = {}

    def put_object(self, **request: Any) -> dict[str, Any]:
        body = request.get("Body", b"")
        content = body.encode() if isinstance(body, str) else bytes(body)
        place = (request["Bucket"], request["Key"])

        def effect(_fault: Fault | None) -> dict[str, Any]:
            if request.get("IfNoneMatch") == "*" and place in self.objects:
                raise_error("PutObject", "PreconditionFailed", "the key exists")
            self.objects[place] = content
            self._took_effect("PutObject", request)
            return {"ETag": _etag(content)}

        return self._perform("PutObject", request, effect)

    def get_object(self, **request: Any) -> dict[str, Any]:
        place = (request["Bucket"], request["Key"])

        def effect(_fault: Fault | None) -> dict[str, Any]:
            content = self.objects.get(place)
            if content is None:
                raise_error("GetObject", "NoSuchKey", "there is no such key")
            return {"Body": io.BytesIO(content), "ContentLength": len(content), "ETag": _etag(content)}

        return self._perform("GetObject", request, effect)


def _etag(content: bytes) -> str:
    return f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"'
