"""The writes that a `table` action makes: each renders a request and performs it.

`PutAction`, `DeleteAction` and `UpdateAction` are DynamoDB's own calls; puts and deletes of one table can go
out together. `OnceAction` makes one of them in a transaction with a marker in the state table, so that a
repeat does nothing. `SyncAction` puts an item only over an older version of it.

botocore is imported where something is performed: whoever only checks and renders does without it.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, ClassVar

from rules_engine.actions.item import addend_of, attribute_of, item_of, key_of
from rules_engine.actions.size import size_of
from rules_engine.attribute_value import to_boto
from rules_engine.errors import ActionError, Superseded, TemplateError
from rules_engine.light_dataclass import dataclass, field
from rules_engine.record import MOST_DIGITS_OF_DYNAMODB

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rules_engine.model import Delivery
    from rules_engine.record import StreamRecord
    from rules_engine.template import Template

MARKER_SECONDS = 16 * 24 * 3600
"""How long an effect that takes place once is remembered: longer than a queue can keep its dead letter."""
TOMBSTONE_SECONDS = 16 * 24 * 3600
SEQUENCE_DIGITS = 64
"""Sequence numbers of DynamoDB have 21 to 40 digits, those of Kinesis 56."""
TIME_DIGITS = 20
"""Of microseconds since 1970."""
VERSION, REMOVED, EXPIRY = "_sequence_number", "_removed", "_expires_at"


class _BatchWrite:
    """What puts and deletes share: BatchWriteItem, which takes 25 of them for different items."""

    __slots__ = ()
    most_entries: ClassVar[int] = 25
    most_bytes: ClassVar[int] = 4 * 1024 * 1024
    table: str
    client: Any

    @property
    def target(self) -> str:
        return target_name(self.table)

    @property
    def batch_key(self) -> str:
        return self.target

    def entry_bytes(self, request: Mapping[str, Any]) -> int:
        return size_of(request)

    def perform_batch(self, requests: Sequence[Mapping[str, Any]]) -> list[Exception | None]:
        entries = [_entry(request) for request in requests]
        answer = self.client.batch_write_item(RequestItems={self.table: entries})
        left = [entry for each in answer.get("UnprocessedItems", {}).values() for entry in each]
        unprocessed = ActionError("UNPROCESSED", "the table had no capacity for this write", "transient")
        names = [_canonical(entry) for entry in entries]
        waiting = [_canonical(entry) for entry in left]
        if not set(waiting) <= set(names):
            # What came back cannot be told apart: all is tried again, which does no harm.
            return [unprocessed] * len(requests)
        return [unprocessed if name in waiting else None for name in names]


@dataclass(frozen=True, slots=True)
class PutAction(_BatchWrite):
    """Writes one item for each record."""

    table: str
    item: Template
    client: Any

    def render(self, delivery: Delivery) -> dict[str, Any]:
        item = item_of("put", self.item.render(delivery.match.record.document))
        return {"TableName": self.table, "Item": item}

    def perform(self, request: Mapping[str, Any]) -> None:
        self.client.put_item(**_parameters(request))


@dataclass(frozen=True, slots=True)
class DeleteAction(_BatchWrite):
    """Deletes one item for each record."""

    table: str
    key: Template
    client: Any

    def render(self, delivery: Delivery) -> dict[str, Any]:
        key = key_of("delete.key", self.key.render(delivery.match.record.document))
        return {"TableName": self.table, "Key": key}

    def perform(self, request: Mapping[str, Any]) -> None:
        self.client.delete_item(**_parameters(request))


@dataclass(frozen=True, slots=True)
class UpdateAction:
    """Changes attributes of one item for each record. All but the values is written when it is built."""

    table: str
    key: Template
    expression: str
    names: Mapping[str, str]
    set_values: Mapping[str, Template]
    add_values: Mapping[str, Template]
    client: Any

    @property
    def target(self) -> str:
        return target_name(self.table)

    def render(self, delivery: Delivery) -> dict[str, Any]:
        document = delivery.match.record.document
        request: dict[str, Any] = {
            "TableName": self.table,
            "Key": key_of("update.key", self.key.render(document)),
            "UpdateExpression": self.expression,
            "ExpressionAttributeNames": dict(self.names),
        }
        values = {
            placeholder: attribute_of("update.set", template.render(document))
            for placeholder, template in self.set_values.items()
        }
        for placeholder, template in self.add_values.items():
            values[placeholder] = addend_of(template.render(document))
        if values:  # DynamoDB refuses an empty map.
            request["ExpressionAttributeValues"] = values
        return request

    def perform(self, request: Mapping[str, Any]) -> None:
        self.client.update_item(**_parameters(request))


@dataclass(frozen=True, slots=True)
class OnceAction:
    """Makes a write in one transaction with a marker that says that it was made."""

    write: PutAction | UpdateAction | DeleteAction
    state_table: str
    client: Any
    clock: Callable[[], float] = field(default=time.time)

    @property
    def target(self) -> str:
        return self.write.target

    def render(self, delivery: Delivery) -> dict[str, Any]:
        marker = {"TableName": self.state_table, "Item": {"id": {"S": f"once#{delivery.id}"}}}
        return {**self.write.render(delivery), "Marker": marker}

    def perform(self, request: Mapping[str, Any]) -> None:
        marker = request["Marker"]
        expires_at = {"N": str(int(self.clock()) + MARKER_SECONDS)}
        put = {
            "TableName": marker["TableName"],
            "Item": {**marker["Item"], "expires_at": expires_at},
            "ConditionExpression": "attribute_not_exists(id)",
        }
        write = {name: value for name, value in request.items() if name != "Marker"}
        from botocore.exceptions import ClientError

        try:
            self.client.transact_write_items(
                TransactItems=[{"Put": put}, {_OPERATIONS[type(self.write)]: _parameters(write)}]
            )
        except ClientError as error:
            reasons = error.response.get("CancellationReasons") or [{}]
            # The marker is there: an earlier try took effect, whatever became of its answer.
            if reasons[0].get("Code") != "ConditionalCheckFailed":
                raise


@dataclass(frozen=True, slots=True)
class SyncAction:
    """Puts an item, or what stands for a removed one, over older versions only."""

    table: str
    key: Template
    item: Template
    client: Any

    @property
    def target(self) -> str:
        return target_name(self.table)

    def render(self, delivery: Delivery) -> dict[str, Any]:
        record = delivery.match.record
        version = {"S": _version_of(record)}
        item = key_of("sync.key", self.key.render(record.document))
        if record.event_name == "REMOVE":
            removed_at = record.created_at_seconds
            if removed_at is None:
                raise TemplateError("'sync' needs the time of a removal, and the record has none")
            item |= {REMOVED: {"BOOL": True}, EXPIRY: {"N": str(int(removed_at) + TOMBSTONE_SECONDS)}}
        else:
            item = item_of("sync.item", self.item.render(record.document)) | item
        return {
            "TableName": self.table,
            "Item": {**item, VERSION: version},
            "ConditionExpression": "attribute_not_exists(#version) OR #version < :version",
            "ExpressionAttributeNames": {"#version": VERSION},
            "ExpressionAttributeValues": {":version": version},
        }

    def perform(self, request: Mapping[str, Any]) -> None:
        from botocore.exceptions import ClientError

        try:
            self.client.put_item(**_parameters(request))
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") != "ConditionalCheckFailedException":
                raise
            raise Superseded("the table holds this version or a newer one") from None


def _version_of(record: StreamRecord) -> str:
    """A text that sorts as the changes of one item do. Raises TemplateError."""
    number = record.sequence_number
    if number is None:
        raise TemplateError("'sync' needs a sequence number, and the record has none")
    if len(number) <= MOST_DIGITS_OF_DYNAMODB:
        return number.zfill(SEQUENCE_DIGITS)
    seconds = record.created_at_seconds
    if seconds is None:
        raise TemplateError("'sync' needs the time of the change, and the record has none")
    return f"{int(seconds * 1_000_000):0{TIME_DIGITS}}-{number.zfill(SEQUENCE_DIGITS)}"


_OPERATIONS = {PutAction: "Put", UpdateAction: "Update", DeleteAction: "Delete"}


def target_name(table: str) -> str:
    return f"table {table}"


def _parameters(request: Mapping[str, Any]) -> dict[str, Any]:
    """A rendered request as boto3 takes it."""
    parameters = dict(request)
    for name in ("Item", "Key", "ExpressionAttributeValues"):
        if name in request:
            parameters[name] = {each: to_boto(value) for each, value in request[name].items()}
    return parameters


def _entry(request: Mapping[str, Any]) -> dict[str, Any]:
    """A rendered put or delete as an entry of BatchWriteItem."""
    parameters = _parameters(request)
    if "Item" in request:
        return {"PutRequest": {"Item": parameters["Item"]}}
    return {"DeleteRequest": {"Key": parameters["Key"]}}


def _canonical(value: Any) -> Any:
    """Equal for two writes of the same attributes, whatever the order of maps and sets."""
    if isinstance(value, dict):
        return frozenset((name, _canonical_member(name, each)) for name, each in value.items())
    return tuple(map(_canonical, value)) if isinstance(value, (list, tuple)) else value


def _canonical_member(name: str, value: Any) -> Any:
    if name in ("SS", "NS", "BS") and isinstance(value, list):
        return frozenset(map(_canonical, value))
    return _canonical(value)
