from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from rules_engine.delivery.dead_letter import DeadLetter, DeadLetterError, read_dead_letter, record_text
from rules_engine.delivery.dead_letter_queue import MESSAGE_LIMIT_BYTES, SqsDeadLetterQueue
from rules_engine.errors import ActionError
from tests.worst_records import MIB, record, worst_records

if TYPE_CHECKING:
    from collections.abc import Callable

    from rules_engine.local.ministack import Ministack

WORST = worst_records()

_is_sqs_text = re.compile("[\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]+").fullmatch
"""The characters that SQS takes."""


def letter_of(raw: Any) -> DeadLetter:
    return DeadLetter(
        id="JWYOJDBW6D2EZAVARMJZRY27PT67JHOZ",
        record=raw,
        rule="order-shipped",
        action="webhook",
        rules_hash="0" * 64,
        done=("sns",),
        error={"class": "permanent", "code": "HTTP_422", "message": "the receiver answered 422"},
        attempts=1,
        first_seen="2024-01-01T00:00:00.000Z",
        last_try="2024-01-01T00:00:01.000Z",
        sequence_number="100",
        source_arn="arn:aws:dynamodb:eu-west-1:123456789012:table/orders/stream/x",
        function="rules",
        request_id="r-1",
    )


@dataclass
class Services:
    """SQS and S3 in memory, with SQS's limits."""

    limit: int = MESSAGE_LIMIT_BYTES
    messages: list[dict[str, Any]] = field(default_factory=list)
    objects: dict[tuple[str, str], bytes] = field(default_factory=dict)

    def send_message(self, **request: Any) -> None:
        if len(request["MessageBody"].encode()) > self.limit:
            raise refusal("InvalidParameterValue")
        assert _is_sqs_text(request["MessageBody"])
        self.messages.append(request)

    def put_object(self, **request: Any) -> None:
        self.objects[request["Bucket"], request["Key"]] = request["Body"]

    def fetch(self, bucket: str, key: str) -> bytes:
        return self.objects[bucket, key]


def refusal(code: str) -> ClientError:
    answer: Any = {"Error": {"Code": code, "Message": "canary"}}
    return ClientError(answer, "SendMessage")


def queue_of(services: Services, bucket: str | None = "spill", url: str = "https://q") -> SqsDeadLetterQueue:
    return SqsDeadLetterQueue(services, url, None if bucket is None else services, bucket)


def test_the_ten_worst_records_are_as_bad_as_they_should_be() -> None:
    sizes = {name: len(record_text(raw)) for name, raw in WORST.items()}
    assert len(sizes) == 10
    assert max(sizes.values()) > 5.2 * MIB


@pytest.mark.parametrize("name", WORST)
def test_every_record_comes_back_byte_for_byte(name: str) -> None:
    raw = WORST[name]
    before = json.dumps(raw)
    services = Services()
    queue_of(services).send(letter_of(raw))
    (message,) = services.messages
    letter = read_dead_letter(message["MessageBody"], services.fetch)
    assert json.dumps(letter.record) == before
    assert replace(letter, record=None) == replace(letter_of(raw), record=None)


@pytest.mark.parametrize(
    ("name", "encoding"),
    [
        ("a time with a fraction", "json"),
        ("5.5 MiB of small attributes", "gzip"),
        ("400 KB of noise, twice", "s3"),
        ("5.5 MiB of noise", "s3"),
    ],
)
def test_a_record_is_sent_in_the_plainest_form_that_fits(name: str, encoding: str) -> None:
    services = Services()
    queue_of(services).send(letter_of(WORST[name]))
    fields = json.loads(services.messages[0]["MessageBody"])
    assert fields["encoding"] == encoding
    assert len(services.objects) == (encoding == "s3")


def test_a_letter_has_these_fields_and_no_others() -> None:
    fields = json.loads(letter_of(record({})).message())
    assert list(fields) == [
        "v",
        "id",
        "record",
        "rule",
        "action",
        "rules_hash",
        "done",
        "error",
        "attempts",
        "first_seen",
        "last_try",
        "sequence_number",
        "source_arn",
        "function",
        "request_id",
        "encoding",
    ]
    assert (fields["v"], fields["encoding"]) == (1, "json")


