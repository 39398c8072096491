"""Writes that repeats and disorder do no harm to: `mode: once`, `sync`, and several writes in one call."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from rules_engine.actions import ConfigFinding, Permission, table
from rules_engine.actions.table_writes import EXPIRY, REMOVED, VERSION
from rules_engine.aws import Clients
from rules_engine.errors import ActionError, RuleSetError, SettingsError, Superseded, TemplateError
from rules_engine.model import EMPTY_SCOPE, ActionSpec
from rules_engine.plain_record import record_from_images
from tests.units import action_spec, delivery_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rules_engine.local.ministack import Ministack

STATE = {"RULES_ENGINE_STATE_TABLE": "state"}
DAYS = 24 * 3600


def spec_of(mode: str = "at_least_once", **config: Any) -> ActionSpec:
    return replace(action_spec("table", **{"table": "copies", **config}), mode=mode)


def change(number: int, event: str = "MODIFY", item: str = "i-1", **new: Any) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "event": event,
        "eventID": f"e-{number}",
        "sequenceNumber": str(number),
        "keys": {"id": item},
    }
    if event != "REMOVE":
        plain["new"] = {"id": item, "number": number, **new}
    return record_from_images(plain, "orders")


@dataclass
class Tables:
    """DynamoDB in memory, as far as these actions need it: items by table and key."""

    items: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    unprocessed: Callable[[Sequence[Any]], Sequence[Any]] = lambda entries: []

    def client(self, service: str, timeout_seconds: float | None = None) -> Tables:
        return self

    def put_item(self, **request: Any) -> None:
        self.calls.append("put_item")
        version, place = request["Item"][VERSION], (request["TableName"], request["Item"]["id"]["S"])
        assert request["ConditionExpression"] == "attribute_not_exists(#version) OR #version < :version"
        assert request["ExpressionAttributeNames"] == {"#version": VERSION}
        assert request["ExpressionAttributeValues"] == {":version": version}
        present = self.items.get(place, {}).get(VERSION)
        if present is not None and not present["S"] < version["S"]:
            raise error("ConditionalCheckFailedException")
        self.items[place] = request["Item"]

    def batch_write_item(self, **request: Any) -> dict[str, Any]:
        self.calls.append("batch_write_item")
        ((name, entries),) = request["RequestItems"].items()
        left = self.unprocessed(entries)
        return {"UnprocessedItems": {name: left} if left else {}}

    def transact_write_items(self, **request: Any) -> None:
        self.calls.append("transact_write_items")
        marker, write = (next(iter(each.items())) for each in request["TransactItems"])
        assert marker[1]["ConditionExpression"] == "attribute_not_exists(id)"
        place = (marker[1]["TableName"], marker[1]["Item"]["id"]["S"])
        if place in self.items:
            raise error("TransactionCanceledException", ["ConditionalCheckFailed", "None"])
        self.items[place] = marker[1]["Item"]
        self.items.setdefault(("written", write[0]), {"count": 0})["count"] += 1


def error(code: str, reasons: Sequence[str] = ()) -> ClientError:
    answer: Any = {"Error": {"Code": code}, "CancellationReasons": [{"Code": reason} for reason in reasons]}
    return ClientError(answer, "Write")


# Once


def test_once_renders_the_write_and_its_marker() -> None:
    spec = spec_of("once", put={"id": "{{ keys.id }}"})
    delivery = delivery_of(spec, change(1))
    assert table.build(spec, EMPTY_SCOPE, STATE, None).render(delivery) == {
        "TableName": "copies",
        "Item": {"id": {"S": "i-1"}},
        "Marker": {"TableName": "state", "Item": {"id": {"S": f"once#{delivery.id}"}}},
    }


@pytest.mark.parametrize(
    ("config", "operation"),
    [
        ({"put": "{{ new }}"}, "Put"),
        ({"update": {"key": "{{ keys }}", "add": {"count": 1}}}, "Update"),
        ({"delete": {"key": "{{ keys }}"}}, "Delete"),
    ],
)
def test_a_repeat_takes_effect_once_and_is_no_failure(config: dict[str, Any], operation: str) -> None:
    tables = Tables()
    spec = spec_of("once", **config)
    action = table.build(spec, EMPTY_SCOPE, STATE, tables, clock=lambda: 1_700_000_000.9)
    request = action.render(delivery_of(spec, change(1)))
    for _ in range(3):
        action.perform(request)
    assert tables.items["written", operation] == {"count": 1}
    marker = tables.items["state", request["Marker"]["Item"]["id"]["S"]]
    assert marker["expires_at"] == {"N": str(1_700_000_000 + 16 * DAYS)}
    assert "expires_at" not in request["Marker"]["Item"]


@pytest.mark.parametrize(
    "reasons",
    [["None", "ConditionalCheckFailed"], ["TransactionConflict", "None"], ["None", "ValidationError"], []],
)
def test_any_other_reason_is_a_failure(reasons: list[str]) -> None:
    class Cancelling(Tables):
        def transact_write_items(self, **request: Any) -> None:
            raise error("TransactionCanceledException", reasons)

    spec = spec_of("once", put="{{ new }}")
    action = table.build(spec, EMPTY_SCOPE, STATE, Cancelling())
    with pytest.raises(ClientError):
        action.perform(action.render(delivery_of(spec, change(1))))


def test_once_needs_a_state_table() -> None:
    with pytest.raises(SettingsError) as refusal:
        table.build(spec_of("once", put="{{ new }}"), EMPTY_SCOPE, {}, Tables())
    assert str(refusal.value) == (
        "action 'table': 'mode: once' needs a state table: "
        "set RULES_ENGINE_STATE_TABLE to its name, or leave 'mode' out"
    )


def test_once_without_clients_can_be_rendered_without_a_state_table() -> None:
    spec = spec_of("once", put="{{ new }}")
    request = table.build(spec, EMPTY_SCOPE, {}, None).render(delivery_of(spec, change(1)))
    assert request["Marker"]["TableName"] == "${RULES_ENGINE_STATE_TABLE}"


def test_once_may_write_the_marker_too() -> None:
    arn = "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/"
    assert table.permissions(spec_of("once", put="{{ new }}")) == [
        Permission("dynamodb:PutItem", f"{arn}copies"),
        Permission("dynamodb:PutItem", f"{arn}${{RULES_ENGINE_STATE_TABLE}}"),
    ]


def test_once_and_sync_do_not_go_together() -> None:
    message = "'sync' does not go together with 'mode: once'"
    hint = "leave 'mode' out: repeats do no harm"
    finding = ConfigFinding("RE308", ("mode",), message, hint)
    assert table.check({"table": "copies", "sync": {}}, "once") == [finding]
    with pytest.raises(RuleSetError):
        table.build(spec_of("once", sync={}), EMPTY_SCOPE, STATE, None)


# Sync


def synced(record: Mapping[str, Any], **sync: Any) -> dict[str, Any]:
    spec = spec_of(sync=sync)
    return table.build(spec, EMPTY_SCOPE, {}, None).render(delivery_of(spec, dict(record)))


def test_a_copy_carries_its_version() -> None:
    version = {"S": "7".zfill(64)}
    assert synced(change(7)) == {
        "TableName": "copies",
        "Item": {"id": {"S": "i-1"}, "number": {"N": "7"}, VERSION: version},
        "ConditionExpression": "attribute_not_exists(#version) OR #version < :version",
        "ExpressionAttributeNames": {"#version": VERSION},
        "ExpressionAttributeValues": {":version": version},
    }


def test_a_removal_leaves_a_tombstone_that_ends() -> None:
    item = synced(change(8, "REMOVE"))["Item"]
    created = 1_704_067_200  # 2024-01-01
    assert item == {
        "id": {"S": "i-1"},
        REMOVED: {"BOOL": True},
        EXPIRY: {"N": str(created + 16 * DAYS)},
        VERSION: {"S": "8".zfill(64)},
    }


def test_key_and_item_may_be_given() -> None:
    item = synced(change(7), key={"id": "{{ keys.id }}-copy"}, item={"n": "{{ new.number }}"})["Item"]
    assert item == {"id": {"S": "i-1-copy"}, "n": {"N": "7"}, VERSION: {"S": "7".zfill(64)}}


def test_versions_order_as_numbers_do() -> None:
    versions = [synced(change(number))["Item"][VERSION]["S"] for number in (9, 10, 10**20, 10**39)]
    assert versions == sorted(versions)


def through_kinesis(number: str, microseconds: int | None, **new: Any) -> dict[str, Any]:
    """A change that Kinesis Data Streams for DynamoDB delivered as the record of this number."""
    body = change(1, **new)
    del body["dynamodb"]["SequenceNumber"]
    if microseconds is None:
        del body["dynamodb"]["ApproximateCreationDateTime"]
    else:
        body["dynamodb"] |= {
            "ApproximateCreationDateTime": microseconds,
            "ApproximateCreationDateTimePrecision": "MICROSECOND",
        }
    data = base64.b64encode(json.dumps(body | {"tableName": "orders"}).encode()).decode()
    arn = "arn:aws:kinesis:eu-central-1:123456789012:stream/changes"
    return {"kinesis": {"sequenceNumber": number, "data": data}, "eventSourceARN": arn}


LOW = "49546986683135544286507457936321625675700192471156785154"
HIGH = "49590338271490256608559692538361571095921575989136588898"


def test_a_change_that_came_through_kinesis_has_its_time_for_a_version() -> None:
    """Its number is the shard's, whose numbers may be lower after the stream was divided anew."""
    item = synced(through_kinesis(HIGH, 1_767_225_600_123_456))["Item"]
    assert item[VERSION] == {"S": f"00001767225600123456-00000000{HIGH}"}
    changes = [(HIGH, 1_767_225_600_123_456), (LOW, 1_767_225_600_123_457), (HIGH, 1_767_225_600_123_457)]
    versions = [synced(through_kinesis(*each))["Item"][VERSION]["S"] for each in changes]
    assert versions == sorted(versions)
    with pytest.raises(TemplateError, match="'sync' needs the time of the change, and the record has none"):
        synced(through_kinesis(HIGH, None))


