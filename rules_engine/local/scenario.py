"""What happens to the orders in the demo, and what must come of it, written by hand.

`CHANGES` are the changes in order; each names every delivery that `rules/orders` owes for it, with what is to
be found at the target. Nothing here asks the engine: what it makes of a change is what the demo checks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from rules_engine.delivery.identity import delivery_id
from rules_engine.local.effect import Effect
from rules_engine.local.target_types.log import IN_LOG
from rules_engine.local.target_types.sns import IN_TOPICS_QUEUE
from rules_engine.local.target_types.table import IN_TABLE
from rules_engine.local.target_types.webhook import AT_RECEIVER

Item = Mapping[str, Any]

ORDERS_TABLE = "orders"
HISTORY_TABLE = "order-history-table"
TOPIC = "order-events-topic"
RECEIVER = "orders-webhook-url"
"""What the local stack calls the targets that `rules/orders` names by variables."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one order. `old` and `new` are the item before and after, in plain values."""

    label: str
    event: str
    order_id: str
    old: Item | None
    new: Item | None
    owes: tuple[Owed, ...] = ()


@dataclass(frozen=True, slots=True)
class Owed:
    """A delivery that must be found. `content` makes it of the change, its event id and its time."""

    rule_id: str
    action_id: str
    where: str
    name: str
    content: Callable[[Change, str, str], Any]

    def effect(self, change: Change, event_id: str, created_at: str) -> Effect:
        return Effect(self.where, self.name, self.content(change, event_id, created_at))


def _history_item(change: Change, event_id: str, created_at: str) -> Any:
    item = {
        "pk": f"order#{change.order_id}",
        "sk": f"{created_at}#{event_id}",
        "event": "REMOVE" if change.event == "EXPIRE" else change.event,
        "old": change.old,
        "new": change.new,
    }
    return {"item": item}


def _customer_item(change: Change, _event_id: str, _created_at: str) -> Any:
    item = {
        "pk": f"customer#{_image(change)['customer']['id']}",
        "sk": "orders",
        "last_order": change.order_id,
        "order_ids": [change.order_id],
    }
    return {"item": item}


def _placed_line(change: Change, event_id: str, _created_at: str) -> Any:
    return {
        "level": "INFO",
        "message": f"order {change.order_id} placed",
        "rule_id": "order-placed",
        "action_id": "log",
        "delivery_id": delivery_id(event_id, "order-placed", "log"),
        "fields": {"total": _image(change)["total"], "items": len(_image(change)["items"])},
    }


def _shipped_message(change: Change, event_id: str, _created_at: str) -> Any:
    order = _image(change)
    return {
        "subject": f"Order {change.order_id} shipped",
        "message": {"order": change.order_id, "total": order["total"], "change": event_id},
        "attributes": {"status": "SHIPPED", "tier": order["customer"]["tier"]},
    }


def _shipped_request(change: Change, event_id: str, _created_at: str) -> Any:
    order = _image(change)
    return {
        "id": delivery_id(event_id, "order-shipped", "webhook"),
        "method": "POST",
        "path": f"/{RECEIVER}",
        "body": {
            "event": "order.shipped",
            "order": change.order_id,
            "customer": order["customer"]["id"],
            "total": order["total"],
        },
    }


def _cancelled_request(change: Change, event_id: str, _created_at: str) -> Any:
    return {
        "id": delivery_id(event_id, "order-cancelled", "webhook"),
        "method": "POST",
        "path": f"/{RECEIVER}",
        "body": {
            "event": "order.cancelled",
            "order": change.order_id,
            "last_status": _before(change)["status"],
        },
    }


def _expired_line(change: Change, event_id: str, _created_at: str) -> Any:
    order = _before(change)
    return {
        "level": "WARNING",
        "message": f"order {change.order_id} expired as {order['status']}",
        "rule_id": "unfinished-order-expired",
        "action_id": "log",
        "delivery_id": delivery_id(event_id, "unfinished-order-expired", "log"),
        "fields": {"status": order["status"], "total": order["total"]},
    }


