"""One release: the package, the template and the values of its parameters, from rules and what is there.

Values of variables that were given for an earlier release stay until others are given. Which were given is
written into the template: of a value alone nobody could tell whether it was a rule's default, which may have
changed since.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rules_engine.deploy.code_bucket import package_key
from rules_engine.deploy.differences import differences, with_parameters
from rules_engine.deploy.package import build_package
from rules_engine.deploy.rehearsal import rehearse_values
from rules_engine.deploy.template import TemplateSettings, cloudformation, deployment_of
from rules_engine.settings import RULES_SHA256

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rules_engine.deploy.differences import Difference
    from rules_engine.model import RuleSet

METADATA = "RulesEngine"
"""Where in the template's metadata the names of the given variables stand."""

CODE_BUCKET, ALLOWED_HOSTS, ALARM_TOPIC = "CodeBucket", "AllowedHosts", "AlarmTopicArn"
"""Parameters of the template besides those of the rules."""


@dataclass(frozen=True, slots=True)
class Before:
    """What is deployed: the template and the values of its parameters."""

    template: Mapping[str, Any]
    parameters: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Release:
    """`variables` are all values that are known; what is missing has no default either."""

    package: bytes
    key: str
    rules_sha256: str
    template: Mapping[str, Any]
    parameters: Mapping[str, str]
    variables: Mapping[str, str]

    @property
    def body(self) -> str:
        """The template as text."""
        return json.dumps(self.template, separators=(",", ":"), ensure_ascii=False)


def release_of(
    rule_set: RuleSet,
    streams: Mapping[str, str],
    bucket: str,
    variables: Mapping[str, str],
    own: Mapping[str, str],
    before: Before | None,
) -> Release:
    """`streams` are stream ARNs by table, `variables` the given values of `${NAME}`, `own` those of the
    template's own parameters. Raises RuleSetError for a variable that no rule names, and SettingsError for
    values with which the function would not start."""
    layout = cloudformation.Stack(deployment_of(rule_set, TemplateSettings()))
    given = {**_given_before(layout, before), **variables}
    package = build_package(rule_set)
    key = package_key(package)
    hosts = own.get(ALLOWED_HOSTS, "" if before is None else before.parameters.get(ALLOWED_HOSTS, ""))
    # A version keeps its variables, so whatever changes one of them must make a new version.
    made_of = hashlib.sha256(json.dumps([key, hosts]).encode()).hexdigest()
    settings = TemplateSettings(stream_arns=streams, variables=given, code_sha256=made_of)
    deployment = deployment_of(rule_set, settings)
    layout = cloudformation.Stack(deployment)
    template = layout.template()
    template["Metadata"] = {METADATA: {"Given": sorted(given)}}
    values = {each.name: each.default for each in deployment.variables if each.default is not None}
    rehearse_values(rule_set, values, hosts)
    parameters = {
        CODE_BUCKET: bucket,
        "CodeKey": key,
        **{layout.stream_parameters[table]: arn for table, arn in streams.items()},
        **{layout.variable_parameters[name]: value for name, value in values.items()},
        **own,
    }
    return Release(package, key, deployment.rules_sha256, template, parameters, values)


def _given_before(layout: cloudformation.Stack, before: Before | None) -> dict[str, str]:
    """Values that somebody gave for an earlier release, of variables that there still are."""
    if before is None:
        return {}
    written = before.template.get("Metadata", {}).get(METADATA, {}).get("Given")
    declared = before.template.get("Parameters", {})
    return {
        name: before.parameters[parameter]
        for name, parameter in layout.variable_parameters.items()
        if parameter in before.parameters
        and (
            name in written
            if written is not None
            else before.parameters[parameter] != declared.get(parameter, {}).get("Default")
        )
    }


def beyond_the_rules(before: Before, release: Release) -> Iterator[tuple[str, Difference]]:
    """Resources, and what would change of them, that a new version alone does not bring: filters,
    permissions, variables, anything but the code and its name."""
    after = Before(release.template, {**before.parameters, **release.parameters})
    old, new = _comparable(before), _comparable(after)
    for name in sorted(old.keys() | new.keys()):
        for difference in differences(old.get(name, {}), new.get(name, {})):
            yield name, difference


def _comparable(version: Before) -> dict[str, Any]:
    """The resources, without what a new version of the function changes."""
    ends = with_parameters(version.template.get("Resources", {}), version.parameters)
    found = {}
    for name, resource in ends.items():
        properties = dict(resource.get("Properties", {}))
        match resource["Type"]:
            case "AWS::Lambda::Version":
                continue
            case "AWS::Lambda::Alias":
                properties = {each: properties[each] for each in ("Name", "FunctionName")}
            case "AWS::Lambda::Function":
                del properties["Code"]
                properties.pop("Description", None)
                held = properties.get("Environment", {}).get("Variables", {})
                properties["Environment"] = {each: held[each] for each in held if each != RULES_SHA256}
        found[name] = {"Type": resource["Type"], **properties}
    return found
