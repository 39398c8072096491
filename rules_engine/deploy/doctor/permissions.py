"""The check of the function's role against what its rules do."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rules_engine import settings
from rules_engine.deploy.doctor.finding import Finding
from rules_engine.deploy.role import lacking, role_statements
from rules_engine.deploy.template.grants import BUCKET, LOG_GROUP, QUEUE, stream_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rules_engine.deploy.deployed import Deployed
    from rules_engine.deploy.doctor.finding import Examined

_NAME = re.compile(r"\$\{([^{}]+)\}")


def permissions(examined: Examined) -> Iterator[Finding]:
    """The role allows all that the rules in service do."""
    role = str(examined.function.live.configuration["Role"]).rpartition("/")[2]
    statements = role_statements(examined.client("iam"), role)
    for action, resource in lacking(statements, needs_of(examined.function, examined.log_group)):
        yield Finding(
            "permission-missing",
            f"the function may not do {action} on {resource}",
            f"role '{role}'",
            "deploy the rules again: rules-engine deploy",
        )


def needs_of(function: Deployed, log_group: str) -> list[tuple[str, str]]:
    """(action, ARN) of all that the function does, with what stands in its variables. What names a variable
    that it does not have is left out: it could not even start."""
    names = _names(function, log_group)
    return [
        (action, _NAME.sub(lambda match: names[match[1]], resource))
        for statement in function.wanted.statements
        for action in statement.actions
        for resource in statement.resources
        if all(name in names for name in _NAME.findall(resource))
    ]


def _names(function: Deployed, log_group: str) -> dict[str, str]:
    _, partition, _, region, account, *_ = function.arn.split(":")
    here = f"{region}:{account}"
    defaults = {each.name: each.default for each in function.wanted.variables if each.default is not None}
    names = {
        **defaults,
        **function.environment,
        "AWS::Partition": partition,
        "AWS::Region": region,
        "AWS::AccountId": account,
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        LOG_GROUP: f"arn:{partition}:logs:{here}:log-group:{log_group}",
    }
    for source in function.wanted.sources:
        for mapping in function.mappings_of(source):
            names[stream_of(source.table)] = mapping["EventSourceArn"]
    queue, bucket = (names.get(name) for name in (settings.DEAD_LETTER_QUEUE_URL, settings.SPILL_BUCKET))
    if queue is not None:
        names[QUEUE] = f"arn:{partition}:sqs:{here}:{queue.rpartition('/')[2]}"
    if bucket is not None:
        names[BUCKET] = f"arn:{partition}:s3:::{bucket}"
    return names
