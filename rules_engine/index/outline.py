"""A rule and the trees of its conditions -> its `Outline`, which is all that an index looks at.

The author's side: a bundle holds outlines ready made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rules_engine.expression.needs import needs
from rules_engine.index import kinds_of
from rules_engine.model import Outline

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rules_engine.expression.node import Node
    from rules_engine.model import Rule


def outline_of(rule: Rule, when: Iterable[Node], unless: Iterable[Iterable[Node]]) -> Outline:
    """Takes the trees of the clauses of `when`, and of each exception."""
    return Outline(
        rule_id=rule.id,
        tables=rule.tables,
        kinds=tuple(sorted(kinds_of(rule))),
        needs=needs(when, rule.scope),
        exceptions=tuple(needs(nodes, rule.scope) for nodes in unless),
        scope=rule.scope,
        enabled=rule.enabled,
    )
