"""`redrive` on real queues, buckets and streams."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from rules_engine.cli.main import rules_engine, run
from rules_engine.delivery.dead_letter_queue import SqsDeadLetterQueue
from rules_engine.engine import Engine
from rules_engine.errors import ActionError
from rules_engine.local.keys import Keys
from rules_engine.local.tables import create_table
from rules_engine.redrive.delivery import Redriver
from rules_engine.redrive.message import read_message
from rules_engine.redrive.source import Letter, QueueSource
from tests.aws_proxy import AwsProxy
from tests.delivery_fakes import Bench, FakeAction, World, change, rules_of
from tests.test_actions_sns import messages_in, subscribed
from tests.test_redrive import LAMBDAS, letter_of
from tests.worst_records import worst_records

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rules_engine.local.ministack import Ministack

pytestmark = pytest.mark.local

RULES = """
version: 1
rules:
  - id: first
    table: {table}
    actions:
      - {{id: a, type: sns, topic_arn: "{topic}", message: "{{{{ eventID }}}}"}}
      - {{id: b, type: webhook, url: "https://hooks.example.com/{{{{ new.name }}}}"}}
"""


@pytest.fixture
def queue_url(aws: Ministack, unique_name: Callable[[str], str]) -> str:
    url: str = aws.client("sqs").create_queue(QueueName=unique_name("dead"))["QueueUrl"]
    return url


@pytest.fixture
def bucket(aws: Ministack, unique_name: Callable[[str], str]) -> str:
    name = unique_name("spill")
    where = {"LocationConstraint": "eu-central-1"}
    aws.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration=where)
    return name


@pytest.fixture
def inbox(
    aws: Ministack, unique_name: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> str:
    """The URL of a queue that gets what the rules in the current directory publish."""
    topic, url = subscribed(aws, unique_name("orders"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rules.yaml").write_text(RULES.format(table="orders", topic=topic))
    return url


def redrive(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any]:
    """Exit code and report."""
    code = run(rules_engine, ["redrive", "--rules", "rules.yaml", "--format", "json", *arguments])
    return code, json.loads(capsys.readouterr().out or "null")


def send(aws: Ministack, url: str, *bodies: str) -> None:
    for body in bodies:
        aws.client("sqs").send_message(QueueUrl=url, MessageBody=body)


def left_in(aws: Ministack, url: str) -> int:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    attributes = aws.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return sum(int(attributes[name]) for name in names)


def arrived(aws: Ministack, url: str) -> list[str]:
    return sorted(message["Body"] for message in messages_in(aws, url))


def test_letters_are_shown_then_delivered_and_then_gone(
    aws: Ministack, queue_url: str, inbox: str, capsys: pytest.CaptureFixture[str]
) -> None:
    send(aws, queue_url, *(letter_of(change(number)).message() for number in (1, 2)))
    code, report = redrive(capsys, "--dry-run", queue_url)
    assert (code, report["counts"]) == (0, {"would be delivered": 2})
    assert (left_in(aws, queue_url), arrived(aws, inbox)) == (2, [])
    code, report = redrive(capsys, queue_url)
    assert (code, report["counts"]) == (0, {"delivered": 2})
    assert (left_in(aws, queue_url), arrived(aws, inbox)) == (0, ["e-1", "e-2"])
    assert redrive(capsys, queue_url) == (2, None)


def test_what_fails_again_and_what_is_not_asked_for_stays(
    aws: Ministack, queue_url: str, inbox: str, capsys: pytest.CaptureFixture[str]
) -> None:
    hopeless = letter_of(change(2, name=".."), action="b")
    gone = letter_of(change(3), rule="gone")
    send(aws, queue_url, letter_of(change(1)).message(), hopeless.message(), gone.message(), "no letter")
    code, report = redrive(capsys, "--rule", "first", queue_url)
    assert (code, report["counts"]) == (1, {"delivered": 1, "failed": 2, "left out": 1})
    failed = {(row.get("action"), row["error"]) for row in report["letters"] if row["result"] == "failed"}
    assert failed == {
        ("b", "the URL must not have '.' or '..' as a path segment"),
        (None, "the message is not JSON"),
    }
    assert (left_in(aws, queue_url), arrived(aws, inbox)) == (3, ["e-1"])


def test_the_report_can_be_read(
    aws: Ministack, queue_url: str, inbox: str, capsys: pytest.CaptureFixture[str]
) -> None:
    letter = letter_of(change(1))
    send(aws, queue_url, letter.message())
    assert (
        run(rules_engine, ["redrive", "--rules", "rules.yaml", "--rate", "100", "--limit", "5", queue_url])
        == 0
    )
    assert capsys.readouterr().out == f"delivered: first -> a {letter.id}\n1 letter: 1 delivered\n"


def test_at_a_rate_older_changes_go_first_too(
    aws: Ministack, queue_url: str, inbox: str, capsys: pytest.CaptureFixture[str]
) -> None:
    letters = [letter_of(change(number, "o-1")) for number in (12, 3, 7)]
    send(aws, queue_url, *(letter.message() for letter in letters))
    _, report = redrive(capsys, "--rate", "1000", queue_url)
    assert [row["id"] for row in report["letters"]] == [letters[at].id for at in (1, 2, 0)]
    assert report["counts"] == {"delivered": 3}


def test_a_dry_run_says_of_each_letter_what_it_is_about(
    aws: Ministack, queue_url: str, inbox: str, capsys: pytest.CaptureFixture[str]
) -> None:
    tried = {"class": "systemic", "code": "NotFound", "message": "the topic is not there"}
    letters = [letter_of(change(1)), replace(letter_of(change(2), action="b"), error=tried, attempts=3)]
    letters.append(replace(letter_of({"eventID": "e-3"}, None, None), sequence_number="3"))
    for letter in letters:
        Path(letter.sequence_number).write_text(letter.message())
    files = [letter.sequence_number for letter in letters]
    assert run(rules_engine, ["redrive", "--rules", "rules.yaml", "--dry-run", *files]) == 0
    last = "the last at 2024-01-01T00:00:00.000Z"
    assert capsys.readouterr().out.splitlines() == [
        f"would be delivered: first -> a {letters[0].id}",
        f'  INSERT orders {{"order_id":"o-1"}}: permanent HTTP_422, 1 try, {last}',
        f"would be delivered: first -> b {letters[1].id}",
        f'  INSERT orders {{"order_id":"o-2"}}: systemic NotFound (the topic is not there), 3 tries, {last}',
        "would be delivered: 3",
        "  a record that cannot be read (a record is neither of a DynamoDB nor of a Kinesis stream): "
        f"permanent HTTP_422, 1 try, {last}",
        "3 letters: 3 would be delivered",
    ]


def test_one_letter_can_be_sent_alone(
    aws: Ministack, queue_url: str, inbox: str, capsys: pytest.CaptureFixture[str]
) -> None:
    letters = [letter_of(change(number)) for number in (1, 2, 3)]
    send(aws, queue_url, *(letter.message() for letter in letters))
    code, report = redrive(capsys, "--id", letters[1].id, queue_url)
    assert (code, report["counts"]) == (0, {"delivered": 1, "left out": 2})
    assert (left_in(aws, queue_url), arrived(aws, inbox)) == (2, ["e-2"])


def test_letters_are_shown_as_explain_reads_them(
    aws: Ministack,
    queue_url: str,
    inbox: str,
    tmp_path: Path,
    bucket: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """One that is compressed, one whose record is in a bucket, and Lambda's own."""
    letters = [letter_of(change(number)) for number in (1, 2)]
    record = json.dumps(letters[1].record).encode()
    aws.client("s3").put_object(Bucket=bucket, Key="spilled", Body=record)
    pointing = letters[1].pointing_message(bucket, "spilled", record)
    send(aws, queue_url, letters[0].compressed_message(), pointing, "no letter")
    event = {"Records": [change(3), change(4)]}
    (tmp_path / "lambdas.json").write_text(json.dumps({**LAMBDAS, "payload": json.dumps(event)}))
    arguments = ["redrive", "--rules", "rules.yaml", "--show", queue_url, "lambdas.json"]
    assert run(rules_engine, arguments) == 1
    shown = capsys.readouterr()
    lines = shown.out.splitlines()
    assert sorted(lines[:2]) == sorted(letter.message() for letter in letters)
    assert [json.loads(line) for line in lines[2:]] == [event]
    failed, summary = shown.err.splitlines()
    assert failed.startswith("failed: ")
    assert failed.endswith(": the message is not JSON")
    assert summary == "4 letters: 3 shown, 1 failed"
    assert left_in(aws, queue_url) == 3
    (tmp_path / "letters").write_text(shown.out)
    assert run(rules_engine, ["explain", "letters", "--rules", "rules.yaml", "--format", "json"]) == 0
    explained = json.loads(capsys.readouterr().out)["records"]
    assert sorted(each["event_id"] for each in explained) == ["e-1", "e-2", "e-3", "e-4"]


