from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from botocore.exceptions import ClientError

from rules_engine.actions import ConfigFinding, Permission, table
from rules_engine.attribute_value import from_boto
from rules_engine.aws import Clients
from rules_engine.errors import RuleSetError, SettingsError, TemplateError
from rules_engine.model import EMPTY_SCOPE
from tests.units import action_spec, delivery_of, raw_record

if TYPE_CHECKING:
    from collections.abc import Callable

    from rules_engine.local.ministack import Ministack

EVERY_TYPE: dict[str, Any] = {
    "id": {"S": "i-1"},
    "largest": {"N": "99999999999999999999999999999999999999"},
    "huge": {"N": "1E+125"},
    "tiny": {"N": "1E-130"},
    "price": {"N": "0.1"},
    "binary": {"B": "3q2+7w=="},
    "texts": {"SS": ["a", "b"]},
    "numbers": {"NS": ["1", "2.5"]},
    "binaries": {"BS": ["AA==", "AQ=="]},
    "nothing": {"NULL": True},
    "yes": {"BOOL": True},
    "empty": {"S": ""},
    "map": {"M": {"list": {"L": [{"N": "1"}, {"M": {}}, {"L": []}]}}},
}
EVERY_TYPE_KEYS = {"id": {"S": "i-1"}}


def render(record: dict[str, Any] | None = None, **config: Any) -> dict[str, Any]:
    spec = action_spec("table", **{"table": "history", **config})
    return table.build(spec, EMPTY_SCOPE, {}, None).render(delivery_of(spec, record))


def test_put_writes_the_item_with_its_types() -> None:
    put = {"pk": "{{ keys.order_id }}", "total": "{{ new.total }}", "n": 1, "at": {"none": "{{ new.none }}"}}
    assert render(put=put) == {
        "TableName": "history",
        "Item": {
            "pk": {"S": "o-1"},
            "total": {"N": "12.5"},
            "n": {"N": "1"},
            "at": {"M": {"none": {"NULL": True}}},
        },
    }


def test_a_hole_copies_a_whole_item_as_it_was() -> None:
    request = render(raw_record(EVERY_TYPE, EVERY_TYPE_KEYS), put="{{ new }}")
    assert request == {"TableName": "history", "Item": EVERY_TYPE}


def test_update_writes_names_and_values_only_by_placeholder() -> None:
    update = {
        "key": {"id": "{{ keys.order_id }}"},
        "set": {"status": "{{ new.status }}", "last.status[0]": "x", "gone": "{{ new.none }}"},
        "add": {"count": 1, "last.seen": ["b", "a", "b"]},
        "remove": ["draft", "last.old"],
    }
    assert render(update=update) == {
        "TableName": "history",
        "Key": {"id": {"S": "o-1"}},
        "UpdateExpression": "SET #n0 = :v0, #n1.#n0[0] = :v1, #n2 = :v2 "
        "ADD #n3 :v3, #n1.#n4 :v4 REMOVE #n5, #n1.#n6",
        "ExpressionAttributeNames": {
            "#n0": "status",
            "#n1": "last",
            "#n2": "gone",
            "#n3": "count",
            "#n4": "seen",
            "#n5": "draft",
            "#n6": "old",
        },
        "ExpressionAttributeValues": {
            ":v0": {"S": "SHIPPED"},
            ":v1": {"S": "x"},
            ":v2": {"NULL": True},
            ":v3": {"N": "1"},
            ":v4": {"SS": ["a", "b"]},
        },
    }


def test_an_update_that_only_removes_has_no_values() -> None:
    assert render(update={"key": "{{ keys }}", "remove": ["draft"]}) == {
        "TableName": "history",
        "Key": {"order_id": {"S": "o-1"}},
        "UpdateExpression": "REMOVE #n0",
        "ExpressionAttributeNames": {"#n0": "draft"},
    }


