"""Where dead letters are read from, and taken away when they are done.

`open_source` takes what the operator names: the URL of an SQS queue, `s3://bucket/prefix`, or a file. A
source gives letters in small groups, each with what removes it. Only a queue's messages are removed: objects
and files are the operator's. Messages that are not removed become visible again when the source is closed.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HELD_SECONDS = 900
"""How long a message is kept from others while it is worked on: as long as a function may run."""
GROUP = 10


@dataclass(frozen=True, slots=True)
class Letter:
    """One message. `name` is how reports call it."""

    name: str
    text: str
    receipt: str | None = None


class Source(Protocol):
    def groups(self) -> Iterator[list[Letter]]:
        """All letters there are, each once."""

    def remove(self, letter: Letter) -> None:
        """After it has been delivered."""

    def close(self) -> None:
        """Gives back what was not removed."""


@dataclass
class QueueSource:
    """`sqs` is a boto3 client."""

    sqs: Any
    url: str
    _held: dict[str, Letter] = field(default_factory=dict)

    def groups(self) -> Iterator[list[Letter]]:
        seen: set[str] = set()
        while True:
            answer = self.sqs.receive_message(
                QueueUrl=self.url,
                MaxNumberOfMessages=GROUP,
                VisibilityTimeout=HELD_SECONDS,
                WaitTimeSeconds=1,
            )
            letters = [
                Letter(message["MessageId"], message["Body"], message["ReceiptHandle"])
                for message in answer.get("Messages", [])
            ]
            self._held |= {letter.name: letter for letter in letters}
            if not letters:
                return
            # What failed comes back when it was held for long enough, and may come before what is new.
            new = [letter for letter in letters if letter.name not in seen]
            seen |= {letter.name for letter in new}
            if new:
                yield new

    def remove(self, letter: Letter) -> None:
        receipt = self._held.get(letter.name, letter).receipt
        self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=receipt)
        self._held.pop(letter.name, None)

    def close(self) -> None:
        held, self._held = self._held, {}
        for letter in held.values():
            # One that cannot be given back becomes visible by itself.
            with suppress(ClientError, BotoCoreError):
                self.sqs.change_message_visibility(
                    QueueUrl=self.url, ReceiptHandle=letter.receipt, VisibilityTimeout=0
                )


@dataclass
class BucketSource:
    """All objects below a prefix, or the one that it names. `s3` is a boto3 client."""

    s3: Any
    bucket: str
    prefix: str

    def groups(self) -> Iterator[list[Letter]]:
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=self.prefix)
        for page in pages:
            for entry in page.get("Contents", []):
                body = self.s3.get_object(Bucket=self.bucket, Key=entry["Key"])["Body"].read()
                yield [Letter(f"s3://{self.bucket}/{entry['Key']}", body.decode("utf-8", "replace"))]

    def remove(self, letter: Letter) -> None:
        pass

    def close(self) -> None:
        pass


@dataclass
class FileSource:
    """A file that holds one message."""

    path: Path

    def groups(self) -> Iterator[list[Letter]]:
        yield [Letter(str(self.path), self.path.read_text(encoding="utf-8", errors="replace"))]

    def remove(self, letter: Letter) -> None:
        pass

    def close(self) -> None:
        pass


def open_source(name: str, client: Callable[[str], Any]) -> Source:
    """`client` makes a boto3 client for the name of a service. Raises OSError where there is no such file."""
    if name.startswith("s3://"):
        bucket, _, prefix = name.removeprefix("s3://").partition("/")
        return BucketSource(client("s3"), bucket, prefix)
    if name.startswith(("https://", "http://")):
        return QueueSource(client("sqs"), name)
    path = Path(name)
    path.stat()
    return FileSource(path)
