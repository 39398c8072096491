"""Messages, requests, objects and alarms of the patterns, while the calls to their targets fail in every way:
an error before and after the effect, a connection that is closed before and after it, and no answer at all.
What must have arrived is reckoned from the streams alone.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from rules_engine import exact_json
from rules_engine.attribute_value import decode, encode, to_boto
from rules_engine.deploy.package import build_package
from rules_engine.loader import load_rules
from rules_engine.local.derivation import Addresses
from rules_engine.local.event_source_mapping import EventSourceMapping
from rules_engine.local.function_process import FunctionProcess, InvocationResult
from rules_engine.local.loopback import Exchange
from rules_engine.local.ministack import Ministack
from rules_engine.local.plan import plan_for
from rules_engine.local.play import wait_until
from rules_engine.local.samples import samples_of
from rules_engine.local.targets import Targets
from rules_engine.local.webhook_receiver import Received, WebhookReceiver
from rules_engine.plain_record import record_from_images
from rules_engine.poller import MappingSettings
from rules_engine.settings import PARTIAL_BATCH
from tests.aws_proxy import AwsProxy, Fault

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rules_engine.model import RuleSet

pytestmark = pytest.mark.local

RULES = Path(__file__).parent.parent / "rules"
FILES = ["notifications", "archive/objects.yaml", "archive/expired.yaml"]
FILES += ["analysis/anomalies.yaml", "analysis/metrics.yaml"]
MAPPING = MappingSettings(
    batch_size=5,
    report_batch_item_failures=True,
    bisect_batch_on_function_error=True,
    backoff_seconds=(0.1, 0.5),
)
BUSY = {"s3": "SlowDown", "lambda": "TooManyRequestsException"}
"""How a service says it has too much to do, where it does not say `ThrottlingException`."""
SERVICES = {
    "Publish": "sns",
    "PublishBatch": "sns",
    "SendMessage": "sqs",
    "SendMessageBatch": "sqs",
    "PutEvents": "eventbridge",
    "StartExecution": "stepfunctions",
    "Invoke": "lambda",
    "PutObject": "s3",
    "webhook": "webhook",
}


def faults_of(service: str) -> list[Fault]:
    busy = HTTPStatus.SERVICE_UNAVAILABLE
    return [
        Fault(BUSY.get(service, "ThrottlingException"), busy),
        Fault("InternalError", HTTPStatus.INTERNAL_SERVER_ERROR),
        Fault("InternalError", HTTPStatus.INTERNAL_SERVER_ERROR, late=True),
        Fault(),
        Fault(late=True),
        Fault(hangs=True),
        Fault(hangs=True, late=True),
    ]


@dataclass
class Faults:
    """Of each service those that are still to come. They befall three of its calls in a row and spare the
    fourth: two quick tries more are made, so whole batches come again."""

    left: dict[str, list[Fault]] = field(
        default_factory=lambda: {service: faults_of(service) for service in SERVICES.values()}
    )
    calls: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    lock: threading.Lock = field(default_factory=threading.Lock)

    def next(self, call: str) -> Fault | None:
        service = SERVICES.get(call, "")
        with self.lock:
            self.calls[service] += 1
            if self.calls[service] % 4 == 0 or not self.left.get(service):
                return None
            return self.left[service].pop(0)


class TroubledReceiver(WebhookReceiver):
    """A receiver of requests to which that happens, too."""

    def __init__(self, faults: Faults) -> None:
        self.faults = faults
        super().__init__()
        self.RequestHandlerClass = _Troubled


class _Troubled(Exchange):
    def do_POST(self) -> None:  # noqa: N802 - the base class's name
        receiver = cast("TroubledReceiver", self.server)
        fault = receiver.faults.next("webhook")
        body = self.read_body()
        if fault is None or fault.late:
            headers = {name.lower(): value for name, value in self.headers.items()}
            refusal = receiver.refusal(self.path, headers, body)
            request_id = headers.get("webhook-id", "")
            receiver.take(Received(request_id, self.path, body, refusal, self.command, headers))
        if fault is not None and fault.hangs:
            self.connection.recv(1)
        if fault is not None and not fault.code:
            self.close_connection = True
            return
        self.answer(HTTPStatus.NO_CONTENT if fault is None else HTTPStatus(fault.status))


class Shop:
    """The tables, the function with the rules behind their streams, and the targets."""

    def __init__(self, undo: ExitStack, directory: Path, faults: Faults) -> None:
        rule_set = _impatient(load_rules([RULES / name for name in FILES])[0])
        receiver = undo.enter_context(TroubledReceiver(faults))
        self.aws = undo.enter_context(Ministack())
        plan = plan_for(rule_set, samples_of(rule_set)[0], Addresses(receiver.address), {})
        self.targets = Targets(self.aws, plan, receiver, directory, lambda: self.function.log)
        proxy = undo.enter_context(AwsProxy(self.aws.endpoint_url, faults.next))
        environment = {**self.targets.environment, PARTIAL_BATCH: "on", "AWS_ENDPOINT_URL": proxy.url}
        self.function = undo.enter_context(
            FunctionProcess(build_package(plan.rule_set), environment, timeout_seconds=60)
        )
        self._turn = threading.Lock()
        self.streams = {table: self.targets.streams[table] for table in ("orders", "products", "invoices")}
        self._mappings = {
            table: undo.enter_context(EventSourceMapping(self.aws, stream.arn, self.invoke, MAPPING))
            for table, stream in self.streams.items()
        }
        self._dynamodb = self.aws.client("dynamodb")

    def invoke(self, event: Any) -> InvocationResult:
        with self._turn:
            return self.function.invoke(event)

    def put(self, table: str, **item: Any) -> None:
        attributes = {name: to_boto(encode(value)) for name, value in item.items()}
        self._dynamodb.put_item(TableName=table, Item=attributes)

    def remove(self, table: str, **key: Any) -> None:
        attributes = {name: to_boto(encode(value)) for name, value in key.items()}
        self._dynamodb.delete_item(TableName=table, Key=attributes)

    def settle(self) -> None:
        def is_done() -> bool:
            return all(
                self._mappings[table].done == len(stream.read()) for table, stream in self.streams.items()
            )

        assert wait_until(is_done, 240), self.function.log

    def deliver(self, raws: list[dict[str, Any]]) -> None:
        """Hands records over as often as they are to come again."""
        for _ in range(20):
            result = self.invoke({"Records": raws})
            assert result.error is None, self.function.log
            failures = result.payload["batchItemFailures"]
            if not failures:
                return
            numbers = [raw["dynamodb"]["SequenceNumber"] for raw in raws]
            raws = raws[numbers.index(failures[0]["itemIdentifier"]) :]
        pytest.fail(self.function.log)

    def arrived(self, action_type: str) -> list[Any]:
        return [effect.content for effect in self.targets.of(action_type).arrivals()]


def _impatient(rule_set: RuleSet) -> RuleSet:
    """The same rules, whose actions wait a second for an answer."""
    return replace(
        rule_set,
        rules=tuple(
            replace(rule, actions=tuple(replace(spec, timeout_seconds=1.0) for spec in rule.actions))
            for rule in rule_set.rules
        ),
    )


@dataclass(frozen=True)
class Change:
    """A record of a stream, as the rules' authors think of it."""

    event: str
    event_id: str
    old: dict[str, Any]
    new: dict[str, Any]

    def became(self, status: str) -> bool:
        both = self.event == "MODIFY"
        return both and self.new["status"] == status and self.old["status"] != status


