"""What the shipped rules send to, for real: a topic with a queue behind it, a history table, a receiver.

`OrderTargets` makes them on a running ministack and reads back what arrived, always from the target itself:
messages out of the queue, items out of the table, requests out of the receiver. Each thing that arrived is
an `Effect`; two are the same when target and content are, so a repeat of a delivery adds nothing.
"""

from __future__ import annotations

import base64
import contextlib
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from rules_engine import exact_json
from rules_engine.attribute_value import decode, from_boto
from rules_engine.local.webhook_receiver import SECRET_PREFIX, WebhookReceiver

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from types import TracebackType

    from rules_engine.local.ministack import Ministack

HISTORY_TABLE = "order-history"
TOPIC = "order-events"
WEBHOOK_SECRET = "orders-webhook"  # noqa: S105 - the secret's name

QUEUE_EFFECT = "queue"
TABLE_EFFECT = "table"
WEBHOOK_EFFECT = "webhook"
LOG_EFFECT = "log"


@dataclass(frozen=True, slots=True)
class Effect:
    """Something found at a target: which kind of target, and what was found there, in plain values."""

    target: str
    content: Any

    @property
    def text(self) -> str:
        """One line that only the same effect, read back again, has."""
        return f"{self.target} {exact_json.dumps(self.content)}"


class OrderTargets:
    """The targets of `rules/orders`, until `close`. `directory` takes the receiver's CA file."""

    def __init__(self, aws: Ministack, directory: Path) -> None:
        self._aws = aws
        self._sns, self._sqs = aws.client("sns"), aws.client("sqs")
        self._dynamodb = aws.client("dynamodb")
        self._messages: list[Effect] = []
        signing_secret = SECRET_PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()
        self.receiver = WebhookReceiver(signing_secret)
        self._ca_file = directory / "receiver-ca.pem"
        self._ca_file.write_bytes(self.receiver.ca_pem)
        with contextlib.ExitStack() as undo:
            undo.callback(self.receiver.close)
            aws.client("secretsmanager").create_secret(Name=WEBHOOK_SECRET, SecretString=signing_secret)
            self._create_table()
            self._create_topic_and_queue()
            undo.pop_all()

    def _create_table(self) -> None:
        self._dynamodb.create_table(
            TableName=HISTORY_TABLE,
            KeySchema=[
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[
                {"AttributeName": "pk", "AttributeType": "S"},
                {"AttributeName": "sk", "AttributeType": "S"},
            ],
            BillingMode="PAY_PER_REQUEST",
        )

    def _create_topic_and_queue(self) -> None:
        self.topic_arn = str(self._sns.create_topic(Name=TOPIC)["TopicArn"])
        self._queue_url = str(self._sqs.create_queue(QueueName=TOPIC)["QueueUrl"])
        attributes = self._sqs.get_queue_attributes(QueueUrl=self._queue_url, AttributeNames=["QueueArn"])
        self._sns.subscribe(
            TopicArn=self.topic_arn,
            Protocol="sqs",
            Endpoint=attributes["Attributes"]["QueueArn"],
        )

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which rules name these targets, and what it takes to trust the receiver."""
        return {
            "ORDER_EVENTS_TOPIC_ARN": self.topic_arn,
            "ORDER_HISTORY_TABLE": HISTORY_TABLE,
            "ORDERS_WEBHOOK_URL": self.receiver.url,
            "SSL_CERT_FILE": str(self._ca_file),
        }

    def effects(self) -> list[Effect]:
        """Everything that has arrived at the targets until now, each thing once."""
        return distinct([*self._queued(), *self._stored(), *self._posted()])

    def _queued(self) -> list[Effect]:
        while messages := self._receive():
            self._messages.extend(Effect(QUEUE_EFFECT, _notification(each["Body"])) for each in messages)
        return self._messages

    def _receive(self) -> list[dict[str, Any]]:
        answer = self._sqs.receive_message(QueueUrl=self._queue_url, MaxNumberOfMessages=10)
        messages: list[dict[str, Any]] = answer.get("Messages", [])
        for message in messages:
            self._sqs.delete_message(QueueUrl=self._queue_url, ReceiptHandle=message["ReceiptHandle"])
        return messages

    def _stored(self) -> Iterable[Effect]:
        for page in self._dynamodb.get_paginator("scan").paginate(
            TableName=HISTORY_TABLE, ConsistentRead=True
        ):
            for item in page["Items"]:
                yield Effect(TABLE_EFFECT, decode({"M": {name: from_boto(item[name]) for name in item}}))

    def _posted(self) -> Iterable[Effect]:
        for request in self.receiver.received:
            content = {"id": request.webhook_id, "body": exact_json.loads(request.body.decode())}
            if request.refusal is not None:
                content["refused"] = request.refusal
            yield Effect(WEBHOOK_EFFECT, content)

    def close(self) -> None:
        self.receiver.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _notification(body: str) -> dict[str, Any]:
    """What a publisher put into the notification that SNS wrote into a queue; a JSON message is decoded."""
    envelope = exact_json.loads(body)
    attributes = envelope.get("MessageAttributes", {})
    message = envelope["Message"]
    with contextlib.suppress(ValueError):
        message = exact_json.loads(message)
    return {
        "subject": envelope.get("Subject"),
        "message": message,
        "attributes": {name: each["Value"] for name, each in attributes.items()},
    }


def logged(text: str) -> list[Effect]:
    """The lines of `log` actions in a function's output. The function's own name no delivery, or a record."""
    effects = []
    for line in text.splitlines():
        entry = _json_object(line)
        if "delivery_id" in entry and "record" not in entry:
            effects.append(Effect(LOG_EFFECT, entry))
    return distinct(effects)


def _json_object(line: str) -> dict[str, Any]:
    """The object that a line is; empty where it is none (a line may be half written still)."""
    if not line.startswith("{"):
        return {}
    try:
        value: dict[str, Any] = exact_json.loads(line)
    except ValueError:
        return {}
    return value


def distinct(effects: Iterable[Effect]) -> list[Effect]:
    """Each effect once, in order."""
    return list({effect.text: effect for effect in effects}.values())
