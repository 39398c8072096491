"""Failures over real HTTP: the function under the real runtime client, real targets, real checkpoints."""

from __future__ import annotations

import json
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from rules_engine.deploy.package import build_package
from rules_engine.local.function_process import FunctionProcess
from rules_engine.local.ministack import free_port
from rules_engine.local.webhook_receiver import WebhookReceiver
from rules_engine.model import ActionSpec, Rule, RuleSet
from rules_engine.redrive.message import read_message
from rules_engine.settings import PRIVATE_HOSTS
from tests.aws_proxy import AwsProxy
from tests.delivery_fakes import change, malformed
from tests.receiver import Receiver, reaching, running_receiver, silent_server
from tests.test_actions_sns import subscribed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from rules_engine.local.ministack import Ministack

pytestmark = pytest.mark.local

WEBHOOK = Rule(
    "posted",
    ("orders",),
    (
        ActionSpec(
            "webhook",
            "webhook",
            {"url": "${URL}/{{ keys.order_id }}", "allow_plain_http": True, "body": "{{ eventID }}"},
        ),
    ),
)
PUBLISHED = Rule(
    "published",
    ("orders",),
    (ActionSpec("sns", "sns", {"topic_arn": "${TOPIC}", "message": "{{ eventID }}"}),),
)
COPIED = Rule(
    "copied",
    ("orders",),
    (ActionSpec("table", "table", {"table": "${COPIES}", "put": {"id": "{{ eventID }}"}}),),
)


def records(count: int) -> list[dict[str, Any]]:
    """Changes of different items, made now: what is too old would be given up."""
    raws = [change(number) for number in range(1, count + 1)]
    for raw in raws:
        raw["dynamodb"]["ApproximateCreationDateTime"] = int(time.time())
    return raws


@dataclass
class Surroundings:
    """A state table, a dead-letter queue and a topic with a queue behind it, for one test."""

    aws: Ministack
    environment: dict[str, str]
    dead_letters_url: str
    inbox_url: str

    def dead_letters(self) -> list[Any]:
        return [read_message(text, lambda bucket, key: b"") for text in self.dead_letter_texts()]

    def dead_letter_texts(self) -> list[str]:
        return self._drained(self.dead_letters_url)

    def published(self) -> list[str]:
        return sorted(self._drained(self.inbox_url))

    def _drained(self, url: str) -> list[str]:
        found = []
        sqs = self.aws.client("sqs")
        while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                found.append(message["Body"])
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return found

    def copied(self) -> list[str]:
        table = self.environment["COPIES"]
        pages = (
            self.aws.client("dynamodb").get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
        )
        return sorted(item["id"]["S"] for page in pages for item in page["Items"])


@pytest.fixture
def surroundings(ministack: Ministack, unique_name: Callable[[str], str]) -> Surroundings:
    return new_surroundings(ministack, unique_name)


