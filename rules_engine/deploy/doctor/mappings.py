"""Checks of the mappings between the source tables' streams and the function."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from rules_engine import settings
from rules_engine.deploy.deployed import patterns_of, table_of_stream
from rules_engine.deploy.doctor.finding import Finding
from rules_engine.deploy.refusals import asking
from rules_engine.deploy.source_tables import stream_problem, table_of
from rules_engine.deploy.template.deployment import MAPPING
from rules_engine.views import images_wanted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rules_engine.deploy.doctor.finding import Examined
    from rules_engine.deploy.template.deployment import Source

MOST_READERS = 2
"""DynamoDB throttles a shard that more than two read at a time."""

_AT_WORK = ("Enabled", "Enabling", "Creating", "Updating")
_REPORTS = "ReportBatchItemFailures"


def presence(examined: Examined) -> Iterator[Finding]:
    """Every source table has one mapping, and nothing but the alias is called."""
    for source in examined.function.wanted.sources:
        found = examined.function.mappings_of(source)
        if not found:
            yield Finding(
                "mapping-missing",
                f"no mapping brings records of the table '{source.table}', which rules watch",
                examined.function.alias_arn,
                "deploy the rules again: rules-engine deploy",
            )
        elif len(found) > 1:
            yield Finding(
                "mapping-twice",
                f"{len(found)} mappings bring the same records of the table '{source.table}'",
                ", ".join(each["UUID"] for each in found),
                "delete what the stack does not have: aws lambda delete-event-source-mapping --uuid ...",
            )
    watched = {source.table for source in examined.function.wanted.sources}
    for mapping in examined.function.mappings:
        table = table_of_stream(mapping["EventSourceArn"])
        if table is not None and table not in watched:
            yield _of(
                mapping,
                "mapping-unused",
                f"records of the table '{table}' are brought, and no rule watches it",
                f"aws lambda delete-event-source-mapping --uuid {mapping['UUID']}",
            )
        if mapping["FunctionArn"] != examined.function.alias_arn:
            yield _of(
                mapping,
                "mapping-not-to-alias",
                f"it calls {mapping['FunctionArn']}, so that a rollback does not reach it",
                _update(mapping, f"--function-name {examined.function.alias_arn}"),
            )


def work(examined: Examined) -> Iterator[Finding]:
    """The mappings are switched on and bring what they read to an end."""
    for mapping in examined.function.mappings:
        if mapping["State"] not in _AT_WORK:
            reason = mapping.get("StateTransitionReason", "")
            yield _of(
                mapping,
                "mapping-disabled",
                f"it is {mapping['State']} ({reason}); the stream keeps its records for 24 hours only",
                _update(mapping, "--enabled"),
            )
        result = mapping.get("LastProcessingResult", "")
        if result.startswith(("PROBLEM", "FAILED")):
            yield _of(
                mapping,
                "mapping-failing",
                f"the last batch failed: {result}",
                f"look into the log: aws logs tail {examined.log_group} --since 1h",
            )


def partial_batches(examined: Examined) -> Iterator[Finding]:
    """The function answers as the mapping reads its answers."""
    answers = examined.function.environment.get(settings.PARTIAL_BATCH, "off") == "on"
    for mapping in examined.function.mappings:
        reports = _REPORTS in mapping.get("FunctionResponseTypes", [])
        if answers and not reports:
            yield _of(
                mapping,
                "partial-batch-ignored",
                f"it lacks {_REPORTS}, and the function's {settings.PARTIAL_BATCH} is on: records that fail "
                "are lost",
                _update(mapping, f"--function-response-types {_REPORTS}"),
            )
        if reports and not answers:
            yield _of(
                mapping,
                "partial-batch-unused",
                f"it has {_REPORTS}, and the function's {settings.PARTIAL_BATCH} is off: a record that fails "
                "brings its whole batch again",
                f"set {settings.PARTIAL_BATCH}=on: rules-engine deploy does",
            )


def limits(examined: Examined) -> Iterator[Finding]:
    """Retries, age, batches and the on-failure destination are those of docs/delivery.md."""
    wanted = {
        "MaximumRetryAttempts": (MAPPING["MaximumRetryAttempts"], "--maximum-retry-attempts -1"),
        "MaximumRecordAgeInSeconds": (
            MAPPING["MaximumRecordAgeInSeconds"],
            f"--maximum-record-age-in-seconds {MAPPING['MaximumRecordAgeInSeconds']}",
        ),
        "BisectBatchOnFunctionError": (True, "--bisect-batch-on-function-error"),
        "BatchSize": (MAPPING["BatchSize"], f"--batch-size {MAPPING['BatchSize']}"),
    }
    for mapping in examined.function.mappings:
        for name, (value, option) in wanted.items():
            if mapping.get(name) != value:
                yield _of(
                    mapping,
                    "mapping-settings",
                    f"{name} is {mapping.get(name)}, and should be {value}",
                    _update(mapping, option),
                )
        destination = mapping.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
        if not destination:
            bucket = examined.function.environment.get(settings.SPILL_BUCKET, "<bucket>")
            option = f"--destination-config OnFailure={{Destination=arn:aws:s3:::{bucket}}}"
            yield _of(
                mapping,
                "on-failure-missing",
                "it has no on-failure destination: a batch that Lambda gives up leaves no trace",
                _update(mapping, option),
            )


def filters(examined: Examined) -> Iterator[Finding]:
    """What the mappings let through is what the rules need."""
    for source in examined.function.wanted.sources:
        for mapping in examined.function.mappings_of(source):
            there, needed = set(patterns_of(mapping)), set(source.patterns)
            if there == needed:
                continue
            if there and not (needed and needed <= there):
                yield _of(
                    mapping,
                    "filter-drops-records",
                    f"its filter is not that of the rules: it may drop changes of '{source.table}' that "
                    "rules match",
                    _update(mapping, _filter_option(source)),
                )
            else:
                yield _of(
                    mapping,
                    "filter-lets-more-through",
                    f"it lets more of '{source.table}' through than the rules need, which costs calls",
                    _update(mapping, _filter_option(source)),
                )


def streams(examined: Examined) -> Iterator[Finding]:
    """The streams are the tables' own, carry the images that rules count on, and few read them."""
    images = images_wanted(examined.function.rules.rule_set.rules)
    for source in examined.function.wanted.sources:
        table = table_of(examined.client("dynamodb"), source.table)
        problem = stream_problem(source.table, table, images[source.table])
        if table is None or problem is not None:
            yield Finding("stream-unfit", problem or "", f"table '{source.table}'", "see above")
        newest = (table or {}).get("LatestStreamArn")
        for mapping in examined.function.mappings_of(source):
            if newest is not None and mapping["EventSourceArn"] != newest:
                yield _of(
                    mapping,
                    "stream-replaced",
                    f"it reads {mapping['EventSourceArn']}, but the table's stream is {newest}: it was "
                    "switched off and on, and no new change arrives",
                    "deploy the rules again: rules-engine deploy",
                )
        if newest is not None:
            yield from _readers(examined, source, newest)


