"""What has been found out about the targets of a rule set so far: `Derivation`, which a plan is made of.

Each type of target takes from it names for what the rules name, and notes what it needs. `${NAME}` that names
a target always means a local one, whatever the caller's environment has, and must be one thing throughout the
rules. Values are made of names, so the same rules always give the same plan.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rules_engine import exact_json
from rules_engine.local.ministack import LocalStackError
from rules_engine.template import Reference, references, scan

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@dataclass(frozen=True, slots=True)
class Addresses:
    """Host and port of the servers of ours that stand for hosts of the outside world. Where no rule needs an
    index server, none is there."""

    receiver: str
    index: str = "127.0.0.1:9"


@dataclass
class Derivation:
    """See the module. `needs` has, by action type, the names of what must be there."""

    addresses: Addresses
    environ: Mapping[str, str]
    source_tables: set[str]
    environment: dict[str, str] = field(default_factory=dict)
    needs: dict[str, dict[str, None]] = field(default_factory=dict)
    receivers: dict[str, list[str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    _remote: dict[str, str] = field(default_factory=dict)
    _roles: dict[str, str] = field(default_factory=dict)

    def need(self, action_type: str, *names: str) -> None:
        """Actions of that type send to `names`, which must be made, or to what needs no making."""
        self.needs.setdefault(action_type, {}).update(dict.fromkeys(names))

    def note(self, text: str) -> None:
        """Something that the rules' author should know, once."""
        if text not in self.notes:
            self.notes.append(text)

    def target(
        self,
        text: str,
        role: str,
        name_of: Callable[[str], str],
        value_of: Callable[[str], str],
        ending: str = "",
    ) -> tuple[str, str]:
        """The local name of what `text` names, and the text as it stands in the action here.

        `text` is a `${NAME}`, or has a name in it that `name_of` finds: of an ARN, say. `value_of` makes of
        the local name what such a text is. The name ends in `ending`.
        """
        reference = only_reference(text)
        name = stand_in(reference.name if reference else name_of(self.resolved(text)))
        name = name.removesuffix(ending) + ending
        if reference is None:
            return name, value_of(name)
        self.assign(reference, role, value_of(name))
        return name, text

    def resolved(self, text: str) -> str:
        """A target's text with its variables filled in."""
        for reference in references(text):
            self.insert(reference)
            value = self.environment.get(reference.name, reference.default or "")
            text = text.replace(f"${{{reference.text}}}", value)
        return text

    def insert(self, reference: Reference) -> None:
        """A reference that only inserts text: the caller's variable, the default, or a stand-in."""
        if reference.key in self._roles:
            return
        if reference.kind != "env":
            self._remote.setdefault(reference.key, f"local-{digest(reference.key).hex()[:16]}")
        elif reference.name in self.environ:
            self.environment[reference.name] = self.environ[reference.name]
        elif reference.default is None:
            self.environment.setdefault(reference.name, f"local-{stand_in(reference.name)}")

    def assign(self, reference: Reference, role: str, value: str) -> None:
        """A reference that names a target: `role` says of what kind, such as `a topic`."""
        before = self._roles.setdefault(reference.key, role)
        if before != role:
            raise LocalStackError(f"'${{{reference.text}}}' is {before} in one action and {role} in another")
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


def only_reference(text: str) -> Reference | None:
    """The reference that `text` is, if it is one and nothing else."""
    parts = list(scan(text))
    return parts[0] if len(parts) == 1 and isinstance(parts[0], Reference) else None


def stand_in(text: str) -> str:
    """A name that a table, a topic or a path may have."""
    return re.sub(r"[^a-z0-9.]+", "-", text.lower()).strip("-").removesuffix("-arn").ljust(3, "-")


def signing_key(key: str) -> str:
    """A signing secret of the form that webhooks ask for."""
    return f"whsec_{base64.b64encode(digest(key)).decode()}"


def digest(key: str) -> bytes:
    return hashlib.sha256(f"local value of {key}".encode()).digest()
