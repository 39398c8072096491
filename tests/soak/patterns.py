"""`python -m tests.soak.patterns --changes 100000 --days 200`: the patterns that copy, count and index.

In: how many changes, on how many days, each with its own seed. Every day goes through StreamSim and the whole
delivery with two faults in a hundred calls and invocations, repeats of whole batches, batches that come late,
and processes that die. Out: a line for each day, and the exit code: 1 if a copy is not as the table of orders
is at the end of the day, a counter not as a recount of it, or anything became a dead letter.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from rules_engine.actions import action_type
from rules_engine.engine import Engine
from rules_engine.loader import load_rules
from rules_engine.testing import FakeAws, FaultMix, MappingSettings, StreamSim
from tests import recount
from tests.soak.outside import QUEUE, Outside, Stage
from tests.soak.rules import STATE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rules_engine.testing import Change

ROOT = Path(__file__).parent.parent.parent
PATTERNS = (ROOT / "rules/sync", ROOT / "rules/analysis/statuses.yaml", ROOT / "rules/search-index")
MIRROR, BY_CUSTOMER, TOTALS, STATUSES = "mirror", "customer-orders", "totals", "statuses"
INDEX = "index"
ENVIRONMENT = {
    "RULES_ENGINE_STATE_TABLE": STATE,
    "ORDER_MIRROR_TABLE": MIRROR,
    "CUSTOMER_ORDERS_TABLE": BY_CUSTOMER,
    "CUSTOMER_TOTALS_TABLE": TOTALS,
    "ORDERS_BY_STATUS_TABLE": STATUSES,
    "ORDER_SEARCH_ENDPOINT": "https://search.invalid",
    "ORDER_SEARCH_DOMAIN_ARN": "arn:aws:es:eu-central-1:000000000000:domain/orders",
}
TABLES = {
    STATE: ("id",),
    MIRROR: ("order_id",),
    BY_CUSTOMER: ("customer_id", "order_id"),
    TOTALS: ("customer_id",),
    STATUSES: ("status",),
}
TWO_PERCENT = FaultMix(
    "two percent",
    lost_answers=0.02,
    transient_errors=0.02,
    lost_responses=0.02,
    store_failures=0.02,
    slow_calls=0.002,
    crashes=0.002,
    poller_restarts=0.02,
    late_duplicates=0.02,
)
"""Nothing that is never taken: what becomes a dead letter is in no copy."""
MAPPING = MappingSettings(
    batch_size=100,
    report_batch_item_failures=True,
    bisect_batch_on_function_error=True,
    maximum_record_age_seconds=72_000,
)
ORDERS, CUSTOMERS = 200, 17
DAY_SECONDS = 86_400
STATUSES_IN_TURN = ("NEW", "PACKED", "SHIPPED", "DELIVERED", "CANCELLED")
_PAUSES = (0, 0, 0, 0, 0, 0, 0.5, 2)


@dataclass(frozen=True, slots=True)
class Day:
    """`wrong` are the names of what is not as it must be."""

    changes: int
    invocations: int
    faults: int
    wrong: list[str]


class PatternStage(Stage):
    """The stage of the soak of delivery with the patterns' rules in place of its own."""

    def __init__(self) -> None:
        rule_set, problems = load_rules(PATTERNS)
        assert problems == []
        self.engine = Engine.from_rules(rule_set)
        self.actions = {
            (rule.id, spec.id): self._built(spec, rule.scope)
            for rule in rule_set.rules
            for spec in rule.actions
        }

    @property
    def transport(self) -> Stage:
        return self

    def signer(self, service: str, region: str) -> Any:
        return FakeAws().signer(service, region)

    def _built(self, spec: Any, scope: Any) -> Any:
        return action_type(spec.type).build(spec, scope, ENVIRONMENT, self)


