"""`deploy` and `rollback` on the emulator, from a table without a stream to a change that arrives."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.deployed_stack import Account, emulated

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rules_engine.local.ministack import Ministack

pytestmark = pytest.mark.local

BOTH = "NEW_AND_OLD_IMAGES"


@pytest.fixture
def account(ministack: Ministack, tmp_path: Path, unique_name: object) -> Iterator[Account]:
    with emulated(ministack):
        yield Account.new(ministack, tmp_path, unique_name("parcels"))  # type: ignore[operator]


def of_resources(output: str) -> list[str]:
    """The lines of a shown change, without hashes."""
    lines = [line for line in output.splitlines() if re.match(r"[-+~!] |    ", line)]
    return [re.sub(r"[0-9a-f]{16,64}", "#", line) for line in lines]


def test_from_a_clean_account_to_a_rollback(account: Account) -> None:
    topic = ("--set", f"TOPIC_ARN={account.topic}")
    account.write_rules("ON-ITS-WAY", "first")

    code, output = account.deploy(*topic, "--yes")
    assert (code, f"the table '{account.table}' has no stream; switch it on:" in output) == (1, True)
    account.stream(BOTH)

    code, output = account.deploy("--yes")
    assert code == 1
    assert "TOPIC_ARN has no value: rule 'parcel', action 'sns'" in output

    code, output = account.deploy(*topic, "--dry-run")
    assert (code, output.endswith("nothing was changed: this was a dry run\n")) == (0, True)
    assert account.run("doctor", "--stack", account.stack)[0] == 1  # there is no stack
    assert account.buckets() == []
    long = account.run(
        "deploy", "--stack", "s" * 65, "--rules", str(account.directory / "rules.yaml"), *topic, "--dry-run"
    )
    assert (long[0], long[1].splitlines()[-1]) == (
        2,
        "Error: '--stack': the function is called as the stack, and Lambda takes 64 characters; "
        "these are 65.",
    )

    code, output = account.deploy(*topic, "--yes")
    assert code == 0, output
    assert "+ Alias (AWS::Lambda::Alias)" in of_resources(output)
    assert f"FunctionName: {account.stack}" in output.splitlines()
    account.change("p-1", "PACKED", "ON-ITS-WAY")
    assert account.has_heard("first p-1"), account.seen

    assert account.deploy("--yes") == (
        0,
        f"nothing to change: the stack '{account.stack}' is as the rules want it\n",
    )

    # Another condition is another filter: that takes the whole stack.
    account.write_rules("AT-THE-DOOR", "second")
    code, output = account.deploy("--rules-only", "--yes")
    assert (code, "which takes a full deployment" in output, "FilterCriteria" in output) == (1, True, True)
    code, output = account.deploy("--yes")
    assert code == 0, output
    assert of_resources(output) == [
        "+ Version# (AWS::Lambda::Version)",
        "~ Alias (AWS::Lambda::Alias): changed, perhaps replaced",
        "    Description.Fn::Sub: rules #, code ${CodeKey} -> rules #, code ${CodeKey}",
        "    FunctionVersion.Fn::GetAtt[0]: Version# -> Version#",
        "~ Function (AWS::Lambda::Function): changed, perhaps replaced",
        "    Code.S3Key: #.zip -> #.zip",
        "    Description: rules # -> rules #",
        "    Environment.Variables.RULES_ENGINE_RULES_SHA256: # -> #",
        f"~ {mapping_name(account)} (AWS::Lambda::EventSourceMapping): changed, perhaps replaced",
        '    FilterCriteria.Filters[0].Pattern: {"dynamodb":{"NewImage":{"status":{"S":["ON-ITS-WAY"]}}},'
        '"eventName":["MODIFY"]} -> {"dynamodb":{"NewImage":{"status":{"S":["AT-THE-DOOR"]}}},'
        '"eventName":["MODIFY"]}',
        "- Version# (AWS::Lambda::Version): leaves the stack, and stays",
    ]
    account.change("p-2", "PACKED", "ON-ITS-WAY", "AT-THE-DOOR")
    assert account.has_heard("second p-2"), account.seen

    # Another text is another version and nothing else.
    account.write_rules("AT-THE-DOOR", "third")
    code, output = account.deploy("--rules-only", "--yes")
    assert code == 0, output
    assert output.endswith(f"version 2 is in service; back: rules-engine rollback --stack {account.stack}\n")
    account.change("p-3", "PACKED", "AT-THE-DOOR")
    assert account.has_heard("third p-3"), account.seen

    # Rules that stand in the stack, but not in service, come back without a change of the stack.
    account.write_rules("AT-THE-DOOR", "second")
    code, output = account.deploy("--yes")
    assert (code, output.endswith("\nversion 1 is in service\n")) == (0, True), output
    account.write_rules("AT-THE-DOOR", "fourth")
    assert account.deploy("--rules-only", "--yes")[0] == 0

    for number in ("4", "live", "$LATEST"):
        assert account.run("rollback", "--stack", account.stack, "--to", number, "--yes") == (
            2,
            f"Error: the function '{account.stack}' has no version '{number}', but 1, 2, 3; "
            "nothing was changed\n",
        )
    code, output = account.run("rollback", "--stack", account.stack, "--to", "2", "--yes")
    assert (code, in_short(output)) == (
        0,
        "in service: version 3, rules #\nback to:    version 2, rules #\nversion 2 is in service\n",
    )
    account.change("p-4", "PACKED", "AT-THE-DOOR")
    assert account.has_heard("third p-4"), account.seen
    code, output = account.run("rollback", "--stack", account.stack, "--yes")
    assert (code, output.endswith("\nversion 1 is in service\n")) == (0, True)
    code, output = account.run("rollback", "--stack", account.stack, "--yes")
    assert (code, "is the oldest there is; nothing was changed" in output) == (2, True)


def test_a_stack_that_somebody_made_of_the_template_is_updated(
    account: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    account.stream(BOTH)
    account.write_rules("ON-ITS-WAY", "first")
    rules = str(account.directory / "rules.yaml")
    code, template = account.run("template", "--rules", rules)
    package = account.directory / "function.zip"
    assert (code, account.run("build", "--rules", rules, "-o", str(package))[0]) == (0, 0)
    bucket = f"{account.stack}-own"
    s3, table = (
        account.aws.client("s3"),
        account.aws.client("dynamodb").describe_table(TableName=account.table),
    )
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    s3.put_object(Bucket=bucket, Key="function.zip", Body=package.read_bytes())
    declared = yaml.safe_load(template)["Parameters"]
    values = {
        "CodeBucket": bucket,
        "CodeKey": "function.zip",
        "TopicArn": account.topic,
        next(name for name in declared if name.endswith("StreamArn")): table["Table"]["LatestStreamArn"],
    }
    cloudformation = account.aws.client("cloudformation")
    cloudformation.create_stack(
        StackName=account.stack,
        TemplateBody=template,
        Capabilities=["CAPABILITY_IAM"],
        Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in values.items()],
    )
    cloudformation.get_waiter("stack_create_complete").wait(
        StackName=account.stack, WaiterConfig={"Delay": 1}
    )
    account.write_rules("ON-ITS-WAY", "second")
    code, output = account.deploy("--bucket", bucket, "--yes")
    assert code == 0, output
    assert not any("Mapping" in line or "TOPIC_ARN" in line for line in of_resources(output)), output
    account.change("p-1", "PACKED", "ON-ITS-WAY")
    assert account.has_heard("second p-1"), account.seen


def test_a_template_that_a_request_does_not_take_lies_in_the_bucket(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rules_engine.deploy.stack.MOST_TEMPLATE_BYTES", 1_000)
    account.stream(BOTH)
    account.write_rules("ON-ITS-WAY", "first")
    code, output = account.deploy("--set", f"TOPIC_ARN={account.topic}", "--dry-run")
    assert (code, "+ Alias (AWS::Lambda::Alias)" in output) == (0, True), output
    s3 = account.aws.client("s3")
    (bucket,) = account.buckets()
    (held,) = s3.list_objects_v2(Bucket=bucket)["Contents"]
    assert re.fullmatch(r"[0-9a-f]{64}\.template\.json", held["Key"])
    assert s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"] == {
        "BlockPublicAcls": True,
        "IgnorePublicAcls": True,
        "BlockPublicPolicy": True,
        "RestrictPublicBuckets": True,
    }
    (rule,) = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    assert "aws:SecureTransport" in s3.get_bucket_policy(Bucket=bucket)["Policy"]


def test_a_rollback_first_makes_a_filter_wide_enough(account: Account) -> None:
    client = account.aws.client("lambda")
    account.stream(BOTH)
    account.write_rules("ON-ITS-WAY", "first")
    assert account.deploy("--set", f"TOPIC_ARN={account.topic}", "--yes")[0] == 0
    account.write_rules("ON-ITS-WAY", "second")
    assert account.deploy("--rules-only", "--yes")[0] == 0
    (mapping,) = client.list_event_source_mappings(FunctionName=account.stack)["EventSourceMappings"]
    narrow, needed = '{"eventName":["REMOVE"]}', mapping["FilterCriteria"]["Filters"][0]["Pattern"]
    client.update_event_source_mapping(
        UUID=mapping["UUID"], FilterCriteria={"Filters": [{"Pattern": narrow}]}
    )
    code, output = account.run("rollback", "--stack", account.stack, "--yes")
    assert (code, in_short(output)) == (
        0,
        "in service: version 2, rules #\nback to:    version 1, rules #\n"
        f"first the mapping {mapping['UUID']} gets 2 patterns: its filter drops records that these rules "
        "want\n"
        "version 1 is in service\n",
    )
    after = client.get_event_source_mapping(UUID=mapping["UUID"])["FilterCriteria"]["Filters"]
    assert [each["Pattern"] for each in after] == [narrow, needed]
    account.change("p-1", "PACKED", "ON-ITS-WAY")
    assert account.has_heard("first p-1"), account.seen


def test_a_rollback_to_rules_that_lack_a_permission_is_refused(account: Account) -> None:
    account.stream(BOTH)
    account.write_rules("ON-ITS-WAY", "first")
    assert account.deploy("--set", f"TOPIC_ARN={account.topic}", "--yes")[0] == 0
    account.write_rules("ON-ITS-WAY", "second")
    assert account.deploy("--rules-only", "--yes")[0] == 0
    configuration = account.aws.client("lambda").get_function_configuration(FunctionName=account.stack)
    role = configuration["Role"].rpartition("/")[2]
    account.aws.client("iam").delete_role_policy(RoleName=role, PolicyName="rules")
    code, output = account.run("rollback", "--stack", account.stack, "--yes")
    assert code == 1
    assert f"\n  the function may not do sns:Publish on {account.topic}\n" in output
    alias = account.aws.client("lambda").get_alias(FunctionName=account.stack, Name="live")
    assert alias["FunctionVersion"] == "2"


def in_short(output: str) -> str:
    return re.sub(r"[0-9a-f]{64}", "#", output)


def mapping_name(account: Account) -> str:
    resources = account.aws.client("cloudformation").describe_stack_resources(StackName=account.stack)
    return next(
        str(each["LogicalResourceId"])
        for each in resources["StackResources"]
        if each["ResourceType"] == "AWS::Lambda::EventSourceMapping"
    )