def _readers(examined: Examined, source: Source, stream: str) -> Iterator[Finding]:
    with asking(f"list the readers of {stream}"):
        pages = examined.client("lambda").get_paginator("list_event_source_mappings")
        readers = [
            each["FunctionArn"]
            for page in pages.paginate(EventSourceArn=stream)
            for each in page["EventSourceMappings"]
            if each["State"] in _AT_WORK
        ]
    if len(readers) > MOST_READERS:
        yield Finding(
            "stream-readers",
            f"{len(readers)} functions read the stream of '{source.table}', and DynamoDB throttles more than "
            f"{MOST_READERS}: {', '.join(sorted(readers))}",
            stream,
            "let one function read for the others, or use Kinesis Data Streams for DynamoDB",
        )


def _filter_option(source: Source) -> str:
    criteria = {"Filters": [{"Pattern": each} for each in source.patterns]}
    return f"--filter-criteria '{json.dumps(criteria)}'"


def _update(mapping: Mapping[str, Any], option: str) -> str:
    return f"aws lambda update-event-source-mapping --uuid {mapping['UUID']} {option}"


def _of(mapping: Mapping[str, Any], check: str, what: str, remedy: str) -> Finding:
    table = table_of_stream(mapping["EventSourceArn"])
    return Finding(check, what, f"mapping {mapping['UUID']} of the table '{table}'", remedy)
