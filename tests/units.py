"""One action on one record, as the engine would put them together."""

from __future__ import annotations

from typing import Any

from rules_engine.delivery.identity import deliveries_of
from rules_engine.model import ActionSpec, Delivery, Match, Rule
from rules_engine.plain_record import record_from_images
from rules_engine.record import parse_record

SHIPPED = {
    "event": "MODIFY",
    "eventID": "e-1",
    "keys": {"order_id": "o-1"},
    "old": {"order_id": "o-1", "status": "PACKED"},
    "new": {"order_id": "o-1", "status": "SHIPPED", "total": 12.5},
}
"""In the short form in which tests write records."""

SHIPPED_CHANGE = (
    '{"eventID":"e-1","eventName":"MODIFY","table":"orders","createdAt":"2024-01-01T00:00:00Z",'
    '"keys":{"order_id":"o-1"},"new":{"order_id":"o-1","status":"SHIPPED","total":12.5},'
    '"old":{"order_id":"o-1","status":"PACKED"}}'
)
"""What an action without a payload sends for it."""


def action_spec(type_name: str, **config: Any) -> ActionSpec:
    return ActionSpec(id=type_name, type=type_name, config=config)


def delivery_of(spec: ActionSpec, record: dict[str, Any] | None = None) -> Delivery:
    """`record` is a stream record as Lambda delivers it; default: the order is shipped."""
    raw = record_from_images(SHIPPED, "orders") if record is None else record
    rule = Rule("order-shipped", ("orders",), (spec,))
    (delivery,) = deliveries_of(Match((rule,), 0, parse_record(raw)))
    return delivery


def raw_record(new: dict[str, Any], keys: dict[str, Any]) -> dict[str, Any]:
    """An INSERT whose images are given in DynamoDB JSON."""
    raw = record_from_images({"event": "INSERT", "keys": {"id": "placeholder"}}, "orders")
    raw["dynamodb"] |= {"Keys": keys, "NewImage": new}
    return raw


def requests_of(action: Any, type_name: str, count: int) -> list[dict[str, Any]]:
    """What `action` makes of `count` shipped orders, `o-0` and on."""
    spec = action_spec(type_name)
    records = (
        {**SHIPPED, "eventID": f"e-{number}", "keys": {"order_id": f"o-{number}"}} for number in range(count)
    )
    return [action.render(delivery_of(spec, record_from_images(each, "orders"))) for each in records]
