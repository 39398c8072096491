"""`sam_template(rule_set, settings)`: the same deployment for the AWS Serverless Application Model.

The package is a file beside the template, `function.zip`, which SAM's own tools upload. SAM publishes a
version whenever package or properties change, moves the alias to it, and keeps older ones. The role is ours:
the one that SAM would make may read every stream of the account.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rules_engine.deploy.template.cloudformation import Stack
from rules_engine.deploy.template.deployment import ALIAS, deployment_of

if TYPE_CHECKING:
    from rules_engine.deploy.template.deployment import TemplateSettings
    from rules_engine.model import RuleSet

PACKAGE = "function.zip"


def sam_template(rule_set: RuleSet, settings: TemplateSettings) -> dict[str, Any]:
    """The template as JSON-able data. Raises RuleSetError for settings that do not fit the rules."""
    stack = Stack(deployment_of(rule_set, settings))
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Transform": "AWS::Serverless-2016-10-31",
        "Description": stack.description,
        "Parameters": stack.parameters(),
        "Conditions": stack.conditions(),
        "Resources": stack.shared_resources() | {"Function": _function(stack)},
        "Outputs": stack.outputs("Function", "Function.Alias"),
    }


def _function(stack: Stack) -> dict[str, Any]:
    properties = {
        "CodeUri": PACKAGE,
        "Role": {"Fn::GetAtt": ["Role", "Arn"]},
        **stack.function_properties(),
        "AutoPublishAlias": ALIAS,
        "AutoPublishAliasAllProperties": True,
        "VersionDeletionPolicy": "Retain",
        "Events": {
            stack.mapping_names[source.table]: {
                "Type": "DynamoDB",
                "Properties": {
                    "Stream": {"Ref": stack.stream_parameters[source.table]},
                    **stack.mapping_properties(source),
                },
            }
            for source in stack.deployment.sources
        },
    }
    return {"Type": "AWS::Serverless::Function", "DependsOn": "LogGroup", "Properties": properties}