def test_a_limit_is_kept(
    aws: Ministack, queue_url: str, inbox: str, capsys: pytest.CaptureFixture[str]
) -> None:
    send(aws, queue_url, *(letter_of(change(number)).message() for number in range(1, 6)))
    _, report = redrive(capsys, "--limit", "2", queue_url)
    assert (report["counts"], left_in(aws, queue_url)) == ({"delivered": 2}, 3)


def test_at_a_rate_each_letter_that_is_delivered_has_its_time(
    aws: Ministack,
    queue_url: str,
    inbox: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bodies = [letter_of(change(number)).message() for number in range(1, 4)]
    send(aws, queue_url, *bodies, letter_of(change(4), rule="gone").message())
    waited: list[float] = []
    monkeypatch.setattr("time.sleep", waited.append)
    code, report = redrive(capsys, "--rule", "first", "--rate", "0.000001", queue_url)
    assert (code, report["counts"]) == (0, {"delivered": 3, "left out": 1})
    # A million seconds for each, less what its delivery took.
    assert [round(seconds, -5) for seconds in waited] == [1_000_000] * 3


def test_records_are_read_from_the_stream_where_lambda_only_says_where_they_were(
    aws: Ministack,
    queue_url: str,
    inbox: str,
    unique_name: Callable[[str], str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    table = unique_name("orders")
    stream = create_table(aws, table, Keys((("id", "S"),), ""))
    rules = (tmp_path / "rules.yaml").read_text().replace("table: orders", f"table: {table}")
    (tmp_path / "rules.yaml").write_text(rules.partition("      - {id: b")[0])
    for number in range(5):
        aws.client("dynamodb").put_item(TableName=table, Item={"id": {"S": f"o-{number}"}})
    streams = aws.client("dynamodbstreams")
    (shard,) = streams.describe_stream(StreamArn=stream)["StreamDescription"]["Shards"]
    start = streams.get_shard_iterator(
        StreamArn=stream, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    records = streams.get_records(ShardIterator=start)["Records"]
    info = {
        "streamArn": stream,
        "shardId": shard["ShardId"],
        "startSequenceNumber": records[1]["dynamodb"]["SequenceNumber"],
        "endSequenceNumber": records[3]["dynamodb"]["SequenceNumber"],
    }
    send(aws, queue_url, json.dumps({**LAMBDAS, "DDBStreamBatchInfo": info}))
    code, report = redrive(capsys, queue_url)
    assert (code, report["counts"]) == (0, {"delivered": 1})
    assert arrived(aws, inbox) == sorted(record["eventID"] for record in records[1:4])
    assert left_in(aws, queue_url) == 0


def test_lambdas_documents_in_a_bucket_are_delivered_and_stay(
    aws: Ministack, bucket: str, inbox: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rules = (tmp_path / "rules.yaml").read_text()
    (tmp_path / "rules.yaml").write_text(rules.partition("      - {id: b")[0])
    document = json.dumps({**LAMBDAS, "payload": json.dumps({"Records": [change(1), change(2)]})})
    aws.client("s3").put_object(Bucket=bucket, Key="aws/lambda/one.json", Body=document.encode())
    (tmp_path / "two.json").write_text(letter_of(change(3)).message())
    code, report = redrive(capsys, f"s3://{bucket}/aws/", "two.json")
    assert (code, report["counts"]) == (0, {"delivered": 2})
    assert arrived(aws, inbox) == ["e-1", "e-2", "e-3"]
    assert aws.client("s3").list_objects_v2(Bucket=bucket)["KeyCount"] == 1


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("{queue}-none", "NonExistentQueue"),
        ("s3://no-such-bucket-here/", "NoSuchBucket"),
        ("none.json", "No such file or directory"),
    ],
)
def test_a_source_that_cannot_be_read_is_said(
    queue_url: str, inbox: str, source: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = run(rules_engine, ["redrive", "--rules", "rules.yaml", source.format(queue=queue_url)])
    captured = capsys.readouterr()
    assert (code, captured.out) == (1, "")
    assert message in captured.err


@pytest.mark.parametrize(
    "source",
    ["arn:aws:sqs:eu-west-1:123456789012:dead", "ftp://x/y", "s3://", "s3:///x", "https://", "http:///x"],
)
def test_what_looks_like_no_source_is_wrong_usage(
    source: str, inbox: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(rules_engine, ["redrive", "--dry-run", "--rules", "rules.yaml", "letter.json", source]) == 2
    assert capsys.readouterr() == (
        "",
        "Usage: rules-engine redrive [OPTIONS] SOURCES...\n"
        "Try 'rules-engine redrive --help' for help.\n\n"
        f"Error: '{source}' is no source of letters: give the URL of a queue, s3://bucket/prefix or a file."
        "\n",
    )


def test_what_was_done_before_a_source_broke_is_reported(
    aws: Ministack, queue_url: str, inbox: str, capsys: pytest.CaptureFixture[str]
) -> None:
    letter = letter_of(change(1))
    send(aws, queue_url, letter.message())
    code = run(rules_engine, ["redrive", "--rules", "rules.yaml", queue_url, f"{queue_url}-none"])
    captured = capsys.readouterr()
    assert (code, captured.out) == (1, f"delivered: first -> a {letter.id}\n1 letter: 1 delivered\n")
    assert captured.err == (
        f"Error: cannot take letters out of {queue_url}-none: AWS.SimpleQueueService.NonExistentQueue: "
        "The specified queue does not exist for this wsdl version.\n"
    )


def test_a_letter_that_cannot_be_deleted_keeps_no_other_and_is_said_to_be_delivered(
    aws: Ministack,
    queue_url: str,
    inbox: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    letters = [letter_of(change(number)) for number in (1, 2, 3)]
    send(aws, queue_url, *(letter.message() for letter in letters))
    deleted: list[str] = []

    def refuse(name: str) -> str | None:
        if name == "DeleteMessage":
            deleted.append(name)
        return "AccessDenied" if name == "DeleteMessage" and len(deleted) == 2 else None

    with AwsProxy(aws.endpoint_url, refuse) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.url)
        code, report = redrive(capsys, queue_url)
    assert (code, report["counts"]) == (1, {"delivered": 2, "failed": 1})
    errors = [row["error"] for row in report["letters"] if row["result"] == "failed"]
    assert errors == ["delivered, but cannot be deleted: AccessDenied"]
    assert (left_in(aws, queue_url), arrived(aws, inbox)) == (1, ["e-1", "e-2", "e-3"])


def test_a_stream_that_cannot_be_read_keeps_no_other_letter(
    aws: Ministack,
    queue_url: str,
    inbox: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    info = LAMBDAS["DDBStreamBatchInfo"] | {"startSequenceNumber": "1" * 21, "endSequenceNumber": "3" * 21}  # type: ignore[operator]
    lambdas = json.dumps(LAMBDAS | {"DDBStreamBatchInfo": info})
    send(aws, queue_url, lambdas, letter_of(change(1)).message())
    refuse = {"GetShardIterator": "AccessDeniedException"}.get
    with AwsProxy(aws.endpoint_url, refuse) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.url)
        code, report = redrive(capsys, queue_url)
    assert (code, report["counts"]) == (1, {"delivered": 1, "failed": 1})
    errors = [row["error"] for row in report["letters"] if row["result"] == "failed"]
    assert errors == ["the stream cannot be read: AccessDeniedException"]
    assert (left_in(aws, queue_url), arrived(aws, inbox)) == (1, ["e-1"])


def test_what_was_done_before_an_interruption_is_reported_and_the_rest_stays(
    aws: Ministack,
    queue_url: str,
    inbox: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    letters = [letter_of(change(number)) for number in (1, 2, 3)]
    send(aws, queue_url, *(letter.message() for letter in letters))
    remove = QueueSource.remove

    def interrupted(source: QueueSource, letter: Letter) -> None:
        # Not by a signal: Python drops what one raises while an object is being finalized.
        remove(source, letter)
        if left_in(aws, queue_url) == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(QueueSource, "remove", interrupted)
    code = run(rules_engine, ["redrive", "--rules", "rules.yaml", "--rate", "1000", queue_url])
    captured = capsys.readouterr()
    assert (code, captured.err) == (130, f"Error: {queue_url}: interrupted\n")
    assert captured.out.endswith("2 letters: 2 delivered\n")
    assert left_in(aws, queue_url) == 1
    assert arrived(aws, inbox) == ["e-1", "e-2"]


def test_a_file_that_is_not_there_is_found_before_anything_is_delivered(
    aws: Ministack, queue_url: str, inbox: str, capsys: pytest.CaptureFixture[str]
) -> None:
    send(aws, queue_url, letter_of(change(1)).message())
    code = run(rules_engine, ["redrive", "--rules", "rules.yaml", queue_url, "none.json"])
    captured = capsys.readouterr()
    assert (code, captured.out) == (1, "")
    assert "No such file or directory" in captured.err
    assert (left_in(aws, queue_url), arrived(aws, inbox)) == (1, [])


# The ten worst records


class Capturing(FakeAction):
    """Keeps each record that it is given, as JSON text."""

    def render(self, delivery: Any) -> dict[str, Any]:
        record: Mapping[str, Any] = delivery.match.record.raw
        self.records[delivery.id] = json.dumps(record)
        return super().render(delivery)

    @property
    def records(self) -> dict[str, str]:
        found: dict[str, str] = self.__dict__.setdefault("found", {})
        return found


def test_the_ten_worst_records_come_back_byte_for_byte(aws: Ministack, queue_url: str, bucket: str) -> None:
    raws = worst_records()
    refused = ActionError("HTTP_422", "the receiver answered 422", "permanent")
    bench = Bench(rules_of(first="a"), World(fault=lambda event_id, action_id, number: refused))
    sqs, s3 = aws.client("sqs"), aws.client("s3")
    bench.dead_letters = SqsDeadLetterQueue(sqs, queue_url, s3, bucket)  # type: ignore[assignment]
    for raw in raws.values():
        assert bench.deliver(raw) is None
    action = Capturing(World())
    redriver = Redriver(Engine.from_rules(bench.rules), {("first", "a"): action}, lambda line: None)
    source = QueueSource(sqs, queue_url)
    unreadable = []
    for group in source.groups():
        letters = [
            read_message(each.text, lambda bucket, key: s3.get_object(Bucket=bucket, Key=key)["Body"].read())
            for each in group
        ]
        for letter, result, message in zip(group, redriver.deliver(letters), letters, strict=True):  # type: ignore[arg-type]
            if result.result == "delivered":
                source.remove(letter)
            else:
                unreadable.append(json.dumps(message.record))  # type: ignore[union-attr]
    source.close()
    assert sorted([*action.records.values(), *unreadable]) == sorted(json.dumps(raw) for raw in raws.values())
    assert unreadable == [json.dumps(raws["nothing as it should be"])]
    assert left_in(aws, queue_url) == 1


def test_a_letter_whose_secret_is_missing_stays_and_says_so(
    aws: Ministack,
    queue_url: str,
    inbox: str,
    unique_name: Callable[[str], str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    rules, secret = tmp_path / "rules.yaml", unique_name("absent")
    head = f', headers: {{authorization: "${{secret:{secret}}}"}}}}'
    text = rules.read_text()
    rules.write_text(text.rstrip().removesuffix("}") + head)
    needing = letter_of(change(2, name="x"), action="b")
    send(aws, queue_url, letter_of(change(1)).message(), needing.message())
    assert run(rules_engine, ["redrive", "--rules", "rules.yaml", "--format", "json", queue_url]) == 1
    out, err = capsys.readouterr()
    report = json.loads(out)
    error = f"'${{secret:{secret}}}' cannot be read: ResourceNotFoundException"
    failed = [row for row in report["letters"] if row["result"] == "failed"]
    assert report["counts"] == {"delivered": 1, "failed": 1}
    assert [(row["id"], row["code"], row["error"]) for row in failed] == [
        (needing.id, "SECRET_UNREADABLE", error)
    ]
    logged = [
        (line["message"], line.get("code"), line["error"]) for line in map(json.loads, err.splitlines())
    ]
    assert logged == [
        ("secret cannot be read; the actions that need it wait", None, error),
        ("action failed", "SECRET_UNREADABLE", error),
    ]
    assert (left_in(aws, queue_url), arrived(aws, inbox)) == (1, ["e-1"])
