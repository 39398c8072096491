"""What `eventbridge` actions put events on: buses, each with a rule that sends all of them to a queue.

The local server hands numbers on as doubles, so they are compared as such.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from rules_engine.local.effect import Effect
from rules_engine.local.inbox import Inbox
from rules_engine.local.ministack import ACCOUNT_ID

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rules_engine.actions import Action
    from rules_engine.local.derivation import Derivation
    from rules_engine.local.surroundings import Surroundings
    from rules_engine.model import ActionSpec

ON_BUS = "in the queue of event bus"
PURPOSE = "puts events on bus {}, which a queue listens to"

_DEFAULT = "default"


def localise(spec: ActionSpec, derivation: Derivation, where: str) -> dict[str, Any]:
    name, event_bus = derivation.target(
        spec.config.get("event_bus", _DEFAULT), "an event bus", lambda arn: arn.rpartition("/")[2], str
    )
    derivation.need("eventbridge", name)
    return {**spec.config, "event_bus": event_bus}


class BusTarget:
    def __init__(self, surroundings: Surroundings) -> None:
        self._inboxes = {}
        events = surroundings.aws.client("events")
        for name in surroundings.plan.needs["eventbridge"]:
            inbox = Inbox(surroundings.aws, f"of-bus-{name}")
            if name != _DEFAULT:
                events.create_event_bus(Name=name)
            pattern = json.dumps({"account": [ACCOUNT_ID]})
            events.put_rule(Name="everything", EventBusName=name, EventPattern=pattern)
            queue = {"Id": "queue", "Arn": inbox.arn}
            events.put_targets(Rule="everything", EventBusName=name, Targets=[queue])
            self._inboxes[name] = inbox

    def arrivals(self) -> list[Effect]:
        found = []
        for name, inbox in self._inboxes.items():
            for message in inbox.read():
                event = json.loads(message["Body"])
                found.append(_effect(name, event["source"], event["detail-type"], event["detail"]))
        return found

    def owed(self, action: Action, request: Mapping[str, Any]) -> list[Effect]:
        name = request.get("EventBusName", _DEFAULT).rpartition("/")[2]
        return [_effect(name, request["Source"], request["DetailType"], json.loads(request["Detail"]))]


def open_target(surroundings: Surroundings) -> BusTarget:
    return BusTarget(surroundings)


def _effect(bus: str, source: str, detail_type: str, detail: Any) -> Effect:
    return Effect(ON_BUS, bus, {"source": source, "detail_type": detail_type, "detail": detail})
