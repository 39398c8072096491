"""What the patterns make of a table of orders, reckoned from that table alone: `sync`, `analysis`,
`search-index`.

Everything is in plain values as `attribute_value.decode` gives them. Each function gives what must be there,
in the form in which the other function of the same name part reads it from the target, so that a test
compares two whole values. Nothing here asks the engine or a template.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from rules_engine.attribute_value import decode

Item = Mapping[str, Any]


def plain(items: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Items in DynamoDB JSON as plain values."""
    return [{name: decode(value) for name, value in item.items()} for item in items]


def there(copies: Iterable[Item], *key: str) -> dict[tuple[Any, ...], Item]:
    """The copies without tombstones and versions, by their key."""
    return {
        tuple(copy[name] for name in key): {
            name: value for name, value in copy.items() if name != "_sequence_number"
        }
        for copy in copies
        if "_removed" not in copy
    }


def mirror_of(orders: Iterable[Item]) -> dict[tuple[Any, ...], Item]:
    return {(order["order_id"],): order for order in orders}


def customer_orders_of(orders: Iterable[Item]) -> dict[tuple[Any, ...], Item]:
    found: dict[tuple[Any, ...], Item] = {}
    for order in orders:
        customer_id, order_id = order["customer"]["id"], order["order_id"]
        found[customer_id, order_id] = {
            "customer_id": customer_id,
            "order_id": order_id,
            "status": order["status"],
            "total": order["total"],
        }
    return found


Totals = dict[str, tuple[int, Decimal]]
"""By customer how many orders there are and what they come to; customers without any left out."""


def totals_of(orders: Iterable[Item]) -> Totals:
    numbers: Counter[str] = Counter()
    amounts: dict[str, Decimal] = {}
    for order in orders:
        customer_id = order["customer"]["id"]
        numbers[customer_id] += 1
        amounts[customer_id] = amounts.get(customer_id, Decimal()) + order["total"]
    return {customer_id: (number, amounts[customer_id]) for customer_id, number in numbers.items()}


def totals_in(items: Iterable[Item]) -> Totals:
    found = {
        item["customer_id"]: (int(item["orders"]), Decimal(item["billed"]) - Decimal(item.get("credited", 0)))
        for item in items
    }
    return {customer_id: total for customer_id, total in found.items() if total != (0, 0)}


def statuses_of(orders: Iterable[Item]) -> dict[str, int]:
    return dict(Counter(order["status"] for order in orders))


def statuses_in(items: Iterable[Item]) -> dict[str, int]:
    found = {item["status"]: int(item.get("entered", 0)) - int(item.get("left", 0)) for item in items}
    return {status: number for status, number in found.items() if number}


def documents_of(orders: Iterable[Item]) -> dict[str, Item]:
    """By id, without the time of the change, which the table does not have."""
    return {
        order["order_id"]: {
            "order": order["order_id"],
            "status": order["status"],
            "total": order["total"],
            "customer": order["customer"]["id"],
            "tier": order["customer"]["tier"],
            "skus": None,
        }
        for order in orders
    }


def documents_in(documents: Mapping[str, Item]) -> dict[str, Item]:
    return {
        document_id: {name: value for name, value in document.items() if name != "changed_at"}
        for document_id, document in documents.items()
    }
