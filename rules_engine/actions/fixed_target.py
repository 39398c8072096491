"""The one text of a config that says where an action sends to: its form, and what it stands for.

In: a config and what its target must look like. Out: a finding where no environment could make it right, or
the text with its references resolved. A text with a reference is judged when the reference is known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rules_engine.actions import ConfigFinding
from rules_engine.actions.rendering import target
from rules_engine.errors import SettingsError
from rules_engine.light_dataclass import dataclass
from rules_engine.template import holes, references

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from rules_engine.model import ActionSpec


@dataclass(frozen=True, slots=True)
class FixedTarget:
    """`key` is where it stands in the config, `kind` what it is called in messages ("the ARN of an SNS
    topic"), `is_one` whether a text has its form, and `hint` what to write."""

    key: str
    kind: str
    is_one: Callable[[str], object]
    hint: str

    def check(self, config: Mapping[str, str]) -> Iterator[ConfigFinding]:
        text = config[self.key]
        if not holes(text) and not references(text) and not self.is_one(text):
            yield ConfigFinding("RE109", (self.key,), f"'{self.key}' is not {self.kind}", self.hint)

    def resolve(self, spec: ActionSpec, environment: Mapping[str, str]) -> str:
        """The text, of the right form. Raises SettingsError."""
        text = target(spec.config[self.key], environment)
        if not self.is_one(text):
            raise SettingsError(f"action '{spec.id}': '{text}' is not {self.kind}")
        return text
