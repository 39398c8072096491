"""A rule with each action type, from the rule file to its target: validated, tested, built into the function
package, and delivered by the real function to real servers. A new type has a case here or fails."""

from __future__ import annotations

import gzip
import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from rules_engine.actions import ACTIONS
from rules_engine.cli.main import rules_engine, run
from rules_engine.local.function_process import FunctionProcess
from rules_engine.plain_record import record_from_images
from rules_engine.settings import PRIVATE_HOSTS
from tests.receiver import authority_of, running_receiver
from tests.test_actions_firehose import archived
from tests.test_actions_lambda import new_function
from tests.test_actions_sns import messages_in, subscribed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from rules_engine.local.index_server import IndexServer
    from rules_engine.local.ministack import Ministack
    from tests.receiver import Receiver

RULE = """
rules:
  - id: order-shipped
    table: orders
    when: became(&status, 'SHIPPED')
    actions:
      - {action}
    tests:
      - name: a shipped order fires
        record: {{event: MODIFY, keys: {{order_id: o-1}}, old: {{status: PACKED}}, new: {{status: SHIPPED, total: 12.50}}}}
        expect: {{match: true, actions: {{{type}: {expected}}}}}
      - name: a packed order stays quiet
        record: {{event: INSERT, keys: {{order_id: o-1}}, new: {{status: PACKED}}}}
        expect: {{match: false}}
"""  # noqa: E501

PAYLOAD = '{order: "{{ keys.order_id }}", total: "{{ new.total }}"}'
SENT = {"order": "o-1", "total": 12.5}