def test_what_came_through_kinesis_is_newer_than_all_that_came_through_the_stream_before() -> None:
    raw = change(1)
    raw["dynamodb"]["SequenceNumber"] = "9" * 40
    assert (
        synced(raw)["Item"][VERSION]["S"]
        < synced(through_kinesis(LOW, 1_767_225_600_123_456))["Item"][VERSION]["S"]
    )


def test_a_record_without_a_sequence_number_cannot_be_copied() -> None:
    spec = spec_of(sync={})
    delivery = delivery_of(spec, change(7))
    object.__setattr__(delivery.match.record, "sequence_number", None)
    with pytest.raises(TemplateError, match="'sync' needs a sequence number"):
        table.build(spec, EMPTY_SCOPE, {}, None).render(delivery)


@given(st.lists(st.sampled_from(["MODIFY", "REMOVE"]), min_size=1, max_size=6), st.data())
def test_whatever_the_order_and_the_repeats_the_newest_version_stays(
    events: list[str], data: st.DataObject
) -> None:
    tables = Tables()
    spec = spec_of(sync={})
    action = table.build(spec, EMPTY_SCOPE, {}, tables)
    requests = [
        action.render(delivery_of(spec, change(number, event)))
        for number, event in enumerate(events, start=1)
    ]
    arriving = data.draw(st.permutations(requests * 2))
    for request in arriving:
        try:
            action.perform(request)
        except Superseded:
            continue
    assert tables.items["copies", "i-1"] == requests[-1]["Item"]


