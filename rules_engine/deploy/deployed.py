"""A function that is deployed: its configuration in service, its rules, and the mappings that call it.

`deployed(...)` reads all of it, and raises DeploymentError where there is no such function, or none of ours.
Everything else about a deployment hangs on what is found here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rules_engine.deploy.refusals import asking
from rules_engine.deploy.template import TemplateSettings, deployment_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rules_engine.deploy.template.deployment import Deployment, Source
    from rules_engine.deploy.versions import Rules, Version, Versions


@dataclass(frozen=True, slots=True)
class Deployed:
    """`live` is the version in service; `wanted` is what its rules ask for. `mappings` are as Lambda gives
    them, those of the alias and those that go round it."""

    name: str
    alias: str
    live: Version
    rules: Rules
    wanted: Deployment
    mappings: tuple[Mapping[str, Any], ...]

    @property
    def environment(self) -> Mapping[str, str]:
        found: Mapping[str, str] = self.live.configuration.get("Environment", {}).get("Variables", {})
        return found

    @property
    def arn(self) -> str:
        """Of the function, without a version."""
        return ":".join(str(self.live.configuration["FunctionArn"]).split(":")[:7])

    @property
    def alias_arn(self) -> str:
        return f"{self.arn}:{self.alias}"

    def mappings_of(self, source: Source) -> list[Mapping[str, Any]]:
        return [each for each in self.mappings if table_of_stream(each["EventSourceArn"]) == source.table]


def table_of_stream(arn: str) -> str | None:
    """The name of the table whose stream this is; None for any other ARN."""
    parts = arn.split(":", 5)[-1].split("/")
    return parts[1] if len(parts) == 4 and parts[0] == "table" and parts[2] == "stream" else None


def deployed(client: Any, versions: Versions, live: Version | None = None) -> Deployed:
    """`client` is boto3's for Lambda. `live` stands for a version that is not in service yet."""
    live = versions.live() if live is None else live
    rules = versions.rules(live)
    found: dict[str, Mapping[str, Any]] = {}
    # Lambda lists the mappings of an alias under the alias only.
    for name in (versions.function, f"{versions.function}:{versions.alias}"):
        with asking(f"list the mappings of the function '{name}'"):
            pages = client.get_paginator("list_event_source_mappings").paginate(FunctionName=name)
            found |= {each["UUID"]: each for page in pages for each in page["EventSourceMappings"]}
    return Deployed(
        versions.function,
        versions.alias,
        live,
        rules,
        deployment_of(rules.rule_set, TemplateSettings()),
        tuple(found[uuid] for uuid in sorted(found)),
    )


def patterns_of(mapping: Mapping[str, Any]) -> list[str]:
    """The filter patterns of a mapping, as texts; none lets everything through."""
    filters = mapping.get("FilterCriteria", {}).get("Filters", [])
    return [str(each["Pattern"]) for each in filters]
