"""The patterns on real servers: every delivery is read back, and bad days end as good ones do.

Copies, counters and documents must end as the table of orders is, whatever is refused, repeated or killed on
the way: what they must be is reckoned from that table alone.
"""

from __future__ import annotations

import io
import re
from contextlib import ExitStack
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

from rules_engine.attribute_value import decode, encode, to_boto
from rules_engine.cli.shipped_patterns import pattern_names
from rules_engine.deploy.package import build_package
from rules_engine.exact_json import loads
from rules_engine.loader import load_rules
from rules_engine.local.derivation import Addresses
from rules_engine.local.event_source_mapping import EventSourceMapping
from rules_engine.local.function_process import FunctionProcess
from rules_engine.local.ministack import Ministack
from rules_engine.local.once import run_once
from rules_engine.local.plan import plan_for
from rules_engine.local.play import wait_until
from rules_engine.local.samples import samples_of
from rules_engine.local.target_types.opensearch import ReadBackServer
from rules_engine.local.targets import Targets
from rules_engine.local.webhook_receiver import WebhookReceiver
from rules_engine.poller import MappingSettings
from rules_engine.settings import PARTIAL_BATCH
from tests import recount
from tests.aws_proxy import AwsProxy

if TYPE_CHECKING:
    from collections.abc import Callable

    from rules_engine.local.index_server import IndexRequest

pytestmark = pytest.mark.local

RULES = Path(__file__).parent.parent / "rules"
MAPPING = MappingSettings(
    batch_size=20,
    report_batch_item_failures=True,
    bisect_batch_on_function_error=True,
    backoff_seconds=(0.1, 0.5),
)
BEFORE, EFFECT = "before", "after its effect"


@pytest.mark.parametrize("name", pattern_names())
def test_everything_that_a_pattern_owes_is_read_back_from_its_targets(name: str) -> None:
    output = io.StringIO()
    code = run_once([RULES / name], Console(file=output, width=300))
    verdict = re.search(r"(\d+) of (\d+) deliveries read back .*, 0 unexpected", output.getvalue())
    assert verdict is not None, output.getvalue()
    assert (verdict[1], code) == (verdict[2], 0), output.getvalue()
    assert int(verdict[1]) > 0


# Bad days


@dataclass
class Trouble:
    """What befalls the calls of the function, drawn from a seed: one in ten is refused, and the process is
    killed
    at the calls named in `kills`, before or after they take effect."""

    random: Random
    kills: list[tuple[str, str]]
    share: float = 0.1
    refused: int = 0
    killed: list[tuple[str, str]] = field(default_factory=list)
    kill: Callable[[], None] = lambda: None

    def before(self, name: str) -> str | None:
        if self._kill(name, BEFORE):
            return "Killed"
        if self.random.random() < self.share:
            self.refused += 1
            return self.random.choice(("ThrottlingException", "InternalServerError"))
        return None

    def after(self, name: str) -> None:
        self._kill(name, EFFECT)

    def _kill(self, name: str, when: str) -> bool:
        if not self.kills or self.kills[0] != (name, when):
            return False
        self.killed.append(self.kills.pop(0))
        self.kill()
        return True


class TroubledIndex(ReadBackServer):
    """An index server to which that happens, too."""

    trouble: Trouble | None = None

    def take(self, request: IndexRequest) -> tuple[int, bytes]:
        if self.trouble is not None and self.trouble.before("_bulk") is not None:
            return HTTPStatus.SERVICE_UNAVAILABLE, b"{}"
        answer = super().take(request)
        if self.trouble is not None:
            self.trouble.after("_bulk")
        return answer


