"""The fake services: what they hold, refuse and count, and what a plan of faults makes of their calls."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from rules_engine.actions.transport import Answer
from rules_engine.delivery.context import InvocationContext
from rules_engine.delivery.invocation import Invocation
from rules_engine.engine import Engine
from rules_engine.errors import ActionError
from rules_engine.function import actions_of
from rules_engine.model import ActionSpec, Rule, RuleSet
from rules_engine.plain_record import record_from_images
from rules_engine.record import parse_event
from rules_engine.testing import (
    FakeAws,
    Fault,
    FunctionDied,
    RandomFaults,
    Sandbox,
    ScriptedFaults,
    StreamSim,
)
from rules_engine.testing.dynamodb_expressions import ExpressionTextError, compile_condition, compile_update
from rules_engine.testing.faults import FaultMix
from tests.delivery_fakes import InlineWorkers

QUEUE, FIFO = "https://sqs.invalid/orders", "https://sqs.invalid/orders.fifo"
TOPIC = "arn:aws:sns:eu-central-1:000000000000:orders"


def code_of(call: Any, **request: Any) -> str:
    with pytest.raises(ClientError) as raised:
        call(**request)
    return str(raised.value.response["Error"]["Code"])


def s(text: str) -> dict[str, str]:
    return {"S": text}


# DynamoDB


@pytest.fixture
def aws() -> FakeAws:
    return FakeAws(tables={"copies": ["id"], "state": ["id"], "pairs": ["p", "s"]})


def test_an_item_is_put_read_updated_and_deleted(aws: FakeAws) -> None:
    table = aws.client("dynamodb")
    assert table.put_item(TableName="copies", Item={"id": s("a"), "n": {"N": "1"}}) == {}
    table.update_item(
        TableName="copies",
        Key={"id": s("a")},
        UpdateExpression="SET #c = :c, n = n + :one REMOVE gone ADD hits :one",
        ExpressionAttributeNames={"#c": "city"},
        ExpressionAttributeValues={":c": s("Bern"), ":one": {"N": "1"}},
    )
    item = {"id": s("a"), "n": {"N": "2"}, "city": s("Bern"), "hits": {"N": "1"}}
    assert table.get_item(TableName="copies", Key={"id": s("a")}, ConsistentRead=True) == {"Item": item}
    deleted = table.delete_item(TableName="copies", Key={"id": s("a")}, ReturnValues="ALL_OLD")
    assert deleted == {"Attributes": item}
    assert table.get_item(TableName="copies", Key={"id": s("a")}) == {}
    assert aws.calls == {
        ("dynamodb", "PutItem"): 1,
        ("dynamodb", "UpdateItem"): 1,
        ("dynamodb", "GetItem"): 2,
        ("dynamodb", "DeleteItem"): 1,
    }
    assert [effect.operation for effect in aws.effects] == ["PutItem", "UpdateItem", "DeleteItem"]


def test_a_condition_that_does_not_hold_changes_nothing(aws: FakeAws) -> None:
    table = aws.client("dynamodb")
    put = {
        "TableName": "copies",
        "ConditionExpression": "attribute_not_exists(id) OR version < :v",
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }

    def version(number: str) -> dict[str, Any]:
        values = {":v": {"N": number}}
        return {"Item": {"id": s("a"), "version": {"N": number}}, "ExpressionAttributeValues": values}

    table.put_item(**put, **version("9"))
    table.put_item(**put, **version("10"))
    with pytest.raises(table.exceptions.ConditionalCheckFailedException) as raised:
        table.put_item(**put, **version("9"))
    assert raised.value.response["Item"] == {"id": s("a"), "version": {"N": "10"}}
    assert aws.dynamodb.items("copies") == [{"id": s("a"), "version": {"N": "10"}}]


def test_a_transaction_is_done_as_a_whole_or_says_which_part_stood_in_the_way(aws: FakeAws) -> None:
    table = aws.client("dynamodb")
    marker = {
        "Put": {
            "TableName": "state",
            "Item": {"id": s("d-1")},
            "ConditionExpression": "attribute_not_exists(id)",
        }
    }
    write = {"Put": {"TableName": "copies", "Item": {"id": s("a")}}}
    table.transact_write_items(TransactItems=[marker, write], ClientRequestToken="t-1")
    table.transact_write_items(TransactItems=[marker, write], ClientRequestToken="t-1")
    with pytest.raises(ClientError) as raised:
        table.transact_write_items(TransactItems=[marker, write])
    assert raised.value.response["Error"]["Code"] == "TransactionCanceledException"
    assert [reason["Code"] for reason in raised.value.response["CancellationReasons"]] == [
        "ConditionalCheckFailed",
        "None",
    ]
    assert len(aws.effects) == 2
    assert (
        code_of(table.transact_write_items, TransactItems=[write], ClientRequestToken="t-1")
        == "IdempotentParameterMismatchException"
    )
    assert code_of(table.transact_write_items, TransactItems=[write, write]) == "ValidationException"
    aws.sandbox.sleep(601)
    assert (
        code_of(table.transact_write_items, TransactItems=[marker, write], ClientRequestToken="t-1")
        == "TransactionCanceledException"
    )


def test_a_batch_write_gives_back_what_it_did_not_do() -> None:
    aws = FakeAws(tables={"copies": ["id"]}, faults=ScriptedFaults({0: Fault.some([1])}))
    puts = [{"PutRequest": {"Item": {"id": s(name)}}} for name in "abc"]
    answer = aws.dynamodb.batch_write_item(RequestItems={"copies": puts})
    assert answer == {"UnprocessedItems": {"copies": [puts[1]]}}
    again = {"copies": [*answer["UnprocessedItems"]["copies"], {"DeleteRequest": {"Key": {"id": s("a")}}}]}
    assert aws.dynamodb.batch_write_item(RequestItems=again) == {"UnprocessedItems": {}}
    assert aws.dynamodb.items("copies") == [{"id": s("c")}, {"id": s("b")}]


def test_tables_and_keys_that_are_not_there_are_errors(aws: FakeAws) -> None:
    table = aws.client("dynamodb")
    assert code_of(table.get_item, TableName="none", Key={"id": s("a")}) == "ResourceNotFoundException"
    assert code_of(table.put_item, TableName="pairs", Item={"p": s("a")}) == "ValidationException"
    wrong = {"TableName": "copies", "Item": {"id": s("a")}, "ConditionExpression": "size(id) > :n"}
    assert code_of(table.put_item, **wrong) == "ValidationException"


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("attribute_exists(a)", True),
        ("attribute_not_exists(#z)", True),
        ("n = :five", True),
        ("n <> :five", False),
        ("n BETWEEN :five AND :ten", True),
        ("n > :five OR (a = :x AND NOT n < :five)", True),
        ("n < :ten AND n >= :ten", False),
        ("a IN (:five, :x)", True),
        ("begins_with(a, :x)", True),
        ("contains(m.inner, :x)", False),
        ("m.inner = :five", True),
        ("m.none = :five", False),
        ("a > :five", False),
        ("a <> :five", True),
    ],
)
def test_conditions(text: str, holds: bool) -> None:
    item = {"a": s("x"), "n": {"N": "5"}, "m": {"M": {"inner": {"N": "5.0"}}}}
    values = {":five": {"N": "5"}, ":ten": {"N": "10"}, ":x": s("x")}
    if text.startswith("contains"):
        item["m"] = {"M": {"inner": s("abc")}}
    assert compile_condition(text)(item, {"#z": "z"}, values) is holds


def test_updates_see_the_item_as_it_was() -> None:
    item = {"a": {"N": "1"}, "b": {"N": "2"}, "m": {"M": {"x": s("old")}}, "tags": {"SS": ["p", "q"]}}
    update = compile_update(
        "SET a = b - :one, b = a, c = if_not_exists(c, :one), m.x = :new ADD tags :r DELETE t2 :r REMOVE z"
    )
    values = {":one": {"N": "1"}, ":new": s("new"), ":r": {"SS": ["r"]}}
    assert update(item, {}, values) == {
        "a": {"N": "1"},
        "b": {"N": "1"},
        "c": {"N": "1"},
        "m": {"M": {"x": s("new")}},
        "tags": {"SS": ["p", "q", "r"]},
    }
    assert item["m"] == {"M": {"x": s("old")}}
    with pytest.raises(ExpressionTextError):
        compile_update("SET no.where = :new")(item, {}, values)


def test_places_in_lists_can_be_read_set_and_removed() -> None:
    item = {"l": {"L": [{"N": "1"}, {"M": {"x": s("old")}}, {"N": "3"}]}}
    values = {":new": s("new"), ":one": {"N": "1"}}
    update = compile_update("SET #l[1].x = :new, #l[9] = :one REMOVE #l[0]")
    assert update(item, {"#l": "l"}, values) == {"l": {"L": [{"M": {"x": s("new")}}, {"N": "3"}, {"N": "1"}]}}
    assert compile_condition("l[0] = :one AND attribute_not_exists(l[3])")(item, {}, values)


def test_the_table_action_can_do_all_it_does() -> None:
    def action(name: str, **config: Any) -> ActionSpec:
        return ActionSpec(name, "table", {"table": "copies", **config})

    rules = RuleSet(
        (
            Rule(
                "copy",
                ("orders",),
                (
                    action("put", put={"id": "{{ keys.id }}", "order": "{{ new }}"}),
                    action(
                        "update",
                        update={
                            "key": {"id": "sum"},
                            "set": {"last": "{{ new.n }}"},
                            "add": {"total": "{{ new.n }}", "tags": ["x"]},
                            "remove": ["draft"],
                        },
                    ),
                    action("delete", delete={"key": {"id": "o-1"}}),
                ),
            ),
        )
    )
    aws = FakeAws(tables={"copies": ["id"]})
    invocation = Invocation(
        Engine.from_rules(rules), actions_of(rules, {}, aws), log=lambda _line: None, workers=InlineWorkers
    )
    sim = StreamSim(lambda event, _context: invocation.deliver(parse_event(event)), sandbox=aws.sandbox)
    sim.put({"id": "o-1", "n": 2})
    sim.put({"id": "o-2", "n": 3})
    sim.run()
    assert [each.error for each in sim.invocations] == [None]
    items = sorted(aws.dynamodb.items("copies"), key=lambda item: str(item["id"]["S"]))
    assert items == [
        {"id": s("o-2"), "order": {"M": {"id": s("o-2"), "n": {"N": "3"}}}},
        {"id": s("sum"), "last": {"N": "3"}, "total": {"N": "5"}, "tags": {"SS": ["x"]}},
    ]


@pytest.mark.parametrize("text", ["", "a =", "a ? :b", "a = :b c", "size(a) = :b", "(a = :b", "1 = :b"])
def test_what_is_no_condition_is_refused(text: str) -> None:
    with pytest.raises(ExpressionTextError):
        compile_condition(text)


# Events, records, invocations and executions


def event(number: int, **entry: Any) -> dict[str, Any]:
    return {"EventBusName": "b", "Source": "s", "DetailType": "d", "Detail": f'{{"n":{number}}}', **entry}


def test_a_bus_takes_events_one_by_one_and_drops_some_without_a_word() -> None:
    aws = FakeAws(faults=ScriptedFaults({1: Fault.some([1], "ThrottlingException")}))
    bus = aws.client("events")
    bus.missing.add("nowhere")
    entries = [
        event(0),
        event(1, EventBusName="nowhere"),
        event(2, DetailType="x" * 129),
        event(3, Detail="[]"),
    ]
    assert bus.put_events(Entries=entries) == {
        "FailedEntryCount": 1,
        "Entries": [
            {"EventId": "event-0"},
            {"EventId": "event-1"},
            {"EventId": "event-1"},
            {"ErrorCode": "MalformedDetail", "ErrorMessage": "Detail is malformed."},
        ],
    }
    answer = bus.put_events(Entries=[event(4), event(5)])
    assert [each.get("ErrorCode") for each in answer["Entries"]] == [None, "ThrottlingException"]
    assert [each["Detail"] for each in bus.events("b")] == ['{"n":0}', '{"n":4}']
    assert bus.describe_event_bus(Name="b") == {"Name": "b"}
    assert code_of(bus.describe_event_bus, Name="nowhere") == "ResourceNotFoundException"
    assert code_of(bus.put_events, Entries=[]) == "ValidationException"
    assert code_of(bus.put_events, Entries=[event(0)] * 11) == "ValidationException"
    large = event(0, Detail=f'{{"a":"{"x" * 524_300}"}}')
    assert code_of(bus.put_events, Entries=[large] * 2) == "ValidationException"


def test_a_stream_takes_records_and_says_which_failed() -> None:
    aws = FakeAws(faults=ScriptedFaults({1: Fault.some([0], "InternalFailure")}))
    stream = aws.client("firehose")
    assert stream.put_record(DeliveryStreamName="s", Record={"Data": b"a"}) == {"RecordId": "record-0"}
    answer = stream.put_record_batch(DeliveryStreamName="s", Records=[{"Data": b"b"}, {"Data": b"c"}])
    assert answer == {
        "FailedPutCount": 1,
        "RequestResponses": [
            {"ErrorCode": "InternalFailure", "ErrorMessage": "made to fail with InternalFailure"},
            {"RecordId": "record-1"},
        ],
    }
    assert stream.records("s") == [b"a", b"c"]
    large = {"Data": b"x" * 1_024_001}
    for records in ([], [{"Data": b""}] * 501, [large], [{"Data": b"x" * 1_024_000}] * 5):
        code = code_of(stream.put_record_batch, DeliveryStreamName="s", Records=records)
        assert code == "InvalidArgumentException"
    assert code_of(stream.put_record, DeliveryStreamName="s", Record=large) == "InvalidArgumentException"


def test_a_function_is_invoked_and_may_fail_who_waits_for_it() -> None:
    aws = FakeAws()
    functions = aws.client("lambda")
    functions.handlers["f"] = lambda payload: 1 / payload["n"]

    def invoke(kind: str, payload: bytes) -> tuple[int, str | None, bytes]:
        answer = functions.invoke(FunctionName="f", InvocationType=kind, Payload=payload)
        return answer["StatusCode"], answer.get("FunctionError"), answer["Payload"].read()

    assert invoke("RequestResponse", b'{"n":2}') == (200, None, b"0.5")
    status, error, body = invoke("RequestResponse", b'{"n":0}')
    assert (status, error) == (200, "Unhandled")
    assert b"ZeroDivisionError" in body
    assert invoke("Event", b'{"n":0}') == (202, None, b"")
    assert functions.payloads("f") == [{"n": 2}, {"n": 0}, {"n": 0}]
    assert len(aws.effects) == 2
    large = {"FunctionName": "f", "InvocationType": "Event", "Payload": b" " * 1_048_577}
    assert code_of(functions.invoke, **large) == "RequestTooLargeException"


def test_an_execution_of_a_name_is_started_once() -> None:
    aws = FakeAws()
    machines = aws.client("stepfunctions")
    start = {"stateMachineArn": "arn:aws:states:e:1:stateMachine:m", "name": "n", "input": "{}"}
    assert machines.start_execution(**start) == {"executionArn": "arn:aws:states:e:1:execution:m:n"}
    assert code_of(machines.start_execution, **start) == "ExecutionAlreadyExists"
    large = {**start, "name": "o", "input": "x" * 262_145}
    assert code_of(machines.start_execution, **large) == "InvalidExecutionInput"
    assert machines.executions == {(start["stateMachineArn"], "n"): "{}"}


# Messages


def test_messages_arrive_in_order_and_a_batch_says_which_entries_failed() -> None:
    aws = FakeAws(faults=ScriptedFaults({1: Fault.some([0], "InternalError")}))
    assert aws.sns.publish(TopicArn=TOPIC, Message="one")["MessageId"] == "sns-0"
    entries = [{"Id": "x", "Message": "two"}, {"Id": "y", "Message": "three"}]
    answer = aws.sns.publish_batch(TopicArn=TOPIC, PublishBatchRequestEntries=entries)
    assert answer == {
        "Successful": [{"Id": "y", "MessageId": "sns-1"}],
        "Failed": [
            {
                "Id": "x",
                "Code": "InternalError",
                "Message": "made to fail with InternalError",
                "SenderFault": False,
            }
        ],
    }
    assert [message["Message"] for message in aws.sns.messages(TOPIC)] == ["one", "three"]
    assert [effect.operation for effect in aws.effects] == ["Publish", "PublishBatch"]


def test_a_fifo_queue_drops_a_repeat_for_five_minutes() -> None:
    aws = FakeAws()
    send = {"QueueUrl": FIFO, "MessageBody": "x", "MessageGroupId": "g", "MessageDeduplicationId": "d"}
    first = aws.sqs.send_message(**send)
    assert aws.sqs.send_message(**send) == first
    assert len(aws.sqs.messages(FIFO)) == 1
    aws.sandbox.sleep(300)
    assert aws.sqs.send_message(**send)["MessageId"] != first["MessageId"]
    assert len(aws.sqs.messages(FIFO)) == 2
    assert code_of(aws.sqs.send_message, QueueUrl=FIFO, MessageBody="x") == "MissingParameter"


def test_a_received_message_is_hidden_until_it_is_deleted_or_its_time_is_over() -> None:
    aws = FakeAws()
    for body in ("a", "b"):
        aws.sqs.send_message(QueueUrl=QUEUE, MessageBody=body)
    receive = {"QueueUrl": QUEUE, "MaxNumberOfMessages": 10}
    first, second = aws.sqs.receive_message(**receive)["Messages"]
    assert (first["Body"], second["Body"]) == ("a", "b")
    assert aws.sqs.receive_message(**receive) == {}
    aws.sqs.delete_message(QueueUrl=QUEUE, ReceiptHandle=first["ReceiptHandle"])
    aws.sandbox.sleep(30)
    (again,) = aws.sqs.receive_message(**receive)["Messages"]
    assert (again["Body"], again["Attributes"]) == ("b", {"ApproximateReceiveCount": "2"})


def test_messages_have_the_services_limits() -> None:
    aws = FakeAws()
    assert (
        code_of(aws.sqs.send_message, QueueUrl=QUEUE, MessageBody="x" * 1_048_577) == "InvalidParameterValue"
    )
    assert code_of(aws.sns.publish, TopicArn=TOPIC, Message="x" * 262_145) == "InvalidParameter"
    entries = [{"Id": str(number), "MessageBody": "x"} for number in range(11)]
    send = {"QueueUrl": QUEUE, "Entries": entries}
    assert code_of(aws.sqs.send_message_batch, **send) == "TooManyEntriesInBatchRequest"
    assert code_of(aws.sqs.send_message_batch, QueueUrl=QUEUE, Entries=[]) == "EmptyBatchRequest"
    twice = [entries[0], entries[0]]
    assert code_of(aws.sqs.send_message_batch, QueueUrl=QUEUE, Entries=twice) == "BatchEntryIdsNotDistinct"
    assert aws.effects == []


# S3


def test_an_object_is_written_once_where_that_is_asked_for() -> None:
    aws = FakeAws()
    aws.s3.put_object(Bucket="b", Key="k", Body=b"one", IfNoneMatch="*")
    assert (
        code_of(aws.s3.put_object, Bucket="b", Key="k", Body=b"two", IfNoneMatch="*") == "PreconditionFailed"
    )
    assert aws.s3.get_object(Bucket="b", Key="k")["Body"].read() == b"one"
    aws.s3.put_object(Bucket="b", Key="k", Body="two")
    assert aws.s3.objects == {("b", "k"): b"two"}
    assert code_of(aws.s3.get_object, Bucket="b", Key="none") == "NoSuchKey"


# OpenSearch


def bulk(aws: FakeAws, *lines: dict[str, Any]) -> list[dict[str, Any]]:
    """What came of each entry."""
    body = "".join(f"{json.dumps(line)}\n" for line in lines).encode()
    answer = aws.transport.send("POST", "https://search.example.com/orders/_bulk?a=b", {}, body, 10, 1_000)
    return [result for item in json.loads(answer.body)["items"] for result in item.values()]


def index_line(version: int, version_type: str = "external_gte") -> dict[str, Any]:
    return {"index": {"_id": "o-1", "version": version, "version_type": version_type}}


DELETE = {"delete": {"_id": "o-1", "version": 7, "version_type": "external_gte"}}
CONFLICT = {"status": 409, "error": {"type": "version_conflict_engine_exception"}}


def test_an_index_keeps_the_newest_version_of_a_document() -> None:
    aws = FakeAws()
    assert bulk(aws, index_line(5), {"n": 1}, index_line(4), {"n": 2}, index_line(5), {"n": 3}) == [
        {"status": 201},
        CONFLICT,
        {"status": 200},
    ]
    assert bulk(aws, index_line(5, "external"), {"n": 4}) == [CONFLICT]
    assert aws.opensearch.documents == {("orders", "o-1"): {"n": 3}}
    assert [effect.operation for effect in aws.effects] == ["index", "index"]


def test_an_index_remembers_for_a_while_what_was_deleted() -> None:
    aws = FakeAws()
    assert bulk(aws, index_line(6), {"n": 1}, DELETE, DELETE) == [
        {"status": 201},
        {"status": 200},
        {"status": 404},
    ]
    assert bulk(aws, index_line(6), {"n": 1}) == [CONFLICT]
    aws.sandbox.sleep(60)
    assert bulk(aws, index_line(6), {"n": 1}) == [{"status": 201}]


def test_single_entries_of_a_bulk_can_fail_and_a_whole_one_too() -> None:
    aws = FakeAws(faults=ScriptedFaults({0: Fault.some([0]), 1: Fault.error(), 2: Fault.lost()}))
    assert bulk(aws, index_line(5), {"n": 1}, DELETE) == [
        {"status": 429, "error": {"type": "rejected_execution_exception"}},
        {"status": 404},
    ]
    url = "https://search.example.com/orders/_bulk"
    body = f"{json.dumps(DELETE)}\n".encode()
    assert aws.transport.send("POST", url, {}, body, 10, 1_000) == Answer(503)
    with pytest.raises(ActionError) as failure:
        aws.transport.send("POST", url, {}, body, 10, 1_000)
    assert failure.value.code == "TIMEOUT"


# Faults


def faulty(*faults: Fault) -> FakeAws:
    return FakeAws(faults=ScriptedFaults(dict(enumerate(faults))))


def bodies(aws: FakeAws) -> list[str]:
    return [message["MessageBody"] for message in aws.sqs.messages(QUEUE)]


def test_an_error_comes_before_the_effect_and_a_lost_answer_after_it() -> None:
    aws = faulty(Fault.error("ThrottlingException"), Fault.lost(2.0))
    assert code_of(aws.sqs.send_message, QueueUrl=QUEUE, MessageBody="a") == "ThrottlingException"
    before = aws.sandbox.now
    with pytest.raises(ReadTimeoutError):
        aws.sqs.send_message(QueueUrl=QUEUE, MessageBody="b")
    assert aws.sandbox.now - before == pytest.approx(2.005)
    assert bodies(aws) == ["b"]


@pytest.mark.parametrize(("after", "arrived"), [(False, []), (True, ["a"])])
def test_a_process_that_crashed_does_nothing_more(after: bool, arrived: list[str]) -> None:
    aws = faulty(Fault.crash(after=after))
    for body in ("a", "b"):
        with pytest.raises(FunctionDied, match="crashed"):
            aws.sqs.send_message(QueueUrl=QUEUE, MessageBody=body)
    assert bodies(aws) == arrived


def test_a_slow_call_takes_effect_though_the_function_times_out() -> None:
    aws = faulty(Fault.slow(5))
    aws.sandbox.begin(timeout_seconds=3)
    with pytest.raises(FunctionDied, match="timed out"):
        aws.sqs.send_message(QueueUrl=QUEUE, MessageBody="a")
    assert (aws.sandbox.end(), bodies(aws)) == ("timed out", ["a"])
    aws.sandbox.begin(timeout_seconds=3)
    aws.sqs.send_message(QueueUrl=QUEUE, MessageBody="b")
    assert (aws.sandbox.end(), bodies(aws)) == (None, ["a", "b"])


def random_outcomes(mix: FaultMix, seed: int) -> list[str]:
    """How 2,000 calls of four kinds end."""
    faults = RandomFaults(
        mix,
        seed,
        store_tables=["state"],
        queue_urls=[QUEUE],
        is_poison=lambda call: call.request.get("Message") == "poison",
    )
    aws = FakeAws(Sandbox(), faults=faults, tables={"state": ["id"]})
    calls = [
        lambda: aws.sns.publish(TopicArn=TOPIC, Message="m"),
        lambda: aws.dynamodb.put_item(TableName="state", Item={"id": s("a")}),
        lambda: aws.sqs.send_message(QueueUrl=QUEUE, MessageBody="m"),
        lambda: aws.sns.publish(TopicArn=TOPIC, Message="poison"),
    ]
    outcomes = []
    for number in range(2000):
        aws.sandbox.begin(60)
        try:
            calls[number % 4]()
        except (ClientError, ReadTimeoutError, FunctionDied) as error:
            code = error.response["Error"]["Code"] if isinstance(error, ClientError) else ""
            outcomes.append(f"{number % 4} {code or type(error).__name__}")
        else:
            outcomes.append(f"{number % 4} ok")
    return outcomes


def test_random_faults_follow_the_mix_and_the_seed() -> None:
    mix = FaultMix("some", transient_errors=0.2, store_failures=0.3, queue_failures=0.1, crashes=0.01)
    outcomes = random_outcomes(mix, 3)
    assert outcomes == random_outcomes(mix, 3)
    assert outcomes != random_outcomes(mix, 4)
    fine = [sum(outcome == f"{kind} ok" for outcome in outcomes) for kind in range(4)]
    assert [round(count / 500, 1) for count in fine] == [0.8, 0.7, 0.9, 0.0]
    assert {outcome for outcome in outcomes if outcome[0] == "3"} == {
        "3 ValidationException",
        "3 FunctionDied",
    }


def test_a_share_must_be_a_share() -> None:
    with pytest.raises(ValueError, match=r"^crashes must be a share from 0 to 1$"):
        FaultMix("wrong", crashes=1.5)


# Secrets Manager and Parameter Store


def test_a_secret_and_a_parameter_are_read_and_rotated() -> None:
    aws = FakeAws(secrets={"secret:api": "a", "ssm:/key": "b"})
    manager, store = aws.client("secretsmanager"), aws.client("ssm")
    assert manager.get_secret_value(SecretId="api") == {"Name": "api", "SecretString": "a"}
    assert store.get_parameter(Name="/key", WithDecryption=True)["Parameter"]["Value"] == "b"
    aws.secrets["secret:api"] = "c"
    assert manager.get_secret_value(SecretId="api")["SecretString"] == "c"
    assert code_of(manager.get_secret_value, SecretId="none") == "ResourceNotFoundException"
    assert code_of(store.get_parameter, Name="/none") == "ParameterNotFound"


# Webhooks


def posted(aws: FakeAws) -> Any:
    return aws.transport.send("POST", "https://hooks.example.com/o-1", {"x-a": "b"}, b"{}", 10)


def test_a_webhook_that_arrived_is_an_effect() -> None:
    aws = FakeAws()
    assert posted(aws) == Answer(204)
    request = {"url": "https://hooks.example.com/o-1", "headers": {"x-a": "b"}, "body": "{}"}
    assert [tuple(effect[:3]) for effect in aws.effects] == [("webhook", "POST", request)]


def test_a_fault_of_a_webhook_is_an_answer_or_none_at_all() -> None:
    faults = [Fault.error("ValidationException"), Fault.error("ThrottlingException"), Fault.lost(10)]
    aws = FakeAws(faults=ScriptedFaults(dict(enumerate(faults))))
    assert [posted(aws), posted(aws)] == [Answer(422), Answer(503)]
    assert aws.effects == []
    with pytest.raises(ActionError) as failure:
        posted(aws)
    assert (failure.value.code, failure.value.error_class) == ("TIMEOUT", "transient")
    assert len(aws.effects) == 1


def test_the_actions_of_rules_send_their_webhooks_to_it() -> None:
    aws = FakeAws()
    hook = ActionSpec("w", "webhook", {"url": "https://hooks.example.com/{{ keys.id }}", "body": "hello"})
    rules = RuleSet((Rule("r", ("orders",), (hook,)),))
    invocation = Invocation(
        Engine.from_rules(rules), actions_of(rules, {}, aws), log=print, workers=InlineWorkers
    )
    raw = record_from_images({"event": "INSERT", "keys": {"id": "o-1"}, "new": {"id": "o-1"}}, "orders")
    invocation.deliver(parse_event({"Records": [raw]}), InvocationContext.of(None))
    assert [(effect.request["url"], effect.request["body"]) for effect in aws.effects] == [
        ("https://hooks.example.com/o-1", '"hello"')
    ]
