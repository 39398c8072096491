"""`Effect`: something found at a target, in plain values, so that two can be compared.

Where it was found is in words that a reader is shown, such as `in queue` and the queue's name. Those words
tell kinds of targets apart as well: there is no second name for a kind.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rules_engine import exact_json

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Effect:
    """`where` and `name` say at which target, `content` what was found there."""

    where: str
    name: str
    content: Any

    @property
    def place(self) -> str:
        """Where it was read back."""
        return f"{self.where} {self.name}" if self.name else self.where

    @property
    def text(self) -> str:
        """One line that only the same effect, read back again, has."""
        return f"{self.place} {exact_json.dumps(self.content)}"


def distinct(effects: Iterable[Effect]) -> list[Effect]:
    """Each effect once, in order."""
    return list({effect.text: effect for effect in effects}.values())


def decoded(text: str) -> Any:
    """The JSON value that `text` is, numbers exact; `text` itself where it is none."""
    with suppress(ValueError):
        return exact_json.loads(text)
    return text
