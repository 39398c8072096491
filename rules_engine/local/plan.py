"""What a local stack must hold for a rule set: `plan_for(rule_set, samples, addresses, environ)`.

In: rules without errors, the addresses of our servers, the caller's environment. Out: a `Plan`: the tables
with their keys, what actions of each type need, secrets, parameters, the function's variables, and the rules
as they run here, in which only constant hosts, ARNs and names have become local ones. Nothing may leave the
machine. Refused with LocalStackError: what no local server stands for.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from rules_engine.local.derivation import Derivation
from rules_engine.local.keys import Keys, source_keys, target_keys
from rules_engine.local.ministack import LocalStackError
from rules_engine.local.target_types import TARGET_TYPES, target_type
from rules_engine.local.target_types.table import counted_attributes
from rules_engine.template import references

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rules_engine.local.derivation import Addresses
    from rules_engine.local.samples import Sample
    from rules_engine.model import ActionSpec, Rule, RuleSet


@dataclass(frozen=True, slots=True)
class Plan:
    """See the module. `receivers` has, by first path segment, the signing secrets that are good there."""

    rule_set: RuleSet
    sources: Mapping[str, Keys]
    targets: Mapping[str, Keys]
    """The tables that rules write to."""
    needs: Mapping[str, tuple[str, ...]]
    """By action type, names of what its actions send to; tables and hosts have no name here."""
    counted: Mapping[str, tuple[str, ...]]
    """By table that rules write to, the attributes that they add to."""
    receivers: Mapping[str, tuple[str, ...]]
    environment: Mapping[str, str]
    secrets: Mapping[str, str]
    parameters: Mapping[str, str]
    resolved: Mapping[str, str]
    """`secret:...` and `ssm:...` with what the function reads for them."""
    notes: tuple[str, ...]

    @property
    def resources(self) -> Any:
        """What a running stack cannot change any more."""
        keys = [
            {name: each.attributes for name, each in tables.items()}
            for tables in (self.sources, self.targets)
        ]
        return (*keys, self.needs, self.counted, self.environment, self.secrets, self.parameters)

    @property
    def chained(self) -> set[str]:
        """Tables that rules both watch and write to."""
        return set(self.sources) & set(self.targets)


def plan_for(
    rule_set: RuleSet, samples: list[Sample], addresses: Addresses, environ: Mapping[str, str]
) -> Plan:
    """The plan."""
    derivation = Derivation(
        addresses, environ, {table for rule in rule_set.rules if rule.enabled for table in rule.tables}
    )
    rules = tuple(
        replace(rule, actions=tuple(_localised(rule, spec, derivation) for spec in rule.actions))
        if rule.enabled
        else rule
        for rule in rule_set.rules
    )
    local = replace(rule_set, rules=rules)
    secrets, resolved = derivation.secret_values()
    environment = derivation.environment | resolved
    sources, notes = source_keys(local, samples)
    targets = target_keys(local, samples, sources, environment)
    receivers = {
        slug: tuple(resolved.get(key) or derivation.environment[key] for key in dict.fromkeys(names))
        for slug, names in derivation.receivers.items()
    }
    return Plan(
        rule_set=local,
        sources=sources,
        targets=targets,
        needs={action_type: tuple(names) for action_type, names in derivation.needs.items()},
        counted=counted_attributes(local, environment),
        receivers=receivers,
        environment=derivation.environment,
        secrets=secrets,
        parameters={key.removeprefix("ssm:"): text for key, text in resolved.items() if key[:4] == "ssm:"},
        resolved=resolved,
        notes=(*notes, *derivation.notes),
    )


def _localised(rule: Rule, spec: ActionSpec, derivation: Derivation) -> ActionSpec:
    """The action as it runs here. Everything it names is in the plan afterwards."""
    if spec.type not in TARGET_TYPES:
        raise LocalStackError(
            f"rule '{rule.id}', action '{spec.id}': the local stack has no target for actions of "
            f"type '{spec.type}', only for {', '.join(sorted(TARGET_TYPES))}"
        )
    config = target_type(spec.type).localise(spec, derivation, f"rule '{rule.id}'")
    for reference in references(config):
        derivation.insert(reference)
    return replace(spec, config=config)
