"""`cloudformation_template(rule_set, settings)`: a deployment as plain CloudFormation, without a transform.

The package is in S3: parameters `CodeBucket` and `CodeKey`. Every `${NAME}` of the rules and the ARN of each
source table's stream is a parameter, with a default where it is known. A version is published for each
release (see `deployment.py`) and for each `CodeKey`; older ones stay, so that the alias can go back to them.
A parameter that is changed without a new template changes the function, but publishes no version.

What may hold records, queue and bucket, outlives the stack.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from rules_engine import settings as environment
from rules_engine.deploy.template.alarms import ALARMS
from rules_engine.deploy.template.deployment import (
    ALIAS,
    LOG_RETENTION_DAYS,
    MAPPING,
    MEMORY_MB,
    QUEUE_RETENTION_SECONDS,
    deployment_of,
)
from rules_engine.deploy.template.grants import BUCKET, LOG_GROUP, QUEUE, stream_of
from rules_engine.deploy.template.names import Names
from rules_engine.variables import ALLOWED_PATTERNS, MUST_BE, QUEUE_OF

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rules_engine.deploy.template.alarms import Alarm
    from rules_engine.deploy.template.deployment import Deployment, Source, TemplateSettings
    from rules_engine.deploy.template.grants import Statement
    from rules_engine.model import RuleSet
    from rules_engine.variables import Variable

HANDLER = "rules_engine.handler.lambda_handler"

ALARM_TOPIC_PATTERN = "(arn:[^:]+:sns:[^:]+:[0-9]+:.+)?"
MOST_OF_A_DESCRIPTION = 900

_OWN_NAMES = (
    *("CodeBucket", "CodeKey", "AllowedHosts", "AlarmTopicArn"),
    *("StateTable", "DeadLetterQueue", "SpillBucket", "SpillBucketPolicy", "LogGroup", "Role"),
    *("Function", "Alias"),
    *(f"{alarm.name}Alarm" for alarm in ALARMS),
)
"""Parameters and resources share one space of names: a parameter that is called as a resource is refused."""
_SUB = re.compile(r"\$\{([^{}]+)\}")

_KEPT = {"DeletionPolicy": "RetainExceptOnCreate", "UpdateReplacePolicy": "Retain"}


def cloudformation_template(rule_set: RuleSet, settings: TemplateSettings) -> dict[str, Any]:
    """The template as JSON-able data. Raises RuleSetError for settings that do not fit the rules."""
    return Stack(deployment_of(rule_set, settings)).template()


class Stack:
    """Names and parts of one deployment's template."""

    def __init__(self, deployment: Deployment) -> None:
        self.deployment = deployment
        names = Names(_OWN_NAMES)
        self.stream_parameters = {
            source.table: names.camel(source.table, "StreamArn") for source in deployment.sources
        }
        self.mapping_names = {
            source.table: names.camel(source.table, "Mapping") for source in deployment.sources
        }
        self.variable_parameters = {each.name: names.camel(each.name) for each in deployment.variables}
        given = deployment.settings.function_name
        self.function_name = "${AWS::StackName}" if given is None else given

    @property
    def description(self) -> str:
        tables = ", ".join(source.table for source in self.deployment.sources) or "no table"
        if len(tables) > MOST_OF_A_DESCRIPTION:
            tables = f"{len(self.deployment.sources)} tables"
        return f"rules-engine: rules for {tables}"

    def template(self) -> dict[str, Any]:
        return {
            "AWSTemplateFormatVersion": "2010-09-09",
            "Description": self.description,
            "Parameters": self.code_parameters() | self.parameters(),
            "Conditions": self.conditions(),
            "Resources": self.shared_resources()
            | self.function_resources()
            | {self.mapping_names[each.table]: self.mapping(each) for each in self.deployment.sources},
            "Outputs": self.outputs("Function", "Alias"),
        }

    # Parameters

    def code_parameters(self) -> dict[str, Any]:
        return {
            "CodeBucket": {
                "Type": "String",
                "Description": "Bucket with the package of 'rules-engine build'.",
            },
            "CodeKey": {
                "Type": "String",
                "MaxLength": 200,
                "Description": "Key of the package. Another key is another version of the function.",
            },
        }

    def parameters(self) -> dict[str, Any]:
        own = {
            "AllowedHosts": {
                "Type": "String",
                "Default": "",
                "Description": "Hosts that webhooks may go to, separated by commas. Empty: every public one.",
            },
            "AlarmTopicArn": {
                "Type": "String",
                "Default": "",
                "AllowedPattern": ALARM_TOPIC_PATTERN,
                "Description": "SNS topic that is told of alarms. Empty: nobody is told.",
            },
        }
        streams = {
            self.stream_parameters[source.table]: _stream_parameter(source)
            for source in self.deployment.sources
        }
        variables = {
            self.variable_parameters[each.name]: _variable_parameter(each)
            for each in self.deployment.variables
        }
        return own | streams | variables

    def conditions(self) -> dict[str, Any]:
        return {
            f"Has{name}": {"Fn::Not": [{"Fn::Equals": [{"Ref": name}, ""]}]}
            for name in ("AllowedHosts", "AlarmTopicArn")
        }

    # Resources

    def shared_resources(self) -> dict[str, Any]:
        """All but the function, its alias and the mappings."""
        return {
            "StateTable": _STATE_TABLE,
            "DeadLetterQueue": _DEAD_LETTER_QUEUE,
            "SpillBucket": _SPILL_BUCKET,
            "SpillBucketPolicy": _SPILL_BUCKET_POLICY,
            "LogGroup": {
                "Type": "AWS::Logs::LogGroup",
                # One that stayed would be in the way of the next stack of this name.
                "DeletionPolicy": "Delete",
                "UpdateReplacePolicy": "Delete",
                "Properties": {
                    "LogGroupName": self.sub(f"/aws/lambda/{self.function_name}"),
                    "RetentionInDays": LOG_RETENTION_DAYS,
                },
            },
            "Role": self.role(),
            **{f"{alarm.name}Alarm": self.alarm(alarm) for alarm in ALARMS},
        }

    def role(self) -> dict[str, Any]:
        trust = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "lambda.amazonaws.com"},
                    "Action": "sts:AssumeRole",
                }
            ],
        }
        policy = {
            "Version": "2012-10-17",
            "Statement": [self.statement(each) for each in self.deployment.statements],
        }
        return {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "AssumeRolePolicyDocument": trust,
                "Policies": [{"PolicyName": "rules", "PolicyDocument": policy}],
            },
        }

    def statement(self, statement: Statement) -> dict[str, Any]:
        return {
            "Sid": statement.sid,
            "Effect": "Allow",
            "Action": list(statement.actions),
            "Resource": [self.resource(each) for each in statement.resources],
        }

    def function_resources(self) -> dict[str, Any]:
        version = f"Version{self.deployment.release}"
        description = {"Fn::Sub": f"rules {self.deployment.rules_sha256[:16]}, code ${{CodeKey}}"}
        return {
            "Function": {
                "Type": "AWS::Lambda::Function",
                "DependsOn": "LogGroup",
                "Properties": {
                    "Code": {"S3Bucket": {"Ref": "CodeBucket"}, "S3Key": {"Ref": "CodeKey"}},
                    "Role": {"Fn::GetAtt": ["Role", "Arn"]},
                    **self.function_properties(),
                },
            },
            version: {
                "Type": "AWS::Lambda::Version",
                "DeletionPolicy": "Retain",
                "UpdateReplacePolicy": "Retain",
                "Properties": {
                    "FunctionName": {"Ref": "Function"},
                    "Description": description,
                },
            },
            "Alias": {
                "Type": "AWS::Lambda::Alias",
                "Properties": {
                    "Name": ALIAS,
                    "Description": description,
                    "FunctionName": {"Ref": "Function"},
                    "FunctionVersion": {"Fn::GetAtt": [version, "Version"]},
                },
            },
        }

    def function_properties(self) -> dict[str, Any]:
        return {
            "FunctionName": self.sub(self.function_name),
            "Description": f"rules {self.deployment.rules_sha256}",
            "Runtime": self.deployment.settings.runtime,
            "Architectures": ["arm64"],
            "Handler": HANDLER,
            "MemorySize": MEMORY_MB,
            "Timeout": self.deployment.timeout_seconds,
            "Environment": {"Variables": self.environment()},
        }

    def environment(self) -> dict[str, Any]:
        own = {
            environment.PARTIAL_BATCH: "on",
            environment.STATE_TABLE: {"Ref": "StateTable"},
            environment.DEAD_LETTER_QUEUE_URL: {"Ref": "DeadLetterQueue"},
            environment.SPILL_BUCKET: {"Ref": "SpillBucket"},
            environment.RULES_SHA256: self.deployment.rules_sha256,
            environment.ALLOWED_HOSTS: {
                "Fn::If": ["HasAllowedHosts", {"Ref": "AllowedHosts"}, {"Ref": "AWS::NoValue"}]
            },
        }
        return own | {name: {"Ref": parameter} for name, parameter in self.variable_parameters.items()}

    def mapping(self, source: Source) -> dict[str, Any]:
        properties = {
            "EventSourceArn": {"Ref": self.stream_parameters[source.table]},
            "FunctionName": {"Ref": "Alias"},
            **self.mapping_properties(source),
        }
        return {"Type": "AWS::Lambda::EventSourceMapping", "Properties": properties}

    def mapping_properties(self, source: Source) -> dict[str, Any]:
        """Settings and filter, as a mapping of SAM's has them too."""
        destination = {"OnFailure": {"Destination": {"Fn::GetAtt": ["SpillBucket", "Arn"]}}}
        properties = {**MAPPING, "DestinationConfig": destination}
        if source.patterns:
            properties["FilterCriteria"] = {"Filters": [{"Pattern": each} for each in source.patterns]}
        return properties

    def alarm(self, alarm: Alarm) -> dict[str, Any]:
        names = {"FunctionName": self.function_name, "QueueName": "${DeadLetterQueue.QueueName}"}
        properties: dict[str, Any] = {
            "AlarmDescription": alarm.description,
            "Namespace": self.sub(_filled(alarm.namespace, names)),
            "MetricName": alarm.metric,
            "Statistic": alarm.statistic,
            "Period": alarm.period_seconds,
            "EvaluationPeriods": 1,
            "Threshold": alarm.threshold,
            "ComparisonOperator": "GreaterThanThreshold",
            "TreatMissingData": "notBreaching",
            "AlarmActions": {
                "Fn::If": ["HasAlarmTopicArn", [{"Ref": "AlarmTopicArn"}], {"Ref": "AWS::NoValue"}]
            },
        }
        if alarm.dimension is not None:
            name, value = alarm.dimension
            properties["Dimensions"] = [{"Name": name, "Value": self.sub(_filled(value, names))}]
        return {"Type": "AWS::CloudWatch::Alarm", "Properties": properties}

    def outputs(self, function: str, alias: str) -> dict[str, Any]:
        """`function` and `alias` are what their resources are called."""
        return {
            "FunctionName": {"Value": {"Ref": function}},
            "AliasArn": {"Value": {"Ref": alias}},
            "StateTable": {"Value": {"Ref": "StateTable"}},
            "DeadLetterQueueUrl": {"Value": {"Ref": "DeadLetterQueue"}},
            "SpillBucket": {"Value": {"Ref": "SpillBucket"}},
            "RulesSha256": {"Value": self.deployment.rules_sha256},
        }

    # Texts

    def resource(self, text: str) -> Any:
        """A resource of a statement as CloudFormation has it."""
        whole = _SUB.fullmatch(text)
        if whole and whole[1].startswith(QUEUE_OF):
            return queue_arn({"Ref": self.variable_parameters[whole[1].removeprefix(QUEUE_OF)]})
        names = {
            environment.STATE_TABLE: "${StateTable}",
            "AWS_LAMBDA_FUNCTION_NAME": self.function_name,
            QUEUE: "${DeadLetterQueue.Arn}",
            BUCKET: "${SpillBucket.Arn}",
            # The group's own ARN ends with the ':*' that stands for its streams.
            LOG_GROUP: f"arn:${{AWS::Partition}}:logs:${{AWS::Region}}:${{AWS::AccountId}}"
            f":log-group:/aws/lambda/{self.function_name}",
            **{stream_of(table): f"${{{name}}}" for table, name in self.stream_parameters.items()},
            **{name: f"${{{parameter}}}" for name, parameter in self.variable_parameters.items()},
        }
        return self.sub(_filled(text, names))

    def sub(self, text: str) -> Any:
        """The plainest form of a text with `${...}`."""
        whole = _SUB.fullmatch(text)
        if whole and "." not in whole[1]:
            return {"Ref": whole[1]}
        if whole:
            return {"Fn::GetAtt": whole[1].split(".")}
        return {"Fn::Sub": text} if _SUB.search(text) else text


