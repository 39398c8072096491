"""What `sqs` actions send to: queues, read back message by message."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rules_engine.local.effect import Effect, decoded
from rules_engine.local.inbox import FIFO, Inbox, attribute_values
from rules_engine.local.ministack import ACCOUNT_ID, REGION

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rules_engine.actions import Action
    from rules_engine.local.derivation import Derivation
    from rules_engine.local.surroundings import Surroundings
    from rules_engine.model import ActionSpec

IN_QUEUE = "in queue"
PURPOSE = "sends to queue {}"


def localise(spec: ActionSpec, derivation: Derivation, where: str) -> dict[str, Any]:
    name, queue_url = derivation.target(
        spec.config["queue_url"],
        "a queue",
        lambda url: url.rpartition("/")[2],
        _url_of,
        FIFO if spec.mode == "once" else "",
    )
    derivation.need("sqs", name)
    return {**spec.config, "queue_url": queue_url}


def _url_of(name: str) -> str:
    """The server is found by its endpoint and goes by the last part."""
    return f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT_ID}/{name}"


class QueueTarget:
    def __init__(self, surroundings: Surroundings) -> None:
        self._inboxes = [Inbox(surroundings.aws, name) for name in surroundings.plan.needs["sqs"]]

    def arrivals(self) -> list[Effect]:
        return [
            _effect(inbox.name, message["Body"], message.get("MessageAttributes", {}))
            for inbox in self._inboxes
            for message in inbox.read()
        ]

    def owed(self, action: Action, request: Mapping[str, Any]) -> list[Effect]:
        name = request["QueueUrl"].rpartition("/")[2]
        return [_effect(name, request["MessageBody"], request.get("MessageAttributes", {}))]


def open_target(surroundings: Surroundings) -> QueueTarget:
    return QueueTarget(surroundings)


def _effect(queue: str, body: str, attributes: Mapping[str, Any]) -> Effect:
    content = {"message": decoded(body), "attributes": attribute_values(attributes)}
    return Effect(IN_QUEUE, queue, content)