def play(stage: Stage, seed: int, changes: int, mix: FaultMix = TWO_PERCENT) -> Day:
    outside = stage.outside = Outside.of_mix(mix, seed, TABLES)
    # As the pattern's README has it: a repeat may come later than a minute after a removal.
    outside.aws.opensearch.gc_deletes_seconds = DAY_SECONDS
    sim = StreamSim(
        stage.function(seed),
        mapping=MAPPING,
        seed=seed,
        faults=mix,
        sandbox=outside.sandbox,
        keys=("order_id",),
        shards=1 + seed % 2,
        fresh_events=False,
        new_process=lambda: stage.function(seed),
    )
    write_changes(sim, Random(seed), changes)
    sim.run()
    return Day(
        len(sim.changes),
        len(sim.invocations),
        sum(invocation.ended != "answered" for invocation in sim.invocations),
        wrong_targets(sim, outside),
    )


def write_changes(sim: StreamSim, random: Random, changes: int) -> None:
    """So many changes of random orders. An order keeps its customer; removals are by hand or by time."""
    draw, at = random.random, sim.sandbox.now
    while len(sim.changes) < changes:
        number = int(draw() * ORDERS)
        at += _PAUSES[int(draw() * len(_PAUSES))]
        change: Change | None
        if draw() < 0.1:
            change = sim.remove({"order_id": f"o-{number}"}, at)
            if change is not None and draw() < 0.3:
                change.record["userIdentity"] = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
        else:
            tier = {"S": "gold" if number % 3 else "basic"}
            customer = {"id": {"S": f"c-{number % CUSTOMERS}"}, "tier": tier}
            sim.put_raw(
                {
                    "order_id": {"S": f"o-{number}"},
                    "status": {"S": STATUSES_IN_TURN[int(draw() * len(STATUSES_IN_TURN))]},
                    "total": {"N": str(int(draw() * 400) / 4)},
                    "customer": {"M": customer},
                },
                at,
            )


def wrong_targets(sim: StreamSim, outside: Outside) -> list[str]:
    """What is not as a recount of the table of orders says."""
    orders = recount.plain(sim.table.items().values())
    found = {name: recount.plain(outside.aws.dynamodb.items(name)) for name in TABLES if name != STATE}
    documents = {name: document for (_, name), document in outside.aws.opensearch.documents.items()}
    right = {
        MIRROR: recount.there(found[MIRROR], "order_id") == recount.mirror_of(orders),
        BY_CUSTOMER: recount.there(found[BY_CUSTOMER], "customer_id", "order_id")
        == recount.customer_orders_of(orders),
        TOTALS: recount.totals_in(found[TOTALS]) == recount.totals_of(orders),
        STATUSES: recount.statuses_in(found[STATUSES]) == recount.statuses_of(orders),
        INDEX: recount.documents_in(documents) == recount.documents_of(orders),
        "dead letters": outside.aws.sqs.messages(QUEUE) == [],
        "what the poller gave up": sim.given_up == [],
    }
    return [name for name, is_right in right.items() if not is_right]


def main(arguments: Sequence[str] | None = None, make_stage: type[Stage] = PatternStage) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--changes", type=int, default=100_000, help="in all")
    parser.add_argument("--days", type=int, default=200, help="short ones: a day's end is what is looked at")
    parser.add_argument("--seed", type=int, default=0, help="of the first day")
    options = parser.parse_args(arguments)
    started = time.monotonic()
    stage = make_stage()
    each = -(-options.changes // options.days)
    days = []
    for seed in range(options.seed, options.seed + options.days):
        day = play(stage, seed, each)
        days.append(day)
        result = f"FAIL: {', '.join(day.wrong)}" if day.wrong else "ok"
        sys.stdout.write(
            f"seed {seed}: {result}, {day.changes} changes, {day.invocations} invocations, "
            f"{day.faults} of them not answered\n"
        )
    exact = sum(not day.wrong for day in days)
    sys.stdout.write(
        f"{exact} of {len(days)} days end exact, {sum(day.changes for day in days)} changes, "
        f"in {time.monotonic() - started:.0f} s\n"
    )
    return 0 if exact == len(days) else 1


if __name__ == "__main__":
    raise SystemExit(main())