def test_a_queue_that_takes_less_gets_less() -> None:
    raw = record({"text": {"S": "x" * 20_000}})
    services = Services(limit=2_000)
    queue_of(services).send(letter_of(raw))
    assert json.loads(services.messages[0]["MessageBody"])["encoding"] == "gzip"


def test_a_fifo_queue_gets_what_it_needs() -> None:
    services = Services()
    queue = queue_of(services, url="https://q.fifo")
    letter = letter_of(record({}))
    other_item = record({})
    other_item["dynamodb"]["Keys"] = {"order_id": {"S": "another"}}
    letters = [letter, replace(letter, id="B" * 32, action="other"), replace(letter, rule="other-rule")]
    letters += [letter_of(other_item), replace(letter, rule=None), letter_of({})]
    for each in letters:
        queue.send(each)
    groups = [message["MessageGroupId"] for message in services.messages]
    # Of one rule and item two letters, and then one each.
    assert [groups.index(group) for group in groups] == [0, 0, 2, 3, 4, 4]
    assert all(1 <= len(group) <= 128 for group in groups)
    assert [message["MessageDeduplicationId"] for message in services.messages] == [
        each.id for each in letters
    ]


def test_without_a_bucket_what_is_too_large_is_refused() -> None:
    with pytest.raises(ActionError) as failure:
        queue_of(Services(), bucket=None).send(letter_of(WORST["5.5 MiB of noise"]))
    assert failure.value.code == "TOO_LARGE"


def test_a_queue_that_refuses_for_another_reason_is_not_asked_in_other_forms() -> None:
    class Denying(Services):
        def send_message(self, **request: Any) -> None:
            self.messages.append(request)
            raise refusal("AccessDenied")

    services = Denying()
    with pytest.raises(ClientError):
        queue_of(services).send(letter_of(record({})))
    assert len(services.messages) == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda fields: "not JSON", "the message is not JSON"),
        (lambda fields: [], "the message is not a dead letter of the rules engine"),
        (lambda fields: {**fields, "more": 1}, "the message is not a dead letter of the rules engine"),
        (lambda fields: {**fields, "v": 2}, "the dead letter has version 2: this program reads 1"),
        (lambda fields: {**fields, "encoding": "zip"}, "the dead letter has an unknown encoding 'zip'"),
        (lambda fields: {**fields, "encoding": "gzip"}, "the dead letter's record cannot be read"),
        (lambda fields: {**fields, "encoding": "s3"}, "the dead letter's record cannot be read"),
    ],
)
def test_what_is_no_letter_is_refused(change: Callable[[Any], Any], message: str) -> None:
    changed = change(json.loads(letter_of(record({})).message()))
    text = changed if isinstance(changed, str) else json.dumps(changed)
    with pytest.raises(DeadLetterError) as refused:
        read_dead_letter(text, Services().fetch)
    assert str(refused.value) == message


def test_an_object_that_was_changed_is_refused() -> None:
    services = Services()
    queue_of(services).send(letter_of(WORST["5.5 MiB of noise"]))
    with pytest.raises(DeadLetterError, match="SHA-256"):
        read_dead_letter(services.messages[0]["MessageBody"], lambda bucket, key: b"{}")


@pytest.mark.local
def test_real_services_take_every_letter(ministack: Ministack, unique_name: Callable[[str], str]) -> None:
    sqs, s3 = ministack.client("sqs"), ministack.client("s3")
    url, bucket = sqs.create_queue(QueueName=unique_name("dead"))["QueueUrl"], unique_name("spill")
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    queue = SqsDeadLetterQueue(sqs, url, s3, bucket)
    for number, raw in enumerate(WORST.values()):
        queue.send(replace(letter_of(raw), id=f"letter-{number}"))
    found = {}
    while len(found) < len(WORST):
        (message,) = sqs.receive_message(QueueUrl=url)["Messages"]
        letter = read_dead_letter(
            message["Body"], lambda bucket, key: s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        )
        found[letter.id] = json.dumps(letter.record)
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    assert found == {f"letter-{number}": json.dumps(raw) for number, raw in enumerate(WORST.values())}
