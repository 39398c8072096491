"""`terraform_config(rule_set, settings)`: the same deployment for Terraform, in its JSON syntax.

It is a module of its own: name, package and what the rules name are variables, and the providers are whoever
uses it to configure. A source table whose stream is not known is looked up by its name, and never changed.
Terraform publishes a version with every change of the function. In its strings `${...}` is Terraform's own.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from rules_engine import settings as environment
from rules_engine.deploy.template.alarms import ALARMS
from rules_engine.deploy.template.cloudformation import HANDLER
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
    from collections.abc import Iterable

    from rules_engine.deploy.template.alarms import Alarm
    from rules_engine.deploy.template.deployment import Deployment, Source, TemplateSettings
    from rules_engine.deploy.template.grants import Statement
    from rules_engine.model import RuleSet
    from rules_engine.variables import Variable

_OWN_VARIABLES = ("name", "package", "allowed_hosts", "alarm_topic_arn")
_PLACE = re.compile(r"\$\{([^{}]+)\}")


def terraform_config(rule_set: RuleSet, settings: TemplateSettings) -> dict[str, Any]:
    """The one file of the module, as JSON-able data. Raises RuleSetError for settings that do not fit."""
    return Module(deployment_of(rule_set, settings)).config()


class Module:
    """Names and parts of one deployment's module."""

    def __init__(self, deployment: Deployment) -> None:
        self.deployment = deployment
        names = Names(_OWN_VARIABLES)
        self.variables = {each.name: names.snake(each.name) for each in deployment.variables}
        sources = Names(())
        self.sources = {each.table: sources.snake(each.table) for each in deployment.sources}

    def config(self) -> dict[str, Any]:
        data = {
            "aws_partition": {"current": {}},
            "aws_region": {"current": {}},
            "aws_caller_identity": {"current": {}},
            "aws_iam_policy_document": self.policy_documents(),
        }
        looked_up = {
            self.sources[each.table]: {"name": literal(each.table)}
            for each in self.deployment.sources
            if each.stream_arn is None
        }
        if looked_up:
            data["aws_dynamodb_table"] = looked_up
        return {
            "terraform": {
                "required_version": ">= 1.5",
                "required_providers": {"aws": {"source": "hashicorp/aws", "version": ">= 5.40"}},
            },
            "variable": self.variable_blocks(),
            "data": data,
            "resource": {
                **_KEEPING,
                "aws_cloudwatch_log_group": {
                    "rules": {
                        "name": "/aws/lambda/${var.name}",
                        "retention_in_days": LOG_RETENTION_DAYS,
                    }
                },
                "aws_iam_role": {
                    "rules": {
                        "name_prefix": "rules-engine-",
                        "assume_role_policy": "${data.aws_iam_policy_document.trust.json}",
                    }
                },
                "aws_iam_role_policy": {
                    "rules": {
                        "name": "rules",
                        "role": "${aws_iam_role.rules.id}",
                        "policy": "${data.aws_iam_policy_document.rules.json}",
                    }
                },
                "aws_lambda_function": {"rules": self.function()},
                "aws_lambda_alias": {"live": _ALIAS},
                "aws_lambda_event_source_mapping": {
                    self.sources[each.table]: self.mapping(each) for each in self.deployment.sources
                },
                "aws_cloudwatch_metric_alarm": {
                    re.sub("(?<!^)(?=[A-Z])", "_", alarm.name).lower(): self.alarm(alarm) for alarm in ALARMS
                },
            },
            "output": self.outputs(),
        }

    def variable_blocks(self) -> dict[str, Any]:
        given = self.deployment.settings.function_name
        name = {"type": "string", "description": "Name of the function."}
        return {
            "name": name if given is None else name | {"default": literal(given)},
            "package": {
                "type": "string",
                "description": "Path of the package that 'rules-engine build' wrote.",
                "default": "function.zip",
            },
            "allowed_hosts": {
                "type": "string",
                "description": "Hosts that webhooks may go to, separated by commas. Empty: every public one.",
                "default": "",
            },
            "alarm_topic_arn": {
                "type": "string",
                "description": "SNS topic that is told of alarms. Empty: nobody is told.",
                "default": "",
            },
            **{
                self.variables[each.name]: _variable(self.variables[each.name], each)
                for each in self.deployment.variables
            },
        }

    def policy_documents(self) -> dict[str, Any]:
        return {
            "trust": {
                "statement": [
                    {
                        "actions": ["sts:AssumeRole"],
                        "principals": [{"type": "Service", "identifiers": ["lambda.amazonaws.com"]}],
                    }
                ]
            },
            "rules": {"statement": [self.statement(each) for each in self.deployment.statements]},
            "encrypted_connections_only": _ENCRYPTED_CONNECTIONS_ONLY,
        }

    def statement(self, statement: Statement) -> dict[str, Any]:
        return {
            "sid": statement.sid,
            "actions": list(statement.actions),
            "resources": [self.resource(each) for each in statement.resources],
        }

    def function(self) -> dict[str, Any]:
        own = {
            environment.PARTIAL_BATCH: "on",
            environment.STATE_TABLE: "${aws_dynamodb_table.state.name}",
            environment.DEAD_LETTER_QUEUE_URL: "${aws_sqs_queue.dead_letters.url}",
            environment.SPILL_BUCKET: "${aws_s3_bucket.spill.bucket}",
            environment.RULES_SHA256: self.deployment.rules_sha256,
            # A variable that is null is none.
            environment.ALLOWED_HOSTS: '${var.allowed_hosts == "" ? null : var.allowed_hosts}',
        }
        named = {name: f"${{var.{variable}}}" for name, variable in self.variables.items()}
        return {
            "function_name": "${var.name}",
            "description": f"rules {self.deployment.rules_sha256}",
            "role": "${aws_iam_role.rules.arn}",
            "filename": "${var.package}",
            "source_code_hash": "${filebase64sha256(var.package)}",
            "runtime": self.deployment.settings.runtime,
            "architectures": ["arm64"],
            "handler": HANDLER,
            "memory_size": MEMORY_MB,
            "timeout": self.deployment.timeout_seconds,
            "publish": True,
            "environment": [{"variables": own | named}],
            "depends_on": ["aws_cloudwatch_log_group.rules", "aws_iam_role_policy.rules"],
        }

    def mapping(self, source: Source) -> dict[str, Any]:
        mapping: dict[str, Any] = {
            "event_source_arn": self.stream(source),
            "function_name": "${aws_lambda_alias.live.arn}",
            "starting_position": MAPPING["StartingPosition"],
            "batch_size": MAPPING["BatchSize"],
            "maximum_retry_attempts": MAPPING["MaximumRetryAttempts"],
            "maximum_record_age_in_seconds": MAPPING["MaximumRecordAgeInSeconds"],
            "bisect_batch_on_function_error": MAPPING["BisectBatchOnFunctionError"],
            "function_response_types": MAPPING["FunctionResponseTypes"],
            "destination_config": [{"on_failure": [{"destination_arn": "${aws_s3_bucket.spill.arn}"}]}],
        }
        if source.patterns:
            filters = [{"pattern": literal(each)} for each in source.patterns]
            mapping["filter_criteria"] = [{"filter": filters}]
        return mapping

    def stream(self, source: Source) -> str:
        if source.stream_arn is not None:
            return literal(source.stream_arn)
        return f"${{data.aws_dynamodb_table.{self.sources[source.table]}.stream_arn}}"

    def alarm(self, alarm: Alarm) -> dict[str, Any]:
        names = {"FunctionName": "${var.name}", "QueueName": "${aws_sqs_queue.dead_letters.name}"}
        written: dict[str, Any] = {
            "alarm_name": f"${{var.name}}-{alarm.name}",
            "alarm_description": alarm.description,
            "namespace": _filled(alarm.namespace, names),
            "metric_name": alarm.metric,
            "statistic": alarm.statistic,
            "period": alarm.period_seconds,
            "evaluation_periods": 1,
            "threshold": alarm.threshold,
            "comparison_operator": "GreaterThanThreshold",
            "treat_missing_data": "notBreaching",
            "alarm_actions": '${var.alarm_topic_arn == "" ? [] : [var.alarm_topic_arn]}',
        }
        if alarm.dimension is not None:
            name, value = alarm.dimension
            written["dimensions"] = {name: _filled(value, names)}
        return written

    def outputs(self) -> dict[str, Any]:
        values = {
            "function_name": "${aws_lambda_function.rules.function_name}",
            "alias_arn": "${aws_lambda_alias.live.arn}",
            "state_table": "${aws_dynamodb_table.state.name}",
            "dead_letter_queue_url": "${aws_sqs_queue.dead_letters.url}",
            "spill_bucket": "${aws_s3_bucket.spill.bucket}",
            "rules_sha256": self.deployment.rules_sha256,
        }
        return {name: {"value": value} for name, value in values.items()}

    def resource(self, text: str) -> str:
        """A resource of a statement as Terraform has it."""
        names = {
            "AWS::Partition": "${data.aws_partition.current.partition}",
            "AWS::Region": "${data.aws_region.current.name}",
            "AWS::AccountId": "${data.aws_caller_identity.current.account_id}",
            "AWS_LAMBDA_FUNCTION_NAME": "${var.name}",
            environment.STATE_TABLE: "${aws_dynamodb_table.state.name}",
            QUEUE: "${aws_sqs_queue.dead_letters.arn}",
            BUCKET: "${aws_s3_bucket.spill.arn}",
            LOG_GROUP: "${aws_cloudwatch_log_group.rules.arn}",
            **{stream_of(each.table): self.stream(each) for each in self.deployment.sources},
            **{name: f"${{var.{variable}}}" for name, variable in self.variables.items()},
            **{f"{QUEUE_OF}{name}": _queue_arn(variable) for name, variable in self.variables.items()},
        }
        return _filled(text, names)


