"""What rules send to, for real: topics with queues behind them, tables with streams, a webhook receiver.

`Targets` makes what a `Plan` names on a running ministack and reads back what arrived, always from the target
itself: messages out of the queues, writes out of the tables' streams, requests out of the receiver. Each
arrival is an `Effect`; two are the same when target and content are.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rules_engine import exact_json
from rules_engine.attribute_value import decode
from rules_engine.local.keys import Keys
from rules_engine.local.plan import topic_arn
from rules_engine.local.tables import StreamReader, create_table
from rules_engine.settings import PRIVATE_HOSTS, STATE_TABLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from rules_engine.local.ministack import Ministack
    from rules_engine.local.plan import Plan
    from rules_engine.local.webhook_receiver import Received, WebhookReceiver

QUEUE_EFFECT = "queue"
TABLE_EFFECT = "table"
WEBHOOK_EFFECT = "webhook"
LOG_EFFECT = "log"

STATE_TABLE_NAME = "rules-engine-state"
"""What the function is given to remember in, here as in the account where it will run."""

_PLACES = {QUEUE_EFFECT: "in queue", TABLE_EFFECT: "in table", WEBHOOK_EFFECT: "at the receiver, /"}
_HEADERS_OF_ANY_REQUEST = {"accept-encoding", "content-length", "content-type", "host", "user-agent"}


@dataclass(frozen=True, slots=True)
class Effect:
    """Something found at a target: which kind, its name, and what was found there, in plain values."""

    target: str
    name: str
    content: Any

    @property
    def text(self) -> str:
        """One line that only the same effect, read back again, has."""
        return f"{self.target} {self.name} {exact_json.dumps(self.content)}"

    @property
    def place(self) -> str:
        """Where it was read back."""
        if self.target == LOG_EFFECT:
            return "in the log"
        return f"{_PLACES[self.target]} {self.name}".replace("/ ", "/")


class Targets:
    """The targets of `plan`. `receiver` is the one whose address the plan was made with."""

    def __init__(self, aws: Ministack, plan: Plan, receiver: WebhookReceiver, directory: Path) -> None:
        self._aws, self._plan, self._receiver = aws, plan, receiver
        self._sns, self._sqs = aws.client("sns"), aws.client("sqs")
        receiver.secrets_by_path = plan.receivers
        self._ca_file = directory / "receiver-ca.pem"
        self._ca_file.write_bytes(receiver.ca_pem)
        self._messages: list[Effect] = []
        for name, text in plan.secrets.items():
            aws.client("secretsmanager").create_secret(Name=name, SecretString=text)
        for name, text in plan.parameters.items():
            aws.client("ssm").put_parameter(Name=name, Value=text, Type="SecureString")
        self.streams = {
            table: StreamReader(aws, create_table(aws, table, keys))
            for table, keys in {**plan.targets, **plan.sources}.items()
        }
        self._queues = {topic: self._create_topic_and_queue(topic) for topic in plan.topics}
        create_table(aws, STATE_TABLE_NAME, Keys((("id", "S"),), "as the function needs it"))

    def _create_topic_and_queue(self, name: str) -> str:
        fifo = {"FifoTopic": "true"} if name.endswith(".fifo") else {}
        arn = self._sns.create_topic(Name=name, Attributes=fifo)["TopicArn"]
        if arn != topic_arn(name):
            raise AssertionError(f"the topic '{name}' has the ARN {arn}")
        fifo = {"FifoQueue": "true"} if fifo else {}
        url = str(self._sqs.create_queue(QueueName=name, Attributes=fifo)["QueueUrl"])
        attributes = self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        self._sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=attributes["Attributes"]["QueueArn"])
        return url

    @property
    def environment(self) -> dict[str, str]:
        """The function's variables: what the rules name, and what lets it reach and trust the receiver."""
        ours = {
            STATE_TABLE: STATE_TABLE_NAME,
            PRIVATE_HOSTS: self._receiver.address,
            "SSL_CERT_FILE": str(self._ca_file),
        }
        return {**self._plan.environment, **self._aws.environment, **ours}

    def arrivals(self) -> list[Effect]:
        """Everything that has arrived until now, repeats too; a new arrival changes no earlier one."""
        for topic, url in self._queues.items():
            self._messages += self._queued(topic, url)
        written = [
            write_effect(table, record)
            for table in self._plan.targets
            for record in self.streams[table].read()
        ]
        return [*self._messages, *written, *map(_request_effect, self._receiver.received)]

    def _queued(self, topic: str, url: str) -> Iterable[Effect]:
        while messages := self._sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                self._sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                yield Effect(QUEUE_EFFECT, topic, _notification(message["Body"]))

    def effects(self) -> list[Effect]:
        """Everything that has arrived until now, each thing once."""
        return distinct(self.arrivals())


def _request_effect(request: Received) -> Effect:
    """What a webhook brought, without the headers that every request has or each attempt has anew."""
    headers = {
        name: value
        for name, value in request.headers.items()
        if name not in _HEADERS_OF_ANY_REQUEST and not name.startswith("webhook-")
    }
    return request_effect(
        request.method, request.path, headers, request.webhook_id, request.body.decode(), request.refusal
    )


def request_effect(
    method: str, path: str, headers: Mapping[str, str], webhook_id: str, body: str, refusal: str | None = None
) -> Effect:
    content: dict[str, Any] = {"id": webhook_id, "method": method, "path": path}
    if headers:
        content["headers"] = dict(sorted(headers.items()))
    content["body"] = exact_json.loads(body)
    if refusal is not None:
        content["refused"] = refusal
    return Effect(WEBHOOK_EFFECT, path.strip("/").partition("/")[0].partition("?")[0], content)


def write_effect(table: str, record: Mapping[str, Any]) -> Effect:
    """A record of a table's stream: the item written, or the key of the one deleted."""
    data = record["dynamodb"]
    if "NewImage" in data:
        return Effect(TABLE_EFFECT, table, {"item": decode({"M": data["NewImage"]})})
    return Effect(TABLE_EFFECT, table, {"deleted": decode({"M": data["Keys"]})})


def _notification(body: str) -> dict[str, Any]:
    """What a publisher put into the notification that SNS wrote into a queue; a JSON message is decoded."""
    envelope = exact_json.loads(body)
    attributes = envelope.get("MessageAttributes", {})
    return notification(
        envelope.get("Subject"),
        envelope["Message"],
        {name: each["Value"] for name, each in attributes.items()},
    )


def notification(subject: str | None, message: str, attributes: Mapping[str, str]) -> dict[str, Any]:
    content: Any = message
    with contextlib.suppress(ValueError):
        content = exact_json.loads(message)
    return {"subject": subject, "message": content, "attributes": dict(attributes)}


def logged(text: str) -> list[Effect]:
    """The lines of `log` actions in a function's output. The function's own name no delivery, or a record."""
    entries = [_json_object(line) for line in text.splitlines()]
    return [
        Effect(LOG_EFFECT, "", entry) for entry in entries if "delivery_id" in entry and "record" not in entry
    ]


def failures(text: str) -> list[str]:
    """The lines in which a function says that a record failed."""
    return [
        line
        for line in text.splitlines()
        if (entry := _json_object(line)) and "record" in entry and entry["level"] == "ERROR"
    ]


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