def _image(change: Change) -> Item:
    assert change.new is not None
    return change.new


def _before(change: Change) -> Item:
    assert change.old is not None
    return change.old


HISTORY = Owed("order-history", "table", IN_TABLE, HISTORY_TABLE, _history_item)
CUSTOMER = Owed("customer-orders", "table", IN_TABLE, HISTORY_TABLE, _customer_item)
PLACED = Owed("order-placed", "log", IN_LOG, "", _placed_line)
SHIPPED_MESSAGE = Owed("order-shipped", "sns", IN_TOPICS_QUEUE, TOPIC, _shipped_message)
SHIPPED_REQUEST = Owed("order-shipped", "webhook", AT_RECEIVER, f"/{RECEIVER}", _shipped_request)
CANCELLED = Owed("order-cancelled", "webhook", AT_RECEIVER, f"/{RECEIVER}", _cancelled_request)
EXPIRED = Owed("unfinished-order-expired", "log", IN_LOG, "", _expired_line)


def _order(order_id: str, total: str, customer_id: str, tier: str) -> Item:
    return {
        "order_id": order_id,
        "status": "NEW",
        "total": Decimal(total),
        "customer": {"id": customer_id, "tier": tier},
        "items": [{"sku": "A-1", "count": 2}, {"sku": "B-7", "count": 1}],
    }


def _placed(label: str, order: Item) -> Change:
    return Change(label, "INSERT", order["order_id"], None, order, (HISTORY, CUSTOMER, PLACED))


def _changed(label: str, order: Item, change: Item, *owes: Owed) -> Change:
    return Change(label, "MODIFY", order["order_id"], order, {**order, **change}, owes)


_BIG = _order("o-1", "1250.50", "c-1", "basic")
_BIG_PACKED = {**_BIG, "status": "PACKED"}
_BIG_SHIPPED = {**_BIG, "status": "SHIPPED"}
_GOLD = _order("o-2", "12.50", "c-2", "gold")
_TEST = _order("o-3", "5000", "c-test-1", "gold")
_SMALL = _order("o-4", "999.99", "c-4", "basic")
_STALE = _order("o-5", "20", "c-5", "basic")

CHANGES: tuple[Change, ...] = (
    _placed("o-1 placed (1250.50)", _BIG),
    _changed("o-1 gets a note", _BIG, {"note": "call first"}),
    _changed("o-1 packed", {**_BIG, "note": "call first"}, {"status": "PACKED"}, HISTORY),
    _placed("o-2 placed (gold, 12.50)", _GOLD),
    _placed("o-3 placed (test account)", _TEST),
    _placed("o-4 placed (999.99)", _SMALL),
    _changed(
        "o-1 shipped, big enough",
        {**_BIG_PACKED, "note": "call first"},
        {"status": "SHIPPED"},
        HISTORY,
        SHIPPED_MESSAGE,
        SHIPPED_REQUEST,
    ),
    _changed("o-1 gets another note", {**_BIG_SHIPPED, "note": "call first"}, {"note": "left at the door"}),
    _changed(
        "o-2 shipped, gold",
        _GOLD,
        {"status": "SHIPPED"},
        HISTORY,
        SHIPPED_MESSAGE,
        SHIPPED_REQUEST,
    ),
    _changed("o-3 shipped, test account", _TEST, {"status": "SHIPPED"}, HISTORY),
    _changed("o-4 shipped, too small", _SMALL, {"status": "SHIPPED"}, HISTORY),
    _changed("o-2 cancelled", {**_GOLD, "status": "SHIPPED"}, {"status": "CANCELLED"}, HISTORY, CANCELLED),
    Change(
        "o-4 deleted by hand",
        "REMOVE",
        "o-4",
        {**_SMALL, "status": "SHIPPED"},
        None,
        (HISTORY, CANCELLED),
    ),
)

EXPIRY = Change("o-5 expired*", "EXPIRE", "o-5", _STALE, None, (HISTORY, EXPIRED))
"""Time to live of the local server writes no records, so this one is handed to the function directly."""