def test_delete_names_the_item_by_its_key() -> None:
    request = render(delete={"key": "{{ keys }}"})
    assert request == {"TableName": "history", "Key": {"order_id": {"S": "o-1"}}}


@pytest.mark.parametrize(
    ("value", "attribute"),
    [
        ("{{ new.texts }}", {"SS": ["a", "b"]}),
        ("{{ new.binaries }}", {"BS": ["AA==", "AQ=="]}),
        ("{{ new.price }}", {"N": "0.1"}),
        ([1, 2, 1], {"NS": ["1", "2"]}),
        (["{{ new.binary }}"], {"BS": ["3q2+7w=="]}),
    ],
)
def test_add_takes_numbers_and_sets_and_lists_as_sets(value: Any, attribute: dict[str, Any]) -> None:
    record = raw_record(EVERY_TYPE, EVERY_TYPE_KEYS)
    request = render(record, update={"key": "{{ keys }}", "add": {"a": value}})
    assert request["ExpressionAttributeValues"] == {":v0": attribute}


KEY_VALUE = "'{}.key': attribute 'id' must be a text, number or binary with a value"


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"put": "{{ new.none }}"}, "'put' needs an object, not null"),
        ({"put": "{{ new.status }}"}, "'put' needs an object, not string"),
        ({"delete": {"key": "{{ keys.none }}"}}, "'delete.key' needs an object, not null"),
        ({"delete": {"key": {"id": "{{ new.none }}"}}}, KEY_VALUE.format("delete")),
        ({"delete": {"key": {"id": "{{ new.none || '' }}"}}}, KEY_VALUE.format("delete")),
        ({"put": "{{ keys.*.length(@) }}"}, "'put' needs an object, not array"),
        ({"put": "{{ new.total }}"}, "'put' needs an object, not number"),
        ({"update": {"key": {"id": "{{ keys == old }}"}, "set": {"a": 1}}}, KEY_VALUE.format("update")),
        ({"update": {"key": {"id": "{{ keys }}"}, "set": {"a": 1}}}, KEY_VALUE.format("update")),
        (
            {"update": {"key": "{{ keys }}", "add": {"a": "{{ new.status }}"}}},
            "'update.add' takes numbers and sets, not string",
        ),
        (
            {"update": {"key": "{{ keys }}", "add": {"a": "{{ new.none }}"}}},
            "'update.add' takes numbers and sets, not null",
        ),
        (
            {"update": {"key": "{{ keys }}", "add": {"a": ["{{ new.status }}", "{{ new.total }}"]}}},
            "'update.add': a list must hold texts only, numbers only or binaries only",
        ),
        (
            {"update": {"key": "{{ keys }}", "add": {"a": "{{ keys.*.contains(@, 'o') }}"}}},
            "'update.add': a list must hold texts only, numbers only or binaries only",
        ),
        (
            {"update": {"key": "{{ keys }}", "add": {"a": "{{ new.none[] || `[]` }}"}}},
            "'update.add': a list must hold texts only, numbers only or binaries only",
        ),
        ({"put": {"id": 10**38 + 1}}, "'put': a number that DynamoDB cannot hold"),
    ],
)
def test_what_dynamodb_would_refuse_is_found_before_it_is_sent(config: dict[str, Any], message: str) -> None:
    with pytest.raises(TemplateError) as failure:
        render(**config)
    assert str(failure.value) == message


def test_a_key_that_came_malformed_is_found_before_it_is_sent() -> None:
    with pytest.raises(TemplateError) as failure:
        render(raw_record({}, {"id": {"N": "canary"}}), delete={"key": "{{ keys }}"})
    message = "the value has an attribute that cannot be read: attribute 'id': N is not a number"
    assert str(failure.value) == message


