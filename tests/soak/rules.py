"""The rules of the soak: every shipped kind of target, every mode, every `on_error`, conditions of all sorts.

`RULES` is the rule set; `owed` says in plain Python which actions a change owes, so that the engine is not
asked what it should have done. Each effect says which record it was made of: `origin` reads that back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rules_engine.model import ActionSpec, Rule, RuleSet

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rules_engine.testing import Change, ServiceEffect

STATE, COPIES, COUNTS, HISTORY = "state", "copies", "counts", "history"
TABLES = {STATE: ("id",), COPIES: ("id",), COUNTS: ("id",), HISTORY: ("id",)}
_TOPIC = "arn:aws:sns:eu-central-1:000000000000:{}--{}"
_EVENT_ID = "{{ eventID }}"
_WRITTEN = ("INSERT", "MODIFY")


def _publish(rule: str, action: str, fifo: bool = False) -> ActionSpec:
    """The topic says which action it was, the message which record."""
    arn = _TOPIC.format(rule, action) + (".fifo" if fifo else "")
    mode = "once" if fifo else "at_least_once"
    return ActionSpec(action, "sns", {"topic_arn": arn, "message": _EVENT_ID}, mode=mode)


def _post(rule: str, action: str, on_error: str = "retry") -> ActionSpec:
    config = {"url": f"https://{rule}.invalid/{action}/{_EVENT_ID}", "body": {"id": "{{ keys.id }}"}}
    return ActionSpec(action, "webhook", config, on_error=on_error)


def _write(table: str, action: str, mode: str = "at_least_once", **config: Any) -> ActionSpec:
    return ActionSpec(action, "table", {"table": table, **config}, mode=mode)


_COUNT = {"key": {"id": "{{ keys.id }}"}, "set": {"last": _EVENT_ID}, "add": {"n": 1}}

RULES = RuleSet(
    (
        Rule("published", ("orders",), (_publish("published", "all"),)),
        Rule(
            "opened",
            ("orders",),
            (_publish("opened", "first"), _post("opened", "second")),
            events=_WRITTEN,
            when=("new.status == 'OPEN'",),
        ),
        Rule("copied", ("orders",), (_write(COPIES, "sync", sync={}),)),
        Rule(
            "counted",
            ("orders",),
            (_write(COUNTS, "count", "once", update=_COUNT),),
            events=_WRITTEN,
            when=("new.size > `2`", "new.status != 'NEW'"),
        ),
        Rule(
            "queued",
            ("orders",),
            (_publish("queued", "fifo", fifo=True),),
            when=("contains(['OPEN', 'SHIPPED'], new.status || old.status)",),
        ),
        Rule(
            "recorded",
            ("orders",),
            (_write(HISTORY, "put", put={"id": _EVENT_ID, "order": "{{ new }}"}),),
            events=("INSERT", "MODIFY"),
        ),
        Rule(
            "moved",
            ("orders",),
            (_post("moved", "first", "continue"), _publish("moved", "second")),
            events=("MODIFY",),
            when=("old.status != new.status",),
        ),
        Rule("removed", ("orders",), (_post("removed", "only", "dead_letter"),), events=("REMOVE",)),
    )
)


def owed(change: Change) -> list[tuple[str, str]]:
    """Rule and action of everything that this change owes."""
    images = change.record["dynamodb"]
    new, old = images.get("NewImage"), images.get("OldImage")
    written, status = new is not None, _status(new)
    found = [("published", "all"), ("copied", "sync")]
    if written:
        found.append(("recorded", "put"))
        if status == "OPEN":
            found += [("opened", "first"), ("opened", "second")]
        if status != "NEW" and int(new["size"]["N"]) > 2:
            found.append(("counted", "count"))
        if old is not None and status != _status(old):
            found += [("moved", "first"), ("moved", "second")]
    else:
        found.append(("removed", "only"))
    if (status or _status(old)) in ("OPEN", "SHIPPED"):
        found.append(("queued", "fifo"))
    return found


def _status(image: Mapping[str, Any] | None) -> str:
    return "" if image is None else str(image["status"]["S"])


def origin(effect: ServiceEffect) -> tuple[str, str, str] | None:
    """Rule, action and event id of an effect; for a copy its version in place of the event id. None for what
    no rule asked for: the state table and the dead-letter queue."""
    request = effect.request
    if effect.service == "sns":
        rule, _, action = request["TopicArn"].rpartition(":")[2].removesuffix(".fifo").partition("--")
        return rule, action, request["Message"]
    if effect.service == "webhook":
        return posted(request["url"])
    table = request.get("TableName")
    if table == HISTORY:
        return "recorded", "put", request["Item"]["id"]["S"]
    if table == COPIES:
        return "copied", "sync", request["Item"]["_sequence_number"]["S"]
    if table == COUNTS:
        return "counted", "count", request["ExpressionAttributeValues"][":v0"]["S"]
    return None


def posted(url: str) -> tuple[str, str, str]:
    """Rule, action and event id of a request."""
    _, _, host, action, event_id = url.split("/")
    return host.removesuffix(".invalid"), action, event_id