def literal(text: str) -> str:
    """A text that Terraform takes as it is."""
    return text.replace("${", "$${").replace("%{", "%%{")


def _filled(text: str, names: dict[str, str]) -> str:
    """`text` with what `names` has for each `${name}`, and the rest as it is."""
    parts: Iterable[str] = _PLACE.split(text)
    return "".join(names[part] if number % 2 else literal(part) for number, part in enumerate(parts))


def _queue_arn(variable: str) -> str:
    """Of the queue whose URL the variable holds."""
    parts = (f'split(".", var.{variable})[1]', *(f'split("/", var.{variable})[{place}]' for place in (3, 4)))
    return "arn:${data.aws_partition.current.partition}:sqs:" + ":".join(f"${{{part}}}" for part in parts)


def _variable(name: str, variable: Variable) -> dict[str, Any]:
    block: dict[str, Any] = {
        "type": "string",
        "description": f"The variable {variable.name} of the rules.",
    }
    if variable.default is not None:
        block["default"] = literal(variable.default)
    pattern = ALLOWED_PATTERNS.get(variable.form)
    if pattern is not None:
        quoted = json.dumps(f"^{pattern}$")
        name = f"var.{name}"
        block["validation"] = [
            {
                "condition": f"${{can(regex({literal(quoted)}, {name}))}}",
                "error_message": f"It must be {MUST_BE[variable.form]}.",
            }
        ]
    return block