def _filled(text: str, names: Mapping[str, str]) -> str:
    """`text` with what `names` has for each `${name}`; others stay."""
    return _SUB.sub(lambda match: names.get(match[1], match[0]), text)


def queue_arn(url: dict[str, Any]) -> dict[str, Any]:
    """Of the queue with this URL, whose parts are region, account and name."""
    region = {"Fn::Select": [1, {"Fn::Split": [".", url]}]}
    account, name = ({"Fn::Select": [place, {"Fn::Split": ["/", url]}]} for place in (3, 4))
    return {"Fn::Join": [":", ["arn", {"Ref": "AWS::Partition"}, "sqs", region, account, name]]}


def _stream_parameter(source: Source) -> dict[str, Any]:
    table = re.escape(source.table)
    parameter = {
        "Type": "String",
        "AllowedPattern": f"arn:[^:]+:dynamodb:[^:]+:[0-9]+:table/{table}/stream/[0-9T:.-]+",
        "ConstraintDescription": f"the ARN of the stream of the table '{source.table}'",
        "Description": f"Stream of the table '{source.table}', which stays as it is. Its view type must have "
        "the images that the rules read.",
    }
    return parameter if source.stream_arn is None else parameter | {"Default": source.stream_arn}


def _variable_parameter(variable: Variable) -> dict[str, Any]:
    parameter: dict[str, Any] = {
        "Type": "String",
        "Description": f"The variable {variable.name} of the rules.",
    }
    if variable.form in ALLOWED_PATTERNS:
        parameter["AllowedPattern"] = ALLOWED_PATTERNS[variable.form]
        parameter["ConstraintDescription"] = MUST_BE[variable.form]
    return parameter if variable.default is None else parameter | {"Default": variable.default}


