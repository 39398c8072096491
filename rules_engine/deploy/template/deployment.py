"""`deployment_of(rule_set, settings)`: all that the templates say, whatever the format they say it in.

It is a pure function of rules and settings. `release` is a name for what the function is made of: a new one
has CloudFormation publish a new version, which nothing else would.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from rules_engine import bundle
from rules_engine.deploy.pushdown import filter_patterns
from rules_engine.deploy.template.grants import (
    MOST_POLICY_CHARACTERS,
    Statement,
    policy_characters,
    statements,
)
from rules_engine.errors import RuleSetError
from rules_engine.variables import MUST_BE, Variable, enabled_actions, variables_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rules_engine.model import RuleSet

RUNTIME = "python3.13"
"""The newest that the tests run on."""

ALIAS = "live"
"""What the mappings call. Moving it is what puts a version into service, or takes it out of it."""

_is_name = re.compile("[A-Za-z][A-Za-z0-9_]+").fullmatch
"""What Lambda takes for the name of a variable."""

MOST_PARAMETERS = 196
"""CloudFormation takes 200, and four are the template's own."""

MOST_ENVIRONMENT_BYTES = 4_096
"""Of all variables of a function with their values, as Lambda measures them: as JSON."""

MEMORY_MB = 512
LEAST_TIMEOUT_SECONDS, MOST_TIMEOUT_SECONDS = 60, 900
LOG_RETENTION_DAYS = 30
QUEUE_RETENTION_SECONDS = 14 * 24 * 3600
"""The longest there is."""

MAPPING: dict[str, Any] = {
    "StartingPosition": "TRIM_HORIZON",
    "BatchSize": 100,
    "MaximumRetryAttempts": -1,
    "MaximumRecordAgeInSeconds": 72_000,
    "BisectBatchOnFunctionError": True,
    "FunctionResponseTypes": ["ReportBatchItemFailures"],
}
"""Settings of every mapping, by Lambda's names. `docs/delivery.md` says why."""


@dataclass(frozen=True, slots=True)
class TemplateSettings:
    """`function_name` None: named after the stack. `stream_arns` are those of the source tables, by the
    table's name, as far as they are known; the others are asked for when the template is used.
    `variables` are values for `${NAME}` of the rules; the others are asked for, too. `code_sha256` is that of
    the package where it is known: another package is then another release."""

    function_name: str | None = None
    runtime: str = RUNTIME
    stream_arns: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    code_sha256: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """A source table, the ARN of its stream where it is known, and the filter patterns of its mapping;
    none at all lets everything through."""

    table: str
    stream_arn: str | None
    patterns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Deployment:
    """See the module. `rules_sha256` is that of the bundle, as dead letters have it."""

    settings: TemplateSettings
    rules_sha256: str
    release: str
    timeout_seconds: int
    sources: tuple[Source, ...]
    variables: tuple[Variable, ...]
    statements: tuple[Statement, ...]


def deployment_of(rule_set: RuleSet, settings: TemplateSettings) -> Deployment:
    """Raises RuleSetError for settings that speak of tables or variables that no enabled rule names, for
    names that Lambda does not take, for values that a variable may not have or that are too many for a
    function, and for rules that are too many for one role or template."""
    rules = bundle.dump(rule_set)
    outlines = bundle.load(rules).outlines or ()
    tables = sorted({table for rule in rule_set.rules if rule.enabled for table in rule.tables})
    _check_known("table", settings.stream_arns, tables)
    variables = [
        Variable(each.name, settings.variables.get(each.name, each.default), each.form)
        for each in variables_of(rule_set.rules)
    ]
    _check_known("variable", settings.variables, [each.name for each in variables])
    _check_names(variables)
    _check_values(variables)
    granted = statements(rule_set.rules, tables)
    _check_size(granted, len(tables) + len(variables))
    rules_sha256 = hashlib.sha256(rules).hexdigest()
    timeout_seconds = _timeout_seconds(rule_set)
    parts = [
        version("dynamodb-rules-engine"),
        rules_sha256,
        settings.code_sha256,
        settings.runtime,
        timeout_seconds,
        [[each.name, each.default] for each in variables],
    ]
    return Deployment(
        settings=settings,
        rules_sha256=rules_sha256,
        release=hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16],
        timeout_seconds=timeout_seconds,
        sources=tuple(
            Source(table, settings.stream_arns.get(table), tuple(filter_patterns(outlines, table)))
            for table in tables
        ),
        variables=tuple(variables),
        statements=tuple(granted),
    )


def _check_known(noun: str, given: Mapping[str, str], known: list[str]) -> None:
    for name in given:
        if name not in known:
            raise RuleSetError(f"no rule names the {noun} '{name}': {', '.join(known) or 'there is none'}")


def _check_names(variables: list[Variable]) -> None:
    for each in variables:
        if not _is_name(each.name):
            raise RuleSetError(
                f"Lambda takes no variable '{each.name}': begin with a letter, and take two characters or "
                "more"
            )


def _check_values(variables: list[Variable]) -> None:
    """Of those that are known. CloudFormation refuses a pattern's without saying which value it was."""
    for each in variables:
        if each.default is not None and not each.allows(each.default):
            raise RuleSetError(
                f"the variable {each.name} is '{each.default}' and must be {MUST_BE[each.form]}"
            )
    known = {each.name: each.default or "" for each in variables}
    taken = len(json.dumps(known, separators=(",", ":"), ensure_ascii=False).encode())
    if taken > MOST_ENVIRONMENT_BYTES:
        largest = max(known, key=lambda name: len(known[name].encode()))
        raise RuleSetError(
            f"the variables of the rules take {taken:,} bytes, and the environment of a function holds "
            f"{MOST_ENVIRONMENT_BYTES:,}, of which its own settings need some 500; the largest is {largest} "
            f"({len(known[largest].encode()):,} bytes): write it into the rules, or deploy these in several "
            "parts"
        )


def _check_size(granted: list[Statement], parameters: int) -> None:
    hint = "deploy the rules in several parts, for example by table"
    if (size := policy_characters(granted)) > MOST_POLICY_CHARACTERS:
        raise RuleSetError(
            f"the rules reach so much that the role's permissions have {size:,} characters, and a role takes "
            f"{MOST_POLICY_CHARACTERS:,}: {hint}"
        )
    if parameters > MOST_PARAMETERS:
        raise RuleSetError(
            f"the rules name {parameters} variables and source tables, and a template takes "
            f"{MOST_PARAMETERS}: {hint}"
        )


def _timeout_seconds(rule_set: RuleSet) -> int:
    """Long enough for the slowest action twice: the function starts nothing in its last half that might not
    end in time."""
    slowest = max((spec.timeout_seconds or 0 for spec in enabled_actions(rule_set.rules)), default=0)
    return int(min(max(LEAST_TIMEOUT_SECONDS, 2 * slowest + 10), MOST_TIMEOUT_SECONDS))