def changes(raws: Iterable[dict[str, Any]]) -> list[Change]:
    found = []
    for raw in raws:
        old, new = (decode({"M": raw["dynamodb"].get(name, {})}) for name in ("OldImage", "NewImage"))
        found.append(Change(raw["eventName"], raw["eventID"], old, new))
    return found


def distinct(contents: Iterable[Any]) -> list[str]:
    """Each content once, in an order that does not depend on when what arrived."""
    return sorted({exact_json.dumps(content) for content in contents})


def without_id(contents: Iterable[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    """The contents without their delivery ids, which stand under `name`: each content has one, however often
    it arrived, and no other has it."""
    pairs = [
        (content[name], exact_json.dumps({key: each for key, each in content.items() if key != name}))
        for content in contents
    ]
    assert (
        len(set(pairs)) == len({delivery_id for delivery_id, _ in pairs}) == len({text for _, text in pairs})
    )
    return [exact_json.loads(text) for _, text in pairs]


def _play(shop: Shop) -> None:
    """Everything that some rule of the patterns is about, and something that none is."""
    for number in range(12):
        order = {"order_id": f"o-{number}", "total": 100 * number, "customer": {"id": f"c-{number % 3}"}}
        for status in ("NEW", "PACKED", "SHIPPED" if number % 3 else "CANCELLED"):
            shop.put("orders", **order, status=status)
        shop.put("orders", **{**order, "total": 100 * number + 1000}, status=status)
        if number % 4 == 0:
            shop.remove("orders", order_id=f"o-{number}")
        product = {"product_id": f"p-{number}"}
        shop.put("products", **product, price=20 + number, stock=1)
        shop.put("products", **product, price=5, stock=1)
        shop.put("products", **product, price=5, stock=-number)
        shop.put("invoices", invoice_id=f"i-{number}", amount=number)
        shop.put("invoices", invoice_id=f"i-{number}", amount=number + 1)
        shop.remove("invoices", invoice_id=f"i-{number}")


def _expiries(now: datetime) -> list[dict[str, Any]]:
    """Time to live of the local server writes no records."""
    return [
        record_from_images(
            {
                "event": "EXPIRE",
                "keys": {"session_id": f"s-{number}"},
                "old": {"session_id": f"s-{number}", "pages": number},
                "createdAt": now.isoformat(timespec="seconds"),
                "sequenceNumber": str(10**20 + number),
            },
            "sessions",
        )
        for number in range(12)
    ]


def test_whatever_befalls_the_calls_of_messages_objects_and_alarms_nothing_is_lost_and_once_is_once(
    tmp_path: Path,
) -> None:
    faults = Faults()
    with ExitStack() as undo:
        shop = Shop(undo, tmp_path, faults)
        _play(shop)
        shop.settle()
        assert {service: left for service, left in faults.left.items() if left} == {}
        expired = _expiries(datetime.now(UTC))
        faults.left["s3"] = faults_of("s3")
        shop.deliver(expired)
        assert faults.left["s3"] == []
        _assert_everything_arrived(shop, expired)
        for stream in shop.streams.values():
            # Batches come again, as whole ones.
            shop.deliver(stream.read()[:30])
        shop.deliver(expired)
        _assert_everything_arrived(shop, expired)


def _assert_everything_arrived(shop: Shop, expired: list[dict[str, Any]]) -> None:
    orders, products, invoices = (changes(stream.read()) for stream in shop.streams.values())
    assert (len(orders), len(products), len(invoices)) == (12 * 4 + 3, 12 * 3, 12 * 3)

    shipped = [change for change in orders if change.became("SHIPPED")]
    messages = shop.arrived("sns")
    assert len(messages) > len(shipped)  # what came again did
    assert distinct(messages) == distinct(
        {
            "subject": f"Order {change.new['order_id']} shipped",
            "message": {
                "order": change.new["order_id"],
                "customer": change.new["customer"]["id"],
                "total": change.new["total"],
                "change": change.event_id,
            },
            "attributes": {"status": "SHIPPED"},
        }
        for change in shipped
    )

    grown = [
        change
        for change in orders
        if change.new.get("total", 0) >= 1000 and change.old.get("total", 0) < 1000
    ]
    assert len({change.new["order_id"] for change in grown}) == 12
    lines = [{**effect["message"], "at": ""} for effect in shop.arrived("sqs")]
    assert len(lines) > 12
    assert distinct(lines) == distinct(
        {
            "order": change.new["order_id"],
            "customer": change.new["customer"]["id"],
            "total": change.new["total"],
            "at": "",
        }
        for change in grown
    )

    requests = without_id(shop.arrived("webhook"), "id")
    cancelled = [change for change in orders if change.event == "REMOVE" or change.became("CANCELLED")]
    assert len(requests) > len(cancelled)
    assert distinct(requests) == distinct(
        {
            "method": "POST",
            "path": "/warehouse-webhook-url",
            "body": {
                "event": "order.cancelled",
                "order": change.old["order_id"],
                "last_status": change.old["status"],
            },
        }
        for change in cancelled
    )

    figures = without_id(shop.arrived("metric"), "delivery_id")
    assert distinct({"value": each["OrderValue"], "tier": each["tier"]} for each in figures) == distinct(
        {"value": change.new["total"], "tier": "none"} for change in orders if change.event == "INSERT"
    )

    dropped = [
        change
        for change in products
        if change.event == "MODIFY" and 2 * change.new["price"] <= change.old["price"]
    ]
    events = shop.arrived("eventbridge")
    assert len(dropped) == 12 < len(events)
    assert distinct(events) == distinct(
        {
            "source": "shop.prices",
            "detail_type": "Price dropped by half",
            "detail": {
                "product": change.new["product_id"],
                "old_price": change.old["price"],
                "new_price": change.new["price"],
            },
        }
        for change in dropped
    )
    # Executions are started once.
    started = without_id(shop.arrived("stepfunctions"), "name")
    assert len(started) == len(dropped)
    assert distinct(started) == distinct(
        {"input": {"product": change.new["product_id"], "put_back": change.old["price"]}}
        for change in dropped
    )
    missing = [change for change in products if change.new["stock"] < 0 <= change.old.get("stock", -1)]
    asked = shop.arrived("lambda")
    assert len(missing) == 11 < len(asked)
    assert distinct(asked) == distinct(
        {"product": change.new["product_id"], "missing": change.new["stock"]} for change in missing
    )

    objects = shop.arrived("s3")
    kept = [each for each in objects if each["key"].startswith("invoices/")]
    # No object has a second version.
    assert len(kept) == len(invoices)
    assert distinct({"key": each["key"], "of": each["body"]["eventID"]} for each in kept) == distinct(
        {
            "key": f"invoices/{(change.new or change.old)['invoice_id']}/{change.event_id}.json",
            "of": change.event_id,
        }
        for change in invoices
    )
    assert distinct([each["body"]["old"], each["body"]["new"]] for each in kept) == distinct(
        [change.old or None, change.new or None] for change in invoices
    )
    sessions = without_id((each for each in objects if each not in kept), "key")
    assert len(sessions) > len(expired)
    assert distinct(sessions) == distinct(
        {"content_type": "application/json", "content_encoding": "gzip", "body": change.old}
        for change in changes(expired)
    )
