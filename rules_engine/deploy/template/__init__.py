"""A rule set -> what a deployment tool reads: CloudFormation, SAM or Terraform.

All describe one `Deployment`: the function with an alias, a mapping with its filter for each source
table, the state table, the dead-letter queue, the bucket for what is too large or was never handled, the log
group, alarms, and a role that may do what the rules do and nothing else. They change no table: a stream
has to be there, and its ARN is asked for.
"""

from __future__ import annotations

from rules_engine.deploy.template.cloudformation import cloudformation_template
from rules_engine.deploy.template.deployment import ALIAS, RUNTIME, TemplateSettings, deployment_of
from rules_engine.deploy.template.sam import sam_template
from rules_engine.deploy.template.terraform import terraform_config

__all__ = [
    "ALIAS",
    "RUNTIME",
    "TemplateSettings",
    "cloudformation_template",
    "deployment_of",
    "sam_template",
    "terraform_config",
]
