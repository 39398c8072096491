"""What the rules owe for a record, as the effects that must be read back: `Owing.of(record, sample)`.

Which rules: for a sample what its test says of its own rule, for all others what the engine says. Which
effects: each action's request is rendered from the record here, in this process, and turned into what it must
leave at its target. A table's request is made on a twin of that table, so that the server itself says which
item comes of an update. Rendering and conditions are the function's own code, so this proves the way and not
the rules: whether they say the right thing is for their tests.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from rules_engine import exact_json
from rules_engine.actions import action_type
from rules_engine.aws import Clients
from rules_engine.delivery.identity import deliveries_of
from rules_engine.engine import Engine
from rules_engine.errors import EvaluationError, Superseded, TemplateError
from rules_engine.local.tables import StreamReader, create_table
from rules_engine.local.targets import (
    LOG_EFFECT,
    QUEUE_EFFECT,
    Effect,
    notification,
    request_effect,
    write_effect,
)
from rules_engine.log_line import log_line
from rules_engine.model import Match

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rules_engine.local.keys import Keys
    from rules_engine.local.ministack import Ministack
    from rules_engine.local.samples import Sample
    from rules_engine.local.stack import LocalStack
    from rules_engine.model import Delivery
    from rules_engine.record import StreamRecord

_STANDARD_HEADERS = {"content-type", "user-agent", "webhook-id"}


@dataclass(slots=True, eq=False)
class Owed:
    """One delivery and what it must leave behind. `fault`: why it cannot be made, by our reckoning."""

    rule_id: str
    action_id: str
    effects: list[Effect] = field(default_factory=list)
    fault: str | None = None
    doubt: str | None = None
    """Why it may be that nothing comes of it."""


class Owing:
    """See the module. The twins stand beside the tables that the rules write to."""

    def __init__(self, stack: LocalStack) -> None:
        self._plan = stack.plan
        self._engine = Engine.from_rules(stack.plan.rule_set)
        environment = {**stack.function_environment, **stack.plan.resolved}
        clients = _Clients(stack.aws)
        self._actions = {
            # What is made once in the function is made once here: on a twin that needs no marker.
            (rule.id, spec.id): action_type(spec.type).build(
                replace(spec, mode="at_least_once"),
                rule.scope,
                environment,
                clients if spec.type == "table" else None,
            )
            for rule in stack.plan.rule_set.rules
            if rule.enabled
            for spec in rule.actions
        }
        self._rules = stack.plan.rule_set.rules
        self._twins = {table: _Twin(stack.aws, table, keys) for table, keys in stack.plan.targets.items()}

    def of(self, record: StreamRecord, sample: Sample | None = None) -> list[Owed]:
        """Every delivery for this record, in the order in which the function makes them."""
        matches = self._engine.match(record)
        found = {match.rule.id for match in matches}
        if sample is not None and sample.matches is not None:
            decided = found - {sample.rule_id} | ({sample.rule_id} if sample.matches else set())
            matches = [
                Match(self._rules, position, record)
                for position, rule in enumerate(self._rules)
                if rule.id in decided
            ]
        owed = [self._owed(delivery) for match in matches for delivery in deliveries_of(match)]
        for each in owed:
            if each.rule_id not in found:
                each.doubt = "its test says that the rule matches this change, and it does not"
        return owed

    def _owed(self, delivery: Delivery) -> Owed:
        owed = Owed(delivery.match.rule.id, delivery.action.id)
        action = self._actions[owed.rule_id, owed.action_id]
        try:
            request = action.render(delivery)
            if delivery.action.type == "table":
                twin = self._twins[request["TableName"]]
                with suppress(Superseded):
                    action.perform({**request, "TableName": twin.name})
                owed.effects = twin.new_effects()
            else:
                owed.effects = [_EFFECTS[delivery.action.type](request)]
        except (TemplateError, EvaluationError, BotoCoreError, ClientError) as error:
            owed.fault = str(error)
        return owed

    def sync(self) -> None:
        """Starts again from what the tables hold, after deliveries that were not made."""
        for twin in self._twins.values():
            twin.sync()

    def mirror(
        self, table: str, write: str, attributes: Mapping[str, Any], stack: LocalStack
    ) -> list[Effect]:
        """What a write of ours leaves in a table that rules write to as well; nothing in any other."""
        if table not in self._twins:
            return []
        getattr(stack, write)(self._twins[table].name, attributes)
        return self._twins[table].new_effects()


class _Twin:
    """A table to which the same writes are made as must be made to the table it stands for."""

    def __init__(self, aws: Ministack, table: str, keys: Keys) -> None:
        self.name = f"{table}.expected"
        self._table = table
        self._keys = keys
        self._dynamodb = aws.client("dynamodb")
        try:
            arn = self._dynamodb.describe_table(TableName=self.name)["Table"]["LatestStreamArn"]
        except self._dynamodb.exceptions.ResourceNotFoundException:
            arn = create_table(aws, self.name, keys)
        self._reader = StreamReader(aws, arn)
        self._read = 0
        self.sync()

    def sync(self) -> None:
        """The same items as in the table itself, whatever came before."""
        for item in self._items(self.name):
            key = {name: item[name] for name in self._keys.names}
            self._dynamodb.delete_item(TableName=self.name, Key=key)
        for item in self._items(self._table):
            self._dynamodb.put_item(TableName=self.name, Item=item)
        self._read = len(self._reader.read())

    def _items(self, table: str) -> list[dict[str, Any]]:
        pages = self._dynamodb.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
        return [item for page in pages for item in page["Items"]]

    def new_effects(self) -> list[Effect]:
        """What the writes since the last call came to."""
        records = self._reader.read()
        new, self._read = records[self._read :], len(records)
        return [write_effect(self._table, record) for record in new]


class _Clients(Clients):
    """Clients of the local server for actions that are built here."""

    def __init__(self, aws: Ministack) -> None:
        super().__init__()
        self._aws = aws

    def client(self, service: str, timeout_seconds: float | None = None) -> Any:
        return self._aws.client(service)


def _published(request: Mapping[str, Any]) -> Effect:
    attributes = {
        name: each.get("StringValue", each.get("BinaryValue"))
        for name, each in request.get("MessageAttributes", {}).items()
    }
    content = notification(request.get("Subject"), request["Message"], attributes)
    return Effect(QUEUE_EFFECT, request["TopicArn"].rpartition(":")[2], content)


def _sent(request: Mapping[str, Any]) -> Effect:
    path = "/" + request["url"].partition("://")[2].partition("/")[2]
    headers = {name: text for name, text in request["headers"].items() if name not in _STANDARD_HEADERS}
    return request_effect(request["method"], path, headers, request["headers"]["webhook-id"], request["body"])


def _logged(request: Mapping[str, Any]) -> Effect:
    return Effect(LOG_EFFECT, "", exact_json.loads(log_line(**request)))


_EFFECTS = {"log": _logged, "sns": _published, "webhook": _sent}
