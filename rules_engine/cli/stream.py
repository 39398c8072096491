"""`rules-engine stream`: what changed in a table, as long as its stream has it, for `explain` and `run`.

In: the table's name, and which changes are wanted. Out: their records, one a line, as Lambda hands them over;
those of one item are in the order in which they were made.
"""

from __future__ import annotations

import sys
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from rules_engine.cli.aws_errors import SourceUnusable, aws_errors, code_of
from rules_engine.cli.exit_codes import OK
from rules_engine.cli.rule_files import NothingFound, count

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@click.command("stream", short_help="Print what changed in a table.")
@click.argument("table")
@click.option(
    "--key",
    "keys",
    metavar="NAME=VALUE",
    multiple=True,
    help="Only changes of items with this value in their key; repeatable.",
)
@click.option(
    "--record",
    "records",
    metavar="ID",
    multiple=True,
    help="Only the record with this sequence number or event id; repeatable.",
)
@click.option("--since", metavar="TIME", help="Only changes from this time on, as 2026-01-31T17:20:00Z.")
@click.option("--until", metavar="TIME", help="Only changes before this time.")
def command(
    table: str, keys: tuple[str, ...], records: tuple[str, ...], since: str | None, until: str | None
) -> int:
    """Print the changes of TABLE in the last 24 hours, as its stream has them: one record a line, as the
    function gets it.

    It needs dynamodb:DescribeTable, and DescribeStream, GetShardIterator and GetRecords on the stream. The
    whole stream is read, also for one item. Nothing is changed. AWS credentials and region are found as boto3
    always finds them.

    \b
    Examples:
      rules-engine stream orders --key order_id=o-17
      rules-engine stream orders --key order_id=o-17 | rules-engine explain - --rule order-shipped
      rules-engine stream orders --record 49668899999999999999999 | rules-engine run --dry-run -
    """
    from rules_engine import exact_json
    from rules_engine.aws import Clients
    from rules_engine.cli.progress import progress
    from rules_engine.redrive.shard import read_whole, shards_of

    wanted = _Wanted(keys, records, _seconds("--since", since), _seconds("--until", until))
    client = Clients().client
    found = read = 0
    try:
        stream_arn = _stream_of(table, wanted.keys, client("dynamodb"))
        streams = client("dynamodbstreams")
        with progress(sys.stderr, "reading the stream") as track:
            for shard in track(shards_of(stream_arn, streams)):
                for record in read_whole(stream_arn, shard, streams):
                    read += 1
                    if wanted.takes(record):
                        found += 1
                        click.echo(exact_json.dumps(record))
    except aws_errors() as error:
        raise SourceUnusable(f"the stream of table '{table}' cannot be read: {code_of(error)}") from error
    if not found:
        raise NothingFound(
            f"the stream of table '{table}' has {count(read, 'change')}, and none that was asked for"
        )
    click.echo(f"{found} of {count(read, 'change')}", err=True)
    return OK


class _Wanted:
    """Which records are. Times are in seconds since 1970."""

    def __init__(
        self, keys: Sequence[str], ids: Sequence[str], since: float | None, until: float | None
    ) -> None:
        self.keys = dict(_name_and_value(text) for text in keys)
        self._ids, self._since, self._until = set(ids), since, until

    def takes(self, record: Mapping[str, Any]) -> bool:
        data = record["dynamodb"]
        at = data.get("ApproximateCreationDateTime", 0)
        held = {name: next(iter(value.values())) for name, value in data.get("Keys", {}).items()}
        return (
            all(held.get(name) == value for name, value in self.keys.items())
            and (not self._ids or not self._ids.isdisjoint((data["SequenceNumber"], record["eventID"])))
            and (self._since is None or at >= self._since)
            and (self._until is None or at < self._until)
        )


def _name_and_value(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise click.UsageError(f"--key is NAME=VALUE, as order_id=o-17, and not '{text}'.")
    return name, value


def _seconds(option: str, text: str | None) -> float | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.utcoffset() is None:
        raise click.UsageError(
            f"{option} is a time with its zone, as 2026-01-31T17:20:00Z, and not '{text}'."
        )
    return moment.timestamp()


def _stream_of(table: str, keys: Mapping[str, str], dynamodb: Any) -> str:
    """The ARN of the table's stream. Raises SourceUnusable, UsageError for a key that its items do not have,
    and what boto3 raises."""
    description = dynamodb.describe_table(TableName=table)["Table"]
    named = [each["AttributeName"] for each in description["KeySchema"]]
    for name in keys:
        if name not in named:
            raise click.UsageError(f"The key of table '{table}' has no '{name}': it is {', '.join(named)}.")
    if "LatestStreamArn" not in description:
        raise SourceUnusable(f"the table '{table}' has no stream")
    return str(description["LatestStreamArn"])
