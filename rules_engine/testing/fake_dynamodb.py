"""The fake of DynamoDB: items by key, conditions, updates, transactions and batch writes.

Reads are always consistent. A transaction checks all its conditions before it writes anything, and a repeat
with the same client token within ten minutes writes nothing. Time to live removes nothing by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rules_engine.testing.dynamodb_expressions import ExpressionTextError, compile_condition, compile_update
from rules_engine.testing.fake_service import FakeService, raise_error

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rules_engine.testing.fake_aws import FakeAws
    from rules_engine.testing.faults import Fault

TOKEN_SECONDS = 600
TRANSACTION_ITEMS = 100
BATCH_ITEMS = 25
_FAILED = "ConditionalCheckFailed"
_NO_NAMES: Mapping[str, Any] = {}

Key = tuple[Any, ...]


class FakeDynamoDB(FakeService):
    """`tables` maps each table to its key attributes. Others are ResourceNotFoundException."""

    service = "dynamodb"

    def __init__(self, aws: FakeAws, tables: Mapping[str, Sequence[str]]) -> None:
        super().__init__(aws)
        self._keys = {name: tuple(keys) for name, keys in tables.items()}
        self._items: dict[str, dict[Key, dict[str, Any]]] = {name: {} for name in tables}
        self._tokens: dict[str, tuple[float, Any]] = {}

    def items(self, table: str) -> list[dict[str, Any]]:
        """What a table holds, in the order in which the items were first written."""
        return list(self._items[table].values())

    def get_item(self, **request: Any) -> dict[str, Any]:
        def effect(_fault: Fault | None) -> dict[str, Any]:
            found = self._table("GetItem", request).get(self._key(request["TableName"], request["Key"]))
            return {} if found is None else {"Item": dict(found)}

        return self._perform("GetItem", request, effect)

    def put_item(self, **request: Any) -> dict[str, Any]:
        return self._write("PutItem", request)

    def update_item(self, **request: Any) -> dict[str, Any]:
        return self._write("UpdateItem", request)

    def delete_item(self, **request: Any) -> dict[str, Any]:
        return self._write("DeleteItem", request)

    def transact_write_items(self, **request: Any) -> dict[str, Any]:
        return self._perform("TransactWriteItems", request, lambda _fault: self._transact(request))

    def batch_write_item(self, **request: Any) -> dict[str, Any]:
        return self._perform("BatchWriteItem", request, lambda fault: self._batch(request, fault))

    # Single writes

    def _write(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        def effect(_fault: Fault | None) -> dict[str, Any]:
            old = self._current(operation, request)
            if not self._holds(operation, request, old):
                members = {}
                if request.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD" and old is not None:
                    members = {"Item": dict(old)}
                raise_error(
                    operation, "ConditionalCheckFailedException", "the conditional request failed", **members
                )
            new = self._apply(operation, request, old)
            self._took_effect(operation, request)
            return _returned(request, old, new)

        return self._perform(operation, request, effect)

    def _current(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any] | None:
        table = self._table(operation, request)
        return table.get(self._key(request["TableName"], request.get("Item") or request["Key"]))

    def _table(self, operation: str, request: Mapping[str, Any]) -> dict[Key, dict[str, Any]]:
        table = self._items.get(_name(request["TableName"]))
        if table is None:
            raise_error(operation, "ResourceNotFoundException", "there is no such table")
        return table

    def _key(self, table: str, item: Mapping[str, Any]) -> Key:
        try:
            return tuple(tuple(item[name].items()) for name in self._keys[_name(table)])
        except KeyError:
            raise_error("Write", "ValidationException", "the item lacks a key attribute")

    def _holds(self, operation: str, request: Mapping[str, Any], old: Mapping[str, Any] | None) -> bool:
        text = request.get("ConditionExpression")
        if text is None:
            return True
        names = request.get("ExpressionAttributeNames", _NO_NAMES)
        values = request.get("ExpressionAttributeValues", _NO_NAMES)
        try:
            return compile_condition(text)(old or {}, names, values)
        except (ExpressionTextError, KeyError) as error:
            raise_error(operation, "ValidationException", str(error))

    def _apply(
        self, operation: str, request: Mapping[str, Any], old: dict[str, Any] | None
    ) -> dict[str, Any] | None:
        """Writes; the item as it is now."""
        table = self._items[_name(request["TableName"])]
        key = self._key(request["TableName"], request.get("Item") or request["Key"])
        if operation == "DeleteItem":
            table.pop(key, None)
            return None
        if operation == "PutItem":
            new = dict(request["Item"])
        else:
            names = request.get("ExpressionAttributeNames", _NO_NAMES)
            values = request.get("ExpressionAttributeValues", _NO_NAMES)
            text = request.get("UpdateExpression", "")
            try:
                new = compile_update(text)(old or request["Key"], names, values)
            except (ExpressionTextError, KeyError) as error:
                raise_error(operation, "ValidationException", str(error))
        table[key] = new
        return new

    # Several writes

    def _transact(self, request: Mapping[str, Any]) -> dict[str, Any]:
        operation, items, now = "TransactWriteItems", request["TransactItems"], self._aws.sandbox.now
        token = request.get("ClientRequestToken")
        before = self._tokens.get(token) if token is not None else None
        if before is not None and now - before[0] < TOKEN_SECONDS:
            if before[1] != items:
                raise_error(
                    operation, "IdempotentParameterMismatchException", "the token was for other items"
                )
            return {}
        writes = [(_operation_of(kind), write) for item in items for kind, write in item.items()]
        places = [
            (write["TableName"], self._key(write["TableName"], write.get("Item") or write["Key"]))
            for _, write in writes
        ]
        if len(set(places)) < len(places) or len(places) > TRANSACTION_ITEMS:
            raise_error(operation, "ValidationException", "too many items, or one item twice")
        olds = [self._current(operation, write) for _, write in writes]
        reasons = [
            {"Code": "None"} if self._holds(operation, write, old) else _reason(write, old)
            for (_, write), old in zip(writes, olds, strict=True)
        ]
        if any(reason["Code"] == _FAILED for reason in reasons):
            codes = ", ".join(reason["Code"] for reason in reasons)
            raise_error(
                operation,
                "TransactionCanceledException",
                f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]",
                CancellationReasons=reasons,
            )
        for (kind, write), old in zip(writes, olds, strict=True):
            if kind != "ConditionCheck":
                self._apply(kind, write, old)
                self._took_effect(kind, write)
        if token is not None:
            self._tokens[token] = (now, items)
        return {}

    def _batch(self, request: Mapping[str, Any], fault: Fault | None) -> dict[str, Any]:
        writes = [(table, write) for table, group in request["RequestItems"].items() for write in group]
        if not 0 < len(writes) <= BATCH_ITEMS:
            raise_error("BatchWriteItem", "ValidationException", f"a batch has 1 to {BATCH_ITEMS} writes")
        unprocessed: dict[str, list[Any]] = {}
        for position, (table, write) in enumerate(writes):
            if fault is not None and position in fault.entries:
                unprocessed.setdefault(table, []).append(write)
                continue
            ((kind, content),) = write.items()
            single = {"TableName": table, **content}
            operation = "PutItem" if kind == "PutRequest" else "DeleteItem"
            self._apply(operation, single, self._current(operation, single))
            self._took_effect(operation, single)
        return {"UnprocessedItems": unprocessed}


def _name(table: str) -> str:
    """A table may be named by its ARN."""
    return table.rpartition("/")[2]


def _operation_of(kind: str) -> str:
    return kind if kind == "ConditionCheck" else f"{kind}Item"


def _reason(write: Mapping[str, Any], old: Mapping[str, Any] | None) -> dict[str, Any]:
    reason: dict[str, Any] = {"Code": _FAILED, "Message": "The conditional request failed"}
    if write.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD" and old is not None:
        reason["Item"] = dict(old)
    return reason


def _returned(request: Mapping[str, Any], old: Any, new: Any) -> dict[str, Any]:
    wanted = request.get("ReturnValues", "NONE")
    item = old if wanted == "ALL_OLD" else new if wanted == "ALL_NEW" else None
    return {} if item is None else {"Attributes": dict(item)}
