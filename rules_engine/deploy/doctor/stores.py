"""Checks of what the function keeps things in: dead letters, large records, its state, its log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rules_engine import settings
from rules_engine.deploy.doctor.finding import Finding
from rules_engine.deploy.refusals import DeploymentError, asking
from rules_engine.deploy.source_tables import table_of
from rules_engine.deploy.template.deployment import LOG_RETENTION_DAYS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rules_engine.deploy.doctor.finding import Examined

_NO_QUEUE = ("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist")
_KEY = [{"AttributeName": "id", "KeyType": "HASH"}]
_TTL_ATTRIBUTE = "expires_at"


def dead_letters(examined: Examined) -> Iterator[Finding]:
    """There is a queue for dead letters, and nothing in it."""
    url = examined.function.environment.get(settings.DEAD_LETTER_QUEUE_URL)
    if url is None:
        yield _unset(
            examined,
            "dead-letter-queue-missing",
            settings.DEAD_LETTER_QUEUE_URL,
            "no record is ever given up",
        )
        return
    try:
        with asking(f"read the queue {url}"):
            names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
            answer = examined.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)
    except DeploymentError as error:
        if error.code not in _NO_QUEUE:
            raise
        yield Finding(
            "dead-letter-queue-missing",
            "the queue for dead letters does not exist: what cannot be delivered holds up its shard",
            url,
            f"make it again, or point {settings.DEAD_LETTER_QUEUE_URL} at another one",
        )
        return
    letters = sum(int(number) for number in answer["Attributes"].values())
    if letters:
        yield Finding(
            "dead-letters",
            f"about {letters} dead letters wait",
            url,
            f"see why, mend it, and bring them back: rules-engine redrive --dry-run {url}",
        )


def spill_bucket(examined: Examined) -> Iterator[Finding]:
    """There is a bucket for records that are too large for a message."""
    bucket = examined.function.environment.get(settings.SPILL_BUCKET)
    if bucket is None:
        yield _unset(
            examined,
            "spill-bucket-missing",
            settings.SPILL_BUCKET,
            "a record too large for a message is not given up",
        )
        return
    try:
        with asking(f"look for the bucket '{bucket}'"):
            examined.client("s3").head_bucket(Bucket=bucket)
    except DeploymentError as error:
        if error.code not in ("404", "NoSuchBucket"):
            raise
        yield Finding(
            "spill-bucket-missing",
            "the bucket for large records, and for batches that Lambda gives up, does not exist",
            f"bucket '{bucket}'",
            "make it again, private and encrypted",
        )


def state_table(examined: Examined) -> Iterator[Finding]:
    """There is a state table with the right key, from which old items go."""
    name = examined.function.environment.get(settings.STATE_TABLE)
    if name is None:
        yield _unset(
            examined,
            "state-table-missing",
            settings.STATE_TABLE,
            "all that was done is done again whenever a record of the batch fails",
        )
        return
    dynamodb, where = examined.client("dynamodb"), f"table '{name}'"
    table = table_of(dynamodb, name)
    if table is None:
        yield Finding(
            "state-table-missing",
            "the state table does not exist: every batch fails of which a record matches",
            where,
            "make it again, with the key id (string) and time to live on expires_at",
        )
        return
    if table["KeySchema"] != _KEY:
        yield Finding(
            "state-table-key",
            "its key is not 'id'",
            where,
            "give the function a table with the key id (string)",
        )
    with asking(f"read the time to live of the table '{name}'"):
        live = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    is_on = live.get("TimeToLiveStatus") in ("ENABLED", "ENABLING")
    if not is_on or live.get("AttributeName") != _TTL_ATTRIBUTE:
        yield Finding(
            "state-table-ttl",
            f"it has no time to live on '{_TTL_ATTRIBUTE}': it grows for ever",
            where,
            f"aws dynamodb update-time-to-live --table-name {name} "
            f"--time-to-live-specification Enabled=true,AttributeName={_TTL_ATTRIBUTE}",
        )


def log(examined: Examined) -> Iterator[Finding]:
    """There is a log group, and it does not keep everything for ever."""
    name = examined.log_group
    with asking(f"read the log group '{name}'"):
        pages = examined.client("logs").get_paginator("describe_log_groups").paginate(logGroupNamePrefix=name)
        groups = {each["logGroupName"]: each for page in pages for each in page["logGroups"]}
    if name not in groups:
        remedy = f"aws logs create-log-group --log-group-name {name}"
        yield Finding("log-group-missing", "the function has nowhere to log to", f"log group {name}", remedy)
    elif "retentionInDays" not in groups[name]:
        yield Finding(
            "log-retention",
            "the log is kept for ever, and paid for",
            f"log group {name}",
            f"aws logs put-retention-policy --log-group-name {name} --retention-in-days {LOG_RETENTION_DAYS}",
        )


def _unset(examined: Examined, check: str, variable: str, effect: str) -> Finding:
    where = f"function '{examined.function.name}'"
    return Finding(
        check, f"{variable} is not set: {effect}", where, "deploy the rules again: rules-engine deploy"
    )
