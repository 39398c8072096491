"""`rules-engine redrive`: dead letters back through exactly the actions that failed.

In: where the letters are, and the rules as they are now. Out: what came of each, and the letters that were
delivered are gone from their queue. Everything else stays: what fails again, what a filter leaves out, and
all of it with --dry-run.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import click

from rules_engine.cli.aws_errors import SourceUnusable, aws_errors, code_of, refusal
from rules_engine.cli.exit_codes import INTERRUPTED, OK, PROBLEMS
from rules_engine.cli.rule_files import NothingFound, count, load_clean_rules, rules_option

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rules_engine.delivery.dead_letter import DeadLetter
    from rules_engine.model import RuleSet
    from rules_engine.redrive.delivery import Redriven, Redriver
    from rules_engine.redrive.message import Batch, Message
    from rules_engine.redrive.source import Letter, Source


@click.command("redrive", short_help="Deliver dead letters again.")
@rules_option
@click.argument("sources", metavar="SOURCES...", nargs=-1, required=True)
@click.option("--id", "ids", metavar="ID", multiple=True, help="Only the letter with this id; repeatable.")
@click.option(
    "--rule", "rule_ids", metavar="ID", multiple=True, help="Only letters of this rule; repeatable."
)
@click.option("--action", "action_ids", metavar="ID", multiple=True, help="Only of this action; repeatable.")
@click.option(
    "--class", "classes", metavar="CLASS", multiple=True, help="Only of this error class; repeatable."
)
@click.option("--code", "codes", metavar="CODE", multiple=True, help="Only with this error code; repeatable.")
@click.option("--limit", type=click.IntRange(min=1), help="At most so many letters.")
@click.option("--rate", type=click.FloatRange(min=0, min_open=True), help="At most so many letters a second.")
@click.option("--dry-run", is_flag=True, help="Show what would be done, and do nothing.")
@click.option("--show", is_flag=True, help="Print the letters themselves, one a line, and do nothing.")
@click.option("--format", "output", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(paths: tuple[str, ...], sources: tuple[str, ...], **options: Any) -> int:
    """Deliver the dead letters in SOURCES again: the action that failed, with the same delivery id, by the
    rules as they are now.

    A source is the URL of an SQS queue, s3://bucket/prefix, or a file with one letter. Beside our own letters
    it may hold what Lambda itself writes for a batch that it gives up: of a message that only says where the
    records were, they are read from the stream. A letter leaves its queue only when it is delivered.

    \b
    Examples:
      rules-engine redrive --dry-run https://sqs.eu-west-1.amazonaws.com/123456789012/rules-dead-letters
      rules-engine redrive --rule order-shipped --rate 5 https://sqs.eu-west-1.amazonaws.com/123456789012/dead
      rules-engine redrive --id IRHUSMFDOWU36DYK25QUXII3HQXDGIVT https://sqs.eu-west-1.amazonaws.com/1234/dead
      rules-engine redrive --show https://sqs.eu-west-1.amazonaws.com/1234/dead | rules-engine explain -
      rules-engine redrive s3://my-failed-batches/aws/lambda/
    """
    from rules_engine.aws import Clients
    from rules_engine.redrive.source import open_source

    for name in sources:
        _check_source(name)
    rule_set = load_clean_rules(paths)
    clients = Clients()
    redriver = None if options["dry_run"] or options["show"] else _redriver(rule_set, clients)
    run = _Run(redriver, clients, options)
    # All before the first is worked on: a file that is not there must not end a run half-way.
    opened = [open_source(name, clients.client) for name in sources]
    for name, source in zip(sources, opened, strict=True):
        try:
            run.work_on(source)
        except aws_errors() as error:
            if not run.rows:
                raise SourceUnusable(refusal(f"take letters out of {name}", error)) from error
            run.break_off(refusal(f"take letters out of {name}", error))
        except KeyboardInterrupt:
            run.break_off(f"{name}: interrupted")
            run.report()
            return INTERRUPTED
        finally:
            source.close()
        if run.is_full or run.is_broken_off:
            break
    if not run.rows:
        raise NothingFound(f"no dead letter in {', '.join(sources)}")
    return run.report()


def _check_source(name: str) -> None:
    """Raises UsageError for what looks like none of the three kinds of sources."""
    scheme, is_url, rest = name.partition("://")
    is_known = scheme in ("http", "https", "s3") and rest[:1] not in ("", "/")
    if name.startswith("arn:") or (is_url and not is_known):
        raise click.UsageError(
            f"'{name}' is no source of letters: give the URL of a queue, s3://bucket/prefix or a file."
        )


def _redriver(rule_set: RuleSet, clients: Any) -> Redriver:
    """Everything that the function has. Raises VariablesMissing, or SettingsError as in Lambda."""
    from rules_engine.aws import Clients
    from rules_engine.cli.environment import remote_references, require_variables
    from rules_engine.engine import Engine
    from rules_engine.function import actions_of, host_policy
    from rules_engine.redrive.delivery import Redriver
    from rules_engine.secret_store import SecretStore
    from rules_engine.settings import Settings

    enabled = [(rule, spec) for rule in rule_set.rules if rule.enabled for spec in rule.actions]
    require_variables(enabled, os.environ)
    settings = Settings.from_environment(os.environ)
    action_clients = Clients(total_attempts=1, hosts=host_policy(settings))
    secrets = SecretStore(clients, action_clients, _log)
    environment = {**os.environ, **secrets.texts(remote_references(rule_set))}
    actions = actions_of(rule_set, environment, action_clients)
    return Redriver(Engine.from_rules(rule_set), actions, _log, settings.debug_values)


def _log(line: str) -> None:
    click.echo(line, err=True)


class _Run:
    """What has been done so far. A row is what the report says of one letter."""

    def __init__(self, redriver: Redriver | None, clients: Any, options: dict[str, Any]) -> None:
        self._redriver, self._clients, self._options = redriver, clients, options
        self._taken = 0
        self.is_broken_off = False
        self.rows: list[dict[str, Any]] = []

    @property
    def is_full(self) -> bool:
        limit: int | None = self._options["limit"]
        return limit is not None and self._taken >= limit

    def break_off(self, reason: str) -> None:
        """What was done until then must not go unsaid."""
        self.is_broken_off = True
        click.echo(f"Error: {reason}", err=True)

    def work_on(self, source: Source) -> None:
        for group in source.groups():
            for letters in self._at_rate(group):
                self._redrive(source, letters)
                if self.is_full:
                    return

    def _at_rate(self, group: list[Letter]) -> Iterator[list[Letter]]:
        """The group as a whole, or each letter alone and in its time, older changes first."""
        rate: float | None = self._options["rate"]
        if rate is None or self._redriver is None:
            yield group
            return
        from rules_engine.redrive.message import sequence_of

        for letter in sorted(group, key=lambda each: sequence_of(each.text)):
            began = time.monotonic()
            taken = self._taken
            yield [letter]
            if self._taken > taken:
                time.sleep(max(0.0, 1 / rate - (time.monotonic() - began)))

    def _redrive(self, source: Source, letters: Iterable[Letter]) -> None:
        wanted: list[tuple[Letter, dict[str, Any], DeadLetter | Batch]] = []
        for letter in letters:
            row: dict[str, Any] = {"letter": letter.name}
            message = self._read(letter, row)
            if message is None:
                self.rows.append(row)
            elif not self._is_wanted(row):
                self.rows.append({**row, "result": "left out"})
            elif not self.is_full:
                self._taken += 1
                self.rows.append(row)
                row["result"] = self._result_before()
                wanted.append((letter, row, message))
                if self._options["show"]:
                    click.echo(_text(message))
        if self._redriver is None or not wanted:
            return
        results = self._redriver.deliver([message for _, _, message in wanted])
        for (_, row, _), result in zip(wanted, results, strict=True):
            _fill(row, result)
        for (letter, row, _), result in zip(wanted, results, strict=True):
            if result.result != "failed":
                _remove(source, letter, row)

    def _result_before(self) -> str:
        """What is said of a letter until there is more to say."""
        if self._options["show"]:
            return "shown"
        return "would be delivered" if self._redriver is None else "unfinished"

    def _read(self, letter: Letter, row: dict[str, Any]) -> DeadLetter | Batch | None:
        """The message; None, and the row says why, for one that cannot be used."""
        from rules_engine.delivery.dead_letter import DeadLetterError
        from rules_engine.redrive.message import Batch, Positions, read_message
        from rules_engine.redrive.shard import read_shard

        try:
            message: Message = read_message(letter.text, self._fetch)
            if isinstance(message, Positions):
                row["records"] = f"{message.shard_id} {message.start}-{message.end}"
                return Batch({"Records": read_shard(message, self._clients.client)})
        except DeadLetterError as error:
            row |= {"result": "failed", "error": str(error)}
            return None
        except aws_errors() as error:
            row |= {"result": "failed", "error": f"the stream cannot be read: {code_of(error)}"}
            return None
        if not isinstance(message, Batch):
            row |= {
                "id": message.id,
                "rule": message.rule,
                "action": message.action,
                "class": message.error["class"],
                "code": message.error["code"],
                "message": message.error["message"],
                "attempts": message.attempts,
                "last_try": message.last_try,
            }
            if self._options["dry_run"]:
                # Of the item only whoever looks is told: what is really sent may be logged.
                row["item"] = _item(message.record)
        return message

    def _fetch(self, bucket: str, key: str) -> bytes:
        from rules_engine.delivery.dead_letter import DeadLetterError

        try:
            body: bytes = self._clients.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        except aws_errors() as error:
            raise DeadLetterError(f"the spilled record cannot be fetched: {code_of(error)}") from None
        return body

    def _is_wanted(self, row: dict[str, Any]) -> bool:
        filters = {
            "id": self._options["ids"],
            "rule": self._options["rule_ids"],
            "action": self._options["action_ids"],
            "class": self._options["classes"],
            "code": self._options["codes"],
        }
        return all(not wanted or row.get(name) in wanted for name, wanted in filters.items())

    def report(self) -> int:
        from rules_engine import exact_json

        counts = Counter(row["result"] for row in self.rows)
        if self._options["show"]:
            # The letters alone are on stdout, for another command to read.
            for row in self.rows:
                if row["result"] == "failed":
                    click.echo(_line(row), err=True)
            click.echo(_summary(counts), err=True)
        elif self._options["output"] == "json":
            click.echo(exact_json.dumps({"version": 1, "counts": dict(counts), "letters": self.rows}))
        else:
            for row in self.rows:
                if row["result"] != "left out":
                    click.echo(_line(row))
                if row["result"] == "would be delivered" and "item" in row:
                    click.echo(_why(row))
            click.echo(_summary(counts))
        return PROBLEMS if counts["failed"] or self.is_broken_off else OK


def _text(message: DeadLetter | Batch) -> str:
    """The message in one line, its records in it."""
    from rules_engine.delivery.dead_letter import record_text
    from rules_engine.redrive.message import Batch

    return record_text(message.event) if isinstance(message, Batch) else message.message()


def _item(record: Any) -> str:
    """What was changed, for people."""
    from rules_engine.cli.report_explain import WIDTH, describe
    from rules_engine.errors import RecordError
    from rules_engine.record import parse_record

    try:
        return describe(parse_record(record), WIDTH)
    except RecordError as error:
        return f"a record that cannot be read ({error})"


def _fill(row: dict[str, Any], result: Redriven) -> None:
    row["result"] = result.result
    if result.units != 1:
        row["deliveries"] = result.units
    if result.failure is not None:
        row["error"] = result.failure.message or result.failure.code
        row["code"] = result.failure.code


def _remove(source: Source, letter: Letter, row: dict[str, Any]) -> None:
    """One that cannot be removed would be delivered again by the next run, and keeps no other from it."""
    try:
        source.remove(letter)
    except aws_errors() as error:
        row |= {"result": "failed", "error": f"{row['result']}, but cannot be deleted: {code_of(error)}"}


def _line(row: dict[str, Any]) -> str:
    if row.get("rule") is not None:
        what = f"{row['rule']} -> {row['action']} {row['id']}"
    else:
        what = row.get("records") or row["letter"]
    return f"{row['result']}: {what}" + (f": {row['error']}" if "error" in row else "")


def _why(row: dict[str, Any]) -> str:
    tries = "1 try" if row["attempts"] == 1 else f"{row['attempts']} tries"
    reason = f"{row['class']} {row['code']}"
    if row["message"] is not None:
        reason += f" ({row['message']})"
    return f"  {row['item']}: {reason}, {tries}, the last at {row['last_try']}"


def _summary(counts: Counter[str]) -> str:
    names = (
        "delivered",
        "superseded",
        "would be delivered",
        "shown",
        "unfinished",
        "failed",
        "left out",
    )
    parts = [f"{counts[name]} {name}" for name in names if counts[name]]
    return f"{count(counts.total(), 'letter')}: {', '.join(parts)}"
