"""What reading the secrets that a config names needs: one permission for each secret and parameter.

In goes any part of an action's config; out come permissions on exact ARNs. Secrets Manager ends the ARN of a
secret with six characters of its own, which `-??????` stands for. A key of KMS that is not AWS's own needs a
permission besides, which no rule knows of.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from rules_engine.actions import Permission
from rules_engine.template import references

if TYPE_CHECKING:
    from rules_engine.template import Reference

_HERE = "${AWS::Region}:${AWS::AccountId}"
_has_suffix = re.compile(r".*-[A-Za-z0-9]{6}").fullmatch


def secret_permissions(config: Any) -> list[Permission]:
    """Each once, in the order of the references."""
    found = [_permission(reference) for reference in references(config) if reference.kind != "env"]
    return list(dict.fromkeys(found))


def _permission(reference: Reference) -> Permission:
    name = reference.name.partition("#")[0]
    if reference.kind == "ssm":
        return Permission("ssm:GetParameter", f"arn:${{AWS::Partition}}:ssm:{_HERE}:parameter{name}")
    if not name.startswith("arn:"):
        name = f"arn:${{AWS::Partition}}:secretsmanager:{_HERE}:secret:{name}-??????"
    elif not _has_suffix(name):
        name += "-??????"
    return Permission("secretsmanager:GetSecretValue", name)
