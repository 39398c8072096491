"""The kinds of rules that rule sets A, B and S are made of.

In: a `random.Random` and the `Scope` of the rule file a rule stands in. Out: `Draft(events, phrases,
exception)`. Each function is one kind and says what share of rules it is for. Values are drawn from the
pools of `bench.orders`, so every rule can match; tests/test_bench_workload.py holds how often they do.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from bench import phrases as say
from bench.orders import (
    CARRIERS,
    CATEGORIES,
    CHANNELS,
    COUNTRIES,
    COUPONS,
    CUSTOMER_IDS,
    DOMAINS,
    FIRST_NAMES,
    REGIONS,
    SKUS,
    STATUSES,
    TAGS,
    TIERS,
    WAREHOUSES,
)

if TYPE_CHECKING:
    from random import Random

    from bench.phrases import Phrase
    from rules_engine.model import Scope


class Draft(NamedTuple):
    events: tuple[str, ...]
    phrases: list[Phrase]
    exception: Phrase | None = None


_POOLS: dict[str, tuple[str, ...]] = {
    "status": STATUSES,
    "region": REGIONS,
    "category": CATEGORIES,
    "warehouse": WAREHOUSES,
    "customer_id": CUSTOMER_IDS,
    "channel": CHANNELS,
    "customer.tier": TIERS,
    "customer.country": COUNTRIES,
}

A_SHAPES: tuple[tuple[int, tuple[str, ...]], ...] = (
    (12, ("customer_id",)),
    (3, ("category",)),
    (10, ("status", "category")),
    (9, ("region", "category")),
    (9, ("category", "warehouse")),
    (6, ("customer_id", "status")),
    (5, ("category", "customer.tier")),
    (3, ("region", "warehouse")),
    (2, ("status", "warehouse")),
    (1, ("status", "region")),
    (9, ("status", "region", "category")),
    (9, ("status", "region", "warehouse")),
    (6, ("category", "channel", "region")),
    (5, ("status", "category", "customer.country")),
    (4, ("status", "warehouse", "quantity")),
    (4, ("category", "warehouse", "gift")),
    (3, ("region", "channel", "customer.tier")),
)
"""(weight, paths): the weights sum to 100."""

S_SHAPES: tuple[tuple[int, tuple[str, ...]], ...] = (
    (30, ("customer_id", "status")),
    (20, ("customer_id", "category")),
    (20, ("customer_id", "region", "channel")),
    (15, ("category", "warehouse", "region")),
    (15, ("category", "warehouse", "status")),
)

_EVENTS = (
    *((("MODIFY",),) * 50),
    *((("INSERT",),) * 25),
    *((("INSERT", "MODIFY"),) * 15),
    *((("REMOVE",),) * 10),
)
"""What rules list under `event`, in percent."""

_WITH_NEW = tuple(events for events in _EVENTS if events != ("REMOVE",))


def equality(rng: Random, scope: Scope) -> Draft:
    """A, and 60 % of B: an event and 1-3 equalities, most of them selective."""
    return _equalities(rng, scope, A_SHAPES)


def selective_equality(rng: Random, scope: Scope) -> Draft:
    """S: 2-3 equalities that together hold for one record in 72,000 or fewer."""
    return _equalities(rng, scope, S_SHAPES)


def number_range(rng: Random, scope: Scope) -> Draft:
    """12 % of B: a far threshold or a narrow band alone, or a wider one beside an equality."""
    if rng.random() < 0.5:
        return Draft(rng.choice(_WITH_NEW), [_rare_range(rng)])
    return _in_any_order(rng, rng.choice(_WITH_NEW), [_wide_range(rng, scope), _anchor(rng)])


def changed_to(rng: Random, scope: Scope) -> Draft:
    """10 % of B: a value that is there now and was not before, mostly beside an equality."""
    chance = rng.random()
    status = rng.randrange(len(STATUSES))
    if chance < 0.3:
        phrase = say.became("status", STATUSES[status])
    elif chance < 0.5:
        phrase = say.became_by_comparison("status", STATUSES[status])
    elif chance < 0.7:
        phrase = say.moved("status", STATUSES[status - 1], STATUSES[status])
    elif chance < 0.85:
        return Draft(("MODIFY",), [say.became("warehouse", rng.choice(WAREHOUSES))])
    else:
        return Draft(("MODIFY",), [say.changed("warehouse"), _anchor(rng)])
    events = ("INSERT", "MODIFY") if rng.random() < 0.15 and chance < 0.5 else ("MODIFY",)
    return _mostly_anchored(rng, events, phrase, alone=0.03)


def increase(rng: Random, scope: Scope) -> Draft:
    """3 % of B: a number that is larger than it was."""
    phrase = say.rose(rng.choice(("total", "total", "quantity", "discount")))
    return _mostly_anchored(rng, ("MODIFY",), phrase, alone=0.05)


def prefix_or_contains(rng: Random, scope: Scope) -> Draft:
    """10 % of B: prefixes, membership in lists, elements of sets, parts of texts."""
    events = rng.choice(_WITH_NEW)
    chance = rng.random()
    if chance < 0.35:
        return Draft(events, [_prefix(rng)])
    if chance < 0.45:
        carrier = say.starts_with_if_present("tracking", f"{rng.choice(CARRIERS)}{rng.randrange(100):02d}")
        return Draft(events, [carrier])
    if chance < 0.65:
        return Draft(events, [_membership(rng, scope)])
    if chance < 0.80:
        return _in_any_order(rng, events, [say.has_element("new.tags", rng.choice(TAGS)), _anchor(rng)])
    name = f"{rng.choice(FIRST_NAMES)}{rng.randrange(1, 97)}@"
    if chance < 0.85:
        return Draft(events, [say.has_text("new.customer.email", name)])
    return _in_any_order(
        rng, events, [say.has_text("new.customer.email", f"@{rng.choice(DOMAINS)}"), _anchor(rng)]
    )


def list_items(rng: Random, scope: Scope) -> Draft:
    """5 % of B: conditions over the elements of `items`."""
    events = rng.choice(_WITH_NEW)
    chance = rng.random()
    sku = rng.choice(SKUS)
    if chance < 0.4:
        return Draft(events, [say.has_sku(sku)])
    if chance < 0.6:
        return Draft(events, [say.orders_many_of(sku, rng.randrange(2, 10))])
    if chance < 0.75:
        phrase = say.sum_above("qty", rng.randrange(15, 35))
    elif chance < 0.9:
        phrase = say.largest_above("price", 10 * rng.randrange(35, 49))
    else:
        phrase = say.has_item_above("price", 50 * rng.randrange(6, 10))
    return _mostly_anchored(rng, events, phrase, alone=0.02)


def with_exception(rng: Random, scope: Scope, draft: Draft) -> Draft:
    """5 % of B's rules that look at `new`: not for the file's test customers, or not for gifts."""
    if draft.events == ("REMOVE",) or rng.random() >= 0.05:
        return draft
    asked = {clause.path for phrase in draft.phrases for clause in phrase.clauses}
    test_customers = rng.random() < 0.5
    if "new.customer_id" in asked or "new.gift" in asked:
        # An exception about what the rule itself asks for would always or never apply.
        test_customers = "new.gift" in asked
    spared = _test_customers(scope) if test_customers else say.equals("new.gift", True)
    return draft._replace(exception=spared)


def _equalities(rng: Random, scope: Scope, shapes: tuple[tuple[int, tuple[str, ...]], ...]) -> Draft:
    events = rng.choice(_EVENTS)
    paths = list(_weighted(rng, shapes))
    rng.shuffle(paths)  # authors do not agree on an order
    image = "old" if events == ("REMOVE",) else "new"
    return Draft(events, [_equal(rng, scope, image, path) for path in paths])


def _weighted(rng: Random, shapes: tuple[tuple[int, tuple[str, ...]], ...]) -> tuple[str, ...]:
    drawn = rng.randrange(100)
    for weight, paths in shapes:
        drawn -= weight
        if drawn < 0:
            return paths
    raise ValueError("the weights do not sum to 100")


def _equal(rng: Random, scope: Scope, image: str, name: str) -> Phrase:
    path = f"{image}.{name}"
    if name == "quantity":
        return say.equals(path, rng.randrange(2, 40))
    if name == "gift":
        return say.equals(path, True)
    if image == "new" and name == "region" and rng.random() < 0.15:
        return say.named("new.region == vars.home_region", say.equals(path, scope.vars["home_region"]))
    if image == "new" and name == "customer.tier" and rng.random() < 0.3:
        return say.named("is.gold", say.equals(path, "gold"))
    return say.equals(path, rng.choice(_POOLS[name]))


def _anchor(rng: Random) -> Phrase:
    """An equality that makes a broad condition selective: one record in 20 to 200."""
    name = rng.choice(("category", "category", "category", "warehouse", "warehouse", "customer.country"))
    return say.equals(f"new.{name}", rng.choice(_POOLS[name]))


def _mostly_anchored(rng: Random, events: tuple[str, ...], phrase: Phrase, alone: float) -> Draft:
    if rng.random() < alone:
        return Draft(events, [phrase])
    return _in_any_order(rng, events, [phrase, say.equals("new.category", rng.choice(CATEGORIES))])


def _in_any_order(rng: Random, events: tuple[str, ...], parts: list[Phrase]) -> Draft:
    rng.shuffle(parts)
    return Draft(events, parts)


def _rare_range(rng: Random) -> Phrase:
    """One record in 50 to 2,000."""
    kind = rng.randrange(4)
    if kind == 0:
        return say.compared("above", "new.total", 100 * rng.randrange(110, 160))
    if kind == 1:
        low = rng.randrange(1, 1_000) * 10
        return say.between("new.total", low, low + rng.randrange(2, 20))
    if kind == 2:
        return say.compared("below", "new.weight", Decimal(rng.randrange(60, 600)).scaleb(-3))
    cents = rng.randrange(100, 4_900)
    low_discount, high_discount = Decimal(cents).scaleb(-2), Decimal(cents + 50).scaleb(-2)
    return say.between("new.discount", low_discount, high_discount)


def _wide_range(rng: Random, scope: Scope) -> Phrase:
    if rng.random() < 0.2:
        limit = scope.vars["big_order"]
        return say.named("new.total >= vars.big_order", say.compared("at_least", "new.total", limit))
    test = rng.choice(("above", "at_least", "below", "at_most"))
    path, most = rng.choice((("new.total", 10_000), ("new.weight", 40), ("new.discount", 50)))
    return say.compared(test, path, most * rng.randrange(10, 91) // 100)


def _prefix(rng: Random) -> Phrase:
    chance = rng.random()
    if chance < 0.4:
        return say.starts_with("new.order_id", f"o-{rng.randrange(1000):03d}")
    if chance < 0.7:
        return say.starts_with("new.customer_id", f"c-{rng.randrange(1000):03d}")
    if chance < 0.8:
        return say.starts_with("new.customer.email", f"{rng.choice(FIRST_NAMES)}{rng.randrange(1, 97)}")
    return say.starts_with_if_present("coupon", f"{rng.choice(COUPONS)}-{rng.randrange(100):02d}")


def _membership(rng: Random, scope: Scope) -> Phrase:
    if rng.random() < 0.5:
        return _test_customers(scope)
    if rng.random() < 0.5:
        return say.one_of("new.customer_id", tuple(rng.choice(CUSTOMER_IDS) for _ in range(4)))
    return say.one_of("new.category", tuple(dict.fromkeys(rng.choice(CATEGORIES) for _ in range(2))))


def _test_customers(scope: Scope) -> Phrase:
    customers = tuple(scope.lists["test_customers"])
    return say.named(
        "contains(lists.test_customers, new.customer_id)", say.one_of("new.customer_id", customers)
    )