class Shop:
    """The orders, the function with the rules behind their stream, and the targets."""

    def __init__(self, undo: ExitStack, directory: Path, trouble: Trouble) -> None:
        rule_set, problems = load_rules(
            [
                RULES / "sync",
                RULES / "analysis/statuses.yaml",
                RULES / "search-index",
                RULES / "archive/changes.yaml",
            ]
        )
        assert problems == []
        receiver = undo.enter_context(WebhookReceiver())
        self.index = undo.enter_context(TroubledIndex())
        self.index.trouble = trouble
        self.aws = undo.enter_context(Ministack())
        addresses = Addresses(receiver.address, self.index.address)
        plan = plan_for(rule_set, samples_of(rule_set)[0], addresses, {})
        self.targets = Targets(self.aws, plan, receiver, directory, str, self.index)
        proxy = AwsProxy(self.aws.endpoint_url, trouble.before, trouble.after)
        undo.enter_context(proxy)
        environment = {
            **self.targets.environment,
            PARTIAL_BATCH: "on",
            "AWS_ENDPOINT_URL_DYNAMODB": proxy.url,
            "AWS_ENDPOINT_URL_FIREHOSE": proxy.url,
        }
        self.function = undo.enter_context(
            FunctionProcess(build_package(plan.rule_set), environment, timeout_seconds=60)
        )
        trouble.kill = self.function.kill
        self.stream = self.targets.streams["orders"]
        self.mapping = undo.enter_context(
            EventSourceMapping(self.aws, self.stream.arn, self.function.invoke, MAPPING)
        )
        self._dynamodb = self.aws.client("dynamodb")

    def put(self, item: dict[str, Any]) -> None:
        attributes = {name: to_boto(encode(value)) for name, value in item.items()}
        self._dynamodb.put_item(TableName="orders", Item=attributes)

    def remove(self, order_id: str) -> None:
        self._dynamodb.delete_item(TableName="orders", Key={"order_id": {"S": order_id}})

    def settle(self) -> None:
        assert wait_until(lambda: self.mapping.done == len(self.stream.read()), 240), self.function.log

    def items(self, table: str) -> list[dict[str, Any]]:
        pages = self._dynamodb.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
        return recount.plain(item for page in pages for item in page["Items"])

    def documents(self) -> dict[str, Any]:
        self.index.request("POST", "/orders/_refresh")
        return recount.documents_in(self.index.documents("orders"))

    def assert_exact(self) -> None:
        """Everything is as a recount of the orders says."""
        orders = self.items("orders")
        assert orders
        assert recount.there(self.items("order-mirror-table"), "order_id") == recount.mirror_of(orders)
        copies = self.items("customer-orders-table")
        assert recount.there(copies, "customer_id", "order_id") == recount.customer_orders_of(orders)
        assert recount.totals_in(self.items("customer-totals-table")) == recount.totals_of(orders)
        assert recount.statuses_in(self.items("orders-by-status-table")) == recount.statuses_of(orders)
        assert self.documents() == recount.documents_of(orders)
        archived = [effect.content for effect in self.targets.of("firehose").arrivals()]
        lines = {line["eventID"]: (line["old"], line["new"]) for line in archived}
        assert lines == {record["eventID"]: _images(record) for record in self.stream.read()}


def _images(record: dict[str, Any]) -> tuple[Any, Any]:
    old, new = (record["dynamodb"].get(name) for name in ("OldImage", "NewImage"))
    return (old and decode({"M": old}), new and decode({"M": new}))


def change_orders(shop: Shop, random: Random, changes: int) -> None:
    """Of eight orders, each with a customer that it keeps."""
    for _ in range(changes):
        number = random.randrange(8)
        if random.random() < 0.2:
            shop.remove(f"o-{number}")
        else:
            shop.put(
                {
                    "order_id": f"o-{number}",
                    "status": random.choice(["NEW", "PACKED", "SHIPPED"]),
                    "total": loads(f"{random.randrange(1, 400) / 4}"),
                    "customer": {"id": f"c-{number % 3}", "tier": "gold"},
                }
            )


KILLS = [
    ("GetItem", BEFORE),
    ("PutItem", EFFECT),
    ("TransactWriteItems", EFFECT),
    ("_bulk", EFFECT),
    ("TransactWriteItems", BEFORE),
    ("PutRecordBatch", EFFECT),
    ("_bulk", BEFORE),
]
"""The read of the checkpoints, a copy, a counter, the documents of a batch, archived records."""


def test_copies_counters_and_documents_end_as_the_table_is_after_failures_kills_and_repeats(
    tmp_path: Path,
) -> None:
    trouble = Trouble(Random(7), list(KILLS))
    with ExitStack() as undo:
        shop = Shop(undo, tmp_path, trouble)
        for _ in range(6):
            change_orders(shop, trouble.random, 20)
            shop.settle()
        assert (trouble.killed, trouble.kills) == (KILLS, [])
        assert trouble.refused > 20
        shop.assert_exact()
        records = shop.stream.read()
        trouble.share = 0.0
        for start in (0, len(records) // 2, 0):
            # Whole batches come again, in the end also ones that are older than all that is done.
            result = shop.function.invoke({"Records": records[start : start + 40]})
            assert (result.error, result.payload) == (None, {"batchItemFailures": []})
        shop.assert_exact()