@pytest.mark.parametrize(
    ("config", "finding"),
    [
        (
            {},
            ConfigFinding(
                "RE308",
                (),
                "a table action needs 'put', 'update', 'delete' or 'sync'",
                "write the item with put: {name: value}",
            ),
        ),
        (
            {"delete": {"key": {"id": 1}}, "put": {"id": 1}},
            ConfigFinding(
                "RE308", ("delete",), "'delete' does not go together with 'put'", "make two actions of it"
            ),
        ),
        (
            {"update": {"key": {"id": 1}}},
            ConfigFinding(
                "RE308", ("update",), "an update needs 'set', 'add' or 'remove'", "write set: {name: value}"
            ),
        ),
        (
            {"update": {"key": {"id": 1}, "set": {"a..b": 1}}},
            ConfigFinding(
                "RE109",
                ("update", "set", "a..b"),
                "'a..b' is not a document path",
                "write name, map.name or list[0]",
            ),
        ),
        (
            {"update": {"key": {"id": 1}, "set": {"a.b": 1}, "remove": ["c", "a"]}},
            ConfigFinding(
                "RE308",
                ("update", "remove", 1),
                "'a' does not go together with 'a.b'",
                "DynamoDB changes a path only once in an update; make two actions of it",
            ),
        ),
        (
            {"table": "hi/story", "put": "{{ new }}"},
            ConfigFinding(
                "RE109",
                ("table",),
                "'hi/story' is not the name or ARN of a table",
                "a name has 3 to 255 of A-Z, a-z, 0-9, '_', '.' and '-'; "
                "an ARN ends with table/ and the name",
            ),
        ),
        *(
            (
                {"put": put},
                ConfigFinding(
                    "RE109",
                    ("put",),
                    "'put' is always text, never an item",
                    'write name: value lines, or one hole and nothing else, such as: put: "{{ new }}"',
                ),
            )
            for put in ("item", "{{ new }} ", "${ITEM}", "{{ new }}{{ old }}")
        ),
        (
            {"put": {"": 1}},
            ConfigFinding(
                "RE109",
                ("put",),
                "'put' has an attribute without a name",
                "write its name before the colon",
            ),
        ),
        *(
            (
                {
                    operation: {
                        "key": "id {{ keys.id }}",
                        **({"remove": ["a"]} if operation == "update" else {}),
                    }
                },
                ConfigFinding(
                    "RE109",
                    (operation, "key"),
                    f"'{operation}.key' is always text, never a key",
                    'write name: value lines, or one hole and nothing else, such as: key: "{{ keys }}"',
                ),
            )
            for operation in ("update", "delete")
        ),
        (
            {"delete": {"key": {"a": 1, "b": "{{ keys.b }}", "c": "x"}}},
            ConfigFinding(
                "RE109",
                ("delete", "key"),
                "'delete.key' has 3 attributes: a key has 1 or 2",
                "write the partition key and, where the table has one, the sort key",
            ),
        ),
        *(
            (
                {"delete": {"key": {"sk": "{{ keys.sk }}", "id": value}}},
                ConfigFinding(
                    "RE109",
                    ("delete", "key", "id"),
                    KEY_VALUE.format("delete"),
                    "write a text, a number, or a hole that gives one",
                ),
            )
            for value in ("", None, True, ["{{ keys.id }}"], {"a": "{{ keys.id }}"})
        ),
        *(
            (
                {"update": {"key": {"id": 1}, **change}},
                ConfigFinding(
                    "RE308",
                    ("update", *place),
                    f"'{text}' is in 'key', and an update cannot change a key",
                    "leave it out here: the item has it from 'key'",
                ),
            )
            for change, place, text in (
                ({"set": {"a": 1, "id": 1}}, ("set", "id"), "id"),
                ({"add": {"id.count": 1}}, ("add", "id.count"), "id.count"),
                ({"remove": ["a", "id[0]"]}, ("remove", 1), "id[0]"),
            )
        ),
        *(
            (
                {"update": {"key": {"id": 1}, "add": {"a": text}}},
                ConfigFinding(
                    "RE109", ("update", "add", "a"), "'update.add' takes numbers and sets, not text", hint
                ),
            )
            for text, hint in (
                ("-2.5", "remove the quotes: -2.5"),
                ("one", "write a number, or a list of what is to join a set"),
                ("{{ new.a }}{{ new.b }}", "write a number, or a list of what is to join a set"),
            )
        ),
        *(
            (
                {"update": {"key": {"id": 1}, "add": {"a": value}}},
                ConfigFinding(
                    "RE109",
                    ("update", "add", "a"),
                    "'update.add': a list must hold texts only, numbers only or binaries only",
                    "write for example: [a, b] or [1, 2]",
                ),
            )
            for value in ([], [True], [[1]], ["x", 1], ["n {{ new.n }}", 1], [None, "{{ new.a }}"])
        ),
    ],
)
def test_what_must_fail_for_every_record_is_found(config: dict[str, Any], finding: ConfigFinding) -> None:
    config = {"table": "history", **config}
    assert table.check(config) == [finding]
    with pytest.raises(RuleSetError) as refusal:
        table.build(action_spec("table", **config), EMPTY_SCOPE, {}, None)
    assert str(refusal.value) == f"action 'table': {finding}"


