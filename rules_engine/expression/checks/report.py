"""What the checks of one expression look at, and where they say what they found.

In: findings, each about one node. Out: at most one finding about a node: who finds out more asks first, and a
mistake that two checks see is reported once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rules_engine.errors import Finding
from rules_engine.expression.checks.mistake import write

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rules_engine.expression.checks.named import NamedConditions
    from rules_engine.expression.checks.places import Place
    from rules_engine.expression.node import Node
    from rules_engine.model import Scope


@dataclass(slots=True)
class Report:
    """The findings about one expression. `absent` says of images why the rule's records never have them."""

    text: str
    named: NamedConditions
    absent: Mapping[str, str]
    findings: list[Finding] = field(default_factory=list)
    _claimed: set[int] = field(default_factory=set)

    @property
    def scope(self) -> Scope:
        """What the file defines."""
        return self.named.scope

    def add(
        self,
        place: Place,
        code: str,
        message: str,
        hint: str = "",
        mend: str | None = None,
        *,
        marked: tuple[int, int] | None = None,
        fix: str | None = None,
    ) -> None:
        """A finding about the node at `place` and all below it, which it marks unless told what to mark.

        `mend` is what to write instead of that, and ends the hint; `fix` the same where the hint says it
        already.
        """
        if not self.is_claimed(place.node):
            self.add_alone(place, code, message, hint, mend, marked=marked, fix=fix)
            self.claim(place.node)

    def add_alone(
        self,
        place: Place,
        code: str,
        message: str,
        hint: str = "",
        mend: str | None = None,
        *,
        marked: tuple[int, int] | None = None,
        fix: str | None = None,
    ) -> None:
        """As `add`, but what is wrong with the nodes below is another mistake, to be reported too."""
        start, end = marked or (place.node.start, place.node.end)
        length = max(1, end - start)
        self.findings.append(Finding(code, message, start, length, write(hint, mend), fix=mend or fix))

    def claim(self, node: Node) -> None:
        """Say that the finding just added is all that need be said of this node and those below it."""
        stack = [node]
        while stack:
            node = stack.pop()
            self._claimed.add(id(node))
            stack.extend(node.children)

    def is_claimed(self, node: Node) -> bool:
        return id(node) in self._claimed


def warning(code: str, message: str, node: Node, hint: str, mend: str | None = None) -> Finding:
    """A warning about a node as a whole, which `mend` takes the place of."""
    return Finding(code, message, node.start, max(1, node.end - node.start), write(hint, mend), "warning")
