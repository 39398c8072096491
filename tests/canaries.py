"""Texts that must come out nowhere, and a search that finds them in whatever form they might come out.

`Canaries` keeps everything that a program gave away, by where; `found` says which canaries are in it: as they
are, in hexadecimal, in base64 at any of its three alignments, and inside of gzip, JSON texts and archives.
"""

from __future__ import annotations

import base64
import gzip
import io
import json
import re
import traceback
import zipfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

KEY = b"canary-key-of-the-webhook-30-b"
SIGNING_KEY = f"whsec_{base64.b64encode(KEY).decode()}"
SECRETS = {
    "path": "canary-path-5c1e",
    "token": "canary-token-9b0d",
    "parameter": "canary-parameter-77aa",
    "signing key": SIGNING_KEY.removeprefix("whsec_"),
    "bytes of the signing key": KEY.decode(),
}
ITEM = {
    "key": "canary-item-key-31d2",
    "new": "canary-item-new-8e4f",
    "old": "canary-item-old-6a90",
    "number": "4242424242424242",
}


@dataclass
class GivenAway:
    """What came out, by where."""

    parts: list[tuple[str, bytes]] = field(default_factory=list)

    def add(self, where: str, what: Any) -> None:
        text = what if isinstance(what, (str, bytes)) else repr(what)
        self.parts.append((where, text if isinstance(text, bytes) else text.encode("utf-8", "replace")))

    def add_error(self, where: str, error: BaseException) -> None:
        """Its whole traceback, with those of its causes and contexts, as logging prints them."""
        seen: list[BaseException] = []
        next_error: BaseException | None = error
        while next_error is not None and next_error not in seen:
            seen.append(next_error)
            self.add(where, "".join(traceback.format_exception(next_error, chain=False)))
            next_error = next_error.__cause__ or next_error.__context__

    def add_frames(self, where: str, error: BaseException) -> None:
        """The local variables of our frames, as some log handlers print them; not those of a test."""
        told = traceback.TracebackException.from_exception(error, capture_locals=True)
        told.stack[:] = [frame for frame in told.stack if "rules_engine" in frame.filename]
        self.add(where, "".join(told.format()))

    def found(self, canaries: dict[str, str]) -> list[str]:
        """Which of the canaries is where."""
        return [
            f"{name} in {where}"
            for where, data in self.parts
            for layer in _layers(data)
            for name, canary in canaries.items()
            if any(form in layer for form in _forms(canary))
        ]


def _forms(canary: str) -> Iterator[bytes]:
    data = canary.encode()
    yield data
    yield data.hex().encode()
    for shift in range(3):
        # What the first and last characters of a group say depends on their neighbours.
        encoded = base64.b64encode(b"\0" * shift + data)
        yield encoded[4 if shift else 0 : len(encoded) - 4]


_PACKED = re.compile(rb"H4sI[A-Za-z0-9+/]{20,}={0,2}")


def _layers(data: bytes) -> Iterable[bytes]:
    """The data, and what is packed in it."""
    yield data
    if data[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for name in archive.namelist():
                yield archive.read(name)
    for packed in _PACKED.findall(data):
        yield gzip.decompress(base64.b64decode(packed))


def image(**texts: str) -> dict[str, Any]:
    return {name: {"S": text} for name, text in texts.items()}


def record(number: int, **changed: Any) -> dict[str, Any]:
    """A stream record with every item canary in it."""
    data = {
        "Keys": image(id=f"{ITEM['key']}-{number}"),
        "NewImage": {**image(id=f"{ITEM['key']}-{number}", text=ITEM["new"]), "n": {"N": ITEM["number"]}},
        "OldImage": image(id=f"{ITEM['key']}-{number}", text=ITEM["old"]),
        "ApproximateCreationDateTime": 1_704_067_200,
        "SequenceNumber": f"{number}00",
        "StreamViewType": "NEW_AND_OLD_IMAGES",
        **changed,
    }
    return {
        "eventID": f"e-{number}",
        "eventName": "MODIFY",
        "eventSource": "aws:dynamodb",
        "awsRegion": "eu-west-1",
        "eventSourceARN": "arn:aws:dynamodb:eu-west-1:123456789012:table/orders/stream/2024",
        "dynamodb": data,
    }


def event(*records: dict[str, Any]) -> dict[str, Any]:
    return json.loads(json.dumps({"Records": list(records)}))  # type: ignore[no-any-return]