@pytest.mark.parametrize(
    "config",
    [
        {"put": "{{ new }}"},
        {"delete": {"key": "{{ keys }}"}},
        {"delete": {"key": {"pk": "order#{{ keys.id }}", "sk": 0}}},
        {"table": "${HISTORY}-table", "put": {"a": None, "b": "", "c": {"d": []}}},
        {"update": {"key": {"id": 1}, "add": {"a": "{{ new.a }}", "b": ["{{ new.b }}"], "c": ["d", "${E}"]}}},
        {
            "update": {
                "key": "{{ keys }}",
                "set": {"a.b": 1, "a.c": 2},
                "add": {"d[0]": 1},
                "remove": ["d[1]"],
            }
        },
    ],
)
def test_a_sound_config_has_no_findings(config: dict[str, Any]) -> None:
    assert table.check({"table": "history", **config}) == []


def test_the_table_may_come_from_the_environment() -> None:
    spec = action_spec("table", table="${HISTORY}", put="{{ new }}")
    arn = "arn:aws:dynamodb:eu-central-1:000000000000:table/history"
    for name in ("history", arn):
        action = table.build(spec, EMPTY_SCOPE, {"HISTORY": name}, None)
        assert action.render(delivery_of(spec))["TableName"] == name


def test_a_table_that_cannot_be_one_is_refused_when_it_is_built() -> None:
    spec = action_spec("table", table="${HISTORY}", put="{{ new }}")
    with pytest.raises(SettingsError) as refusal:
        table.build(spec, EMPTY_SCOPE, {"HISTORY": "hi/story"}, Clients())
    assert str(refusal.value) == "action 'table': 'hi/story' is not the name or ARN of a table"


@pytest.mark.parametrize(
    ("config", "calls"),
    [
        ({"put": "{{ new }}"}, ["PutItem", "BatchWriteItem"]),
        ({"update": {"key": "{{ keys }}", "remove": ["a"]}}, ["UpdateItem"]),
        ({"delete": {"key": "{{ keys }}"}}, ["DeleteItem", "BatchWriteItem"]),
        ({"sync": {}}, ["PutItem"]),
    ],
)
def test_only_the_calls_it_makes_are_allowed_on_the_one_table(
    config: dict[str, Any], calls: list[str]
) -> None:
    named = action_spec("table", table="${HISTORY}", **config)
    by_name = "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/${HISTORY}"
    assert table.permissions(named) == [Permission(f"dynamodb:{call}", by_name) for call in calls]
    arn = "arn:aws:dynamodb:eu-central-1:000000000000:table/history"
    by_arn = action_spec("table", table=arn, **config)
    assert table.permissions(by_arn) == [Permission(f"dynamodb:{call}", arn) for call in calls]


