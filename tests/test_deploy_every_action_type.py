"""One rule with an action of every type, deployed: a change in the table reaches all of their targets."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from rules_engine.local.ministack import REGION, Ministack
from rules_engine.local.play import wait_until
from rules_engine.settings import PRIVATE_HOSTS
from tests.deployed_stack import Account, emulated
from tests.receiver import authority_of, running_receiver
from tests.test_actions_sns import messages_in
from tests.test_every_action_type import CASES, SENT, Outside

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rules_engine.local.index_server import IndexServer

RULE = """
version: 1
rules:
  - id: order-shipped
    table: orders
    when: became(&status, 'SHIPPED')
    actions:
      - {actions}
"""
IN_ONE_QUEUE = ("eventbridge", "lambda", "sns", "sqs")
ELSEWHERE = tuple(name for name in CASES if name not in IN_ONE_QUEUE)


@pytest.fixture
def outside(index_server: IndexServer, tmp_path: Path) -> Iterator[Outside]:
    """On an emulator whose functions have its own environment: they may reach receiver and index server."""
    (tmp_path / "ca.pem").write_bytes(index_server.ca_pem)
    with running_receiver() as receiver:
        options = {
            PRIVATE_HOSTS: f"{authority_of(receiver.url)} {index_server.address}",
            "SSL_CERT_FILE": str(tmp_path / "ca.pem"),
        }
        with Ministack(options=options) as aws, emulated(aws):
            yield Outside(aws, "every", receiver, index_server, tmp_path / "ca.pem")


def function_log(outside: Outside, group: str) -> list[dict[str, Any]]:
    events = outside.aws.client("logs").filter_log_events(logGroupName=group)["events"]
    lines = (line for event in events for line in event["message"].splitlines())
    return [json.loads(line) for line in lines if line.startswith("{")]


@pytest.mark.local
def test_a_deployed_rule_with_every_type_of_action_delivers_to_all_targets(
    outside: Outside, tmp_path: Path
) -> None:
    dynamodb = outside.aws.client("dynamodb")
    dynamodb.create_table(
        TableName="orders",
        KeySchema=[{"AttributeName": "order_id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "order_id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    variables = outside.made()
    # The bucket of that name has what the delivery stream writes.
    objects = f"{outside.name}-objects"
    outside.aws.client("s3").create_bucket(
        Bucket=objects, CreateBucketConfiguration={"LocationConstraint": REGION}
    )
    actions = "\n      - ".join(case.action for case in CASES.values())
    text = RULE.format(actions=actions.replace("bucket: '${NAME}'", f"bucket: {objects}"))
    (tmp_path / "rules.yaml").write_text(text)
    account = Account(outside.aws, tmp_path, "shop", "orders", "", "")
    values = [f"--set={name}={value}" for name, value in variables.items() if f"${{{name}}}" in text]

    code, output = account.deploy(*values, "--yes")
    assert code == 0, output

    for item in ({"status": {"S": "PACKED"}}, {"status": {"S": "SHIPPED"}, "total": {"N": "12.5"}}):
        dynamodb.put_item(TableName="orders", Item={"order_id": {"S": "o-1"}, **item})
    queued: list[dict[str, Any]] = []

    def all_are_queued() -> bool:
        queued.extend(json.loads(each["Body"]) for each in messages_in(outside.aws, outside.url))
        return len(queued) >= len(IN_ONE_QUEUE)

    def everything_else() -> dict[str, list[Any]]:
        outside.log = function_log(outside, "/aws/lambda/shop")
        places = {"s3": replace(outside, name=objects)}
        return {name: CASES[name].arrived(places.get(name, outside)) for name in ELSEWHERE}

    owed = {name: [CASES[name].as_] for name in ELSEWHERE}
    assert wait_until(all_are_queued, 120), (queued, outside.aws.log_tail())
    assert [each.get("detail", each) for each in queued] == [SENT] * len(IN_ONE_QUEUE)
    assert wait_until(lambda: everything_else() == owed, 60), everything_else()
