"""What a local stack must hold for a rule set: `plan_for(rule_set, address, environ)`.

In: rules without errors, the receiver's address, the caller's environment. Out: a `Plan`: the tables with
their keys, topics, secrets, parameters, the function's variables, and the rules as they run here, in which
only constant hosts, ARNs and topics have become local ones. `${NAME}` that names a target always means a
local target, whatever the caller's environment has: nothing may leave the machine. Values are made of names,
so the same rules always give the same plan. Refused with LocalStackError: what no local server stands for.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from rules_engine import exact_json
from rules_engine.local.keys import Keys, source_keys, target_keys
from rules_engine.local.ministack import ACCOUNT_ID, REGION, LocalStackError
from rules_engine.template import Reference, references, scan

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rules_engine.local.samples import Sample
    from rules_engine.model import ActionSpec, Rule, RuleSet

_URL = re.compile(r"(?P<scheme>(?:https?|\$\{[^}]*\})://)(?P<authority>(?:\$\{[^}]*\}|[^/?#])*)")
_ROLES = {"table": "a table", "topic": "a topic", "url": "a URL", "key": "a signing key"}


@dataclass(frozen=True, slots=True)
class Plan:
    """See the module. `receivers` has, by first path segment, the signing secrets that are good there."""

    rule_set: RuleSet
    sources: Mapping[str, Keys]
    targets: Mapping[str, Keys]
    topics: tuple[str, ...]
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
        return (*keys, self.topics, self.environment, self.secrets, self.parameters)

    @property
    def chained(self) -> set[str]:
        """Tables that rules both watch and write to."""
        return set(self.sources) & set(self.targets)


def plan_for(rule_set: RuleSet, samples: list[Sample], address: str, environ: Mapping[str, str]) -> Plan:
    """The plan. `address` is host and port of the receiver."""
    derivation = _Derivation(address, environ, {t for r in rule_set.rules if r.enabled for t in r.tables})
    rules = tuple(
        replace(rule, actions=tuple(derivation.localise(rule, spec) for spec in rule.actions))
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
        topics=tuple(derivation.topics),
        receivers=receivers,
        environment=derivation.environment,
        secrets=secrets,
        parameters={key.removeprefix("ssm:"): text for key, text in resolved.items() if key[:4] == "ssm:"},
        resolved=resolved,
        notes=(*notes, *derivation.notes),
    )


def stand_in(text: str) -> str:
    """A name that a table, a topic or a path may have."""
    return re.sub(r"[^a-z0-9.]+", "-", text.lower()).strip("-").removesuffix("-arn").ljust(3, "-")


def topic_arn(name: str) -> str:
    return f"arn:aws:sns:{REGION}:{ACCOUNT_ID}:{name}"


@dataclass
class _Derivation:
    """What has been found out so far, action by action."""

    address: str
    environ: Mapping[str, str]
    source_tables: set[str]
    environment: dict[str, str] = field(default_factory=dict)
    topics: dict[str, None] = field(default_factory=dict)
    receivers: dict[str, list[str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    _remote: dict[str, str] = field(default_factory=dict)
    _roles: dict[str, str] = field(default_factory=dict)

    def localise(self, rule: Rule, spec: ActionSpec) -> ActionSpec:
        """The action as it runs here. Everything it names is in the plan afterwards."""
        config = dict(spec.config)
        match spec.type:
            case "log":
                pass
            case "sns":
                config["topic_arn"] = self._topic(config["topic_arn"])
            case "table":
                config["table"] = self._table(config["table"])
            case "webhook":
                slug, config["url"] = self._url(config["url"], f"rule '{rule.id}'")
                keys = references(config.get("signing_secret", ""))
                for reference in keys:
                    self._assign(reference, "key", _signing_key(reference.key))
                self.receivers.setdefault(slug, []).extend(reference.key for reference in keys)
            case other:
                raise LocalStackError(
                    f"rule '{rule.id}', action '{spec.id}': the local stack has no target for actions of "
                    f"type '{other}', only for log, sns, table and webhook"
                )
        for reference in references(config):
            self._text(reference)
        return replace(spec, config=config)

    def _topic(self, text: str) -> str:
        reference = _only_reference(text)
        name = stand_in(reference.name if reference else self._resolved(text).rpartition(":")[2])
        self.topics[name] = None
        if reference is None:
            return topic_arn(name)
        self._assign(reference, "topic", topic_arn(name))
        return text

    def _table(self, text: str) -> str:
        reference = _only_reference(text)
        if reference is None:
            return self._resolved(text).rpartition("/")[2]
        if reference.default and re.fullmatch(r"[A-Za-z0-9_.-]{3,255}", reference.default):
            name = reference.default
        else:
            name = stand_in(reference.name)
            # `${ORDERS}` need not be the table that the rules watch under the name of orders.
            name = f"{name}-target" if name in self.source_tables else name
        self._assign(reference, "table", name)
        return text

    def _url(self, url: str, where: str) -> tuple[str, str]:
        """The receiver's path for this URL, and the URL as it is called here."""
        first = next(iter(scan(url)), None)
        if isinstance(first, Reference) and not url[len(first.text) + 3 :].startswith("://"):
            slug = stand_in(first.name)
            slash = (
                ""
                if url[len(first.text) + 3 :].startswith(("/", "?")) or url == f"${{{first.text}}}"
                else "/"
            )
            self._assign(first, "url", f"https://{self.address}/{slug}{slash}")
            return slug, url
        match = _URL.match(url)
        if match is None:
            raise LocalStackError(f"{where}: the host of the URL '{url}' cannot be told")
        slug = stand_in(match["authority"])
        note = f"{match['authority']} is not called: its requests go to https://{self.address}/{slug}"
        if note not in self.notes:
            self.notes.append(note)
        return slug, f"https://{self.address}/{slug}{url[match.end() :]}"

    def _resolved(self, text: str) -> str:
        """A target's text with its variables filled in."""
        for reference in references(text):
            self._text(reference)
            value = self.environment.get(reference.name, reference.default or "")
            text = text.replace(f"${{{reference.text}}}", value)
        return text

    def _text(self, reference: Reference) -> None:
        """A reference that only inserts text: the caller's variable, the default, or a stand-in."""
        if reference.key in self._roles:
            return
        if reference.kind != "env":
            self._remote.setdefault(reference.key, f"local-{_digest(reference.key).hex()[:16]}")
        elif reference.name in self.environ:
            self.environment[reference.name] = self.environ[reference.name]
        elif reference.default is None:
            self.environment.setdefault(reference.name, f"local-{stand_in(reference.name)}")

    def _assign(self, reference: Reference, role: str, value: str) -> None:
        """A reference that names a target, which must be one thing throughout the rules."""
        before = self._roles.setdefault(reference.key, role)
        if before != role:
            raise LocalStackError(
                f"'${{{reference.text}}}' is {_ROLES[before]} in one action and {_ROLES[role]} in another"
            )
        values = self.environment if reference.kind == "env" else self._remote
        values[reference.key] = value

    def secret_values(self) -> tuple[dict[str, str], dict[str, str]]:
        """The secrets to make, and what each reference to a secret or parameter gives."""
        members: dict[str, dict[str, str]] = {}
        whole: dict[str, str] = {}
        for key, value in self._remote.items():
            if key.startswith("secret:"):
                name, _, member = key.removeprefix("secret:").partition("#")
                if name.startswith("arn:"):
                    raise LocalStackError(f"'${{{key}}}': the local stack has secrets by name, not by ARN")
                if member:
                    members.setdefault(name, {})[member] = value
                else:
                    whole[name] = value
        for name in members.keys() & whole.keys():
            if f"secret:{name}" in self._roles:
                raise LocalStackError(f"'${{secret:{name}}}' is a signing key, yet '#' asks for parts of it")
        secrets = whole | {name: exact_json.dumps(values) for name, values in members.items()}
        return secrets, self._remote | {f"secret:{name}": secrets[name] for name in whole}


def _only_reference(text: str) -> Reference | None:
    """The reference that `text` is, if it is one and nothing else."""
    parts = list(scan(text))
    return parts[0] if len(parts) == 1 and isinstance(parts[0], Reference) else None


def _digest(name: str) -> bytes:
    return hashlib.sha256(f"local value of {name}".encode()).digest()


def _signing_key(name: str) -> str:
    return f"whsec_{base64.b64encode(_digest(name)).decode()}"