@pytest.mark.parametrize(
    ("sync", "path", "message"),
    [
        ({"key": "text"}, ("sync", "key"), "'sync.key' is always text, never a key"),
        ({"item": "text"}, ("sync", "item"), "'sync.item' is always text, never an item"),
        ({"item": {"": 1}}, ("sync", "item"), "'sync.item' has an attribute without a name"),
    ],
)
def test_what_cannot_be_copied_for_any_record_is_found(
    sync: dict[str, Any], path: tuple[str, ...], message: str
) -> None:
    (finding,) = table.check({"table": "copies", "sync": sync})
    assert (finding.path, finding.message) == (path, message)


# Several in a call


def batch_of(tables: Tables, **config: Any) -> list[Exception | None]:
    spec = spec_of(**config)
    action = table.build(spec, EMPTY_SCOPE, {}, tables)
    requests = [action.render(delivery_of(spec, change(number, item=f"i-{number}"))) for number in (1, 2, 3)]
    assert isinstance(action, (table.PutAction, table.DeleteAction))
    return action.perform_batch(requests)


@pytest.mark.parametrize("config", [{"put": "{{ new }}"}, {"delete": {"key": "{{ keys }}"}}])
def test_writes_that_were_left_over_are_told_apart(config: dict[str, Any]) -> None:
    tables = Tables(unprocessed=lambda entries: entries[1:2])
    errors = batch_of(tables, **config)
    assert [errors[0], errors[2]] == [None, None]
    assert isinstance(errors[1], ActionError)
    assert (errors[1].code, errors[1].error_class) == ("UNPROCESSED", "transient")
    assert batch_of(Tables(), **config) == [None] * 3


