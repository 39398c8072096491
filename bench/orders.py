"""Changes of an orders table as Lambda delivers them, made from a seed.

In: a `random.Random`. Out: DynamoDB Streams records of about 1.7 KB compact JSON: 17 attributes or so, a map
`customer`, a list `items` of 1-5 maps, a string set `tags`, numbers with cents. Every ten records hold six
MODIFY, three INSERT and one REMOVE in random order; three in ten removals are by time to live. The pools of
values are public, because rules are written about them.

Only `random`, `randrange`, `choice` and `shuffle` are used: they give the same on every Python version.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

TABLE = "orders"
STATUSES = ("NEW", "PAID", "PICKED", "PACKED", "SHIPPED", "DELIVERED", "RETURNED", "CANCELLED")
REGIONS = (
    *("eu-north", "eu-west", "eu-south", "eu-east", "us-east", "us-west", "us-south"),
    *("ap-east", "ap-south", "sa-east", "me-south", "af-south"),
)
CATEGORIES = tuple(f"cat-{number:03d}" for number in range(200))
WAREHOUSES = tuple(f"wh-{number:02d}" for number in range(30))
CUSTOMER_IDS = tuple(f"c-{number:05d}" for number in range(10_000))
CHANNELS = ("web", "app", "store", "phone")
TIERS = ("basic", "silver", "gold", "platinum")
COUNTRIES = (
    *("AT", "BE", "CH", "DE", "DK", "ES", "FI", "FR", "GB", "IE"),
    *("IT", "NL", "NO", "PL", "PT", "SE", "US", "CA", "BR", "JP"),
)
SKUS = tuple(f"sku-{number:03d}" for number in range(500))
TAGS = tuple(f"tag-{number:02d}" for number in range(60))
CARRIERS = ("DHL", "UPS", "DPD", "GLS", "FDX")
COUPONS = ("SPRING", "SUMMER", "AUTUMN", "WINTER", "LOYAL", "FRIEND")
FIRST_NAMES = (
    *("ada", "ben", "cleo", "dan", "eva", "finn", "gus", "hana", "ivo", "june"),
    *("kim", "lars", "mia", "nils", "olga", "paul", "rosa", "sven", "tess", "uwe"),
)
DOMAINS = tuple(f"{name}.example" for name in ("post", "mail", "home", "work", "city", "lake", "hill"))
MAX_QUANTITY = 10
MAX_PRICE_CENTS = 50_000

Attributes: TypeAlias = dict[str, dict[str, Any]]

_EVENTS = ("MODIFY",) * 6 + ("INSERT",) * 3 + ("REMOVE",)
_ARN = "arn:aws:dynamodb:eu-west-1:123456789012:table/orders/stream/2024-06-30T12:00:00.000"
_FIRST_SECOND = 1_719_748_800


@dataclass(frozen=True, slots=True)
class _Item:
    sku: str
    quantity: int
    price_cents: int

    def attribute(self) -> dict[str, Any]:
        price = _number(self.price_cents, 2)
        return {"M": {"sku": {"S": self.sku}, "qty": _number(self.quantity), "price": price}}


def stream_records(rng: Random, count: int) -> list[dict[str, Any]]:
    """`count` records, the first N of which are the same for any `count` above N."""
    customers = [_customer(rng, number) for number in range(len(CUSTOMER_IDS))]
    events = _events(rng)
    return [_record(rng, number, next(events), customers) for number in range(count)]


def _events(rng: Random) -> Iterator[str]:
    while True:
        block = list(_EVENTS)
        rng.shuffle(block)
        yield from block


def _customer(rng: Random, number: int) -> dict[str, Any]:
    email = f"{rng.choice(FIRST_NAMES)}{number % 97}@{rng.choice(DOMAINS)}"
    attributes = {"tier": rng.choice(TIERS), "country": rng.choice(COUNTRIES), "email": email}
    return {"M": {name: {"S": text} for name, text in attributes.items()}}


def _record(rng: Random, number: int, event: str, customers: list[dict[str, Any]]) -> dict[str, Any]:
    items = [_item(rng) for _ in range(rng.randrange(1, 6))]
    order = _order(rng, items, customers)
    images = {"INSERT": {"NewImage": order}, "REMOVE": {"OldImage": order}}.get(event)
    if images is None:
        images = {"NewImage": order, "OldImage": _before(rng, order, items)}
    data: dict[str, Any] = {
        "ApproximateCreationDateTime": float(_FIRST_SECOND + number // 20),
        "Keys": {"order_id": dict(order["order_id"])},
        **images,
        "SequenceNumber": str(4421584500000000017450439091 + 37 * number),
        "SizeBytes": rng.randrange(300, 1500),
        "StreamViewType": "NEW_AND_OLD_IMAGES",
    }
    record = {
        "eventID": f"{rng.randrange(16**32):032x}",
        "eventName": event,
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "eu-west-1",
        "dynamodb": data,
        "eventSourceARN": _ARN,
    }
    if event == "REMOVE" and rng.random() < 0.3:
        record["userIdentity"] = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
    return record


def _item(rng: Random) -> _Item:
    return _Item(rng.choice(SKUS), rng.randrange(1, MAX_QUANTITY + 1), rng.randrange(50, MAX_PRICE_CENTS))


def _order(rng: Random, items: list[_Item], customers: list[dict[str, Any]]) -> Attributes:
    customer = rng.randrange(len(CUSTOMER_IDS))
    order: Attributes = {
        "order_id": {"S": f"o-{rng.randrange(10**7):07d}"},
        "customer_id": {"S": CUSTOMER_IDS[customer]},
        "status": {"S": rng.choice(STATUSES)},
        "region": {"S": rng.choice(REGIONS)},
        "category": {"S": rng.choice(CATEGORIES)},
        "warehouse": {"S": rng.choice(WAREHOUSES)},
        "channel": {"S": rng.choice(CHANNELS)},
        "customer": customers[customer],
        **_items(items),
        "placed_at": {"S": f"2024-06-{rng.randrange(1, 31):02d}T{rng.randrange(24):02d}:15:30Z"},
        "discount": _number(rng.randrange(0, 5_000), 2),
        "weight": _number(rng.randrange(50, 40_000), 3),
        "version": _number(rng.randrange(1, 30)),
        "gift": {"BOOL": rng.random() < 0.1},
        "tags": {"SS": sorted({rng.choice(TAGS) for _ in range(rng.randrange(1, 4))})},
    }
    if rng.random() < 0.5:
        order["coupon"] = {"S": f"{rng.choice(COUPONS)}-{rng.randrange(10_000):04d}"}
    if order["status"]["S"] in ("SHIPPED", "DELIVERED", "RETURNED"):
        order["tracking"] = {"S": f"{rng.choice(CARRIERS)}{rng.randrange(10**9):09d}"}
    return order


def _items(items: list[_Item]) -> Attributes:
    """The list and what is counted from it."""
    return {
        "items": {"L": [item.attribute() for item in items]},
        "quantity": _number(sum(item.quantity for item in items)),
        "total": _number(sum(item.quantity * item.price_cents for item in items), 2),
    }


def _before(rng: Random, order: Attributes, items: list[_Item]) -> Attributes:
    """The order as it was before the change: always another version, and mostly something that shows why."""
    before = {**order, "version": _number(int(order["version"]["N"]) - 1)}
    chance = rng.random()
    if chance < 0.55:
        position = STATUSES.index(order["status"]["S"])
        before["status"] = {"S": STATUSES[position - 1]}
    elif chance < 0.80:
        first, *rest = items
        quantity = rng.randrange(1, MAX_QUANTITY + 1)
        before |= _items([_Item(first.sku, quantity, first.price_cents), *rest])
    elif chance < 0.90:
        before["warehouse"] = {"S": rng.choice(WAREHOUSES)}
    elif chance < 0.95:
        before["discount"] = _number(rng.randrange(0, 5_000), 2)
    return before


def _number(units: int, places: int = 0) -> dict[str, str]:
    """`units` of ten to the minus `places`, written as DynamoDB gives it back: without zeros at the end."""
    text = f"{Decimal(units).scaleb(-places):f}"
    return {"N": text.rstrip("0").rstrip(".") if places else text}
