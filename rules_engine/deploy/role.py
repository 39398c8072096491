"""What a role may do, as far as its policies say, and what of the needed things it may not.

`role_statements` reads all policies of a role, those in it and those attached to it. `lacking` gives of the
needed (action, ARN) those that no statement allows, or one denies. Patterns are IAM's: `*` and `?`, letter
case of actions aside. A statement with a condition counts as if it held; boundaries and an organisation's
policies are not seen here. IAM's own simulation was left: whoever deploys seldom may ask for it.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from rules_engine.deploy.refusals import asking

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    Need = tuple[str, str]


def role_statements(client: Any, role: str) -> list[Mapping[str, Any]]:
    """`client` is boto3's for IAM; `role` is the role's name."""
    with asking(f"read the policies of the role '{role}'"):
        return [
            statement for document in _documents(client, role) for statement in _list(document["Statement"])
        ]


def _documents(client: Any, role: str) -> Iterator[Mapping[str, Any]]:
    for page in client.get_paginator("list_role_policies").paginate(RoleName=role):
        for name in page["PolicyNames"]:
            yield _document(client.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"])
    for page in client.get_paginator("list_attached_role_policies").paginate(RoleName=role):
        for each in page["AttachedPolicies"]:
            arn = each["PolicyArn"]
            version = client.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
            found = client.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]
            yield _document(found["Document"])


def _document(written: Any) -> Mapping[str, Any]:
    document: Mapping[str, Any] = json.loads(unquote(written)) if isinstance(written, str) else written
    return document


def lacking(statements: Sequence[Mapping[str, Any]], needs: Iterable[Need]) -> list[Need]:
    """The needs that are not met, in their order."""
    allowed = [each for each in statements if each["Effect"] == "Allow"]
    denied = [each for each in statements if each["Effect"] == "Deny" and "Condition" not in each]
    return [
        need
        for need in needs
        if not any(_covers(each, need) for each in allowed) or any(_covers(each, need) for each in denied)
    ]


def _covers(statement: Mapping[str, Any], need: Need) -> bool:
    action, resource = need
    return _named(statement, "Action", action.lower(), str.lower) and _named(
        statement, "Resource", resource, str
    )


def _named(statement: Mapping[str, Any], key: str, name: str, form: Any) -> bool:
    if key in statement:
        return any(_pattern(form(each)).fullmatch(name) for each in _list(statement[key]))
    return not any(_pattern(form(each)).fullmatch(name) for each in _list(statement[f"Not{key}"]))


@lru_cache(maxsize=1_000)
def _pattern(text: str) -> re.Pattern[str]:
    # A needed ARN may itself end in `??????`, where AWS adds characters: `?` stands for it as for any.
    return re.compile(re.escape(text).replace(r"\*", ".*").replace(r"\?", "."), re.DOTALL)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
