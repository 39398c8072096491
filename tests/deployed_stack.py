"""Deploying onto the emulator with the commands that users have, and what the emulator must be told besides.

`Account` is a table, a topic with a queue behind it, and rules between them, in the account that the
environment leads to: the emulator, or a real one for `tests/aws/verify.py`. Two things the emulator does
not do, and each is made good here and not in the product:

- its answer to DeleteChangeSet lacks an element that boto3 reads;
- its CloudFormation does not switch on time to live.
"""

from __future__ import annotations

import io
import json
import os
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, Self

import boto3
import pytest

from rules_engine.cli.main import rules_engine, run
from rules_engine.local.play import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from rules_engine.local.ministack import Ministack

RULES = """
version: 1
rules:
  - id: parcel
    table: {table}
    event: MODIFY
    when: became(&status, '{status}')
    actions:
      - {{type: sns, topic_arn: "${{TOPIC_ARN}}", message: "{text} {{{{ keys.id }}}}"}}
"""


class Aws(Protocol):
    def client(self, service: str) -> Any: ...


@contextmanager
def emulated(ministack: Ministack) -> Iterator[None]:
    """The environment of a shell whose account is the emulator."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ministack.environment.items():
            patch.setenv(name, value)
        patch.setattr(boto3, "DEFAULT_SESSION", mended_session())
        yield


def mended_session() -> boto3.Session:
    """One that reads the emulator's answers."""
    session = boto3.Session()
    session.events.register("before-parse.cloudformation.DeleteChangeSet", _add_result)
    return session


def _add_result(response_dict: dict[str, Any], **_: object) -> None:
    response_dict["body"] = response_dict["body"].replace(
        b"</DeleteChangeSetResponse>", b"<DeleteChangeSetResult/></DeleteChangeSetResponse>"
    )


def topic_with_queue(aws: Aws, name: str) -> tuple[str, str]:
    """A topic's ARN, and the URL of a queue that gets its messages as they were published."""
    sns, sqs = aws.client("sns"), aws.client("sqs")
    topic, url = sns.create_topic(Name=name)["TopicArn"], sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
    }
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
    raw = {"RawMessageDelivery": "true"}
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes=raw)
    return topic, url


@dataclass
class Account:
    """`stack` and `table` are names, `topic` is an ARN, `inbox` the URL of the queue behind the topic."""

    aws: Aws
    directory: Path
    stack: str
    table: str
    topic: str
    inbox: str
    seen: list[str] = field(default_factory=list)

    @classmethod
    def new(cls, aws: Aws, directory: Path, name: str) -> Self:
        topic, inbox = topic_with_queue(aws, f"{name}-topic")
        account = cls(aws, directory, name, f"{name}-parcels", topic, inbox)
        aws.client("dynamodb").create_table(
            TableName=account.table,
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        aws.client("dynamodb").get_waiter("table_exists").wait(TableName=account.table)
        return account

    def stream(self, view: str | None) -> None:
        """Switches the table's stream on, or off."""
        wanted: dict[str, Any] = {"StreamEnabled": view is not None}
        if view is not None:
            wanted["StreamViewType"] = view
        dynamodb = self.aws.client("dynamodb")
        dynamodb.update_table(TableName=self.table, StreamSpecification=wanted)
        dynamodb.get_waiter("table_exists").wait(TableName=self.table)

    def write_rules(self, status: str, text: str) -> None:
        content = RULES.format(table=self.table, status=status, text=text)
        (self.directory / "rules.yaml").write_text(content)

    def run(self, command: str, *arguments: str) -> tuple[int, str]:
        """Exit code, and what was printed: results first, then errors."""
        output, errors = io.StringIO(), io.StringIO()
        with redirect_stdout(output), redirect_stderr(errors):
            code = run(rules_engine, [command, *arguments])
        return code, output.getvalue() + errors.getvalue()

    def deploy(self, *arguments: str) -> tuple[int, str]:
        rules = str(self.directory / "rules.yaml")
        result = self.run("deploy", "--stack", self.stack, "--rules", rules, *arguments)
        if result[0] == 0 and "StateTable: " in result[1] and "AWS_ENDPOINT_URL" in os.environ:
            self.switch_on_time_to_live()
        return result

    def switch_on_time_to_live(self) -> None:
        self.aws.client("dynamodb").update_time_to_live(
            TableName=self.outputs()["StateTable"],
            TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires_at"},
        )

    def outputs(self) -> dict[str, str]:
        (found,) = self.aws.client("cloudformation").describe_stacks(StackName=self.stack)["Stacks"]
        return {each["OutputKey"]: each["OutputValue"] for each in found["Outputs"]}

    def buckets(self) -> list[str]:
        """The names of the stack's buckets."""
        names = [each["Name"] for each in self.aws.client("s3").list_buckets()["Buckets"]]
        return [name for name in names if name.startswith(f"{self.stack}-")]

    def change(self, key: str, *statuses: str) -> None:
        """An item that has one status after the other."""
        for status in statuses:
            item = {"id": {"S": key}, "status": {"S": status}}
            self.aws.client("dynamodb").put_item(TableName=self.table, Item=item)

    def has_heard(self, *texts: str) -> bool:
        """Whether exactly these messages have arrived, in this order, since it was last asked. It waits."""
        return self._hears(lambda: len(self.seen) >= len(texts)) and self.seen == list(texts)

    def hears(self, text: str) -> bool:
        """Whether this message arrives, whatever comes before it."""
        return self._hears(lambda: text in self.seen)

    def _hears(self, enough: Callable[[], bool]) -> bool:
        self.seen.clear()
        sqs = self.aws.client("sqs")

        def is_enough() -> bool:
            answer = sqs.receive_message(QueueUrl=self.inbox, MaxNumberOfMessages=10)
            for message in answer.get("Messages", []):
                sqs.delete_message(QueueUrl=self.inbox, ReceiptHandle=message["ReceiptHandle"])
                self.seen.append(message["Body"])
            return enough()

        return wait_until(is_enough, 120)