_ALIAS = {
    "name": ALIAS,
    "function_name": "${aws_lambda_function.rules.function_name}",
    "function_version": "${aws_lambda_function.rules.version}",
}

_ENCRYPTED_CONNECTIONS_ONLY = {
    "statement": [
        {
            "effect": "Deny",
            "actions": ["s3:*"],
            "resources": ["${aws_s3_bucket.spill.arn}", "${aws_s3_bucket.spill.arn}/*"],
            "principals": [{"type": "*", "identifiers": ["*"]}],
            "condition": [{"test": "Bool", "variable": "aws:SecureTransport", "values": ["false"]}],
        }
    ]
}

_KEEPING: dict[str, Any] = {
    "aws_dynamodb_table": {
        "state": {
            "name": "${var.name}-state",
            "billing_mode": "PAY_PER_REQUEST",
            "hash_key": "id",
            "attribute": [{"name": "id", "type": "S"}],
            "ttl": [{"attribute_name": "expires_at", "enabled": True}],
            "server_side_encryption": [{"enabled": True}],
        }
    },
    "aws_sqs_queue": {
        "dead_letters": {
            "name": "${var.name}-dead-letters",
            "sqs_managed_sse_enabled": True,
            "message_retention_seconds": QUEUE_RETENTION_SECONDS,
        }
    },
    "aws_s3_bucket": {"spill": {"bucket_prefix": "rules-engine-"}},
    "aws_s3_bucket_server_side_encryption_configuration": {
        "spill": {
            "bucket": "${aws_s3_bucket.spill.id}",
            "rule": [{"apply_server_side_encryption_by_default": [{"sse_algorithm": "AES256"}]}],
        }
    },
    "aws_s3_bucket_ownership_controls": {
        "spill": {
            "bucket": "${aws_s3_bucket.spill.id}",
            "rule": [{"object_ownership": "BucketOwnerEnforced"}],
        }
    },
    "aws_s3_bucket_public_access_block": {
        "spill": {
            "bucket": "${aws_s3_bucket.spill.id}",
            "block_public_acls": True,
            "block_public_policy": True,
            "ignore_public_acls": True,
            "restrict_public_buckets": True,
        }
    },
    "aws_s3_bucket_policy": {
        "spill": {
            "bucket": "${aws_s3_bucket.spill.id}",
            "policy": "${data.aws_iam_policy_document.encrypted_connections_only.json}",
        }
    },
}