def new_surroundings(ministack: Ministack, unique_name: Callable[[str], str]) -> Surroundings:
    topic, inbox = subscribed(ministack, unique_name("orders"))
    queue = ministack.client("sqs").create_queue(QueueName=unique_name("dead"))["QueueUrl"]
    tables = {"RULES_ENGINE_STATE_TABLE": unique_name("state"), "COPIES": unique_name("copies")}
    for table in tables.values():
        ministack.client("dynamodb").create_table(
            TableName=table,
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
    ours = {
        "RULES_ENGINE_PARTIAL_BATCH": "on",
        "RULES_ENGINE_DEAD_LETTER_QUEUE_URL": queue,
        "TOPIC": topic,
        "URL": "http://127.0.0.1:1",
    }
    return Surroundings(ministack, ministack.environment | tables | ours, queue, inbox)


@contextmanager
def function_of(environment: dict[str, str], *rules: Rule) -> Iterator[FunctionProcess]:
    with FunctionProcess(build_package(RuleSet(rules)), environment, timeout_seconds=60) as function:
        yield function


def deliver(function: FunctionProcess, raws: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One invocation; the records that come again."""
    result = function.invoke({"Records": raws})
    assert result.error is None, function.log
    failures = result.payload["batchItemFailures"]
    if not failures:
        return []
    numbers = [raw["dynamodb"]["SequenceNumber"] for raw in raws]
    return raws[numbers.index(failures[0]["itemIdentifier"]) :]


def metrics(function: FunctionProcess) -> dict[str, Any]:
    """Of the last invocation."""
    lines = [json.loads(line) for line in function.log.splitlines() if line.startswith("{")]
    found: dict[str, Any] = [line for line in lines if "_aws" in line][-1]
    return found


def requests_to(receiver: Receiver) -> Counter[str]:
    return Counter(each.path for each in receiver.received)


def test_a_poison_record_in_a_batch_of_a_hundred_neither_blocks_nor_repeats_the_others(
    surroundings: Surroundings,
) -> None:
    raws = records(100)
    with (
        running_receiver() as receiver,
        function_of(surroundings.environment | reaching(receiver.url), WEBHOOK, PUBLISHED) as function,
    ):
        receiver.failing["/o-50"] = 422
        assert deliver(function, raws) == []
        assert requests_to(receiver) == {f"/o-{number}": 1 for number in range(1, 101)}
    assert len(surroundings.published()) == 100
    (letter,) = surroundings.dead_letters()
    assert (letter.rule, letter.record, letter.error["code"]) == ("posted", raws[49], "HTTP_422")


def test_a_record_that_fails_for_a_while_comes_again_alone(surroundings: Surroundings) -> None:
    raws = records(100)
    with (
        running_receiver() as receiver,
        function_of(surroundings.environment | reaching(receiver.url), WEBHOOK, PUBLISHED) as function,
    ):
        receiver.failing["/o-50"] = 503
        assert deliver(function, raws) == raws[49:]
        assert deliver(function, raws[49:]) == raws[49:]
        receiver.failing.clear()
        assert deliver(function, raws[49:]) == []
        arrived = requests_to(receiver)
        assert arrived.pop("/o-50") >= 3
        assert arrived == {f"/o-{number}": 1 for number in range(1, 101) if number != 50}
    assert len(surroundings.published()) == 100
    assert surroundings.dead_letters() == []


def test_a_webhook_that_is_down_for_a_while_loses_nothing_and_keeps_nobody_waiting(
    surroundings: Surroundings,
) -> None:
    raws = records(100)
    with (
        running_receiver() as receiver,
        _gate(receiver) as gate,
        function_of(surroundings.environment | reaching(gate.url), WEBHOOK, PUBLISHED, COPIED) as function,
    ):
        gate.is_shut = True
        assert deliver(function, raws) == raws
        assert len(surroundings.published()) == len(surroundings.copied()) == 100
        assert 1 <= gate.turned_away <= 20
        assert deliver(function, raws) == raws
        gate.is_shut = False
        assert deliver(function, raws) == []
        assert requests_to(receiver) == {f"/o-{number}": 1 for number in range(1, 101)}
    assert surroundings.published() == []
    assert surroundings.dead_letters() == []


@dataclass
class _Gate:
    """Turns requests away while it is shut."""

    url: str
    is_shut: bool = False
    turned_away: int = 0


@contextmanager
def _gate(receiver: Receiver) -> Iterator[_Gate]:
    gate = _Gate(receiver.url)

    class Shutting(dict[str, int]):
        def get(self, path: str, default: Any = None) -> Any:
            if not gate.is_shut:
                return default
            gate.turned_away += 1
            receiver.received.pop()
            return 503

    receiver.failing = Shutting()
    yield gate


def test_a_port_that_nobody_listens_on_is_a_receiver_that_is_down(surroundings: Surroundings) -> None:
    raws = records(20)
    url = reaching(f"http://127.0.0.1:{free_port()}")
    with function_of(surroundings.environment | url, WEBHOOK, PUBLISHED) as function:
        assert deliver(function, raws) == raws
        figures = metrics(function)
    assert (figures["Delivered"], figures["Unresolved"]) == (20, 20)
    assert len(surroundings.published()) == 20


def test_a_receiver_that_no_setting_allows_gets_nothing_and_its_records_become_dead_letters(
    surroundings: Surroundings,
) -> None:
    raws = records(3)
    with (
        running_receiver() as receiver,
        function_of(surroundings.environment | {"URL": receiver.url}, WEBHOOK, PUBLISHED) as function,
    ):
        assert deliver(function, raws) == []
        figures = metrics(function)
    assert receiver.received == []
    assert (figures["BlockedTargets"], figures["DeadLettered"], figures["Delivered"]) == (3, 3, 3)
    errors = [letter.error for letter in surroundings.dead_letters()]
    message = "the receiver has a loopback address: webhooks go to public ones only"
    assert errors == [{"class": "blocked", "code": "ADDRESS_NOT_ALLOWED", "message": message}] * 3


def test_a_throttled_table_gets_everything_in_the_end_and_once(surroundings: Surroundings) -> None:
    raws = records(100)
    throttled = iter(["ProvisionedThroughputExceededException"] * 4)
    proxy = AwsProxy(
        surroundings.aws.endpoint_url,
        lambda name: next(throttled, None) if name == "BatchWriteItem" else None,
    )
    url = {"AWS_ENDPOINT_URL_DYNAMODB": proxy.url}
    with proxy, function_of(surroundings.environment | url, COPIED, PUBLISHED) as function:
        left = raws
        rounds = 0
        while left:
            left, rounds = deliver(function, left), rounds + 1
            assert rounds < 10
    assert surroundings.copied() == sorted(raw["eventID"] for raw in raws)
    assert len(surroundings.published()) == 100
    assert 8 <= proxy.calls.count("BatchWriteItem") <= 30
    assert surroundings.dead_letters() == []


def test_a_topic_that_does_not_exist_holds_up_nobody_until_its_records_are_too_old(
    surroundings: Surroundings,
) -> None:
    raws = records(50)
    topic = {"TOPIC": surroundings.environment["TOPIC"] + "-not-there"}
    with function_of(surroundings.environment | topic, PUBLISHED, COPIED) as function:
        assert deliver(function, raws) == raws
        assert len(surroundings.copied()) == 50
        assert metrics(function)["SystemicFailures"] >= 1
        assert surroundings.dead_letters() == []
    for raw in raws:
        raw["dynamodb"]["ApproximateCreationDateTime"] -= 7 * 3600
    with function_of(surroundings.environment | topic, PUBLISHED, COPIED) as function:
        assert deliver(function, raws) == []
    letters = surroundings.dead_letters()
    assert {letter.error["code"] for letter in letters} == {"NotFound"}
    assert sorted(letter.record["eventID"] for letter in letters) == sorted(raw["eventID"] for raw in raws)


def test_a_thousand_matching_records_take_few_calls(surroundings: Surroundings) -> None:
    raws = records(1_000)
    proxy = AwsProxy(surroundings.aws.endpoint_url)
    url = {"AWS_ENDPOINT_URL_SNS": proxy.url}
    with proxy, function_of(surroundings.environment | url, PUBLISHED) as function:
        assert deliver(function, raws) == []
    assert surroundings.published() == sorted(raw["eventID"] for raw in raws)
    assert set(proxy.calls) == {"PublishBatch"}
    assert len(proxy.calls) <= 1_000 / 10 + 5


def test_a_batch_in_which_nothing_matches_makes_no_call(surroundings: Surroundings) -> None:
    proxy = AwsProxy(surroundings.aws.endpoint_url)
    rule = Rule("none", ("orders",), PUBLISHED.actions, when=("new.total > `10`",))
    with proxy, function_of(surroundings.environment | {"AWS_ENDPOINT_URL": proxy.url}, rule) as function:
        assert deliver(function, records(100)) == []
    assert proxy.calls == []


def test_without_a_state_table_and_a_queue_nothing_is_lost_either(surroundings: Surroundings) -> None:
    raws = records(20)
    settings = {"RULES_ENGINE_STATE_TABLE", "RULES_ENGINE_DEAD_LETTER_QUEUE_URL"}
    bare = {name: value for name, value in surroundings.environment.items() if name not in settings}
    with running_receiver() as receiver, function_of(bare | reaching(receiver.url), WEBHOOK) as function:
        receiver.failing["/o-5"] = 422
        assert deliver(function, raws) == raws[4:]
        receiver.failing.clear()
        assert deliver(function, raws[4:]) == []
        arrived = requests_to(receiver)
    assert arrived == {f"/o-{number}": 1 if number < 5 else 2 for number in range(1, 21)}


def test_a_function_that_is_killed_in_the_middle_loses_nothing(surroundings: Surroundings) -> None:
    raws = records(30)
    with running_receiver() as receiver, silent_server() as silent:
        environment = surroundings.environment | reaching(silent)
        package = build_package(RuleSet((WEBHOOK, PUBLISHED)))
        with FunctionProcess(package, environment, timeout_seconds=3) as function:
            error = function.invoke({"Records": raws}).error
        assert error is not None
        assert "Task timed out" in error["errorMessage"]
        done = surroundings.published()
        assert done == sorted(raw["eventID"] for raw in raws)
        with function_of(surroundings.environment | reaching(receiver.url), WEBHOOK, PUBLISHED) as function:
            assert deliver(function, raws) == []
        assert requests_to(receiver) == {f"/o-{number}": 1 for number in range(1, 31)}
    # What the killed invocation had done is repeated: it could not say so.
    assert surroundings.published() == done


def test_no_secret_and_no_item_value_gets_into_logs_metrics_errors_or_letters(
    surroundings: Surroundings, unique_name: Callable[[str], str], tmp_path: Path
) -> None:
    secret = unique_name("secret")
    config = {"url": f"${{secret:{secret}#url}}", "headers": {"x-token": f"${{secret:{secret}#token}}"}}
    posted = Rule("posted", ("orders",), (ActionSpec("webhook", "webhook", config),))
    ours = {
        "SSL_CERT_FILE": str(tmp_path / "ca.pem"),
        "TOPIC": surroundings.environment["TOPIC"] + "-not-there",
        "COPIES": "not-there",
        "RULES_ENGINE_PARTIAL_BATCH": "off",
    }
    with WebhookReceiver() as receiver:
        (tmp_path / "ca.pem").write_bytes(receiver.ca_pem)
        url = f"https://{receiver.address}/canary-secret?token=canary-secret"
        text = json.dumps({"url": url, "token": "canary-secret"})
        surroundings.aws.client("secretsmanager").create_secret(Name=secret, SecretString=text)
        young, old = change(1, name="canary-value"), change(2, name="canary-value")
        young["dynamodb"]["ApproximateCreationDateTime"] = int(time.time())
        with function_of(
            surroundings.environment | ours | {PRIVATE_HOSTS: receiver.address}, posted, PUBLISHED, COPIED
        ) as function:
            error = function.invoke({"Records": [young, old, malformed(3)]}).error
            figures, log = metrics(function), function.log
        assert {each.headers["x-token"] for each in receiver.received} == {"canary-secret"}
    letters = surroundings.dead_letter_texts()
    assert (figures["DeadLettered"], figures["Unresolved"], len(letters)) == (3, 3, 4)
    assert error is not None
    assert "canary-secret" not in f"{error}{log}{letters}"
    assert "canary-value" not in f"{error}{log}"
    assert sum("canary-value" in letter for letter in letters) == 3