def test_the_order_inside_a_set_says_nothing() -> None:
    def shuffled(entries: Sequence[Any]) -> Sequence[Any]:
        item = dict(entries[0]["PutRequest"]["Item"])
        return [{"PutRequest": {"Item": {"tags": {"SS": item["tags"]["SS"][::-1]}, "id": item["id"]}}}]

    put = {"id": "{{ keys.id }}", "tags": ["a", "b"]}
    spec = spec_of(put=put)
    action = table.build(spec, EMPTY_SCOPE, {}, Tables(unprocessed=shuffled))
    assert isinstance(action, table.PutAction)
    requests = [action.render(delivery_of(spec, change(number, item=f"i-{number}"))) for number in (1, 2)]
    for request in requests:
        request["Item"]["tags"] = {"SS": ["a", "b"]}
    errors = action.perform_batch(requests)
    assert [each is None for each in errors] == [False, True]


def test_left_over_writes_that_nobody_made_make_all_come_again() -> None:
    tables = Tables(unprocessed=lambda entries: [{"PutRequest": {"Item": {"id": {"S": "other"}}}}])
    assert [each is None for each in batch_of(tables, put="{{ new }}")] == [False] * 3


def test_only_plain_puts_and_deletes_share_calls() -> None:
    configs: list[tuple[str, dict[str, Any]]] = [
        ("at_least_once", {"put": "{{ new }}"}),
        ("at_least_once", {"delete": {"key": "{{ keys }}"}}),
        ("at_least_once", {"update": {"key": "{{ keys }}", "remove": ["a"]}}),
        ("at_least_once", {"sync": {}}),
        ("once", {"put": "{{ new }}"}),
    ]
    actions = [table.build(spec_of(mode, **config), EMPTY_SCOPE, STATE, None) for mode, config in configs]
    assert [getattr(action, "most_entries", 1) for action in actions] == [25, 25, 1, 1, 1]
    assert len({action.target for action in actions}) == 1


# On a real server


@pytest.fixture
def copies(aws: Ministack, unique_name: Callable[[str], str]) -> dict[str, str]:
    """Names of a table and of a state table."""
    names = {"copies": unique_name("copies"), "state": unique_name("state")}
    for name in names.values():
        aws.client("dynamodb").create_table(
            TableName=name,
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
    return names


def items_in(aws: Ministack, name: str) -> list[dict[str, Any]]:
    items = aws.client("dynamodb").scan(TableName=name, ConsistentRead=True)["Items"]
    return sorted(items, key=lambda item: str(item["id"]["S"]))


@pytest.mark.local
def test_a_counter_counts_each_change_once(aws: Ministack, copies: dict[str, str]) -> None:
    update = {"key": {"id": "counter"}, "add": {"changes": 1}}
    spec = spec_of("once", table=copies["copies"], update=update)
    action = table.build(spec, EMPTY_SCOPE, {"RULES_ENGINE_STATE_TABLE": copies["state"]}, Clients())
    for number in (1, 1, 2, 1, 2):
        action.perform(action.render(delivery_of(spec, change(number))))
    assert items_in(aws, copies["copies"]) == [{"id": {"S": "counter"}, "changes": {"N": "2"}}]
    assert len(items_in(aws, copies["state"])) == 2


@pytest.mark.local
def test_an_older_version_never_comes_back(aws: Ministack, copies: dict[str, str]) -> None:
    spec = spec_of(table=copies["copies"], sync={})
    action = table.build(spec, EMPTY_SCOPE, {}, Clients())
    requests = [
        action.render(delivery_of(spec, record)) for record in (change(9), change(10), change(11, "REMOVE"))
    ]
    results = []
    for request in (requests[1], requests[0], requests[2], requests[1], requests[2]):
        try:
            action.perform(request)
            results.append("done")
        except Superseded:
            results.append("superseded")
    assert results == ["done", "superseded", "done", "superseded", "superseded"]
    assert items_in(aws, copies["copies"]) == [requests[2]["Item"]]


@pytest.mark.local
def test_a_batch_of_writes_is_stored(aws: Ministack, copies: dict[str, str]) -> None:
    spec = spec_of(table=copies["copies"], put="{{ new }}")
    action = table.build(spec, EMPTY_SCOPE, {}, Clients())
    assert isinstance(action, table.PutAction)
    requests = [
        action.render(delivery_of(spec, change(number, item=f"i-{number:02d}"))) for number in range(25)
    ]
    assert action.perform_batch(requests) == [None] * 25
    assert items_in(aws, copies["copies"]) == [request["Item"] for request in requests]
    with pytest.raises(ClientError) as refusal:
        action.perform_batch([requests[0], requests[0]])
    assert refusal.value.response["Error"]["Code"] == "ValidationException"