_STATE_TABLE: dict[str, Any] = {
    "Type": "AWS::DynamoDB::Table",
    "DeletionPolicy": "Delete",
    "UpdateReplacePolicy": "Delete",
    "Properties": {
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "BillingMode": "PAY_PER_REQUEST",
        "SSESpecification": {"SSEEnabled": True},
        "TimeToLiveSpecification": {"AttributeName": "expires_at", "Enabled": True},
    },
}
_DEAD_LETTER_QUEUE: dict[str, Any] = {
    "Type": "AWS::SQS::Queue",
    **_KEPT,
    "Properties": {
        "SqsManagedSseEnabled": True,
        "MessageRetentionPeriod": QUEUE_RETENTION_SECONDS,
    },
}
_SPILL_BUCKET: dict[str, Any] = {
    "Type": "AWS::S3::Bucket",
    **_KEPT,
    "Properties": {
        "BucketEncryption": {
            "ServerSideEncryptionConfiguration": [
                {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
            ]
        },
        "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
        "PublicAccessBlockConfiguration": {
            "BlockPublicAcls": True,
            "BlockPublicPolicy": True,
            "IgnorePublicAcls": True,
            "RestrictPublicBuckets": True,
        },
    },
}
_SPILL_BUCKET_POLICY: dict[str, Any] = {
    "Type": "AWS::S3::BucketPolicy",
    "Properties": {
        "Bucket": {"Ref": "SpillBucket"},
        "PolicyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "EncryptedConnectionsOnly",
                    "Effect": "Deny",
                    "Principal": "*",
                    "Action": "s3:*",
                    "Resource": [
                        {"Fn::GetAtt": ["SpillBucket", "Arn"]},
                        {"Fn::Sub": "${SpillBucket.Arn}/*"},
                    ],
                    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                }
            ],
        },
    },
}
