"""What `sns` actions publish to: topics, each with a queue that listens to it and is read back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rules_engine import exact_json
from rules_engine.local.effect import Effect, decoded
from rules_engine.local.inbox import FIFO, Inbox, attribute_values
from rules_engine.local.ministack import ACCOUNT_ID, REGION

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rules_engine.actions import Action
    from rules_engine.local.derivation import Derivation
    from rules_engine.local.surroundings import Surroundings
    from rules_engine.model import ActionSpec

IN_TOPICS_QUEUE = "in the queue of topic"
PURPOSE = "publishes to topic {}, which a queue listens to"


def localise(spec: ActionSpec, derivation: Derivation, where: str) -> dict[str, Any]:
    name, topic_arn = derivation.target(
        spec.config["topic_arn"],
        "a topic",
        lambda arn: arn.rpartition(":")[2],
        arn_of,
        FIFO if spec.mode == "once" else "",
    )
    derivation.need("sns", name)
    return {**spec.config, "topic_arn": topic_arn}


def arn_of(name: str) -> str:
    return f"arn:aws:sns:{REGION}:{ACCOUNT_ID}:{name}"


class TopicTarget:
    def __init__(self, surroundings: Surroundings) -> None:
        self._inboxes = {}
        sns = surroundings.aws.client("sns")
        for name in surroundings.plan.needs["sns"]:
            inbox = Inbox(surroundings.aws, f"of-topic-{name}")
            fifo = {"FifoTopic": "true"} if name.endswith(FIFO) else {}
            arn = sns.create_topic(Name=name, Attributes=fifo)["TopicArn"]
            if arn != arn_of(name):
                raise AssertionError(f"the topic '{name}' has the ARN {arn}")
            sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=inbox.arn)
            self._inboxes[name] = inbox

    def arrivals(self) -> list[Effect]:
        return [
            Effect(IN_TOPICS_QUEUE, name, _notification(message["Body"]))
            for name, inbox in self._inboxes.items()
            for message in inbox.read()
        ]

    def owed(self, action: Action, request: Mapping[str, Any]) -> list[Effect]:
        attributes = attribute_values(request.get("MessageAttributes", {}))
        content = notification(request.get("Subject"), request["Message"], attributes)
        return [Effect(IN_TOPICS_QUEUE, request["TopicArn"].rpartition(":")[2], content)]


def open_target(surroundings: Surroundings) -> TopicTarget:
    return TopicTarget(surroundings)


def _notification(body: str) -> dict[str, Any]:
    """What a publisher put into the notification that SNS wrote into a queue."""
    envelope = exact_json.loads(body)
    attributes = envelope.get("MessageAttributes", {})
    values = {name: each["Value"] for name, each in attributes.items()}
    return notification(envelope.get("Subject"), envelope["Message"], values)


def notification(subject: str | None, message: str, attributes: Mapping[str, str]) -> dict[str, Any]:
    """The content of such an effect; a JSON message is decoded."""
    return {"subject": subject, "message": decoded(message), "attributes": dict(attributes)}
