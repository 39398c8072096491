"""What the function's role may do: the permissions of the rules' actions and its own, as statements.

In: rules and the names of the source tables. Out: `Statement`s, in which each action stands with exactly the
resources it is needed on; what is allowed on several resources alike is one statement. Resources are texts
with `${...}`: AWS's own names as in `Fn::Sub`, variables of the rules, the names below for what the
deployment makes, and those of streams (`stream_of`), which each template format writes in its own way.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rules_engine.actions import action_type
from rules_engine.settings import STATE_TABLE
from rules_engine.variables import enabled_actions, resource_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rules_engine.model import Rule

QUEUE, BUCKET, LOG_GROUP = "DeadLetterQueueArn", "SpillBucketArn", "LogGroupArn"

_STATE_TABLE_ARN = (
    f"arn:${{AWS::Partition}}:dynamodb:${{AWS::Region}}:${{AWS::AccountId}}:table/${{{STATE_TABLE}}}"
)

_OWN = (
    ("dynamodb:GetItem", _STATE_TABLE_ARN),
    ("dynamodb:PutItem", _STATE_TABLE_ARN),
    ("dynamodb:UpdateItem", _STATE_TABLE_ARN),
    ("sqs:SendMessage", f"${{{QUEUE}}}"),
    # Records too large for a message, and where Lambda puts what it could not hand over.
    ("s3:PutObject", f"${{{BUCKET}}}/dead-letters/*"),
    ("s3:PutObject", f"${{{BUCKET}}}/aws/lambda/*"),
    ("s3:ListBucket", f"${{{BUCKET}}}"),
    ("logs:CreateLogStream", f"${{{LOG_GROUP}}}:*"),
    ("logs:PutLogEvents", f"${{{LOG_GROUP}}}:*"),
)
_OF_A_STREAM = (
    "dynamodb:DescribeStream",
    "dynamodb:GetRecords",
    "dynamodb:GetShardIterator",
    "dynamodb:ListStreams",
)


@dataclass(frozen=True, slots=True)
class Statement:
    """Every action is allowed on every resource."""

    actions: tuple[str, ...]
    resources: tuple[str, ...]

    @property
    def sid(self) -> str:
        """Letters and digits; no two statements of a policy have the same."""
        words = [word for action in self.actions for word in action.split(":")]
        return "".join(dict.fromkeys(f"{word[0].upper()}{word[1:]}" for word in words))


MOST_POLICY_CHARACTERS = 10_240
"""What all policies inside of a role may have together."""


def policy_characters(found: Iterable[Statement]) -> int:
    """About how long the policy is: with the names of variables in place of their values."""
    return sum(
        len(
            json.dumps(
                ["Sid", "Effect", "Allow", "Action", "Resource", each.sid, each.actions, each.resources]
            )
        )
        for each in found
    )


def stream_of(table: str) -> str:
    """The name for the ARN of a source table's stream."""
    return f"Stream:{table}"


def statements(rules: Iterable[Rule], tables: Iterable[str]) -> list[Statement]:
    """What the function with these rules and source tables needs, and nothing else."""
    actions_by_resource: dict[str, set[str]] = {}
    for action, resource in _needed(rules, tables):
        actions_by_resource.setdefault(resource, set()).add(action)
    resources: dict[tuple[str, ...], list[str]] = {}
    for resource, actions in actions_by_resource.items():
        resources.setdefault(tuple(sorted(actions)), []).append(resource)
    return [Statement(actions, tuple(sorted(found))) for actions, found in sorted(resources.items())]


def _needed(rules: Iterable[Rule], tables: Iterable[str]) -> Iterator[tuple[str, str]]:
    yield from _OWN
    for table in tables:
        for action in _OF_A_STREAM:
            yield action, f"${{{stream_of(table)}}}"
    for spec in enabled_actions(rules):
        for permission in action_type(spec.type).permissions(spec):
            yield permission.action, resource_of(permission)