@dataclass
class Outside:
    """The servers of one test, and what of them the function finds in its environment."""

    aws: Ministack
    name: str
    receiver: Receiver
    index_server: IndexServer
    ca_file: Path
    log: list[dict[str, Any]] = field(default_factory=list)
    """Lines of the function's log that are JSON."""

    def made(self) -> dict[str, str]:
        """Every target, and its variable."""
        aws, name = self.aws, self.name
        topic, _ = subscribed(aws, name)
        aws.client("dynamodb").create_table(
            TableName=name,
            KeySchema=[{"AttributeName": "order", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "order", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        aws.client("s3").create_bucket(
            Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
        )
        bucket = {"RoleARN": "arn:aws:iam::000000000000:role/any", "BucketARN": f"arn:aws:s3:::{name}"}
        aws.client("firehose").create_delivery_stream(
            DeliveryStreamName=name, ExtendedS3DestinationConfiguration=bucket
        )
        machine = aws.client("stepfunctions").create_state_machine(
            name=name,
            definition=json.dumps({"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}}),
            roleArn="arn:aws:iam::000000000000:role/any",
        )
        self._make_bus()
        new_function(aws, name, self.url)
        return {
            "NAME": name,
            "TOPIC": topic,
            "QUEUE": self.url,
            "MACHINE": machine["stateMachineArn"],
            "SEARCH": self.index_server.url,
            "SSL_CERT_FILE": str(self.ca_file),
            PRIVATE_HOSTS: f"{authority_of(self.receiver.url)} {self.index_server.address}",
            "URL": self.receiver.url,
        }

    @property
    def url(self) -> str:
        return str(self.aws.client("sqs").get_queue_url(QueueName=self.name)["QueueUrl"])

    def _make_bus(self) -> None:
        events, queues = self.aws.client("events"), self.aws.client("sqs")
        events.create_event_bus(Name=self.name)
        attributes = queues.get_queue_attributes(QueueUrl=self.url, AttributeNames=["QueueArn"])
        pattern = '{"source": ["example.orders"]}'
        events.put_rule(Name=self.name, EventBusName=self.name, EventPattern=pattern)
        queue = {"Id": "queue", "Arn": attributes["Attributes"]["QueueArn"]}
        events.put_targets(Rule=self.name, EventBusName=self.name, Targets=[queue])

    def in_queue(self) -> list[Any]:
        """As soon as something is there."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if messages := messages_in(self.aws, self.url):
                return [json.loads(message["Body"]) for message in messages]
        return []

    def in_event(self) -> list[Any]:
        return [(event["detail-type"], event["detail"]) for event in self.in_queue()]

    def in_archive(self) -> list[Any]:
        return archived(self.aws, self.name)

    def in_table(self) -> list[Any]:
        items = self.aws.client("dynamodb").scan(TableName=self.name, ConsistentRead=True)["Items"]
        return [{"order": item["order"]["S"], "total": float(item["total"]["N"])} for item in items]

    def in_request(self) -> list[Any]:
        return [json.loads(each.body) for each in self.receiver.received]

    def in_bucket(self) -> list[Any]:
        client = self.aws.client("s3")
        found = client.list_objects_v2(Bucket=self.name).get("Contents", ())
        bodies = (client.get_object(Bucket=self.name, Key=each["Key"])["Body"].read() for each in found)
        return [json.loads(gzip.decompress(body)) for body in bodies]

    def in_index(self) -> list[Any]:
        return [
            (name, {**document, "total": float(document["total"])})
            for name, document in self.index_server.documents(self.name).items()
        ]

    def in_execution(self) -> list[Any]:
        client = self.aws.client("stepfunctions")
        (machine,) = (
            each["stateMachineArn"]
            for each in client.list_state_machines()["stateMachines"]
            if each["name"] == self.name
        )
        executions = client.list_executions(stateMachineArn=machine)["executions"]
        inputs = (client.describe_execution(executionArn=each["executionArn"]) for each in executions)
        return [json.loads(each["input"]) for each in inputs]

    def in_log(self) -> list[Any]:
        return [line["fields"] for line in self.log if line.get("action_id") == "log"]

    def in_metric(self) -> list[Any]:
        return [
            (line["_aws"]["CloudWatchMetrics"][0]["Namespace"], line["Total"], line["status"])
            for line in self.log
            if line.get("action_id") == "metric"
        ]


@dataclass(frozen=True)
class Case:
    """An action as in a rule file, what a test expects of it, and what must have arrived."""

    action: str
    expected: str
    arrived: Callable[[Outside], list[Any]]
    as_: Any = field(default_factory=lambda: SENT)


CASES = {
    "eventbridge": Case(
        "{type: eventbridge, event_bus: '${NAME}', source: example.orders, "
        f"detail_type: 'Order {{{{ new.status }}}}', detail: {PAYLOAD}}}",
        f"{{detail_type: Order SHIPPED, detail: {SENT}}}",
        Outside.in_event,
        ("Order SHIPPED", SENT),
    ),
    "firehose": Case(
        f"{{type: firehose, delivery_stream: '${{NAME}}', record: {PAYLOAD}}}",
        f"{{record: {SENT}}}",
        Outside.in_archive,
    ),
    "lambda": Case(
        f"{{type: lambda, function: '${{NAME}}', invocation: wait, timeout_seconds: 60, payload: {PAYLOAD}}}",
        f"{{invocation: wait, payload: {SENT}}}",
        Outside.in_queue,
    ),
    "log": Case(f"{{type: log, fields: {PAYLOAD}}}", f"{{fields: {SENT}}}", Outside.in_log),
    "metric": Case(
        "{type: metric, namespace: Shop, name: Total, value: '{{ new.total }}', "
        "dimensions: {status: '{{ new.status }}'}}",
        "{value: 12.50, dimensions: {status: SHIPPED}, unit: None}",
        Outside.in_metric,
        ("Shop", 12.5, "SHIPPED"),
    ),
    "opensearch": Case(
        "{type: opensearch, endpoint: '${SEARCH}', index: '${NAME}', "
        f"domain_arn: 'arn:aws:es:eu-west-1:123456789012:domain/orders', document: {PAYLOAD}}}",
        f"{{document_id: o-1, document: {SENT}}}",
        Outside.in_index,
        ("o-1", SENT),
    ),
    "s3": Case(
        f"{{type: s3, bucket: '${{NAME}}', mode: once, gzip: true, body: {PAYLOAD}}}",
        f"{{body: {SENT}}}",
        Outside.in_bucket,
    ),
    "sns": Case(
        f"{{type: sns, topic_arn: '${{TOPIC}}', message: {PAYLOAD}}}",
        f"{{message: {SENT}}}",
        Outside.in_queue,
    ),
    "sqs": Case(
        f"{{type: sqs, queue_url: '${{QUEUE}}', message: {PAYLOAD}}}",
        f"{{message: {SENT}}}",
        Outside.in_queue,
    ),
    "stepfunctions": Case(
        f"{{type: stepfunctions, state_machine_arn: '${{MACHINE}}', mode: once, input: {PAYLOAD}}}",
        f"{{input: {SENT}}}",
        Outside.in_execution,
    ),
    "table": Case(
        f"{{type: table, table: '${{NAME}}', put: {PAYLOAD}}}", f"{{put: {SENT}}}", Outside.in_table
    ),
    "webhook": Case(
        f"{{type: webhook, url: '${{URL}}/orders', allow_plain_http: true, body: {PAYLOAD}}}",
        f"{{body: {SENT}}}",
        Outside.in_request,
    ),
}


def test_every_type_has_a_case() -> None:
    assert CASES.keys() == ACTIONS.keys()


@pytest.fixture
def outside(
    ministack: Ministack, index_server: IndexServer, unique_name: Callable[[str], str], tmp_path: Path
) -> Iterator[Outside]:
    (tmp_path / "ca.pem").write_bytes(index_server.ca_pem)
    with running_receiver() as receiver:
        yield Outside(ministack, unique_name("all"), receiver, index_server, tmp_path / "ca.pem")


@pytest.mark.local
@pytest.mark.parametrize("type_name", CASES)
def test_a_rule_with_each_type_validates_tests_builds_and_delivers(
    type_name: str,
    outside: Outside,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    case = CASES[type_name]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rules").mkdir()
    text = RULE.format(action=case.action, type=type_name, expected=case.expected)
    (tmp_path / "rules/orders.yaml").write_text(text)

    assert run(rules_engine, ["validate", "--strict"]) == 0, capsys.readouterr()
    assert run(rules_engine, ["test"]) == 0, capsys.readouterr()
    assert run(rules_engine, ["build", "-o", "function.zip"]) == 0, capsys.readouterr()

    environment = outside.aws.environment | outside.made()
    package = (tmp_path / "function.zip").read_bytes()
    shipped = {"event": "MODIFY", "keys": {"order_id": "o-1"}, "old": {"status": "PACKED"}}
    record = record_from_images({**shipped, "new": {"status": "SHIPPED", "total": 12.5}}, "orders")
    record["dynamodb"]["ApproximateCreationDateTime"] = int(time.time())
    with FunctionProcess(package, environment, timeout_seconds=120) as function:
        result = function.invoke({"Records": [record]})
        assert (result.error, result.payload) == (None, {"batchItemFailures": []}), function.log
        outside.log = [json.loads(line) for line in function.log.splitlines() if line.startswith("{")]
    assert case.arrived(outside) == [case.as_]
