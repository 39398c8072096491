"""`play(stack)`: makes the scenario's changes on a local stack and says which effects must come of them.

The event id and time of each change are read from the stream itself; what is owed for it stands in
`scenario`. Time to live of the local server writes no records, so the expiry is handed to the function
directly, as DynamoDB would write it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rules_engine.attribute_value import encode
from rules_engine.local.ministack import LocalStackError
from rules_engine.local.scenario import CHANGES, EXPIRY, ORDERS_TABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rules_engine.local.effect import Effect
    from rules_engine.local.scenario import Change, Owed
    from rules_engine.local.stack import LocalStack


@dataclass(frozen=True, slots=True)
class Expectation:
    """One delivery that is owed for one change, and what it must leave at its target."""

    change: Change
    owed: Owed
    effect: Effect


@dataclass(frozen=True, slots=True)
class Played:
    """What was done to the orders: the records it made, in order, and everything expected of them."""

    records: list[dict[str, Any]]
    expectations: list[Expectation]

    def missing(self, arrived: Sequence[Effect]) -> list[Expectation]:
        return [expectation for expectation in self.expectations if expectation.effect not in arrived]

    def unexpected(self, arrived: Sequence[Effect]) -> list[Effect]:
        expected = [expectation.effect for expectation in self.expectations]
        return [effect for effect in arrived if effect not in expected]


def play(stack: LocalStack) -> Played:
    """Makes every change. The deliveries are under way when it returns; see `wait_until`."""
    for change in CHANGES:
        if change.new is not None:
            stack.put(ORDERS_TABLE, change.new)
        else:
            stack.delete(ORDERS_TABLE, {"order_id": change.order_id})
    records = stack.stream_records(ORDERS_TABLE)
    if len(records) != len(CHANGES):
        raise LocalStackError(f"{len(CHANGES)} changes made {len(records)} stream records")
    expired = _expiry_record(EXPIRY, records[-1])
    stack.invoke({"Records": [expired]})
    records.append(expired)
    expectations = [
        Expectation(change, owed, owed.effect(change, record["eventID"], _created_at(record)))
        for change, record in zip([*CHANGES, EXPIRY], records, strict=True)
        for owed in change.owes
    ]
    return Played(records, expectations)


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Whether `condition` held within `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def _expiry_record(change: Change, model: dict[str, Any]) -> dict[str, Any]:
    """A removal by time to live as DynamoDB would write it, otherwise like the record `model`."""
    assert change.old is not None
    data = {name: model["dynamodb"][name] for name in ("ApproximateCreationDateTime", "StreamViewType")}
    data["SequenceNumber"] = str(int(model["dynamodb"]["SequenceNumber"]) + 1)
    data["Keys"] = {"order_id": encode(change.order_id)}
    data["OldImage"] = {name: encode(value) for name, value in change.old.items()}
    return {
        **model,
        "eventID": f"{model['eventID']}-expired",
        "eventName": "REMOVE",
        "userIdentity": {"type": "Service", "principalId": "dynamodb.amazonaws.com"},
        "dynamodb": data,
    }


def _created_at(record: dict[str, Any]) -> str:
    seconds = record["dynamodb"]["ApproximateCreationDateTime"]
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