@pytest.fixture
def history(aws: Ministack, unique_name: Callable[[str], str]) -> str:
    name = unique_name("history")
    aws.client("dynamodb").create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return name


def perform(record: dict[str, Any], **config: Any) -> None:
    spec = action_spec("table", **config)
    action = table.build(spec, EMPTY_SCOPE, {}, Clients())
    action.perform(action.render(delivery_of(spec, record)))


def stored(ministack: Ministack, name: str) -> dict[str, Any] | None:
    answer = ministack.client("dynamodb").get_item(
        TableName=name, Key={"id": {"S": "i-1"}}, ConsistentRead=True
    )
    item = answer.get("Item")
    return None if item is None else {key: from_boto(value) for key, value in item.items()}


@pytest.mark.local
def test_a_copied_item_is_stored_without_loss(aws: Ministack, history: str) -> None:
    perform(raw_record(EVERY_TYPE, EVERY_TYPE_KEYS), table=history, put="{{ new }}")
    # DynamoDB keeps the number and not how it was written.
    written_out = {"huge": {"N": f"1{'0' * 125}"}, "tiny": {"N": f"0.{'0' * 129}1"}}
    assert stored(aws, history) == EVERY_TYPE | written_out


@pytest.mark.local
def test_an_update_sets_adds_and_removes(aws: Ministack, history: str) -> None:
    record = raw_record(EVERY_TYPE, EVERY_TYPE_KEYS)
    item = {"id": "i-1", "draft": 1, "list": [1, 2], "map": {"status": "old"}, "count": 1}
    perform(record, table=history, put=item)
    update = {
        "key": "{{ keys }}",
        "set": {"map.status": "{{ new.binary }}", "list[0]": "{{ new.largest }}"},
        "add": {"count": 2, "seen": ["a"]},
        "remove": ["draft"],
    }
    perform(record, table=history, update=update)
    assert stored(aws, history) == {
        "id": {"S": "i-1"},
        "list": {"L": [EVERY_TYPE["largest"], {"N": "2"}]},
        "map": {"M": {"status": {"B": "3q2+7w=="}}},
        "count": {"N": "3"},
        "seen": {"SS": ["a"]},
    }


@pytest.mark.local
def test_the_manuals_update_works_on_any_item(aws: Ministack, unique_name: Callable[[str], str]) -> None:
    name = unique_name("customers")
    aws.client("dynamodb").create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "customer_id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "customer_id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    examples = [
        yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", table.__doc__ or "", re.S)
    ]
    (update,) = [action["update"] for (action,) in examples if "update" in action]
    record = raw_record({"customer_id": {"S": "c-1"}}, {"order_id": {"S": "o-1"}})
    for _ in range(2):
        perform(record, table=name, update=update)
    (item,) = aws.client("dynamodb").scan(TableName=name)["Items"]
    assert item == {
        "customer_id": {"S": "c-1"},
        "last_order_id": {"S": "o-1"},
        "address": {"NULL": True},
        "orders": {"N": "2"},
    }


@pytest.mark.local
def test_a_deleted_item_is_gone_and_may_be_deleted_again(aws: Ministack, history: str) -> None:
    record = raw_record(EVERY_TYPE, EVERY_TYPE_KEYS)
    perform(record, table=history, put="{{ new }}")
    for _ in range(2):
        perform(record, table=history, delete={"key": "{{ keys }}"})
        assert stored(aws, history) is None


@pytest.mark.local
def test_a_table_that_is_not_there_is_an_error_of_the_service(aws: Ministack) -> None:
    with pytest.raises(ClientError) as failure:
        perform(raw_record(EVERY_TYPE, EVERY_TYPE_KEYS), table="not-there", put="{{ new }}")
    assert failure.value.response["Error"]["Code"] == "ResourceNotFoundException"
