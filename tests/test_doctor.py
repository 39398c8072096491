"""`doctor` on the emulator: nothing is found where nothing is wrong, and a planted fault is found alone."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NoReturn

import pytest
from botocore.exceptions import ClientError

from rules_engine.aws import Clients
from rules_engine.cli.aws_options import versions_of
from rules_engine.deploy.deployed import deployed
from rules_engine.deploy.doctor import Examined, examine
from rules_engine.local.play import wait_until
from tests.deployed_stack import Account, emulated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rules_engine.local.ministack import Ministack

pytestmark = pytest.mark.local

BOTH = "NEW_AND_OLD_IMAGES"


class Deployed(Account):
    """An account with a stack in it."""

    def client(self, service: str) -> Any:
        return self.aws.client(service)

    @property
    def mapping(self) -> dict[str, Any]:
        stream = self.client("dynamodb").describe_table(TableName=self.table)["Table"]["LatestStreamArn"]
        found = self.client("lambda").list_event_source_mappings(
            FunctionName=self.stack, EventSourceArn=stream
        )
        mapping: dict[str, Any] = found["EventSourceMappings"][0]
        return mapping

    def findings(self, *arguments: str) -> list[dict[str, str]]:
        code, output = self.run("doctor", "--stack", self.stack, "--format", "json", *arguments)
        found: list[dict[str, str]] = json.loads(output)["findings"]
        assert code == bool(found)
        return found

    def deploys(self) -> None:
        code, output = self.deploy("--yes")
        assert code == 0, output


@pytest.fixture(scope="module")
def account(ministack: Ministack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    with emulated(ministack):
        account = Deployed.new(ministack, tmp_path_factory.mktemp("doctor"), "examined")
        account.write_rules("ON-ITS-WAY", "first")
        account.stream(BOTH)
        code, output = account.deploy("--set", f"TOPIC_ARN={account.topic}", "--yes")
        assert code == 0, output
        yield account


FAULTS: list[tuple[Any, list[str]]] = []


def fault(*checks: str) -> Callable[[Any], Any]:
    """Marks a function that plants a fault before its `yield` and takes it away after; `checks` find it."""

    def mark(plant: Any) -> Any:
        FAULTS.append((contextmanager(plant), sorted(checks)))
        return plant

    return mark


@contextmanager
def mapping_with(account: Deployed, **changes: Any) -> Iterator[None]:
    before, client = account.mapping, account.client("lambda")
    client.update_event_source_mapping(UUID=before["UUID"], **changes)
    yield
    after = {name: before[name] for name in changes if name in before}
    client.update_event_source_mapping(UUID=before["UUID"], **after)


@contextmanager
def version_with(account: Deployed, **changes: Any) -> Iterator[None]:
    """Another version in service."""
    client, name = account.client("lambda"), account.stack
    before = client.get_function_configuration(FunctionName=name)
    live = client.get_alias(FunctionName=name, Name="live")["FunctionVersion"]
    client.update_function_configuration(FunctionName=name, **changes)
    new = client.publish_version(FunctionName=name)["Version"]
    client.update_alias(FunctionName=name, Name="live", FunctionVersion=new)
    yield
    client.update_alias(FunctionName=name, Name="live", FunctionVersion=live)
    client.delete_function(FunctionName=name, Qualifier=new)
    client.update_function_configuration(FunctionName=name, **{each: before[each] for each in changes})


@contextmanager
def variables(account: Deployed, **changes: str | None) -> Iterator[None]:
    configuration = account.client("lambda").get_function_configuration(FunctionName=account.stack)
    held = {**configuration["Environment"]["Variables"], **changes}
    kept = {name: value for name, value in held.items() if value is not None}
    with version_with(account, Environment={"Variables": kept}):
        yield


@fault("mapping-twice", "mapping-settings", "mapping-settings", "mapping-settings", "mapping-settings",
       "partial-batch-ignored", "on-failure-missing", "filter-lets-more-through")  # fmt: skip
def two_mappings(account: Deployed) -> Iterator[None]:
    client, before = account.client("lambda"), account.mapping
    second = client.create_event_source_mapping(
        FunctionName=before["FunctionArn"],
        EventSourceArn=before["EventSourceArn"],
        StartingPosition="LATEST",
        BatchSize=1,
    )
    yield
    client.delete_event_source_mapping(UUID=second["UUID"])


@fault("mapping-disabled")
def switched_off(account: Deployed) -> Iterator[None]:
    client, uuid = account.client("lambda"), account.mapping["UUID"]
    client.update_event_source_mapping(UUID=uuid, Enabled=False)
    yield
    client.update_event_source_mapping(UUID=uuid, Enabled=True)


@fault("mapping-not-to-alias")
def past_the_alias(account: Deployed) -> Iterator[None]:
    client, before = account.client("lambda"), account.mapping
    client.update_event_source_mapping(UUID=before["UUID"], FunctionName=account.stack)
    yield
    client.update_event_source_mapping(UUID=before["UUID"], FunctionName=before["FunctionArn"])


@fault("partial-batch-ignored")
def mapping_ignores_answers(account: Deployed) -> Iterator[None]:
    with mapping_with(account, FunctionResponseTypes=[]):
        yield


@fault("partial-batch-unused")
def function_reports_nothing(account: Deployed) -> Iterator[None]:
    with variables(account, RULES_ENGINE_PARTIAL_BATCH="off"):
        yield


@fault("mapping-settings")
def few_tries(account: Deployed) -> Iterator[None]:
    with mapping_with(account, MaximumRetryAttempts=3):
        yield


@fault("mapping-settings")
def records_get_old(account: Deployed) -> Iterator[None]:
    with mapping_with(account, MaximumRecordAgeInSeconds=60):
        yield


@fault("on-failure-missing")
def no_trace_of_failures(account: Deployed) -> Iterator[None]:
    with mapping_with(account, DestinationConfig={}):
        yield


@fault("filter-drops-records")
def narrow_filter(account: Deployed) -> Iterator[None]:
    with mapping_with(account, FilterCriteria={"Filters": [{"Pattern": '{"eventName":["REMOVE"]}'}]}):
        yield


@fault("filter-lets-more-through")
def no_filter(account: Deployed) -> Iterator[None]:
    with mapping_with(account, FilterCriteria={"Filters": []}):
        yield


@fault("stream-replaced")
def new_stream(account: Deployed) -> Iterator[None]:
    account.stream(None)
    account.stream(BOTH)
    yield
    account.deploys()  # which is what the finding says


@fault("stream-replaced", "stream-unfit")
def stream_without_old_images(account: Deployed) -> Iterator[None]:
    account.stream(None)
    account.stream("NEW_IMAGE")
    yield
    account.stream(None)
    account.stream(BOTH)
    account.deploys()


@fault("stream-readers")
def three_readers(account: Deployed) -> Iterator[None]:
    client = account.client("lambda")
    role = client.get_function_configuration(FunctionName=account.stack)["Role"]
    code = {"ZipFile": b"PK\x05\x06" + b"\0" * 18}
    readers = []
    for name in ("examined-second", "examined-third"):
        client.create_function(
            FunctionName=name, Runtime="python3.13", Role=role, Handler="index.handler", Code=code
        )
        stream = account.mapping["EventSourceArn"]
        reader = {"EventSourceArn": stream, "FunctionName": name, "StartingPosition": "LATEST"}
        readers.append(client.create_event_source_mapping(**reader)["UUID"])
    yield
    for uuid in readers:
        client.delete_event_source_mapping(UUID=uuid)
    for name in ("examined-second", "examined-third"):
        client.delete_function(FunctionName=name)


@fault("permission-missing")
def may_not_publish(account: Deployed) -> Iterator[None]:
    iam = account.client("iam")
    role = account.client("lambda").get_function_configuration(FunctionName=account.stack)["Role"]
    name = role.rpartition("/")[2]
    policy = iam.get_role_policy(RoleName=name, PolicyName="rules")["PolicyDocument"]
    left = [each for each in policy["Statement"] if each["Action"] != ["sns:Publish"]]
    assert len(left) == len(policy["Statement"]) - 1
    iam.put_role_policy(
        RoleName=name, PolicyName="rules", PolicyDocument=json.dumps({**policy, "Statement": left})
    )
    yield
    iam.put_role_policy(RoleName=name, PolicyName="rules", PolicyDocument=json.dumps(policy))


@fault("dead-letters")
def letters_wait(account: Deployed) -> Iterator[None]:
    sqs, url = account.client("sqs"), account.outputs()["DeadLetterQueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="{}")
    yield
    sqs.purge_queue(QueueUrl=url)


@fault("dead-letter-queue-missing")
def no_queue(account: Deployed) -> Iterator[None]:
    sqs, url = account.client("sqs"), account.outputs()["DeadLetterQueueUrl"]
    sqs.delete_queue(QueueUrl=url)
    yield
    sqs.create_queue(QueueName=url.rpartition("/")[2])


@fault("dead-letter-queue-missing")
def no_queue_named(account: Deployed) -> Iterator[None]:
    with variables(account, RULES_ENGINE_DEAD_LETTER_QUEUE_URL=None):
        yield


@fault("spill-bucket-missing")
def no_bucket(account: Deployed) -> Iterator[None]:
    s3, name = account.client("s3"), account.outputs()["SpillBucket"]
    s3.delete_bucket(Bucket=name)
    yield
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})


@fault("state-table-missing")
def no_state_table(account: Deployed) -> Iterator[None]:
    dynamodb, name = account.client("dynamodb"), account.outputs()["StateTable"]
    dynamodb.delete_table(TableName=name)
    yield
    dynamodb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    account.switch_on_time_to_live()


@fault("state-table-ttl")
def state_for_ever(account: Deployed) -> Iterator[None]:
    account.client("dynamodb").update_time_to_live(
        TableName=account.outputs()["StateTable"],
        TimeToLiveSpecification={"Enabled": False, "AttributeName": "expires_at"},
    )
    yield
    account.switch_on_time_to_live()


@fault("alias-behind")
def newer_version(account: Deployed) -> Iterator[None]:
    client = account.client("lambda")
    new = client.publish_version(FunctionName=account.stack)["Version"]
    yield
    client.delete_function(FunctionName=account.stack, Qualifier=new)


@fault("log-retention")
def log_for_ever(account: Deployed) -> Iterator[None]:
    logs, name = account.client("logs"), f"/aws/lambda/{account.stack}"
    logs.delete_retention_policy(logGroupName=name)
    yield
    logs.put_retention_policy(logGroupName=name, retentionInDays=30)


@fault("log-group-missing")
def no_log(account: Deployed) -> Iterator[None]:
    logs, name = account.client("logs"), f"/aws/lambda/{account.stack}"
    logs.delete_log_group(logGroupName=name)
    yield
    logs.create_log_group(logGroupName=name)
    logs.put_retention_policy(logGroupName=name, retentionInDays=30)


@fault("concurrency-zero")
def never_called(account: Deployed) -> Iterator[None]:
    client = account.client("lambda")
    client.put_function_concurrency(FunctionName=account.stack, ReservedConcurrentExecutions=0)
    yield
    client.delete_function_concurrency(FunctionName=account.stack)


@fault("runtime-deprecated")
def old_runtime(account: Deployed) -> Iterator[None]:
    with version_with(account, Runtime="python3.9"):
        yield


@fault("timeout-short")
def no_time(account: Deployed) -> Iterator[None]:
    with version_with(account, Timeout=3):
        yield


@fault("variables-missing")
def no_topic(account: Deployed) -> Iterator[None]:
    with variables(account, TOPIC_ARN=None):
        yield


@fault("mapping-unused")
def other_table(account: Deployed) -> Iterator[None]:
    dynamodb, client = account.client("dynamodb"), account.client("lambda")
    table = dynamodb.create_table(
        TableName="examined-other",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": BOTH},
    )["TableDescription"]
    names = (
        "DestinationConfig", "BatchSize", "MaximumRetryAttempts", "MaximumRecordAgeInSeconds",
        "StartingPosition", "BisectBatchOnFunctionError", "FunctionResponseTypes",
    )  # fmt: skip
    settings = {name: account.mapping[name] for name in names}
    mapping = client.create_event_source_mapping(
        FunctionName=account.mapping["FunctionArn"], EventSourceArn=table["LatestStreamArn"], **settings
    )
    yield
    client.delete_event_source_mapping(UUID=mapping["UUID"])
    dynamodb.delete_table(TableName="examined-other")


@fault("state-table-key", "permission-missing", "permission-missing", "permission-missing")
def other_key(account: Deployed) -> Iterator[None]:
    dynamodb = account.client("dynamodb")
    dynamodb.create_table(
        TableName="examined-key",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    live = {"Enabled": True, "AttributeName": "expires_at"}
    dynamodb.update_time_to_live(TableName="examined-key", TimeToLiveSpecification=live)
    with variables(account, RULES_ENGINE_STATE_TABLE="examined-key"):
        yield
    dynamodb.delete_table(TableName="examined-key")


@fault("mapping-failing", "variables-missing")
def batches_fail(account: Deployed) -> Iterator[None]:
    def last_result_is(start: str) -> bool:
        return wait_until(lambda: str(account.mapping["LastProcessingResult"]).startswith(start), 120)

    with variables(account, TOPIC_ARN=None):
        account.change("f-1", "PACKED", "ON-ITS-WAY")
        assert last_result_is("FAILED")
        yield
    assert last_result_is("OK")


@fault("mapping-missing")
def no_mapping(account: Deployed) -> Iterator[None]:
    # The last: the mapping that is made after it is none of the stack's.
    client, before = account.client("lambda"), account.mapping
    client.delete_event_source_mapping(UUID=before["UUID"])
    yield
    names = (
        "EventSourceArn", "BatchSize", "StartingPosition", "FilterCriteria", "DestinationConfig",
        "MaximumRetryAttempts", "MaximumRecordAgeInSeconds", "BisectBatchOnFunctionError",
        "FunctionResponseTypes",
    )  # fmt: skip
    client.create_event_source_mapping(
        FunctionName=before["FunctionArn"], **{name: before[name] for name in names}
    )


@pytest.mark.parametrize(
    ("plant", "checks"), [pytest.param(plant, checks, id=plant.__name__) for plant, checks in FAULTS]
)
def test_a_fault_is_found_and_nothing_else(account: Deployed, plant: Any, checks: list[str]) -> None:
    assert account.findings() == []
    with plant(account):
        found = account.findings()
    assert sorted(each["check"] for each in found) == checks, found
    assert all(each["what"] and each["where"] and each["remedy"] for each in found)


def test_other_rules_here_are_a_finding(account: Deployed) -> None:
    rules = account.directory / "rules.yaml"
    assert account.findings("--rules", str(rules)) == []
    other = account.directory / "other.yaml"
    other.write_text(rules.read_text().replace("first", "other"))
    assert [each["check"] for each in account.findings("--rules", str(other))] == ["rules-differ"]


def test_as_text_it_says_what_where_and_what_to_do(account: Deployed) -> None:
    code, clean = account.run("doctor", "--function", account.stack)
    assert (code, clean.rpartition(": ")[2]) == (0, "14 checks, nothing found\n")
    with contextmanager(log_for_ever)(account):
        code, output = account.run("doctor", "--stack", account.stack)
    name = f"/aws/lambda/{account.stack}"
    assert (code, output.splitlines()[:3]) == (
        1,
        [
            "log-retention: the log is kept for ever, and paid for",
            f"  at log group {name}",
            f"  = do: aws logs put-retention-policy --log-group-name {name} --retention-in-days 30",
        ],
    )


def test_what_may_not_be_looked_at_is_a_finding(account: Deployed) -> None:
    clients = Clients()

    def client(service: str) -> Any:
        if service != "logs":
            return clients.client(service)
        denied = {"Error": {"Code": "AccessDeniedException", "Message": "not authorized to perform: logs:X"}}
        return SimpleNamespace(get_paginator=lambda _: raiser(ClientError(denied, "X")))

    versions = versions_of(clients, account.stack)
    function = deployed(clients.client("lambda"), versions)
    found = examine(Examined(client, function, versions.live(), date(2026, 11, 26)))
    assert [each.check for each in found] == ["not-checked"]
    assert found[0].what.startswith(
        f"cannot read the log group '/aws/lambda/{account.stack}': access denied: "
    )


def raiser(error: Exception) -> NoReturn:
    raise error


def test_the_page_names_every_finding() -> None:
    root = Path(__file__).parent.parent
    sources = (root / "rules_engine" / "deploy" / "doctor").glob("*.py")
    slugs = {
        found
        for source in sources
        for found in re.findall(r'(?:^ +|\(|, )"([a-z]+(?:-[a-z]+)+)",', source.read_text(), re.MULTILINE)
    }
    rows = re.findall(
        r"^\| (`[a-z-]+`(?:, `[a-z-]+`)*) \|", (root / "docs" / "deployment.md").read_text(), re.M
    )
    assert {name for row in rows for name in re.findall(r"`([a-z-]+)`", row)} == slugs
    assert slugs >= {check for _, checks in FAULTS for check in checks}


def test_it_needs_to_know_which_function(account: Deployed) -> None:
    assert account.run("doctor")[0] == 2
    code, output = account.run("doctor", "--stack", "nothing-there")
    assert (code, output) == (
        1,
        "Error: there is no stack 'nothing-there' in eu-central-1; are account and region right?\n",
    )
