"""`python -m tests.aws.verify`: rules deployed, changed, taken back and examined in a real account.

    AWS_PROFILE=sandbox python -m tests.aws.verify

It makes a table, a topic, a queue and a stack of its own, whose names begin with --name, goes through the
steps below, says of each whether it holds, and deletes all of it again. Against the emulator it goes as far
as that goes: what only AWS can show is left out, and said to be. Exit code 1 if a step fails.
docs/verify-on-aws.md has what is to be looked at besides.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import traceback
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3

from tests.deployed_stack import Account, mended_session

if TYPE_CHECKING:
    from collections.abc import Callable

STEPS: list[tuple[Any, str | None]] = []

BOTH = "NEW_AND_OLD_IMAGES"


def step(not_emulated: str | None = None) -> Callable[[Any], Any]:
    """Marks a step; its docstring is what holds. `not_emulated` says why the emulator cannot show it."""

    def mark(function: Any) -> Any:
        STEPS.append((function, not_emulated))
        return function

    return mark


def expect(result: tuple[int, str], *texts: str, code: int = 0) -> None:
    """Raises AssertionError unless a command ended with `code` and printed all of `texts`."""
    found, output = result
    if found != code or not all(text in output for text in texts):
        raise AssertionError(f"exit code {found}, expected {code} and {texts}:\n{output}")


def expect_heard(account: Account, *texts: str) -> None:
    if not account.has_heard(*texts):
        raise AssertionError(f"expected {texts}, and {account.seen} arrived")


def version_in_service(account: Account) -> str:
    found = account.aws.client("lambda").get_alias(FunctionName=account.stack, Name="live")
    return str(found["FunctionVersion"])


@step()
def no_stream(account: Account) -> None:
    """a table without a stream is refused, with the command that switches it on"""
    account.write_rules("ON-ITS-WAY", "first")
    expect(account.deploy("--set", f"TOPIC_ARN={account.topic}", "--yes"), "has no stream", code=1)
    account.stream(BOTH)


@step()
def first_deployment(account: Account) -> None:
    """a first deployment makes the stack, and a change in the table arrives"""
    expect(account.deploy("--set", f"TOPIC_ARN={account.topic}", "--yes"), "FunctionName: ")
    account.change("p-1", "PACKED", "ON-ITS-WAY")
    expect_heard(account, "first p-1")


@step("its CloudFormation does not switch on time to live")
def time_to_live(account: Account) -> None:
    """the state table has time to live on expires_at"""
    dynamodb = account.aws.client("dynamodb")
    found = dynamodb.describe_time_to_live(TableName=account.outputs()["StateTable"])["TimeToLiveDescription"]
    if found.get("AttributeName") != "expires_at":
        raise AssertionError(str(found))


@step()
def doctor_is_clean(account: Account) -> None:
    """doctor finds nothing"""
    expect(account.run("doctor", "--stack", account.stack), "nothing found")


@step()
def nothing_to_change(account: Account) -> None:
    """the same rules again change nothing"""
    expect(account.deploy("--yes"), "nothing to change")


@step()
def dry_run(account: Account) -> None:
    """a dry run shows the new filter, and leaves no change set behind"""
    account.write_rules("AT-THE-DOOR", "second")
    expect(account.deploy("--dry-run"), "FilterCriteria", "nothing was changed")
    listed = account.aws.client("cloudformation").list_change_sets(StackName=account.stack)
    if any(each["ExecutionStatus"] == "AVAILABLE" for each in listed["Summaries"]):
        raise AssertionError(str(listed["Summaries"]))


@step()
def changed_rules(account: Account) -> None:
    """changed rules take effect, through a changed filter"""
    expect(account.deploy("--yes"), "FilterCriteria")
    account.change("p-2", "PACKED", "ON-ITS-WAY", "AT-THE-DOOR")
    expect_heard(account, "second p-2")


@step("its CloudFormation forgets a function's versions at each update")
def rollback_of_a_stack(account: Account) -> None:
    """rollback brings the rules before back, with a filter wide enough, and deploy the newer ones"""
    before = version_in_service(account)
    expect(account.run("rollback", "--stack", account.stack, "--yes"), "2 patterns")
    account.change("p-3", "PACKED", "ON-ITS-WAY")
    expect_heard(account, "first p-3")
    expect(account.deploy("--yes"), f"version {before} is in service")


@step()
def rules_only(account: Account) -> None:
    """--rules-only puts a new version into service without CloudFormation"""
    account.write_rules("AT-THE-DOOR", "third")
    expect(account.deploy("--rules-only", "--yes"), "is in service")
    account.change("p-4", "PACKED", "AT-THE-DOOR")
    expect_heard(account, "third p-4")


@step()
def rollback_of_a_version(account: Account) -> None:
    """rollback takes that back"""
    expect(account.run("rollback", "--stack", account.stack, "--yes"), "is in service")
    account.change("p-5", "PACKED", "AT-THE-DOOR")
    expect_heard(account, "second p-5")


@step()
def stack_after_rules_only(account: Account) -> None:
    """a full deployment of rules that --rules-only has published before makes a version of its own"""
    account.write_rules("AT-THE-DOOR", "third")
    expect(account.deploy("--yes"), "FunctionName: ")
    account.change("p-6", "PACKED", "AT-THE-DOOR")
    expect_heard(account, "third p-6")


@step()
def filter_of_a_text_that_may_be_a_binary(account: Account) -> None:
    """a filter for a text that could be the base64 of a binary lets it through"""
    account.write_rules("PAID", "fourth")
    expect(account.deploy("--yes"), "PAID")
    account.change("p-7", "PACKED", "PAID")
    expect_heard(account, "fourth p-7")


@step()
def stream_replaced(account: Account) -> None:
    """doctor finds a stream that was switched off and on, and a deployment follows it"""
    account.stream(None)
    account.stream(BOTH)
    expect(account.run("doctor", "--stack", account.stack), "stream-replaced", code=1)
    account.write_rules("ON-ITS-WAY", "fifth")
    expect(account.deploy("--yes"), "EventSourceArn")
    account.change("p-8", "PACKED", "ON-ITS-WAY")
    if not account.hears("fifth p-8"):
        raise AssertionError(f"{account.seen} arrived")
    expect(account.run("doctor", "--stack", account.stack), "nothing found")


def clean_up(account: Account) -> None:
    """Deletes all that was made, as far as it is there."""
    client = account.aws.client
    cloudformation = client("cloudformation")
    cloudformation.delete_stack(StackName=account.stack)
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=account.stack)
    for name in account.buckets():
        _delete_bucket(client("s3"), name)
    for url in client("sqs").list_queues(QueueNamePrefix=account.stack).get("QueueUrls", []):
        client("sqs").delete_queue(QueueUrl=url)
    client("sns").delete_topic(TopicArn=account.topic)
    client("dynamodb").delete_table(TableName=account.table)
    groups = client("logs").describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{account.stack}")
    for each in groups["logGroups"]:
        client("logs").delete_log_group(logGroupName=each["logGroupName"])


def _delete_bucket(s3: Any, name: str) -> None:
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=name):
        for each in page.get("Contents", []):
            s3.delete_object(Bucket=name, Key=each["Key"])
    s3.delete_bucket(Bucket=name)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--name", default="rules-engine-check", help="what the names of all things begin with"
    )
    parser.add_argument("--keep", action="store_true", help="delete nothing at the end")
    options = parser.parse_args(arguments)
    is_emulator = "AWS_ENDPOINT_URL" in os.environ
    if is_emulator:
        boto3.DEFAULT_SESSION = mended_session()
    failed = 0
    with tempfile.TemporaryDirectory() as directory:
        name = f"{options.name}-{uuid.uuid4().hex[:6]}"
        account = Account.new(boto3, Path(directory), name)
        _say(f"everything is named {name}")
        try:
            for function, not_emulated in STEPS:
                failed += not _hold(function, not_emulated if is_emulator else None, account)
        finally:
            if not options.keep:
                clean_up(account)
                _say("all of it is deleted again")
    return 1 if failed else 0


def _hold(function: Any, left_out: str | None, account: Account) -> bool:
    if left_out is not None:
        _say(f"left out  {function.__doc__}: {left_out}")
        return True
    try:
        function(account)
    except Exception as error:
        # The other steps are to be tried all the same.
        _say(f"FAILED    {function.__doc__}")
        _say("".join(traceback.format_exception_only(error)))
        return False
    _say(f"ok        {function.__doc__}")
    return True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
